//! The agents in guests.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use qx_api::rest::{
    GuestAddresses, GuestExec, GuestExecStarted, GuestExecStatus, GuestFilePiece, GuestFileWrite,
    GuestFilesystems, GuestFreeze, GuestFrozen, GuestInfo, GuestPassword, GuestTime,
};
use serde::Deserialize;

use super::tasks::accepted;
use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::{Id, Json, Pid, Query};
use crate::problem::Failure;

pub(super) async fn ping(
    State(app): State<App>,
    caller: Caller,
    id: Id,
) -> Result<StatusCode, Failure> {
    let vms = &app.engine.vms;
    vms.ping_guest(&caller.identity.actor, id.vm()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn info(
    State(app): State<App>,
    caller: Caller,
    id: Id,
) -> Result<Json<GuestInfo>, Failure> {
    let vms = &app.engine.vms;
    let guest = vms.guest(&caller.identity.actor, id.vm()).await?;
    Ok(Json(guest.into()))
}

pub(super) async fn addresses(
    State(app): State<App>,
    caller: Caller,
    id: Id,
) -> Result<Json<GuestAddresses>, Failure> {
    let vms = &app.engine.vms;
    let found = vms.guest_interfaces(&caller.identity.actor, id.vm());
    let items = found.await?.into_iter().map(Into::into).collect();
    Ok(Json(GuestAddresses { items }))
}

pub(super) async fn filesystems(
    State(app): State<App>,
    caller: Caller,
    id: Id,
) -> Result<Json<GuestFilesystems>, Failure> {
    let vms = &app.engine.vms;
    let found = vms.guest_filesystems(&caller.identity.actor, id.vm());
    let items = found.await?.into_iter().map(Into::into).collect();
    Ok(Json(GuestFilesystems { items }))
}

pub(super) async fn exec(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Json(wish): Json<GuestExec>,
) -> Result<(StatusCode, Json<GuestExecStarted>), Failure> {
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    let pid = vms.exec_in_guest(actor, id.vm(), wish.into()).await?;
    Ok((StatusCode::CREATED, Json(GuestExecStarted { pid })))
}

pub(super) async fn exec_status(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Pid(pid): Pid,
) -> Result<Json<GuestExecStatus>, Failure> {
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    let status = vms.exec_status(actor, id.vm(), pid).await?;
    Ok(Json(status.into()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileQuery {
    path: String,
    #[serde(default)]
    offset: u64,
    length: Option<usize>,
}

pub(super) async fn read_file(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Query(query): Query<FileQuery>,
) -> Result<Json<GuestFilePiece>, Failure> {
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    let FileQuery {
        path,
        offset,
        length,
    } = query;
    let piece = vms
        .read_guest_file(actor, id.vm(), path, offset, length)
        .await?;
    Ok(Json(GuestFilePiece {
        data: piece.data,
        eof: piece.eof,
    }))
}

pub(super) async fn write_file(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Json(wish): Json<GuestFileWrite>,
) -> Result<StatusCode, Failure> {
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    vms.write_guest_file(actor, id.vm(), wish.path, wish.data, wish.append)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn freeze(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Json(wish): Json<GuestFreeze>,
) -> Result<Json<GuestFrozen>, Failure> {
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    let filesystems = vms.freeze_guest(actor, id.vm(), wish.mount_points).await?;
    Ok(Json(GuestFrozen { filesystems }))
}

pub(super) async fn thaw(
    State(app): State<App>,
    caller: Caller,
    id: Id,
) -> Result<Json<GuestFrozen>, Failure> {
    let vms = &app.engine.vms;
    let filesystems = vms.thaw_guest(&caller.identity.actor, id.vm()).await?;
    Ok(Json(GuestFrozen { filesystems }))
}

pub(super) async fn trim(
    State(app): State<App>,
    caller: Caller,
    id: Id,
) -> Result<Response, Failure> {
    let vms = &app.engine.vms;
    let begun = vms
        .begin_trim_guest(&caller.identity.actor, id.vm())
        .await?;
    Ok(accepted(convert::task(begun.task, None)))
}

pub(super) async fn set_password(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Json(wish): Json<GuestPassword>,
) -> Result<StatusCode, Failure> {
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    vms.set_guest_password(actor, id.vm(), wish.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn set_time(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Json(wish): Json<GuestTime>,
) -> Result<StatusCode, Failure> {
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    vms.set_guest_time(actor, id.vm(), nanoseconds(wish.time)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A time as an agent takes it: nanoseconds since 1970, in 64 bits.
pub(crate) fn nanoseconds(time: Option<Timestamp>) -> Result<Option<i64>, Failure> {
    let number = time.map(|time| i64::try_from(time.as_nanosecond()));
    let number = number.transpose();
    number.map_err(|_| Failure::field("time", "must be from 1678 to 2261"))
}

pub(super) async fn shut_down(
    State(app): State<App>,
    caller: Caller,
    id: Id,
) -> Result<Response, Failure> {
    power(&app, &caller, &id, false).await
}

pub(super) async fn reboot(
    State(app): State<App>,
    caller: Caller,
    id: Id,
) -> Result<Response, Failure> {
    power(&app, &caller, &id, true).await
}

async fn power(app: &App, caller: &Caller, id: &Id, restart: bool) -> Result<Response, Failure> {
    let vms = &app.engine.vms;
    let begun = vms
        .begin_guest_power(&caller.identity.actor, id.vm(), restart)
        .await?;
    Ok(accepted(convert::task(begun.task, None)))
}
