//! Updates of the host's own system: what the slots hold, writing a bundle to the one that does not run,
//! starting it on trial, keeping it, going back. The slots themselves are `qx_host`'s.

mod automatic;
mod feed;
mod known;
mod pieces;
mod schedule;
mod staging;
mod status;
mod transfer;
mod transfers;
mod trial;
mod watched;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use qx_host::power::{self, PowerAction};
use qx_host::update::{Installed, NotInstalled, Outcome, UpdateRecord};
use qx_model::access::{Actor, Operation};
use qx_slots::{BootEnv, Reason, SlotName, SlotState, TransitionError};

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::events::{EventKind, Events};
use crate::tasks::Tasks;

pub use feed::{FeedStatus, Offer};
pub use schedule::Opening;
pub use status::{ImageId, LastUpdate, SlotStatus, Status};
pub use transfer::{Transfer, TransferSource, TransferState};
use transfers::Transfers;

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
    tasks: Tasks,
    /// What is known of the feed.
    feed: Mutex<known::Known>,
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
    pub(crate) fn start(places: Places, events: Events, tasks: Tasks, audit: Audit) -> Self {
        let updates = Self {
            inner: Arc::new(Inner {
                places,
                transfers: Transfers::new(events.clone()),
                events,
                tasks,
                audit,
                feed: Mutex::new(known::Known::new(Timestamp::now())),
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
                this.raise_floor(&installed);
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
