//! Calls about the host's settings.

use http::Method;

use super::call::Body;
use super::{Client, Error};
use crate::rest::{HostConfig, HostConfigPatch};

impl Client {
    /// The settings.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn host_config(&self) -> Result<HostConfig, Error> {
        self.json(Method::GET, "/api/v1/host/config", Body::None)
            .await
    }

    /// Changes settings.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn patch_host_config(&self, patch: &HostConfigPatch) -> Result<HostConfig, Error> {
        self.json(Method::PATCH, "/api/v1/host/config", Body::json(patch)?)
            .await
    }
}
