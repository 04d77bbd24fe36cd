//! The host.

use axum::extract::State;
use qx_api::rest::Host;
use qx_engine::authorize::authorize;
use qx_model::access::{Actor, Operation};

use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::Json;
use crate::problem::Failure;

pub(super) async fn get(State(app): State<App>, caller: Caller) -> Result<Json<Host>, Failure> {
    read(&app, &caller.identity.actor).await.map(Json)
}

/// The host, read now.
pub(crate) async fn read(app: &App, actor: &Actor) -> Result<Host, Failure> {
    authorize(actor, Operation::HostGet)?;
    let hypervisor = app.engine.vms.hypervisor().await?;
    let app = app.clone();
    tokio::task::spawn_blocking(move || convert::host(&app, hypervisor))
        .await
        .map_err(|error| Failure::internal("reading the inventory", error))
}
