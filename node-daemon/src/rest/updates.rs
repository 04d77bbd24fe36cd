//! Updates of the host's own system.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use qx_api::rest::{UpdateStart, Updates};
use qx_model::access::Actor;

use super::health::readiness;
use super::tasks::location;
use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::{Json, drain, offset, pieces};
use crate::problem::Failure;

pub(super) async fn get(State(app): State<App>, caller: Caller) -> Result<Json<Updates>, Failure> {
    status(&app, &caller.identity.actor).await
}

pub(super) async fn upload(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Updates>, Failure> {
    let offset = offset(&headers)?;
    let actor = &caller.identity.actor;
    let mut body = pieces(body);
    if let Err(error) = app.engine.updates.upload(actor, offset, &mut body).await {
        drain(body).await;
        return Err(error.into());
    }
    status(&app, actor).await
}

pub(super) async fn discard(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Updates>, Failure> {
    let actor = &caller.identity.actor;
    app.engine.updates.discard(actor).await?;
    status(&app, actor).await
}

pub(super) async fn reinstall(State(app): State<App>, caller: Caller) -> Result<Response, Failure> {
    let actor = &caller.identity.actor;
    app.engine.updates.reinstall(actor).await?;
    begun(read(&app, actor).await?)
}

/// 202, and the URL of the task that writes.
fn begun(updates: Updates) -> Result<Response, Failure> {
    let task = updates.transfer.as_ref().map(|transfer| transfer.task_id);
    let mut response = (StatusCode::ACCEPTED, Json(updates)).into_response();
    if let Some(task) = task
        && let Ok(url) = HeaderValue::try_from(location(task))
    {
        response.headers_mut().insert(LOCATION, url);
    }
    Ok(response)
}

pub(super) async fn check(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Updates>, Failure> {
    let actor = &caller.identity.actor;
    app.engine.updates.check(actor).await?;
    status(&app, actor).await
}

pub(super) async fn fetch(State(app): State<App>, caller: Caller) -> Result<Response, Failure> {
    let actor = &caller.identity.actor;
    app.engine.updates.fetch(actor).await?;
    begun(read(&app, actor).await?)
}

pub(super) async fn apply(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<UpdateStart>,
) -> Result<Json<Updates>, Failure> {
    let actor = &caller.identity.actor;
    let healthy = healthy(&app).await?;
    app.engine
        .updates
        .apply(actor, wish.restart, healthy)
        .await?;
    status(&app, actor).await
}

pub(super) async fn confirm(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Updates>, Failure> {
    let actor = &caller.identity.actor;
    app.engine.updates.confirm(actor).await?;
    status(&app, actor).await
}

pub(super) async fn roll_back(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<UpdateStart>,
) -> Result<Json<Updates>, Failure> {
    let actor = &caller.identity.actor;
    let healthy = healthy(&app).await?;
    app.engine
        .updates
        .roll_back(actor, wish.restart, healthy)
        .await?;
    status(&app, actor).await
}

async fn status(app: &App, actor: &Actor) -> Result<Json<Updates>, Failure> {
    read(app, actor).await.map(Json)
}

/// Where updates stand.
pub(crate) async fn read(app: &App, actor: &Actor) -> Result<Updates, Failure> {
    let status = app.engine.updates.status(actor).await?;
    Ok(convert::updates(status))
}

/// The checks that are fine now: another version is held to them.
pub(crate) async fn healthy(app: &App) -> Result<Vec<String>, Failure> {
    let checks = readiness(app).await?.checks;
    let fine = checks.into_iter().filter(|check| check.ok);
    Ok(fine.map(|check| check.name).collect())
}
