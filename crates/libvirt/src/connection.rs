//! The connection: a keeper thread opens it, waits for its end, says so, and opens it again. Calls never
//! wait for a connection: without one they fail at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use qx_hypervisor::{Error, Result, Signal, Sink};
use virt::connect::Connect;

use crate::events;

/// Seconds between questions whether libvirtd lives, and how many may stay unanswered.
const KEEP_ALIVE: (i32, u32) = (5, 3);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const SLOWEST_RETRY: Duration = Duration::from_secs(2);

/// What callers, the keeper and libvirt's callbacks share.
pub(crate) struct Shared {
    uri: String,
    link: Mutex<Link>,
    changed: Condvar,
    sinks: Mutex<Vec<Sink>>,
}

enum Link {
    Unreachable {
        reason: String,
    },
    Connected(Connect),
    /// The owner is gone: the keeper ends.
    Closed,
}

impl Shared {
    pub(crate) fn start(uri: &str) -> std::io::Result<Arc<Self>> {
        let reason = "no connection has been made yet".to_owned();
        let shared = Arc::new(Self {
            uri: uri.to_owned(),
            link: Mutex::new(Link::Unreachable { reason }),
            changed: Condvar::new(),
            sinks: Mutex::default(),
        });
        let weak = Arc::downgrade(&shared);
        let thread = std::thread::Builder::new().name("libvirt-keeper".into());
        thread.spawn(move || keep(&weak))?;
        Ok(shared)
    }

    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// The connection, if there is one.
    pub(crate) fn connect(&self) -> Result<Connect> {
        let reason = match &*self.link() {
            Link::Connected(connect) => return Ok(connect.clone()),
            Link::Unreachable { reason } => reason.clone(),
            Link::Closed => "it was closed".to_owned(),
        };
        Err(Error::Unreachable {
            uri: self.uri.clone(),
            reason,
        })
    }

    /// The first word to a new sink is whether there is a connection.
    pub(crate) fn subscribe(&self, sink: Sink) {
        let link = self.link();
        match &*link {
            Link::Connected(_) => sink(Signal::Connected),
            Link::Unreachable { reason } => sink(Signal::Disconnected(reason.clone())),
            Link::Closed => {}
        }
        // Added while the state is held, so that no change falls in between.
        self.sinks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sink);
    }

    pub(crate) fn tell(&self, signal: &Signal) {
        for sink in self
            .sinks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            sink(signal.clone());
        }
    }

    /// libvirt says that this connection ended.
    pub(crate) fn lost(&self, ended: virt_sys::virConnectPtr, reason: &str) {
        let mut link = self.link();
        if matches!(&*link, Link::Connected(connect) if events::is(connect, ended)) {
            self.move_to(
                &mut link,
                Link::Unreachable {
                    reason: reason.to_owned(),
                },
            );
        }
    }

    pub(crate) fn close(&self) {
        let mut link = self.link();
        self.move_to(&mut link, Link::Closed);
    }

    /// Tries once to connect.
    fn open(self: &Arc<Self>) {
        let opened = Connect::open(Some(&self.uri)).and_then(|connect| {
            // The test driver has no daemon that could fall silent.
            let _ = connect.set_keep_alive(KEEP_ALIVE.0, KEEP_ALIVE.1);
            events::register(&connect, self)?;
            Ok(connect)
        });
        let mut link = self.link();
        if matches!(&*link, Link::Closed) {
            return;
        }
        match opened {
            Ok(connect) => self.move_to(&mut link, Link::Connected(connect)),
            // Known to be away already: only the reason may be new.
            Err(error) => {
                *link = Link::Unreachable {
                    reason: error.message().to_owned(),
                }
            }
        }
    }

    fn move_to(&self, link: &mut Link, new: Link) {
        let signal = match &new {
            Link::Connected(_) => Some(Signal::Connected),
            Link::Unreachable { reason } => Some(Signal::Disconnected(reason.clone())),
            Link::Closed => None,
        };
        *link = new;
        self.changed.notify_all();
        if let Some(signal) = signal {
            self.tell(&signal);
        }
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keeper's life: it ends with the last owner.
fn keep(shared: &Weak<Shared>) {
    let mut pause = FIRST_RETRY;
    while let Some(shared) = shared.upgrade() {
        shared.open();
        let link = shared.link();
        let waited = match &*link {
            Link::Closed => return,
            Link::Connected(_) => {
                pause = FIRST_RETRY;
                let connected = |link: &mut Link| matches!(link, Link::Connected(_));
                shared.changed.wait_while(link, connected).is_ok()
            }
            Link::Unreachable { .. } => {
                let away = |link: &mut Link| matches!(link, Link::Unreachable { .. });
                let waited = shared.changed.wait_timeout_while(link, pause, away).is_ok();
                pause = (pause * 2).min(SLOWEST_RETRY);
                waited
            }
        };
        if !waited {
            return;
        }
    }
}
