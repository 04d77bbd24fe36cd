//! Is the daemon alive, can the host manage VMs, and what is this interface?

use std::path::Path;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use qx_api::rest::{Check, Readiness};
use qx_host::inventory::Inventory;

use crate::app::App;
use crate::extract::Json;
use crate::problem::Failure;

/// How long the hypervisor may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The document is the one that is checked in; a test compares it with the code.
const OPENAPI: &str = include_str!("../../../docs/openapi.json");

pub(super) async fn alive() -> &'static str {
    "ok"
}

pub(super) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

pub(super) async fn ready(State(app): State<App>) -> Result<impl IntoResponse, Failure> {
    let readiness = readiness(&app).await?;
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    Ok((status, Json(readiness)))
}

/// Can the host manage VMs now?
pub(crate) async fn readiness(app: &App) -> Result<Readiness, Failure> {
    let hypervisor = check("hypervisor", hypervisor(app).await);
    let sources = app.sources.clone();
    let (data, network) = tokio::task::spawn_blocking(move || {
        (writable(&sources.data), network(&Inventory::read(&sources)))
    })
    .await
    .map_err(|error| Failure::internal("checking readiness", error))?;
    let checks = vec![hypervisor, check("data", data), check("network", network)];
    let ready = checks.iter().all(|check| check.ok);
    Ok(Readiness { ready, checks })
}

fn check(name: &str, found: Result<String, String>) -> Check {
    let ok = found.is_ok();
    let detail = found.unwrap_or_else(|reason| reason);
    Check {
        name: name.to_owned(),
        ok,
        detail,
    }
}

async fn hypervisor(app: &App) -> Result<String, String> {
    let count = in_time(app.engine.vms.count()).await?;
    Ok(format!("{count} virtual machines are known"))
}

/// What the hypervisor answers, or why it did not in time and what to do.
pub(super) async fn in_time<T>(
    asked: impl Future<Output = qx_engine::Result<T>>,
) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(|error| error.told().detail),
        Err(_) => Err(format!(
            "the hypervisor did not answer within {} s; running VMs go on; look at the libvirtd service if this lasts",
            PATIENCE.as_secs()
        )),
    }
}

/// Really writes: a disk that died still looks mounted.
fn writable(directory: &Path) -> Result<String, String> {
    let probe = directory.join(".readyz");
    let written = std::fs::write(&probe, b"ok").and_then(|()| std::fs::remove_file(&probe));
    let place = directory.display();
    written
        .map(|()| format!("{place} is writable"))
        .map_err(|error| format!("{place} can't be written to: {error}"))
}

/// The addresses that the host is managed by; a bridge for guests has one even when no cable is plugged in.
fn network(inventory: &Inventory) -> Result<String, String> {
    let management = inventory.management_interface.as_deref();
    let reachable = inventory
        .addresses
        .iter()
        .find(|address| management.is_none_or(|name| name == address.interface));
    match (reachable, management) {
        (Some(found), _) => Ok(format!("{} on {}", found.address, found.interface)),
        (None, Some(interface)) => Err(format!("{interface} has no address")),
        (None, None) => Err("no interface has an address".to_owned()),
    }
}
