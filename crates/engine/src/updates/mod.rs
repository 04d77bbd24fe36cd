//! Updates of the host's own system: what the slots hold, writing a bundle to the one that does not run,
//! starting it on trial, keeping it, going back. The slots themselves are `qx_host`'s.

mod transfer;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::Stream;
use qx_host::power::{self, PowerAction};
use qx_host::update::{Installed, NotInstalled, Outcome, UpdateRecord, confirmed};
use qx_model::access::{Actor, Operation};
use qx_slots::{BootEnv, Manifest, Reason, SlotName, SlotState, TransitionError};

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::events::{EventKind, Events};

use transfer::Transfers;
pub use transfer::{Transfer, TransferState};

/// When what is not urgent is done.
const AFTER_START: Duration = Duration::from_secs(60);
/// How often a version on trial is looked at, so that its confirmation is told.
const TRIAL_LOOK: Duration = Duration::from_secs(2);

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

/// Updates. Clones share them.
#[derive(Clone)]
pub struct Updates {
    inner: Arc<Inner>,
}

struct Inner {
    places: Places,
    events: Events,
    audit: Audit,
    transfers: Transfers,
    /// What slots say of themselves, read once: `None` in it when a slot says nothing that can be believed.
    images: Mutex<HashMap<SlotName, Option<ImageId>>>,
}

/// Where the boot left its records, and where the configuration lies.
#[derive(Debug, Clone)]
pub struct Places {
    /// The run directory.
    pub run: PathBuf,
    /// The configuration's directory.
    pub state: PathBuf,
}

impl Updates {
    pub(crate) fn start(places: Places, events: Events, audit: Audit) -> Self {
        let updates = Self {
            inner: Arc::new(Inner {
                places,
                transfers: Transfers::new(events.clone()),
                events,
                audit,
                images: Mutex::default(),
            }),
        };
        tokio::spawn(updates.clone().tell_the_end_of_a_trial());
        updates
    }

    /// Where updates stand.
    pub async fn status(&self, actor: &Actor) -> Result<Status> {
        authorize(actor, Operation::UpdatesRead)?;
        let transfer = self.inner.transfers.now();
        let this = self.clone();
        blocking(move || this.read(transfer)).await
    }

    /// Writes a bundle to the slot that does not run. From `offset`, the bytes of it that arrived before,
    /// or anew from 0. Returns when all of it was read back.
    pub async fn upload(
        &self,
        actor: &Actor,
        offset: u64,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
    ) -> Result<()> {
        let work = async {
            let installed = self.installed()?;
            let slot = installed.running.other();
            self.forget(slot);
            let staged = self.inner.transfers.receive(installed, offset, body).await;
            self.forget(slot);
            self.changed();
            staged
        };
        self.change(actor, Operation::UpdateUpload, work).await
    }

    /// Starts the version in the other slot on trial, held to the checks in `healthy`.
    pub async fn apply(&self, actor: &Actor, restart: bool, healthy: Vec<String>) -> Result<()> {
        let work = async {
            let installed = self.installed()?;
            self.refuse_while_writing()?;
            self.put_on_trial(installed, healthy).await?;
            self.restart_if(restart).await
        };
        self.change(actor, Operation::UpdateApply, work).await
    }

    /// Keeps the version that is on trial.
    pub async fn confirm(&self, actor: &Actor) -> Result<()> {
        let work = async {
            let installed = self.installed()?;
            let (this, state) = (self.clone(), self.inner.places.state.clone());
            blocking(move || {
                let env = read_env(&installed)?;
                if !is_on_trial(&env, installed.running) {
                    return Err(Error::Conflict {
                        reason: "no version is on trial: the one that runs is confirmed".into(),
                        hint: "nothing needs to be done".into(),
                    });
                }
                let env = change_env(&installed, |env| env.confirm(installed.running))?;
                this.raise_floor(&installed, &state);
                let Some(mut record) = UpdateRecord::read(&state) else {
                    return Ok(());
                };
                record.settle(&env);
                record
                    .write(&state)
                    .map_err(|error| Error::file("recording the end of the update", error))
            })
            .await
        };
        self.change(actor, Operation::UpdateConfirm, work).await
    }

    /// Goes back to the other slot: from a version on trial at once, from a confirmed one by a trial of the
    /// other. A version that only waits for its trial is withdrawn, and nothing restarts.
    pub async fn roll_back(
        &self,
        actor: &Actor,
        restart: bool,
        healthy: Vec<String>,
    ) -> Result<()> {
        let work = async {
            let installed = self.installed()?;
            self.refuse_while_writing()?;
            let running = installed.running;
            let seen = installed.clone();
            let env = blocking(move || read_env(&seen)).await?;
            if is_on_trial(&env, running) {
                blocking(move || {
                    change_env(&installed, |env| {
                        env.mark_failed(running, Reason::User);
                        Ok(())
                    })
                })
                .await?;
            } else if is_on_trial(&env, running.other()) {
                return blocking(move || {
                    change_env(&installed, |env| {
                        env.withdraw(running.other());
                        Ok(())
                    })
                    .map(drop)
                })
                .await;
            } else {
                self.put_on_trial(installed, healthy).await?;
            }
            self.restart_if(restart).await
        };
        self.change(actor, Operation::UpdateRollback, work).await
    }

    async fn change(
        &self,
        actor: &Actor,
        operation: Operation,
        work: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let audit = &self.inner.audit;
        let outcome = audit.change(actor, operation, "system", work).await;
        self.changed();
        outcome
    }

