//! Calls about the host's own network.

use http::Method;

use super::call::Body;
use super::{Client, Error};
use crate::rest::{HostNetwork, HostNetworkChange};

impl Client {
    /// How it is.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn host_network(&self) -> Result<HostNetwork, Error> {
        self.json(Method::GET, "/api/v1/host/network", Body::None)
            .await
    }

    /// Tries another; with a `revision`, only if it still has that one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn put_host_network(
        &self,
        revision: Option<&str>,
        change: &HostNetworkChange,
    ) -> Result<HostNetwork, Error> {
        let mut body = Body::json(change)?;
        if let Some(revision) = revision {
            body = body.with("If-Match", format!("\"{revision}\""));
        }
        self.json(Method::PUT, "/api/v1/host/network", body).await
    }

    /// Keeps the one on trial.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn confirm_host_network(&self) -> Result<HostNetwork, Error> {
        self.json(Method::POST, "/api/v1/host/network/confirm", Body::None)
            .await
    }

    /// Gives up the one on trial.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn undo_host_network(&self) -> Result<HostNetwork, Error> {
        self.json(Method::POST, "/api/v1/host/network/undo", Body::None)
            .await
    }
}
