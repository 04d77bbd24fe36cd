//! Networks over gRPC.

use qx_api::grpc::convert::uuid;
use qx_api::grpc::v1;
use qx_api::grpc::v1::network_service_server::NetworkService;
use qx_api::rest;
use qx_engine::{Error, NetworkInUse};
use qx_model::network::NetworkId;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{caller, failed, refused};
use crate::app::App;
use crate::convert;

/// Answers `quantix.v1.NetworkService`.
pub(super) struct NetworkApi {
    pub(super) app: App,
}

fn wire(network: NetworkInUse) -> v1::Network {
    convert::network(network).into()
}

fn answer(network: NetworkInUse) -> Response<v1::Network> {
    Response::new(wire(network))
}

fn network_id(text: &str) -> Result<NetworkId, Status> {
    uuid("id", text).map(NetworkId).map_err(refused)
}

#[tonic::async_trait]
impl NetworkService for NetworkApi {
    async fn list(
        &self,
        request: Request<v1::ListNetworksRequest>,
    ) -> Result<Response<v1::ListNetworksResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let networks = self.app.engine.networks.list(&actor).await;
        let networks = networks.map_err(failed)?.into_iter().map(wire);
        Ok(Response::new(v1::ListNetworksResponse {
            networks: networks.collect(),
        }))
    }

    async fn get(
        &self,
        request: Request<v1::GetNetworkRequest>,
    ) -> Result<Response<v1::Network>, Status> {
        let actor = caller(&request)?.identity.actor;
        let id = network_id(&request.get_ref().id)?;
        let network = self.app.engine.networks.get(&actor, id).await;
        network.map(answer).map_err(failed)
    }

    async fn create(
        &self,
        request: Request<v1::CreateNetworkRequest>,
    ) -> Result<Response<v1::Network>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = rest::NetworkCreate::try_from(request.into_inner()).map_err(refused)?;
        let spec = wish
            .into_spec(Uuid::new_v4())
            .map_err(|fields| failed(Error::Invalid(fields)))?;
        let made = self.app.engine.networks.create(&actor, spec).await;
        made.map(answer).map_err(failed)
    }

    async fn update(
        &self,
        request: Request<v1::UpdateNetworkRequest>,
    ) -> Result<Response<v1::Network>, Status> {
        let actor = caller(&request)?.identity.actor;
        let mut wish = request.into_inner();
        let id = network_id(&wish.id)?;
        let revision = wish.revision.take().map(|revision| vec![revision]);
        let patch = rest::NetworkPatch::try_from(wish).map_err(refused)?;
        let edit = patch.into_edit();
        let edit = edit.map_err(|fields| failed(Error::Invalid(fields)))?;
        let networks = &self.app.engine.networks;
        let edited = networks.edit(&actor, id, revision, edit).await;
        edited.map(answer).map_err(failed)
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteNetworkRequest>,
    ) -> Result<Response<v1::DeleteNetworkResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let id = network_id(&request.get_ref().id)?;
        let deleted = self.app.engine.networks.delete(&actor, id).await;
        deleted.map_err(failed)?;
        Ok(Response::new(v1::DeleteNetworkResponse {}))
    }

    async fn start(
        &self,
        request: Request<v1::StartNetworkRequest>,
    ) -> Result<Response<v1::Network>, Status> {
        let actor = caller(&request)?.identity.actor;
        let id = network_id(&request.get_ref().id)?;
        let started = self.app.engine.networks.start(&actor, id).await;
        started.map(answer).map_err(failed)
    }

    async fn stop(
        &self,
        request: Request<v1::StopNetworkRequest>,
    ) -> Result<Response<v1::Network>, Status> {
        let actor = caller(&request)?.identity.actor;
        let id = network_id(&request.get_ref().id)?;
        let stopped = self.app.engine.networks.stop(&actor, id).await;
        stopped.map(answer).map_err(failed)
    }

    async fn list_bridges(
        &self,
        request: Request<v1::ListBridgesRequest>,
    ) -> Result<Response<v1::ListBridgesResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let bridges = self.app.engine.networks.bridges(&actor).await;
        let bridges = bridges.map_err(failed)?.into_iter();
        Ok(Response::new(v1::ListBridgesResponse {
            bridges: bridges.map(|seen| convert::bridge(seen).into()).collect(),
        }))
    }
}
