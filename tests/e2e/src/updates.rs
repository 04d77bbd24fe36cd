//! A host's updates as its API tells of them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::api::Api;
use crate::deadline::{Look, minutes, poll};
use crate::installed::PASSWORD;

/// From asking for a restart until the next system is up.
pub const RESTART: Duration = minutes(10);

/// The host's updates, when they are as `wanted`.
///
/// # Errors
/// When they are not in time.
pub fn wait(
    api: &mut Api,
    what: &str,
    within: Duration,
    wanted: impl Fn(&Value) -> bool,
) -> Result<Value> {
    poll(what, within, || {
        let reply = match api.get("/api/v1/updates") {
            // Sessions end with the daemon.
            Ok(reply) if reply.status == 401 => api
                .log_in("root", PASSWORD)
                .and_then(|_| api.get("/api/v1/updates")),
            reply => reply,
        };
        Ok(match reply {
            Ok(reply) if reply.status == 200 && wanted(&reply.body) => Look::Done(reply.body),
            Ok(reply) => Look::NotYet(format!("{} {}", reply.status, reply.body)),
            Err(error) => Look::NotYet(format!("{error:#}")),
        })
    })
}

/// What is told of slot `A` or `B`; null if nothing is.
#[must_use]
pub fn slot<'a>(updates: &'a Value, name: &str) -> &'a Value {
    let slots = updates["slots"].as_array().into_iter().flatten();
    slots
        .into_iter()
        .find(|slot| slot["name"] == name)
        .unwrap_or(&Value::Null)
}

/// Sends a whole bundle, which the host must take.
///
/// # Errors
/// When it does not.
pub fn upload(api: &Api, bundle: &Path) -> Result<Value> {
    let updates = api.put_bundle(bundle, 0, None)?.expect(200)?;
    ensure!(updates["transfer"]["state"] == "done", "{updates}");
    ensure!(updates["transfer"]["percent"] == 100, "{updates}");
    Ok(updates)
}

/// Restarts the host into the other slot.
///
/// # Errors
/// When it refuses.
pub fn apply(api: &Api) -> Result<()> {
    api.post("/api/v1/updates/apply", &json!({"restart": true}))?
        .expect(200)
        .map(drop)
}

/// Waits until `version` runs from slot `name` and is confirmed.
///
/// # Errors
/// When it is not in time.
pub fn confirmed(api: &mut Api, name: &str, version: &str) -> Result<Value> {
    wait(api, &format!("{version} to be confirmed"), RESTART, |now| {
        let slot = slot(now, name);
        slot["running"] == true
            && slot["confirmed"] == true
            && now["last"]["outcome"] == "succeeded"
            && now["last"]["version"] == version
    })
}
