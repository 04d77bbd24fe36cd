//! Storage pools.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use qx_api::rest::{Pool, PoolCreate, PoolDiskPage, PoolFormat, PoolPage, PoolPatch};
use qx_engine::Error;
use qx_engine::pools::PoolInUse;
use qx_model::storage::PoolId;

use super::tasks::{Prefer, respond};
use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::{Id, Json};
use crate::problem::Failure;

pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<PoolPage>, Failure> {
    let pools = app.engine.pools.list(&caller.identity.actor).await?;
    Ok(Json(PoolPage {
        items: pools.into_iter().map(convert::pool).collect(),
    }))
}

fn made(pool: PoolInUse) -> impl IntoResponse {
    let pool = convert::pool(pool);
    let location = format!("/api/v1/pools/{}", pool.id);
    (StatusCode::CREATED, [(LOCATION, location)], Json(pool))
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<PoolCreate>,
) -> Result<impl IntoResponse, Failure> {
    let wish = convert::pool_wish(wish).map_err(Error::Invalid)?;
    let pools = &app.engine.pools;
    Ok(made(pools.create(&caller.identity.actor, wish).await?))
}

pub(super) async fn disks(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<PoolDiskPage>, Failure> {
    let disks = app.engine.pools.disks(&caller.identity.actor).await?;
    Ok(Json(PoolDiskPage {
        items: disks.into_iter().map(convert::pool_disk).collect(),
    }))
}

pub(super) async fn format(
    State(app): State<App>,
    caller: Caller,
    prefer: Prefer,
    Json(wish): Json<PoolFormat>,
) -> Result<Response, Failure> {
    let wish = convert::pool_of_disk(wish).map_err(Error::Invalid)?;
    let pools = &app.engine.pools;
    let started = pools.begin_format(&caller.identity.actor, wish).await?;
    respond(started, prefer, made).await
}

pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Pool>, Failure> {
    let pools = &app.engine.pools;
    let pool = pools.get(&caller.identity.actor, PoolId(id)).await?;
    Ok(Json(convert::pool(pool)))
}

pub(super) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Json(patch): Json<PoolPatch>,
) -> Result<Json<Pool>, Failure> {
    let (pools, actor) = (&app.engine.pools, &caller.identity.actor);
    let edited = pools.edit(actor, PoolId(id), patch.autostart).await?;
    Ok(Json(convert::pool(edited)))
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Failure> {
    let pools = &app.engine.pools;
    pools.delete(&caller.identity.actor, PoolId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn start(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Pool>, Failure> {
    let pools = &app.engine.pools;
    let started = pools.activate(&caller.identity.actor, PoolId(id)).await?;
    Ok(Json(convert::pool(started)))
}

pub(super) async fn stop(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Pool>, Failure> {
    let pools = &app.engine.pools;
    let stopped = pools.stop(&caller.identity.actor, PoolId(id)).await?;
    Ok(Json(convert::pool(stopped)))
}

pub(super) async fn refresh(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Pool>, Failure> {
    let pools = &app.engine.pools;
    let seen = pools.refresh(&caller.identity.actor, PoolId(id)).await?;
    Ok(Json(convert::pool(seen)))
}
