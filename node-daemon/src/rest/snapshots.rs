//! Snapshots of VMs.

use axum::extract::State;
use axum::response::Response;
use qx_api::rest::{SnapshotCreate, SnapshotPage, SnapshotRevert};
use qx_engine::Error;
use serde::Deserialize;

use super::tasks::accepted;
use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::{Id, Json, Query, SnapshotRef};
use crate::problem::Failure;

pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    id: Id,
) -> Result<Json<SnapshotPage>, Failure> {
    let vms = &app.engine.vms;
    let snapshots = vms.snapshots(&caller.identity.actor, id.vm()).await?;
    Ok(Json(SnapshotPage {
        items: snapshots.into_iter().map(Into::into).collect(),
    }))
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Json(wish): Json<SnapshotCreate>,
) -> Result<Response, Failure> {
    let spec = wish.into_spec().map_err(Error::Invalid)?;
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    let begun = vms.begin_snapshot(actor, id.vm(), spec).await?;
    Ok(accepted(convert::task(begun.task, None)))
}

pub(super) async fn revert(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    SnapshotRef(name): SnapshotRef,
    Json(wish): Json<SnapshotRevert>,
) -> Result<Response, Failure> {
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    let to = wish.to.into();
    let begun = vms.begin_revert(actor, id.vm(), name, to).await?;
    Ok(accepted(convert::task(begun.task, None)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteQuery {
    #[serde(default)]
    children: bool,
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    SnapshotRef(name): SnapshotRef,
    Query(query): Query<DeleteQuery>,
) -> Result<Response, Failure> {
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    let deleting = vms.begin_delete_snapshot(actor, id.vm(), name, query.children);
    let begun = deleting.await?;
    Ok(accepted(convert::task(begun.task, None)))
}
