//! The host's own network.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use qx_api::rest::HostNetworkChange;
use qx_engine::Error;
use qx_engine::host_network::HostNetworkView;

use crate::app::App;
use crate::callers::{Caller, ConnectedAt};
use crate::convert;
use crate::extract::{IfMatch, Json};
use crate::problem::Failure;

pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
) -> Result<impl IntoResponse, Failure> {
    let network = app.engine.host_network.get(&caller.identity.actor).await?;
    Ok(tagged(network))
}

pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    IfMatch(revisions): IfMatch,
    Json(wish): Json<HostNetworkChange>,
) -> Result<impl IntoResponse, Failure> {
    let change = convert::network_change(wish).map_err(Error::Invalid)?;
    let (network, actor) = (&app.engine.host_network, &caller.identity.actor);
    let begun = network.change(actor, revisions, change).await?;
    Ok((StatusCode::ACCEPTED, tagged(begun)))
}

pub(super) async fn confirm(
    State(app): State<App>,
    caller: Caller,
    ConnectedAt(connected_ms): ConnectedAt,
) -> Result<impl IntoResponse, Failure> {
    let (network, actor) = (&app.engine.host_network, &caller.identity.actor);
    Ok(tagged(network.confirm(actor, connected_ms).await?))
}

pub(super) async fn undo(
    State(app): State<App>,
    caller: Caller,
) -> Result<impl IntoResponse, Failure> {
    let (network, actor) = (&app.engine.host_network, &caller.identity.actor);
    Ok(tagged(network.undo(actor).await?))
}

/// The network with its `ETag`.
fn tagged(view: HostNetworkView) -> impl IntoResponse {
    let network = convert::host_network(view);
    ([(ETAG, format!("\"{}\"", network.revision))], Json(network))
}
