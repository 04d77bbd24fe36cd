//! The host's own network over gRPC.

use qx_api::grpc::v1;
use qx_api::grpc::v1::host_network_service_server::HostNetworkService;
use qx_api::rest;
use qx_engine::Error;
use qx_engine::host_network::HostNetworkView;
use tonic::{Request, Response, Status};

use super::{caller, failed, refused};
use crate::app::App;
use crate::callers::ConnectedAt;
use crate::convert;

/// Answers `quantix.v1.HostNetworkService`.
pub(super) struct HostNetworkApi {
    pub(super) app: App,
}

fn answer(view: HostNetworkView) -> Response<v1::HostNetwork> {
    Response::new(convert::host_network(view).into())
}

#[tonic::async_trait]
impl HostNetworkService for HostNetworkApi {
    async fn get(
        &self,
        request: Request<v1::GetHostNetworkRequest>,
    ) -> Result<Response<v1::HostNetwork>, Status> {
        let actor = caller(&request)?.identity.actor;
        let network = self.app.engine.host_network.get(&actor).await;
        network.map(answer).map_err(failed)
    }

    async fn set(
        &self,
        request: Request<v1::SetHostNetworkRequest>,
    ) -> Result<Response<v1::HostNetwork>, Status> {
        let actor = caller(&request)?.identity.actor;
        let mut wish = request.into_inner();
        let revision = wish.revision.take().map(|revision| vec![revision]);
        let wish = rest::HostNetworkChange::try_from(wish).map_err(refused)?;
        let change = convert::network_change(wish);
        let change = change.map_err(|fields| failed(Error::Invalid(fields)))?;
        let network = &self.app.engine.host_network;
        let begun = network.change(&actor, revision, change).await;
        begun.map(answer).map_err(failed)
    }

    async fn confirm(
        &self,
        request: Request<v1::ConfirmHostNetworkRequest>,
    ) -> Result<Response<v1::HostNetwork>, Status> {
        let actor = caller(&request)?.identity.actor;
        let connected = request.extensions().get::<ConnectedAt>();
        let connected_ms = connected.map_or(0, |connected| connected.0);
        let network = &self.app.engine.host_network;
        let kept = network.confirm(&actor, connected_ms).await;
        kept.map(answer).map_err(failed)
    }

    async fn undo(
        &self,
        request: Request<v1::UndoHostNetworkRequest>,
    ) -> Result<Response<v1::HostNetwork>, Status> {
        let actor = caller(&request)?.identity.actor;
        let undone = self.app.engine.host_network.undo(&actor).await;
        undone.map(answer).map_err(failed)
    }
}
