//! Virtual networks and the host's bridges.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::IntoResponse;
use qx_api::rest::{BridgePage, Network, NetworkCreate, NetworkPage, NetworkPatch};
use qx_engine::Error;
use qx_model::network::NetworkId;
use uuid::Uuid;

use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::{Id, IfMatch, Json};
use crate::problem::Failure;

pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<NetworkPage>, Failure> {
    let networks = app.engine.networks.list(&caller.identity.actor).await?;
    Ok(Json(NetworkPage {
        items: networks.into_iter().map(convert::network).collect(),
    }))
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<NetworkCreate>,
) -> Result<impl IntoResponse, Failure> {
    let spec = wish.into_spec(Uuid::new_v4()).map_err(Error::Invalid)?;
    let networks = &app.engine.networks;
    let made = networks.create(&caller.identity.actor, spec).await?;
    let network = convert::network(made);
    let location = format!("/api/v1/networks/{}", network.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(network)))
}

pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<impl IntoResponse, Failure> {
    let networks = &app.engine.networks;
    let network = networks.get(&caller.identity.actor, NetworkId(id)).await?;
    Ok(tagged(convert::network(network)))
}

/// A network with its `ETag`.
fn tagged(network: Network) -> impl IntoResponse {
    ([(ETAG, format!("\"{}\"", network.revision))], Json(network))
}

pub(super) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    IfMatch(revisions): IfMatch,
    Json(patch): Json<NetworkPatch>,
) -> Result<impl IntoResponse, Failure> {
    let edit = patch.into_edit().map_err(Error::Invalid)?;
    let (networks, actor) = (&app.engine.networks, &caller.identity.actor);
    let edited = networks.edit(actor, NetworkId(id), revisions, edit).await?;
    Ok(tagged(convert::network(edited)))
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Failure> {
    let networks = &app.engine.networks;
    networks
        .delete(&caller.identity.actor, NetworkId(id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn start(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Network>, Failure> {
    let networks = &app.engine.networks;
    let started = networks
        .start(&caller.identity.actor, NetworkId(id))
        .await?;
    Ok(Json(convert::network(started)))
}

pub(super) async fn stop(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Network>, Failure> {
    let networks = &app.engine.networks;
    let stopped = networks.stop(&caller.identity.actor, NetworkId(id)).await?;
    Ok(Json(convert::network(stopped)))
}

pub(super) async fn bridges(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<BridgePage>, Failure> {
    let bridges = app.engine.networks.bridges(&caller.identity.actor).await?;
    Ok(Json(BridgePage {
        items: bridges.into_iter().map(convert::bridge).collect(),
    }))
}
