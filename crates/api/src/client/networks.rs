//! Calls about networks.

use http::Method;
use uuid::Uuid;

use super::call::Body;
use super::{Client, Error};
use crate::rest::{Bridge, BridgePage, Network, NetworkCreate, NetworkPage, NetworkPatch};

impl Client {
    /// All networks.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn networks(&self) -> Result<Vec<Network>, Error> {
        let page: NetworkPage = self
            .json(Method::GET, "/api/v1/networks", Body::None)
            .await?;
        Ok(page.items)
    }

    /// One network.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn network(&self, id: Uuid) -> Result<Network, Error> {
        let path = format!("/api/v1/networks/{id}");
        self.json(Method::GET, &path, Body::None).await
    }

    /// Makes a network.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_network(&self, wish: &NetworkCreate) -> Result<Network, Error> {
        self.json(Method::POST, "/api/v1/networks", Body::json(wish)?)
            .await
    }

    /// Changes a network; with a `revision`, only if it still has that one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn patch_network(
        &self,
        id: Uuid,
        revision: Option<&str>,
        patch: &NetworkPatch,
    ) -> Result<Network, Error> {
        let mut body = Body::json(patch)?;
        if let Some(revision) = revision {
            body = body.with("If-Match", format!("\"{revision}\""));
        }
        let path = format!("/api/v1/networks/{id}");
        self.json(Method::PATCH, &path, body).await
    }

    /// Stops and removes a network.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_network(&self, id: Uuid) -> Result<(), Error> {
        self.empty(Method::DELETE, &format!("/api/v1/networks/{id}"))
            .await
    }

    /// Makes a network active.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start_network(&self, id: Uuid) -> Result<Network, Error> {
        let path = format!("/api/v1/networks/{id}/start");
        self.json(Method::POST, &path, Body::None).await
    }

    /// Ends a network.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn stop_network(&self, id: Uuid) -> Result<Network, Error> {
        let path = format!("/api/v1/networks/{id}/stop");
        self.json(Method::POST, &path, Body::None).await
    }

    /// The host's bridges.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn bridges(&self) -> Result<Vec<Bridge>, Error> {
        let page: BridgePage = self
            .json(Method::GET, "/api/v1/host/bridges", Body::None)
            .await?;
        Ok(page.items)
    }
}
