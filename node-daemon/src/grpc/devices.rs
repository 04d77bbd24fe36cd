//! A VM's disks, NICs and CD drive over gRPC.

use qx_api::grpc::v1;
use qx_api::rest;
use qx_engine::Error;
use qx_model::name::ImageName;
use tonic::{Request, Response, Status};

use super::vms::{answer, vm_id};
use super::{caller, failed, refused};
use crate::app::App;
use crate::problem::Failure;

type Answer = Result<Response<v1::Vm>, Status>;

pub(super) async fn attach_disk(app: &App, request: Request<v1::AttachDiskRequest>) -> Answer {
    let actor = caller(&request)?.identity.actor;
    let wish = request.into_inner();
    let id = vm_id("vm_id", &wish.vm_id)?;
    let spec = rest::DiskAttach::try_from(wish)
        .map_err(refused)?
        .into_spec();
    let (disk, limits) = spec.map_err(|fields| failed(Error::Invalid(fields)))?;
    let vm = app.engine.vms.attach_disk(&actor, id, disk, limits).await;
    vm.map(answer).map_err(failed)
}

pub(super) async fn update_disk(app: &App, request: Request<v1::UpdateDiskRequest>) -> Answer {
    let actor = caller(&request)?.identity.actor;
    let wish = request.into_inner();
    let id = vm_id("vm_id", &wish.vm_id)?;
    let limits = wish
        .limits
        .map(|limits| rest::DiskLimits::from(limits).into());
    let vms = &app.engine.vms;
    let vm = vms.edit_disk(&actor, id, wish.target, wish.size_bytes, limits);
    vm.await.map(answer).map_err(failed)
}

pub(super) async fn detach_disk(app: &App, request: Request<v1::DetachDiskRequest>) -> Answer {
    let actor = caller(&request)?.identity.actor;
    let wish = request.into_inner();
    let id = vm_id("vm_id", &wish.vm_id)?;
    let vms = &app.engine.vms;
    let vm = vms.detach_disk(&actor, id, wish.target, wish.delete).await;
    vm.map(answer).map_err(failed)
}

pub(super) async fn attach_nic(app: &App, request: Request<v1::AttachNicRequest>) -> Answer {
    let actor = caller(&request)?.identity.actor;
    let wish = request.into_inner();
    let id = vm_id("vm_id", &wish.vm_id)?;
    let spec = rest::NicAttach::from(wish).into_spec();
    let (nic, limits) = spec.map_err(|fields| failed(Error::Invalid(fields)))?;
    let vm = app.engine.vms.attach_nic(&actor, id, nic, limits).await;
    vm.map(answer).map_err(failed)
}

pub(super) async fn update_nic(app: &App, request: Request<v1::UpdateNicRequest>) -> Answer {
    let actor = caller(&request)?.identity.actor;
    let wish = request.into_inner();
    let id = vm_id("vm_id", &wish.vm_id)?;
    let limits = rest::NicLimits::from(wish.limits.unwrap_or_default());
    let vms = &app.engine.vms;
    let vm = vms.limit_nic(&actor, id, wish.mac, limits.into()).await;
    vm.map(answer).map_err(failed)
}

pub(super) async fn detach_nic(app: &App, request: Request<v1::DetachNicRequest>) -> Answer {
    let actor = caller(&request)?.identity.actor;
    let wish = request.into_inner();
    let id = vm_id("vm_id", &wish.vm_id)?;
    let vm = app.engine.vms.detach_nic(&actor, id, wish.mac).await;
    vm.map(answer).map_err(failed)
}

pub(super) async fn set_cdrom(app: &App, request: Request<v1::SetCdromRequest>) -> Answer {
    let actor = caller(&request)?.identity.actor;
    let wish = request.into_inner();
    let id = vm_id("vm_id", &wish.vm_id)?;
    let image = wish.image.map(ImageName::try_from).transpose();
    let image = image.map_err(|error| Failure::field("image", error.to_string()))?;
    let vm = app.engine.vms.set_cd(&actor, id, image, wish.force).await;
    vm.map(answer).map_err(failed)
}
