//! Settings of the host that need no confirmation: its name, time, SSH, the proxy. What follows from them, and SSH that
//! is on for a while, is `qx_host`'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use qx_host::apply::{self, Paths};
use qx_host::boot::BootInfo;
use qx_host::config::{Config, Store};
use qx_host::settings::{self, Follow, Patch, SettingsError};
use qx_host::ssh_window;
use qx_model::access::{Actor, Operation, Role};
use tokio::sync::Mutex;

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::events::{EventKind, Events};

/// How often it is looked whether SSH's time is up.
const INTERVAL: Duration = Duration::from_secs(1);
/// The longest that SSH may be on for a while, in minutes: a day.
const MOST_MINUTES: u64 = 24 * 60;

/// The host's settings.
#[derive(Debug, Clone)]
pub struct HostConfigView {
    /// What is stored.
    pub config: Config,
    /// How long SSH is on whatever is stored.
    pub ssh_left: Option<Duration>,
    /// Changes with everything that is stored.
    pub revision: String,
}

/// See the module. Clones share everything.
#[derive(Clone)]
pub struct HostConfig {
    paths: Paths,
    follow: Follow,
    always: bool,
    turn: Arc<Mutex<()>>,
    audit: Audit,
    events: Events,
}

impl HostConfig {
    pub(crate) fn new(state: &Path, run: &Path, audit: Audit, events: Events) -> Self {
        let paths = Paths {
            root: PathBuf::from("/"),
            state: state.to_owned(),
            run: run.to_owned(),
            sys: PathBuf::from("/sys"),
            dev: PathBuf::from("/dev"),
            cmdline: PathBuf::from("/proc/cmdline"),
        };
        let host = Self {
            paths,
            follow: apply::follow,
            always: false,
            turn: Arc::default(),
            audit,
            events,
        };
        if host.is_ours() {
            host.watch();
        }
        host
    }

    /// The same for a host below `root`, whose services are told by `follow`: for tests.
    #[must_use]
    pub fn below(self, root: &Path, follow: Follow) -> Self {
        let host = Self {
            paths: Paths {
                root: root.to_owned(),
                ..self.paths
            },
            follow,
            always: true,
            ..self
        };
        host.watch();
        host
    }

    /// The settings.
    ///
    /// # Errors
    /// When the caller may not see them.
    pub async fn get(&self, actor: &Actor) -> Result<HostConfigView> {
        authorize(actor, Operation::HostConfigGet)?;
        let paths = self.paths.clone();
        blocking(move || Ok(view(&paths))).await
    }

    /// Changes settings. They are in force when this returns.
    ///
    /// # Errors
    /// When they can't be stored, or are not what the caller saw.
    pub async fn change(
        &self,
        actor: &Actor,
        revisions: Option<Vec<String>>,
        patch: Patch,
    ) -> Result<HostConfigView> {
        let work = async {
            self.check(&patch)?;
            let _turn = self.turn.lock().await;
            let (paths, follow) = (self.paths.clone(), self.follow);
            let changed = blocking(move || {
                let now = view(&paths);
                if revisions.is_some_and(|known| !known.contains(&now.revision)) {
                    let what = "the host's configuration".to_owned();
                    return Err(Error::Stale { what });
                }
                settings::change(&paths, patch).map_err(wrong)?;
                follow().map_err(|error| wrong(SettingsError::Services(error)))?;
                Ok(view(&paths))
            })
            .await;
            self.events.publish(EventKind::HostChanged);
            changed
        };
        let (operation, audit) = (Operation::HostConfigEdit, &self.audit);
        audit.change(actor, operation, "host", work).await
    }

    fn is_ours(&self) -> bool {
        self.always || BootInfo::read(&self.paths.run).is_ok()
    }

    fn check(&self, patch: &Patch) -> Result<()> {
        let longest = Duration::from_secs(MOST_MINUTES * 60);
        if patch.ssh_for.is_some_and(|time| time > longest) {
            let reason = format!("must be 0 to {MOST_MINUTES}");
            return Err(Error::field("ssh.on_for_minutes", reason));
        }
        if patch.ssh_for.is_some_and(|time| !time.is_zero()) && patch.ssh_enabled == Some(false) {
            let reason = "and enabled = false exclude each other";
            return Err(Error::field("ssh.on_for_minutes", reason));
        }
        let known = |zone| apply::zone_exists(&self.paths.root, zone);
        if patch.timezone.as_ref().is_some_and(|zone| !known(zone)) {
            return Err(Error::field("timezone", "is not known to this release"));
        }
        if self.is_ours() {
            return Ok(());
        }
        Err(Error::Conflict {
            reason:
                "this daemon does not run on a host of Quantix-OS, so the settings are not its own"
                    .to_owned(),
            hint: "Change them as this machine's own system has it.".to_owned(),
        })
    }

    /// Ends SSH that is on for a while when its time is up.
    fn watch(&self) {
        let host = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                if !ssh_window::is_noted(&host.paths.run) {
                    continue;
                }
                let _turn = host.turn.lock().await;
                let (paths, follow) = (host.paths.clone(), host.follow);
                let ended =
                    blocking(move || settings::end_ssh_window(&paths, follow).map_err(wrong));
                match ended.await {
                    Ok(false) => {}
                    Ok(true) => {
                        let itself = Actor {
                            name: "host".to_owned(),
                            role: Role::Admin,
                            origin: "local".to_owned(),
                        };
                        let operation = Operation::HostConfigEdit.name();
                        let outcome = "ok: SSH is off again, its time is up";
                        host.audit.record(&itself, operation, "host", outcome);
                        host.events.publish(EventKind::HostChanged);
                    }
                    Err(error) => tracing::warn!(%error, "SSH can't be turned off again"),
                }
            }
        });
    }
}

fn view(paths: &Paths) -> HostConfigView {
    let store = Store::new(&paths.state);
    HostConfigView {
        config: store.peek().config,
        revision: store.revision(),
        ssh_left: ssh_window::left(&paths.run),
    }
}

fn wrong(error: SettingsError) -> Error {
    match error {
        SettingsError::Services(source) => Error::Unavailable {
            reason: format!("the settings are stored, but services do not follow them: {source}"),
            hint: "Restart the host, or look at its log.".to_owned(),
        },
        error => Error::internal("changing the host's settings", error),
    }
}
