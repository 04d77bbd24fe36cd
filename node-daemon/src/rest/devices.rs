//! A VM's disks, NICs and CD drive.

use axum::extract::State;
use axum::response::Response;
use qx_api::rest::{Cdrom, DiskAttach, DiskPatch, NicAttach, NicPatch, Vm};
use qx_engine::Error;
use qx_model::name::ImageName;
use serde::Deserialize;

use super::tasks::{Prefer, respond};
use super::vms::wire;
use crate::app::App;
use crate::callers::Caller;
use crate::extract::{Id, Json, Mac, Query, Target};
use crate::problem::Failure;

type Answer = Result<Json<Vm>, Failure>;

pub(super) async fn attach_disk(
    State(app): State<App>,
    caller: Caller,
    prefer: Prefer,
    id: Id,
    Json(wish): Json<DiskAttach>,
) -> Result<Response, Failure> {
    let (disk, limits) = wish.into_spec().map_err(Error::Invalid)?;
    let vms = &app.engine.vms;
    let actor = &caller.identity.actor;
    let started = vms.begin_attach_disk(actor, id.vm(), disk, limits).await?;
    respond(started, prefer, |vm| Json(wire(vm))).await
}

pub(super) async fn patch_disk(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Target(target): Target,
    Json(patch): Json<DiskPatch>,
) -> Answer {
    let limits = patch.limits.map(Into::into);
    let vms = &app.engine.vms;
    let actor = &caller.identity.actor;
    let edited = vms.edit_disk(actor, id.vm(), target, patch.size_bytes, limits);
    Ok(Json(wire(edited.await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DetachQuery {
    #[serde(default)]
    delete: bool,
}

pub(super) async fn detach_disk(
    State(app): State<App>,
    caller: Caller,
    prefer: Prefer,
    id: Id,
    Target(target): Target,
    Query(query): Query<DetachQuery>,
) -> Result<Response, Failure> {
    let vms = &app.engine.vms;
    let actor = &caller.identity.actor;
    let started = vms
        .begin_detach_disk(actor, id.vm(), target, query.delete)
        .await?;
    respond(started, prefer, |vm| Json(wire(vm))).await
}

pub(super) async fn attach_nic(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Json(wish): Json<NicAttach>,
) -> Answer {
    let (nic, limits) = wish.into_spec().map_err(Error::Invalid)?;
    let vms = &app.engine.vms;
    let actor = &caller.identity.actor;
    let vm = vms.attach_nic(actor, id.vm(), nic, limits).await?;
    Ok(Json(wire(vm)))
}

pub(super) async fn patch_nic(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Mac(mac): Mac,
    Json(patch): Json<NicPatch>,
) -> Answer {
    let vms = &app.engine.vms;
    let actor = &caller.identity.actor;
    let limited = vms.limit_nic(actor, id.vm(), mac, patch.limits.into());
    Ok(Json(wire(limited.await?)))
}

pub(super) async fn detach_nic(
    State(app): State<App>,
    caller: Caller,
    prefer: Prefer,
    id: Id,
    Mac(mac): Mac,
) -> Result<Response, Failure> {
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    let started = vms.begin_detach_nic(actor, id.vm(), mac).await?;
    respond(started, prefer, |vm| Json(wire(vm))).await
}

pub(super) async fn set_cdrom(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Json(wish): Json<Cdrom>,
) -> Answer {
    let image = wish.image.map(ImageName::try_from).transpose();
    let image = image.map_err(|error| Failure::field("image", error.to_string()))?;
    let vms = &app.engine.vms;
    let actor = &caller.identity.actor;
    let vm = vms.set_cd(actor, id.vm(), image, wish.force).await?;
    Ok(Json(wire(vm)))
}
