//! Changing the network of a running host: the state machine of [`super::trial`] with its files and its deeds. Where a
//! change is lies in the run directory, so that a restarted program goes on with it, and a restarted host does not.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::in_force::{InForce, network_of, text_of};
use super::run::{Places, bring_up};
use super::trial::{Action, Event, Phase, Refusal, step};
use crate::config::{Management, Store, StoreError};
use crate::durable;

const FILE: &str = "network-trial.json";

/// What brings a network up: [`bring_up`], but for tests.
pub type Deed = Arc<dyn Fn(&Management) -> io::Result<InForce> + Send + Sync>;

/// Why a change went no further.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Not possible now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It can't be kept.
    #[error("the configuration cannot be stored")]
    Store(#[from] StoreError),
    /// Nothing can be recorded.
    #[error("cannot write to {path}")]
    Run {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// See the module. One change at a time: the caller sees to it that calls don't overlap.
#[derive(Clone)]
pub struct Changer {
    store: Store,
    run: PathBuf,
    deed: Deed,
}

/// How the network is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What is stored.
    pub configured: Management,
    /// What was brought up last; `None` before anything was.
    pub wanted: Option<Management>,
    /// The record of that.
    pub in_force: Option<InForce>,
    /// The newest stored network that is not the configured one.
    pub previous: Option<Management>,
    /// Where a change is.
    pub phase: Phase,
}

impl Standing {
    /// Changes with what is configured and with every step of a change.
    #[must_use]
    pub fn revision(&self) -> String {
        let seen = format!("{:?} {:?}", self.configured, self.phase);
        let hash = blake3::hash(seen.as_bytes()).to_hex();
        hash.chars().take(16).collect()
    }
}

impl Changer {
    /// For the host whose configuration is in `store`.
    #[must_use]
    pub fn new(store: Store, places: Places) -> Self {
        let run = places.run.clone();
        let deed: Deed = Arc::new(move |management| bring_up(&places, management));
        Self { store, run, deed }
    }

    /// The same, but nothing happens to this machine.
    #[must_use]
    pub fn with_deed(self, deed: Deed) -> Self {
        Self { deed, ..self }
    }

    /// How the network is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let configured = self.store.peek().config.management;
        let phase = self.phase();
        let in_force = InForce::read(&self.run);
        let wanted = in_force.as_ref().and_then(|now| network_of(&now.text));
        let previous = self.store.newest(|config| config.management != configured);
        Standing {
            previous: previous.map(|config| config.management),
            configured,
            wanted,
            in_force,
            phase,
        }
    }

    /// Where a change is. What can't be read counts as settled: the next boot, and every undoing, bring up what is
    /// stored.
    #[must_use]
    pub fn phase(&self) -> Phase {
        let text = fs::read(self.run.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Notes that `management` is to be tried; [`Self::bring_up`] comes next.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub fn begin(&self, management: Management, within: Duration) -> Result<Phase, ChangeError> {
        let text = text_of(management);
        self.go(Event::Begin { text, within })
    }

    /// Brings the network up that is on trial, if it is not yet. Problems are in the record.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub fn bring_up(&self) -> Result<Phase, ChangeError> {
        let Phase::OnTrial(trial) = self.phase() else {
            return Err(Refusal::Settled.into());
        };
        if trial.in_force_ms.is_none()
            && let Some(management) = trial.management()
        {
            self.put(&management)?;
        }
        self.go(Event::InForce)
    }

    /// Keeps what is on trial, asked for over a connection that was made at `connected_ms`.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub fn keep(&self, connected_ms: u64) -> Result<Phase, ChangeError> {
        self.go(Event::Keep { connected_ms })
    }

    /// Brings up what is stored instead of what is on trial.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub fn give_up(&self) -> Result<Phase, ChangeError> {
        self.go(Event::GiveUp)
    }

    /// The same, if the time is up; to be called again and again.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub fn tick(&self) -> Result<Phase, ChangeError> {
        self.go(Event::Tick)
    }

    fn go(&self, event: Event) -> Result<Phase, ChangeError> {
        let phase = self.phase();
        let (next, action) = step(&phase, event, now_ms())?;
        match (action, &phase) {
            (Action::Store, Phase::OnTrial(trial)) => {
                if let Some(management) = trial.management() {
                    let mut config = self.store.load().config;
                    config.management = management;
                    self.store.save(&config)?;
                }
            }
            // Cut off after this, it is done once more.
            (Action::Undo, _) => self.put(&self.store.peek().config.management)?,
            _ => {}
        }
        if next != phase {
            let text = serde_json::to_vec(&next).unwrap_or_default();
            durable::replace(&self.run.join(FILE), &text, 0o644).map_err(|e| self.wrong(e))?;
        }
        Ok(next)
    }

    fn put(&self, management: &Management) -> Result<(), ChangeError> {
        (self.deed)(management).map(drop).map_err(|e| self.wrong(e))
    }

    fn wrong(&self, source: io::Error) -> ChangeError {
        ChangeError::Run {
            path: self.run.clone(),
            source,
        }
    }
}

