//! Updates through the daemon; what the disk says when it is dead.

use qx_api::client::{Client, Error};
use qx_api::rest::{self, UpdateStart};
use qx_host::update::Installed;
use qx_slots::{SlotName, SlotState};

use super::chain;
use crate::action::{UpdateAsk, UpdateView};
use crate::facts::Places;

pub(super) fn ask(places: &Places, ask: UpdateAsk) -> Result<UpdateView, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let client = Client::unix(&places.socket);
    match runtime.block_on(call(&client, ask)) {
        Ok(updates) => Ok(UpdateView::Daemon(Box::new(updates))),
        Err(error) if ask == UpdateAsk::Status => Ok(UpdateView::Disk {
            lines: slots(places)?,
            reason: chain(&error),
        }),
        Err(error) => Err(chain(&error)),
    }
}

async fn call(client: &Client, ask: UpdateAsk) -> Result<rest::Updates, Error> {
    let now = UpdateStart { restart: true };
    match ask {
        UpdateAsk::Status => client.updates().await,
        UpdateAsk::Apply => client.apply_update(&now).await,
        UpdateAsk::Rollback => client.roll_back_update(&now).await,
        UpdateAsk::Reinstall => client.reinstall_update().await,
    }
}

/// A line a slot.
fn slots(places: &Places) -> Result<Vec<String>, String> {
    let installed = Installed::find(&places.run, &places.state).map_err(|error| chain(&error))?;
    let env = installed
        .env()
        .map_err(|error| format!("the boot environment cannot be read: {error}"))?;
    let line = |slot: SlotName| {
        let version = match installed.manifest(slot) {
            Ok(manifest) => manifest.version,
            Err(error) => format!("not readable ({error})"),
        };
        let state = match env.slot(slot).state {
            SlotState::Failed => ", failed",
            _ if env.confirmed == slot => ", confirmed",
            _ => "",
        };
        let running = if slot == installed.running {
            ", running"
        } else {
            ""
        };
        format!("Slot {}: {version}{running}{state}", slot.letter())
    };
    Ok([SlotName::A, SlotName::B].map(line).to_vec())
}
