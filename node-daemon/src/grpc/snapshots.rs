//! Snapshots over gRPC.

use qx_api::grpc::convert::uuid;
use qx_api::grpc::v1;
use qx_api::grpc::v1::snapshot_service_server::SnapshotService;
use qx_api::rest;
use qx_engine::Error;
use qx_engine::tasks::Started;
use qx_model::snapshot::RevertTo;
use qx_model::vm::VmId;
use tonic::{Request, Response, Status};

use super::{caller, failed};
use crate::app::App;
use crate::convert;
use crate::extract::snapshot_ref;
use crate::problem::Failure;

/// Answers `quantix.v1.SnapshotService`.
pub(super) struct SnapshotApi {
    pub(super) app: App,
}

fn vm_id(text: &str) -> Result<VmId, Status> {
    let refused = |problem: rest::FieldProblem| Failure::fields(vec![problem]).into();
    uuid("vm", text).map(VmId).map_err(refused)
}

fn begun(started: Started<()>) -> Response<v1::Task> {
    Response::new(convert::task(started.task, None).into())
}

#[tonic::async_trait]
impl SnapshotService for SnapshotApi {
    async fn list(
        &self,
        request: Request<v1::ListSnapshotsRequest>,
    ) -> Result<Response<v1::ListSnapshotsResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let vm = vm_id(&request.get_ref().vm)?;
        let snapshots = self.app.engine.vms.snapshots(&actor, vm).await;
        let snapshots = snapshots.map_err(failed)?.into_iter();
        Ok(Response::new(v1::ListSnapshotsResponse {
            snapshots: snapshots
                .map(|snapshot| rest::Snapshot::from(snapshot).into())
                .collect(),
        }))
    }

    async fn create(
        &self,
        request: Request<v1::CreateSnapshotRequest>,
    ) -> Result<Response<v1::Task>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let vm = vm_id(&wish.vm)?;
        let wish = rest::SnapshotCreate {
            name: wish.name,
            description: wish.description,
            memory: wish.memory,
        };
        let spec = wish
            .into_spec()
            .map_err(|fields| failed(Error::Invalid(fields)))?;
        let started = self.app.engine.vms.begin_snapshot(&actor, vm, spec).await;
        started.map(begun).map_err(failed)
    }

    async fn revert(
        &self,
        request: Request<v1::RevertSnapshotRequest>,
    ) -> Result<Response<v1::Task>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let to = match wish.to() {
            v1::RevertTo::Unspecified => RevertTo::AsTaken,
            v1::RevertTo::Running => RevertTo::Running,
            v1::RevertTo::Off => RevertTo::Off,
        };
        let (vm, name) = (vm_id(&wish.vm)?, snapshot_ref(wish.name)?);
        let started = self.app.engine.vms.begin_revert(&actor, vm, name, to).await;
        started.map(begun).map_err(failed)
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteSnapshotRequest>,
    ) -> Result<Response<v1::Task>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let (vm, name) = (vm_id(&wish.vm)?, snapshot_ref(wish.name)?);
        let vms = &self.app.engine.vms;
        let started = vms
            .begin_delete_snapshot(&actor, vm, name, wish.children)
            .await;
        started.map(begun).map_err(failed)
    }
}
