//! What is told of updates: types, and reading them from slots and records.

use std::sync::PoisonError;

use qx_host::update::{Installed, Outcome, UpdateRecord};
use qx_slots::{BootEnv, Manifest, Reason, SlotName, SlotState};

use super::{FeedStatus, Transfer, Updates, is_on_trial, read_env};
use crate::error::Result;

/// Where updates stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Why this host cannot be updated.
    pub unavailable: Option<String>,
    /// Both slots, when it can.
    pub slots: Vec<SlotStatus>,
    /// What was written to a slot last since the daemon started.
    pub transfer: Option<Transfer>,
    /// The last change of the running version.
    pub last: Option<LastUpdate>,
    /// The feed, when the host has one.
    pub feed: Option<FeedStatus>,
}

/// One slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotStatus {
    /// Which.
    pub name: SlotName,
    /// What it holds.
    pub state: SlotState,
    /// The system that runs came from it.
    pub running: bool,
    /// It is what the host falls back to.
    pub confirmed: bool,
    /// Tries that are left, when it is on trial.
    pub tries_left: Option<u8>,
    /// The image in it.
    pub image: Option<ImageId>,
    /// Why it failed.
    pub failure: Option<Reason>,
}

/// Names an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageId {
    /// The release.
    pub version: String,
    /// The build.
    pub build_id: String,
}

impl From<&Manifest> for ImageId {
    fn from(manifest: &Manifest) -> Self {
        Self {
            version: manifest.version.clone(),
            build_id: manifest.build_id.to_string(),
        }
    }
}

/// A change of the running version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUpdate {
    /// What was remembered of it.
    pub record: UpdateRecord,
    /// Where the new version is.
    pub slot: SlotName,
    /// It did not end yet, and the new version runs.
    pub on_trial: bool,
}

impl Updates {
    pub(super) fn read(&self, transfer: Option<Transfer>) -> Result<Status> {
        let installed = match self.find() {
            Ok(installed) => installed,
            Err(reason) => {
                return Ok(Status {
                    unavailable: Some(reason.to_string()),
                    slots: Vec::new(),
                    transfer: None,
                    last: None,
                    feed: None,
                });
            }
        };
        let env = read_env(&installed)?;
        let slots = SlotName::BOTH.map(|slot| self.slot(&installed, &env, slot));
        let last = UpdateRecord::read(&self.inner.places.state);
        let last = last.and_then(|record| last_update(record, &env, installed.running));
        let record = last.as_ref().map(|last| &last.record);
        Ok(Status {
            unavailable: None,
            slots: slots.to_vec(),
            transfer,
            feed: self.feed_status(&installed, &env, record),
            last,
        })
    }

    fn slot(&self, installed: &Installed, env: &BootEnv, slot: SlotName) -> SlotStatus {
        let record = env.slot(slot);
        let pending = env.pending.filter(|pending| pending.slot == slot);
        SlotStatus {
            name: slot,
            state: record.state,
            running: installed.running == slot,
            confirmed: env.confirmed == slot,
            tries_left: pending.map(|pending| pending.left),
            image: match record.state {
                SlotState::Empty => None,
                SlotState::Good | SlotState::Failed => self.image(installed, slot),
            },
            failure: record.reason,
        }
    }

    /// What a slot says of itself; read once, as it changes only through this.
    pub(super) fn image(&self, installed: &Installed, slot: SlotName) -> Option<ImageId> {
        let mut images = self
            .inner
            .images
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        images
            .entry(slot)
            .or_insert_with(|| match installed.manifest(slot) {
                Ok(manifest) => Some(ImageId::from(&manifest)),
                Err(error) => {
                    tracing::warn!(%slot, %error, "a slot's manifest can't be read");
                    None
                }
            })
            .clone()
    }

    pub(super) fn forget(&self, slot: SlotName) {
        self.inner
            .images
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&slot);
    }
}

/// The end of an update as far as it is known. A record whose trial never began tells nothing.
fn last_update(mut record: UpdateRecord, env: &BootEnv, running: SlotName) -> Option<LastUpdate> {
    let slot = record.slot()?;
    record.settle(env);
    let waiting = is_on_trial(env, slot);
    (record.outcome != Outcome::Open || waiting).then(|| LastUpdate {
        on_trial: waiting && slot == running,
        record,
        slot,
    })
}