    fn changed(&self) {
        self.inner.events.publish(EventKind::UpdatesChanged);
    }

    fn find(&self) -> std::result::Result<Installed, NotInstalled> {
        let places = &self.inner.places;
        Installed::find(&places.run, &places.state)
    }

    fn installed(&self) -> Result<Installed> {
        self.find().map_err(|reason| Error::Conflict {
            reason: reason.to_string(),
            hint: "updates need an installed host".into(),
        })
    }

    fn refuse_while_writing(&self) -> Result<()> {
        match self.inner.transfers.now() {
            Some(transfer) if transfer.is_writing() => Err(Error::Conflict {
                reason: "an update is being written to the other slot".into(),
                hint: "wait until it is complete".into(),
            }),
            _ => Ok(()),
        }
    }

    /// Remembers what is tried and why, then tells the boot loader.
    async fn put_on_trial(&self, installed: Installed, healthy: Vec<String>) -> Result<()> {
        let this = self.clone();
        blocking(move || {
            let slot = installed.running.other();
            let env = read_env(&installed)?;
            if env.slot(slot).state != SlotState::Good {
                return Err(Error::Conflict {
                    reason: format!("slot {slot} holds no version that could be started"),
                    hint: "upload an update first".into(),
                });
            }
            let image = this
                .image(&installed, slot)
                .ok_or_else(|| Error::Conflict {
                    reason: format!(
                        "slot {slot} cannot be read, or is not signed by a trusted key"
                    ),
                    hint: "upload the update again".into(),
                })?;
            let record = UpdateRecord {
                slot: slot.name().to_owned(),
                version: image.version,
                build_id: image.build_id,
                from_version: installed.version.clone(),
                started_at: seconds_now(),
                required: healthy,
                outcome: Outcome::Open,
            };
            record
                .write(&this.inner.places.state)
                .map_err(|error| Error::file("recording the update", error))?;
            change_env(&installed, |env| env.make_pending(slot)).map(drop)
        })
        .await
    }

    async fn restart_if(&self, restart: bool) -> Result<()> {
        if !restart {
            return Ok(());
        }
        blocking(|| {
            power::request(PowerAction::Reboot)
                .map_err(|error| Error::internal("restarting the host", error))
        })
        .await
    }

    fn read(&self, transfer: Option<Transfer>) -> Result<Status> {
        let installed = match self.find() {
            Ok(installed) => installed,
            Err(reason) => {
                return Ok(Status {
                    unavailable: Some(reason.to_string()),
                    slots: Vec::new(),
                    transfer: None,
                    last: None,
                });
            }
        };
        let env = read_env(&installed)?;
        let slots = SlotName::BOTH.map(|slot| self.slot(&installed, &env, slot));
        let last = UpdateRecord::read(&self.inner.places.state);
        Ok(Status {
            unavailable: None,
            slots: slots.to_vec(),
            transfer,
            last: last.and_then(|record| last_update(record, &env, installed.running)),
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
    fn image(&self, installed: &Installed, slot: SlotName) -> Option<ImageId> {
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

    fn forget(&self, slot: SlotName) {
        self.inner
            .images
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&slot);
    }

    /// `qx-trial` decides, not this daemon: who looks is told when it has.
    async fn tell_the_end_of_a_trial(self) {
        loop {
            let this = self.clone();
            let looked = blocking(move || {
                let installed = this.installed()?;
                read_env(&installed).map(|env| is_on_trial(&env, installed.running))
            });
            match looked.await {
                Ok(true) => tokio::time::sleep(TRIAL_LOOK).await,
                Ok(false) | Err(_) => break,
            }
        }
        self.changed();
        // Power may have failed between a confirmation and its record, and an installation has none. There is
        // time for that when the host is up.
        tokio::time::sleep(AFTER_START).await;
        let this = self.clone();
        let raised = blocking(move || {
            let installed = this.installed()?;
            if read_env(&installed)?.confirmed == installed.running {
                this.raise_floor(&installed, &this.inner.places.state);
            }
            Ok(())
        });
        // A medium has no floor; a disk that cannot be read is told by whoever asks for updates.
        let _ = raised.await;
    }

    /// From now on nothing older than the running version says. The version is confirmed whether that can be
    /// recorded or not.
    fn raise_floor(&self, installed: &Installed, state: &Path) {
        // One at a time: each look mounts the slot at the same place.
        let looking = self.inner.images.lock();
        let manifest = installed.manifest(installed.running);
        match manifest.and_then(|manifest| confirmed(state, &manifest)) {
            Ok(None) => {}
            Ok(Some(lost)) => tracing::info!(%lost, "the floor of versions begins anew"),
            Err(error) => tracing::warn!(%error, "older versions are still accepted"),
        }
        drop(looking);
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

fn is_on_trial(env: &BootEnv, slot: SlotName) -> bool {
    env.pending.is_some_and(|pending| pending.slot == slot)
}

fn read_env(installed: &Installed) -> Result<BootEnv> {
    installed.env().map_err(|error| Error::Unavailable {
        reason: format!("the boot environment cannot be read: {error}"),
        hint: "the host runs on; check its system disk".into(),
    })
}

fn change_env(
    installed: &Installed,
    change: impl FnOnce(&mut BootEnv) -> std::result::Result<(), TransitionError>,
) -> Result<BootEnv> {
    installed
        .change(change)
        .map_err(|error| Error::Unavailable {
            reason: format!("the boot environment was not changed: {error}"),
            hint: "the host runs on; check its system disk".into(),
        })
}

fn seconds_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
