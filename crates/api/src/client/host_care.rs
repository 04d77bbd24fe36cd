//! The host's services, its certificate, and what helpers ask for.

use bytes::Bytes;
use http::Method;

use super::call::Body;
use super::{Client, Error};
use crate::rest::{HostCertificate, HostCertificatePut, HostService, HostServiceList};

impl Client {
    /// The host's services and how they do.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn host_services(&self) -> Result<Vec<HostService>, Error> {
        let list: HostServiceList = self
            .json(Method::GET, "/api/v1/host/services", Body::None)
            .await?;
        Ok(list.items)
    }

    /// Stops and starts one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn restart_host_service(&self, name: &str) -> Result<HostService, Error> {
        let path = format!("/api/v1/host/services/{name}/restart");
        self.json(Method::POST, &path, Body::None).await
    }

    /// The certificate that the host is known by.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn host_certificate(&self) -> Result<HostCertificate, Error> {
        self.json(Method::GET, "/api/v1/host/certificate", Body::None)
            .await
    }

    /// Has the host be known by another one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn put_host_certificate(
        &self,
        wish: &HostCertificatePut,
    ) -> Result<HostCertificate, Error> {
        let body = Body::json(wish)?;
        self.json(Method::PUT, "/api/v1/host/certificate", body)
            .await
    }

    /// Has the host make itself a new one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn regenerate_host_certificate(&self) -> Result<HostCertificate, Error> {
        let path = "/api/v1/host/certificate/regenerate";
        self.json(Method::POST, path, Body::None).await
    }

    /// State, logs and settings of the host: a gzip'ed tar file.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn host_support_bundle(&self) -> Result<Bytes, Error> {
        self.file(Method::GET, "/api/v1/host/support-bundle", Body::None)
            .await
    }
}
