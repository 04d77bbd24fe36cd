//! VMs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::{IntoResponse, Response};
use qx_api::rest::{Vm, VmClone, VmCreate, VmPage, VmPatch};
use qx_engine::Error;
use qx_model::vm::{self as model, PowerAction, VmId};
use serde::Deserialize;
use uuid::Uuid;

use super::tasks::{Prefer, respond};
use crate::app::App;
use crate::callers::Caller;
use crate::extract::{Id, IfMatch, Json, Query};
use crate::problem::Failure;

pub(super) fn wire(vm: Arc<model::Vm>) -> Vm {
    Arc::unwrap_or_clone(vm).into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    cursor: Option<Uuid>,
}

pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<VmPage>, Failure> {
    let limit = super::limit(query.limit)?;
    let after = query.cursor.map(VmId);
    let page = app
        .engine
        .vms
        .list(&caller.identity.actor, after, limit)
        .await?;
    Ok(Json(VmPage {
        items: page.items.into_iter().map(wire).collect(),
        next: page.next.map(|id| id.to_string()),
    }))
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    prefer: Prefer,
    Json(wish): Json<VmCreate>,
) -> Result<Response, Failure> {
    let spec = wish.into_spec(Uuid::new_v4()).map_err(Error::Invalid)?;
    let vms = &app.engine.vms;
    let started = vms.begin_create(&caller.identity.actor, spec).await?;
    respond(started, prefer, created).await
}

pub(super) async fn clone(
    State(app): State<App>,
    caller: Caller,
    prefer: Prefer,
    id: Id,
    Json(wish): Json<VmClone>,
) -> Result<Response, Failure> {
    let wish = wish.into_wish(Uuid::new_v4()).map_err(Error::Invalid)?;
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    let started = vms.begin_clone(actor, id.vm(), wish).await?;
    respond(started, prefer, created).await
}

/// A new VM with its place.
fn created(vm: Arc<model::Vm>) -> impl IntoResponse {
    let vm = wire(vm);
    let location = format!("/api/v1/vms/{}", vm.id);
    (StatusCode::CREATED, [(LOCATION, location)], Json(vm))
}

pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    id: Id,
) -> Result<impl IntoResponse, Failure> {
    let vm = app.engine.vms.get(&caller.identity.actor, id.vm()).await?;
    Ok(tagged(vm))
}

/// A VM with its `ETag`.
fn tagged(vm: Arc<model::Vm>) -> impl IntoResponse {
    let vm = wire(vm);
    ([(ETAG, format!("\"{}\"", vm.revision))], Json(vm))
}

pub(super) async fn patch(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    IfMatch(revisions): IfMatch,
    Json(patch): Json<VmPatch>,
) -> Result<impl IntoResponse, Failure> {
    let edit = patch.into_edit().map_err(Error::Invalid)?;
    let vms = &app.engine.vms;
    let actor = &caller.identity.actor;
    Ok(tagged(vms.edit(actor, id.vm(), revisions, edit).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteQuery {
    #[serde(default)]
    disks: bool,
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    prefer: Prefer,
    id: Id,
    Query(query): Query<DeleteQuery>,
) -> Result<Response, Failure> {
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    let started = vms.begin_delete(actor, id.vm(), query.disks).await?;
    respond(started, prefer, |()| StatusCode::NO_CONTENT).await
}

/// Handlers that differ in the power action alone.
macro_rules! power {
    ($($name:ident $action:ident,)+) => {
        $(pub(super) async fn $name(
            State(app): State<App>,
            caller: Caller,
            prefer: Prefer,
            id: Id,
        ) -> Result<Response, Failure> {
            let vms = &app.engine.vms;
            let actor = &caller.identity.actor;
            let started = vms.begin_power(actor, id.vm(), PowerAction::$action).await?;
            respond(started, prefer, |vm| Json(wire(vm))).await
        })+
    };
}

power! {
    start Start,
    shutdown Shutdown,
    reboot Reboot,
    reset Reset,
    stop Stop,
    pause Pause,
    resume Resume,
    suspend Suspend,
}
