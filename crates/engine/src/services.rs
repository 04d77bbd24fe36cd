//! The host's services, for those who look after it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use qx_host::boot::BootInfo;
use qx_host::service::{OpenRc, Service, State};
use qx_model::access::{Actor, Operation};
use tokio::sync::{Mutex, watch};

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};

/// See the module. Clones share everything.
#[derive(Clone)]
pub struct Services {
    openrc: OpenRc,
    run: PathBuf,
    audit: Audit,
    /// One is restarted at a time.
    turn: Arc<Mutex<()>>,
    ending: watch::Sender<bool>,
}

impl Services {
    pub(crate) fn new(run: &Path, audit: Audit) -> Self {
        Self {
            openrc: OpenRc::default(),
            run: run.to_owned(),
            audit,
            turn: Arc::default(),
            ending: watch::channel(false).0,
        }
    }

    /// The same with another OpenRC, for tests.
    #[must_use]
    pub fn with_openrc(self, openrc: OpenRc) -> Self {
        Self { openrc, ..self }
    }

    /// How each service does.
    ///
    /// # Errors
    /// When OpenRC does not say, such as on a machine without it.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<(Service, State)>> {
        authorize(actor, Operation::HostServices)?;
        let openrc = self.openrc.clone();
        blocking(move || {
            let state = |service| Ok((service, state(&openrc, service)?));
            Service::ALL.into_iter().map(state).collect()
        })
        .await
    }

    /// Stops and starts a service, and tells how it does then. The node daemon answers first and ends after that: what
    /// supervises it starts it again.
    ///
    /// # Errors
    /// When there is no such service, it does not start, or SSH is off.
    pub async fn restart(&self, actor: &Actor, name: &str) -> Result<(Service, State)> {
        let work = async {
            let service = Service::named(name).ok_or_else(|| Error::NotFound {
                what: "service",
                id: name.to_owned(),
            })?;
            let _turn = self.turn.lock().await;
            if service == Service::Node {
                let run = self.run.clone();
                blocking(move || BootInfo::read(&run).map_err(|_| foreign())).await?;
                self.ending.send_replace(true);
                return Ok((service, State::Stopping));
            }
            let openrc = self.openrc.clone();
            blocking(move || {
                let seen = state(&openrc, service)?;
                if service == Service::Ssh && seen == State::Stopped {
                    return Err(Error::Conflict {
                        reason: "SSH is off on this host".to_owned(),
                        hint: "turn it on in the host's settings".to_owned(),
                    });
                }
                openrc
                    .restart(service)
                    .map_err(|error| Error::Unavailable {
                        reason: error.to_string(),
                        hint: "look at the host's log, then try again".to_owned(),
                    })?;
                Ok((service, state(&openrc, service)?))
            })
            .await
        };
        self.audit
            .change(actor, Operation::HostServiceRestart, name, work)
            .await
    }

    /// Returns when somebody wants the node daemon to be restarted.
    pub async fn ending(&self) {
        // The sender lives as long as `self`.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }
}

fn state(openrc: &OpenRc, service: Service) -> Result<State> {
    openrc.state(service).map_err(|error| Error::Unavailable {
        reason: format!("OpenRC does not say how {} does: {error}", service.name()),
        hint: "this works on a host of Quantix-OS only; there, look at its console".to_owned(),
    })
}

fn foreign() -> Error {
    Error::Conflict {
        reason: "this daemon does not run on a host that was booted from Quantix-OS".to_owned(),
        hint: "restart it by the machine's own means".to_owned(),
    }
}
