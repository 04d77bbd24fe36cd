//! The host's settings.

use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use qx_api::rest::HostConfigPatch;
use qx_engine::Error;
use qx_engine::host_config::HostConfigView;

use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::{IfMatch, Json};
use crate::problem::Failure;

pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
) -> Result<impl IntoResponse, Failure> {
    let config = app.engine.host_config.get(&caller.identity.actor).await?;
    Ok(tagged(config))
}

pub(super) async fn patch(
    State(app): State<App>,
    caller: Caller,
    IfMatch(revisions): IfMatch,
    Json(wish): Json<HostConfigPatch>,
) -> Result<impl IntoResponse, Failure> {
    let patch = convert::settings(wish).map_err(Error::Invalid)?;
    let (config, actor) = (&app.engine.host_config, &caller.identity.actor);
    Ok(tagged(config.change(actor, revisions, patch).await?))
}

/// The settings with their `ETag`.
fn tagged(view: HostConfigView) -> impl IntoResponse {
    let config = convert::host_config(view);
    ([(ETAG, format!("\"{}\"", config.revision))], Json(config))
}
