//! Storage pools and volumes over gRPC.

use qx_api::grpc::convert::uuid;
use qx_api::grpc::storage::volume_create;
use qx_api::grpc::v1;
use qx_api::grpc::v1::pool_service_server::PoolService;
use qx_api::grpc::v1::volume_service_server::VolumeService;
use qx_api::rest;
use qx_engine::Error;
use qx_engine::pools::PoolInUse;
use qx_engine::volumes::VolumeInUse;
use qx_model::name::NameError;
use qx_model::storage::{PoolId, VolumeRef};
use tonic::{Request, Response, Status};

use super::{caller, failed, refused};
use crate::app::App;
use crate::convert;
use crate::problem::Failure;

/// Answers `quantix.v1.PoolService` and `quantix.v1.VolumeService`.
pub(super) struct StorageApi {
    pub(super) app: App,
}

type PoolAnswer = Result<Response<v1::Pool>, Status>;
type VolumeAnswer = Result<Response<v1::Volume>, Status>;

fn pool(seen: Result<PoolInUse, Error>) -> PoolAnswer {
    let seen = seen.map_err(failed)?;
    Ok(Response::new(convert::pool(seen).into()))
}

fn volume(seen: Result<VolumeInUse, Error>) -> VolumeAnswer {
    let seen = seen.map_err(failed)?;
    Ok(Response::new(convert::volume(seen).into()))
}

fn pool_id(field: &str, text: &str) -> Result<PoolId, Status> {
    uuid(field, text).map(PoolId).map_err(refused)
}

fn volume_ref(volume: Option<v1::VolumeRef>) -> Result<VolumeRef, Status> {
    let volume = volume.unwrap_or_default();
    let wrong = |error: NameError| Failure::field("volume.name", error.to_string());
    Ok(VolumeRef {
        pool: pool_id("volume.pool", &volume.pool)?,
        name: volume.name.parse().map_err(wrong)?,
    })
}

#[tonic::async_trait]
impl PoolService for StorageApi {
    async fn list(
        &self,
        request: Request<v1::ListPoolsRequest>,
    ) -> Result<Response<v1::ListPoolsResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let pools = self.app.engine.pools.list(&actor).await.map_err(failed)?;
        let pools = pools.into_iter().map(|seen| convert::pool(seen).into());
        Ok(Response::new(v1::ListPoolsResponse {
            pools: pools.collect(),
        }))
    }

    async fn get(&self, request: Request<v1::GetPoolRequest>) -> PoolAnswer {
        let actor = caller(&request)?.identity.actor;
        let id = pool_id("id", &request.get_ref().id)?;
        pool(self.app.engine.pools.get(&actor, id).await)
    }

    async fn create(&self, request: Request<v1::CreatePoolRequest>) -> PoolAnswer {
        let actor = caller(&request)?.identity.actor;
        let wish = rest::PoolCreate::try_from(request.into_inner()).map_err(refused)?;
        let wish = convert::pool_wish(wish).map_err(|fields| failed(Error::Invalid(fields)))?;
        pool(self.app.engine.pools.create(&actor, wish).await)
    }

    async fn list_disks(
        &self,
        request: Request<v1::ListPoolDisksRequest>,
    ) -> Result<Response<v1::ListPoolDisksResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let disks = self.app.engine.pools.disks(&actor).await.map_err(failed)?;
        let disks = disks
            .into_iter()
            .map(|seen| convert::pool_disk(seen).into());
        Ok(Response::new(v1::ListPoolDisksResponse {
            disks: disks.collect(),
        }))
    }

    async fn format(&self, request: Request<v1::FormatPoolRequest>) -> PoolAnswer {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let id = wish.id.map(|id| uuid("id", &id)).transpose();
        let wish = rest::PoolFormat {
            id: id.map_err(refused)?,
            name: wish.name,
            disk: wish.disk,
            wipe: wish.wipe,
        };
        let wish = convert::pool_of_disk(wish).map_err(|fields| failed(Error::Invalid(fields)))?;
        let started = self.app.engine.pools.begin_format(&actor, wish).await;
        pool(started.map_err(failed)?.outcome().await)
    }

    async fn update(&self, request: Request<v1::UpdatePoolRequest>) -> PoolAnswer {
        let actor = caller(&request)?.identity.actor;
        let wish = request.get_ref();
        let id = pool_id("id", &wish.id)?;
        let edited = self.app.engine.pools.edit(&actor, id, wish.autostart);
        pool(edited.await)
    }

    async fn delete(
        &self,
        request: Request<v1::DeletePoolRequest>,
    ) -> Result<Response<v1::DeletePoolResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let id = pool_id("id", &request.get_ref().id)?;
        let deleted = self.app.engine.pools.delete(&actor, id).await;
        deleted.map_err(failed)?;
        Ok(Response::new(v1::DeletePoolResponse {}))
    }

    async fn start(&self, request: Request<v1::StartPoolRequest>) -> PoolAnswer {
        let actor = caller(&request)?.identity.actor;
        let id = pool_id("id", &request.get_ref().id)?;
        pool(self.app.engine.pools.activate(&actor, id).await)
    }

    async fn stop(&self, request: Request<v1::StopPoolRequest>) -> PoolAnswer {
        let actor = caller(&request)?.identity.actor;
        let id = pool_id("id", &request.get_ref().id)?;
        pool(self.app.engine.pools.stop(&actor, id).await)
    }

    async fn refresh(&self, request: Request<v1::RefreshPoolRequest>) -> PoolAnswer {
        let actor = caller(&request)?.identity.actor;
        let id = pool_id("id", &request.get_ref().id)?;
        pool(self.app.engine.pools.refresh(&actor, id).await)
    }
}

#[tonic::async_trait]
impl VolumeService for StorageApi {
    async fn list(
        &self,
        request: Request<v1::ListVolumesRequest>,
    ) -> Result<Response<v1::ListVolumesResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let id = pool_id("pool", &request.get_ref().pool)?;
        let volumes = self.app.engine.volumes.list(&actor, id).await;
        let volumes = volumes.map_err(failed)?.into_iter();
        let volumes = volumes.map(|seen| convert::volume(seen).into());
        Ok(Response::new(v1::ListVolumesResponse {
            volumes: volumes.collect(),
        }))
    }

    async fn get(&self, request: Request<v1::GetVolumeRequest>) -> VolumeAnswer {
        let actor = caller(&request)?.identity.actor;
        let wanted = volume_ref(request.into_inner().volume)?;
        volume(self.app.engine.volumes.get(&actor, &wanted).await)
    }

    async fn create(&self, request: Request<v1::CreateVolumeRequest>) -> VolumeAnswer {
        let actor = caller(&request)?.identity.actor;
        let (id, wish) = volume_create(request.into_inner()).map_err(refused)?;
        let wish = convert::volume_wish(PoolId(id), &wish);
        let wish = wish.map_err(|fields| failed(Error::Invalid(fields)))?;
        volume(self.app.engine.volumes.create(&actor, wish).await)
    }

    async fn resize(&self, request: Request<v1::ResizeVolumeRequest>) -> VolumeAnswer {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let (wanted, volumes) = (volume_ref(wish.volume)?, &self.app.engine.volumes);
        let resized = volumes.resize(&actor, wanted, wish.size_bytes, wish.shrink);
        volume(resized.await)
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteVolumeRequest>,
    ) -> Result<Response<v1::DeleteVolumeResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wanted = volume_ref(request.into_inner().volume)?;
        let deleted = self.app.engine.volumes.delete(&actor, wanted).await;
        deleted.map_err(failed)?;
        Ok(Response::new(v1::DeleteVolumeResponse {}))
    }
}
