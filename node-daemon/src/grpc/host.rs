//! The host over gRPC.

use qx_api::grpc::v1;
use qx_api::grpc::v1::host_service_server::HostService;
use tonic::{Request, Response, Status};

use super::caller;
use crate::app::App;
use crate::rest::read_host;

/// Answers `quantix.v1.HostService`.
pub(super) struct HostApi {
    pub(super) app: App,
}

#[tonic::async_trait]
impl HostService for HostApi {
    async fn get(
        &self,
        request: Request<v1::GetHostRequest>,
    ) -> Result<Response<v1::Host>, Status> {
        let caller = caller(&request)?;
        let host = read_host(&self.app, &caller.identity.actor).await?;
        Ok(Response::new(host.into()))
    }
}
