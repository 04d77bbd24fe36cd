//! The host's settings over gRPC.

use qx_api::grpc::v1;
use qx_api::grpc::v1::host_config_service_server::HostConfigService;
use qx_engine::Error;
use qx_engine::host_config::HostConfigView;
use tonic::{Request, Response, Status};

use super::{caller, failed};
use crate::app::App;
use crate::convert;

/// Answers `quantix.v1.HostConfigService`.
pub(super) struct HostConfigApi {
    pub(super) app: App,
}

fn answer(view: HostConfigView) -> Response<v1::HostConfig> {
    Response::new(convert::host_config(view).into())
}

#[tonic::async_trait]
impl HostConfigService for HostConfigApi {
    async fn get(
        &self,
        request: Request<v1::GetHostConfigRequest>,
    ) -> Result<Response<v1::HostConfig>, Status> {
        let actor = caller(&request)?.identity.actor;
        let config = self.app.engine.host_config.get(&actor).await;
        config.map(answer).map_err(failed)
    }

    async fn update(
        &self,
        request: Request<v1::UpdateHostConfigRequest>,
    ) -> Result<Response<v1::HostConfig>, Status> {
        let actor = caller(&request)?.identity.actor;
        let mut wish = request.into_inner();
        let revision = wish.revision.take().map(|revision| vec![revision]);
        let patch = convert::settings(wish.into());
        let patch = patch.map_err(|fields| failed(Error::Invalid(fields)))?;
        let config = &self.app.engine.host_config;
        let changed = config.change(&actor, revision, patch).await;
        changed.map(answer).map_err(failed)
    }
}
