//! The host.

use axum::extract::State;
use qx_api::rest::{Host, Hypervisor};
use qx_engine::authorize::authorize;
use qx_model::access::{Actor, Operation};

use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::Json;
use crate::problem::Failure;

use super::health::in_time;

pub(super) async fn get(State(app): State<App>, caller: Caller) -> Result<Json<Host>, Failure> {
    read(&app, &caller.identity.actor).await.map(Json)
}

/// The host, read now.
pub(crate) async fn read(app: &App, actor: &Actor) -> Result<Host, Failure> {
    authorize(actor, Operation::HostGet)?;
    let hypervisor = hypervisor(app).await;
    let app = app.clone();
    tokio::task::spawn_blocking(move || convert::host(&app, hypervisor))
        .await
        .map_err(|error| Failure::internal("reading the inventory", error))
}

/// What VMs run on. While the hypervisor does not answer that is said in its place: the rest of the host is worth
/// knowing then, too.
async fn hypervisor(app: &App) -> Hypervisor {
    match in_time(app.engine.vms.hypervisor()).await {
        Ok(info) => convert::hypervisor(info),
        Err(reason) => Hypervisor {
            accelerator: None,
            libvirt_version: None,
            qemu_version: None,
            note: Some(reason),
        },
    }
}
