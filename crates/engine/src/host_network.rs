//! The host's own network: what is configured, what is in force, and changes that undo themselves unless somebody who
//! can still reach the host confirms them. How that is done is `qx_host::network`'s.

use std::sync::Arc;
use std::time::Duration;

use qx_host::boot::BootInfo;
use qx_host::config::{Management, Store};
use qx_host::network::{
    ChangeError, Changer, Deed, LEAST_TIME, MOST_TIME, Phase, Refusal, Standing, now_ms, taken,
};
use qx_model::access::{Actor, Operation, Role};
use qx_model::vm::FieldError;
use tokio::sync::{Mutex, watch};

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::events::{EventKind, Events};

/// The answer to whoever asked has left the host by then.
const ANSWER_FIRST: Duration = Duration::from_millis(500);
/// How often a trial's time is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// A network to try.
#[derive(Debug, Clone)]
pub struct Change {
    /// The network.
    pub management: Management,
    /// How long somebody has to confirm it once it is in force.
    pub within: Duration,
}

/// The host's network and what its readers go by.
#[derive(Debug, Clone)]
pub struct HostNetworkView {
    /// How it is.
    pub standing: Standing,
    /// Changes with everything that a change of the network depends on.
    pub revision: String,
    /// Until a trial is undone.
    pub left: Option<Duration>,
}

/// See the module. Clones share everything.
#[derive(Clone)]
pub struct HostNetwork {
    changer: Changer,
    run: std::path::PathBuf,
    /// Only on a booted image: elsewhere the network is somebody else's.
    always: bool,
    turn: Arc<Mutex<()>>,
    moved: Arc<watch::Sender<()>>,
    audit: Audit,
    events: Events,
}

impl HostNetwork {
    pub(crate) fn new(
        state: &std::path::Path,
        run: std::path::PathBuf,
        audit: Audit,
        events: Events,
    ) -> Self {
        let places = qx_host::network::Places {
            run: run.clone(),
            ..qx_host::network::Places::default()
        };
        let host = Self {
            changer: Changer::new(Store::new(state), places),
            run,
            always: false,
            turn: Arc::default(),
            moved: Arc::new(watch::channel(()).0),
            audit,
            events,
        };
        // A daemon before this one may have begun a change.
        if host.is_ours() {
            host.watch();
        }
        host
    }

    /// The same, but `deed` takes the place of bringing a network up, for tests; and a change that was begun before
    /// goes on.
    #[must_use]
    pub fn with_deed(self, deed: Deed) -> Self {
        let host = Self {
            changer: self.changer.with_deed(deed),
            always: true,
            ..self
        };
        host.watch();
        host
    }

    /// Tells whenever the host may be reached in another way than before, so that connections had better be made
    /// anew.
    #[must_use]
    pub fn moved(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }

    /// How the network is.
    ///
    /// # Errors
    /// When the caller may not see it.
    pub async fn get(&self, actor: &Actor) -> Result<HostNetworkView> {
        authorize(actor, Operation::HostNetworkGet)?;
        let changer = self.changer.clone();
        blocking(move || Ok(view(&changer))).await
    }

    /// Tries another network: it is brought up a moment after this returns, and undone unless it is confirmed.
    ///
    /// # Errors
    /// When it can't be, when another change waits, or when it is not what the caller saw.
    pub async fn change(
        &self,
        actor: &Actor,
        revisions: Option<Vec<String>>,
        change: Change,
    ) -> Result<HostNetworkView> {
        let work = async {
            self.check(&change)?;
            let _turn = self.turn.lock().await;
            let changer = self.changer.clone();
            let begun = blocking(move || {
                let now = view(&changer);
                if revisions.is_some_and(|known| !known.contains(&now.revision)) {
                    let what = "the host's network".to_owned();
                    return Err(Error::Stale { what });
                }
                if let Some(address) = taken(&now.standing, &change.management) {
                    let reason = format!("another machine in this network has {address}");
                    return Err(Error::field("network.ipv4.address", reason));
                }
                changer
                    .begin(change.management, change.within)
                    .map_err(wrong)?;
                Ok(view(&changer))
            })
            .await?;
            self.bring_up();
            Ok(begun)
        };
        let (operation, audit) = (Operation::HostNetworkEdit, &self.audit);
        audit.change(actor, operation, "host", work).await
    }

    /// Keeps the network that is on trial. The caller's connection, made at `connected_ms` since the kernel started,
    /// has to be newer than that network.
    ///
    /// # Errors
    /// When there is none, or the connection is older.
    pub async fn confirm(&self, actor: &Actor, connected_ms: u64) -> Result<HostNetworkView> {
        let work = self.end(move |changer| changer.keep(connected_ms));
        let (operation, audit) = (Operation::HostNetworkConfirm, &self.audit);
        audit.change(actor, operation, "host", work).await
    }