/// The clock of trials: since the kernel started, sleep included.
#[must_use]
pub fn now_ms() -> u64 {
    let now = Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;
    use crate::config::{Config, Ipv4, Ipv6};
    use crate::network::{Ipv4Method, management_interface};

    struct Host {
        dir: tempfile::TempDir,
        done: Arc<Mutex<Vec<Management>>>,
    }

    impl Host {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("run")).unwrap();
            Self {
                dir,
                done: Arc::default(),
            }
        }

        /// A program that manages it; another one is a restart.
        fn changer(&self) -> Changer {
            let (done, run) = (Arc::clone(&self.done), self.dir.path().join("run"));
            let places = Places {
                run: run.clone(),
                ..Places::default()
            };
            let store = Store::new(self.dir.path());
            Changer::new(store, places).with_deed(Arc::new(move |management| {
                done.lock().unwrap().push(management.clone());
                let in_force = InForce {
                    interface: management_interface(management),
                    ipv4: Ipv4Method::from(&management.ipv4),
                    dhcp: None,
                    open: true,
                    text: text_of(management.clone()),
                    problems: vec![],
                };
                in_force.write(&run)?;
                Ok(in_force)
            }))
        }

        fn stored(&self) -> Management {
            Store::new(self.dir.path()).load().config.management
        }

        fn last(&self) -> Option<Management> {
            self.done.lock().unwrap().last().cloned()
        }
    }

    fn other() -> Management {
        Management {
            ipv4: Ipv4::None,
            ipv6: Ipv6::None,
            ..Management::default()
        }
    }

    #[test]
    fn a_kept_change_is_stored_and_the_former_one_can_be_found() {
        let host = Host::new();
        let changer = host.changer();
        Store::new(host.dir.path())
            .save(&Config::default())
            .unwrap();
        changer.begin(other(), Duration::from_secs(60)).unwrap();
        assert_eq!(host.stored(), Management::default());
        changer.bring_up().unwrap();
        assert_eq!(host.last(), Some(other()));
        assert_eq!(changer.standing().wanted, Some(other()));
        assert!(matches!(
            changer.keep(0),
            Err(ChangeError::Refused(Refusal::OldConnection))
        ));
        assert_eq!(changer.keep(now_ms() + 1).unwrap(), Phase::default());
        assert_eq!(host.stored(), other());
        let standing = changer.standing();
        assert_eq!(standing.previous, Some(Management::default()));
        assert_eq!(standing.configured, other());
    }

    #[test]
    fn a_change_that_nobody_keeps_is_undone_by_whoever_runs_then() {
        let host = Host::new();
        host.changer().begin(other(), Duration::ZERO).unwrap();
        host.changer().bring_up().unwrap();
        // The program was restarted meanwhile, and again after it had undone it and not yet noted that.
        let phase = fs::read(host.dir.path().join("run").join(FILE)).unwrap();
        for _ in 0..2 {
            fs::write(host.dir.path().join("run").join(FILE), &phase).unwrap();
            let settled = host.changer().tick().unwrap();
            let undone = Some(crate::network::Undone::TimeIsUp);
            assert_eq!(settled, Phase::Settled { undone });
            assert_eq!(host.last(), Some(Management::default()));
        }
        assert_eq!(host.stored(), Management::default());
    }

    #[test]
    fn after_a_restart_of_the_host_there_is_no_trial() {
        let host = Host::new();
        host.changer()
            .begin(other(), Duration::from_secs(60))
            .unwrap();
        fs::remove_dir_all(host.dir.path().join("run")).unwrap();
        fs::create_dir(host.dir.path().join("run")).unwrap();
        assert_eq!(host.changer().phase(), Phase::default());
        assert_eq!(host.stored(), Management::default());
        assert!(!Path::new(&host.dir.path().join("config.toml")).exists());
    }

    #[test]
    fn a_change_that_was_being_brought_up_when_the_program_ended_is_undone_in_time() {
        let host = Host::new();
        host.changer().begin(other(), Duration::ZERO).unwrap();
        let settled = host.changer().tick().unwrap();
        assert!(matches!(settled, Phase::Settled { undone: Some(_) }));
        assert_eq!(host.last(), Some(Management::default()));
    }
}