    /// Gives up the network that is on trial.
    ///
    /// # Errors
    /// When there is none.
    pub async fn undo(&self, actor: &Actor) -> Result<HostNetworkView> {
        let work = async {
            let ended = self.end(Changer::give_up).await;
            self.moved.send_replace(());
            ended
        };
        let (operation, audit) = (Operation::HostNetworkUndo, &self.audit);
        audit.change(actor, operation, "host", work).await
    }

    async fn end(
        &self,
        how: impl FnOnce(&Changer) -> std::result::Result<Phase, ChangeError> + Send + 'static,
    ) -> Result<HostNetworkView> {
        let _turn = self.turn.lock().await;
        let changer = self.changer.clone();
        let ended = blocking(move || {
            how(&changer).map_err(wrong)?;
            Ok(view(&changer))
        })
        .await;
        self.events.publish(EventKind::HostChanged);
        ended
    }

    fn is_ours(&self) -> bool {
        self.always || BootInfo::read(&self.run).is_ok()
    }

    fn check(&self, change: &Change) -> Result<()> {
        let mut faults: Vec<FieldError> = change
            .management
            .faults()
            .into_iter()
            .map(|(field, reason)| FieldError {
                field: format!("network.{field}"),
                reason,
            })
            .collect();
        if !(LEAST_TIME..=MOST_TIME).contains(&change.within) {
            let (least, most) = (LEAST_TIME.as_secs(), MOST_TIME.as_secs());
            faults.push(FieldError {
                field: "confirm_within_s".to_owned(),
                reason: format!("must be {least} to {most}"),
            });
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        if self.is_ours() {
            return Ok(());
        }
        Err(Error::Conflict {
            reason:
                "this daemon does not run on a host of Quantix-OS, so the network is not its own"
                    .to_owned(),
            hint: "Change it as this machine's own system has it.".to_owned(),
        })
    }

    /// Brings the network on trial up, in the background, then looks after its time.
    fn bring_up(&self) {
        let host = self.clone();
        tokio::spawn(async move {
            host.events.publish(EventKind::HostChanged);
            tokio::time::sleep(ANSWER_FIRST).await;
            {
                let _turn = host.turn.lock().await;
                let changer = host.changer.clone();
                let done = blocking(move || changer.bring_up().map_err(wrong)).await;
                if let Err(error) = done {
                    tracing::warn!(%error, "the new network could not be brought up");
                }
            }
            host.moved.send_replace(());
            host.events.publish(EventKind::HostChanged);
            host.watch();
        });
    }

    /// Undoes what is on trial when its time is up; returns at once, and the look-out ends with the trial.
    fn watch(&self) {
        let host = self.clone();
        tokio::spawn(async move {
            loop {
                match host.tick().await {
                    Ok(Phase::Settled { .. }) => break,
                    Ok(Phase::OnTrial(_)) => {}
                    Err(error) => tracing::warn!(%error, "a change of the network can't be undone"),
                }
                tokio::time::sleep(INTERVAL).await;
            }
        });
    }

    async fn tick(&self) -> Result<Phase> {
        let _turn = self.turn.lock().await;
        let changer = self.changer.clone();
        let (before, after) =
            blocking(move || Ok((changer.phase(), changer.tick().map_err(wrong)?))).await?;
        if before != after {
            let itself = Actor {
                name: "host".to_owned(),
                role: Role::Admin,
                origin: "local".to_owned(),
            };
            let operation = Operation::HostNetworkUndo.name();
            self.audit.record(
                &itself,
                operation,
                "host",
                "ok: nobody confirmed it in time",
            );
            self.moved.send_replace(());
            self.events.publish(EventKind::HostChanged);
        }
        Ok(after)
    }
}

fn view(changer: &Changer) -> HostNetworkView {
    let standing = changer.standing();
    let left = match &standing.phase {
        Phase::OnTrial(trial) => Some(trial.until_ms.saturating_sub(now_ms())),
        Phase::Settled { .. } => None,
    };
    HostNetworkView {
        revision: standing.revision(),
        left: left.map(Duration::from_millis),
        standing,
    }
}

fn wrong(error: ChangeError) -> Error {
    let conflict = |reason: String, hint: &str| Error::Conflict {
        reason,
        hint: hint.to_owned(),
    };
    match error {
        ChangeError::Refused(refusal) => {
            let hint = match refusal {
                Refusal::OnTrial => "Confirm or undo it first, or wait until its time is up.",
                Refusal::Settled => "If its time was up, it was undone. Change the network again.",
                Refusal::TooEarly => "Ask again in a moment.",
                Refusal::OldConnection => {
                    "Connect to the host anew, by the address that it has now, and confirm then."
                }
            };
            conflict(refusal.to_string(), hint)
        }
        ChangeError::Store(error) => Error::internal("storing the network", error),
        ChangeError::Run { path, source } => {
            Error::file(format!("noting the change in {}", path.display()), source)
        }
    }
}
