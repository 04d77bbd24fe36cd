//! Keeps pools true without anybody asking: tells when one can no longer be used, starts those that should have
//! started with the host as soon as they can be, and makes the host's own.
//!
//! ```text
//! Inactive ──start──► Active ──directory gone or silent──► Unavailable
//!    ▲ │ by itself: again     ▲                                  │
//!    │ └──────until it works──┘◄──────────it is back─────────────┘
//!    └─stop, by a person: no more by itself
//! ```

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use qx_model::storage::{Pool, PoolId, PoolKind, PoolSource, PoolSpec};

use super::{Inner, place};
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::events::EventKind;

/// Between two looks at the pools' directories, which nobody tells of.
const LOOK: Duration = Duration::from_secs(2);
/// Looks between two tries to start what should have started by itself.
const TRIES: u32 = 5;
/// Names of the host's own pool, the first that nobody has.
const NAMES: [&str; 2] = ["default", "quantix"];

pub(super) fn start(inner: Arc<Inner>) {
    tokio::spawn(watch(inner));
}

async fn watch(inner: Arc<Inner>) {
    let mut events = inner.events.live();
    let mut own = false;
    let mut shown: Vec<Pool> = Vec::new();
    let mut swept: BTreeSet<PoolId> = BTreeSet::new();
    let trying = Arc::new(Mutex::new(BTreeSet::new()));
    for round in 0_u32.. {
        if !own {
            own = match inner.make_own().await {
                Ok(()) => true,
                // The hypervisor does not answer yet.
                Err(Error::Unavailable { .. }) => false,
                Err(error) => {
                    tracing::warn!(%error, "the host's own storage pool can't be made");
                    // Tried again with the next restart.
                    true
                }
            };
        }
        inner.look_at_all().await;
        let now = inner.known.shown();
        sweep(&now, &mut swept);
        if round % TRIES == 0 {
            inner.wake(&trying);
        }
        // Space changes all the time; who wants to know asks.
        let news = |pool: &Pool| (pool.id, pool.state, pool.problem.clone());
        if !shown.iter().map(news).eq(now.iter().map(news)) {
            inner.events.publish(EventKind::PoolsChanged);
        }
        shown = now;
        // Read again only when something happened, until it is time for the next look.
        let end = tokio::time::Instant::now() + LOOK;
        let mut changed = round == 0;
        while let Ok(event) = tokio::time::timeout_at(end, events.recv()).await {
            use tokio::sync::broadcast::error::RecvError;
            match event.map(|event| event.kind) {
                Ok(EventKind::PoolsChanged | EventKind::HostChanged)
                | Err(RecvError::Lagged(_)) => {
                    changed = true;
                }
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            }
        }
        if changed && let Err(error) = inner.read_all().await {
            tracing::debug!(%error, "the storage pools can't be read");
        }
    }
}

/// Removes what was half-made when the daemon ended, once for each pool that no other host uses.
fn sweep(pools: &[Pool], swept: &mut BTreeSet<PoolId>) {
    use qx_model::storage::PoolState::Active;
    for pool in pools {
        let own = matches!(pool.kind, PoolKind::Directory | PoolKind::Disk) && pool.on_disk;
        let Some(target) = pool.target.clone().filter(|_| own && pool.state == Active) else {
            continue;
        };
        if swept.insert(pool.id) {
            tokio::task::spawn_blocking(move || match qx_host::volumes::sweep(&target) {
                Ok(0) => {}
                Ok(count) => {
                    tracing::info!(place = %target.display(), count, "removed what was half-made")
                }
                Err(error) => tracing::warn!(place = %target.display(), %error, "not swept"),
            });
        }
    }
}

impl Inner {
    /// Starts, each on its own, the pools that sleep and should not.
    fn wake(self: &Arc<Self>, trying: &Arc<Mutex<BTreeSet<PoolId>>>) {
        for id in self.known.sleeping() {
            if !trying
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(id)
            {
                continue;
            }
            let (inner, trying) = (Arc::clone(self), Arc::clone(trying));
            tokio::spawn(async move {
                let _turn = inner.changes.turn(id).await;
                // Whoever had the turn before may have stopped it.
                if inner.known.sleeping().contains(&id) {
                    let started = inner
                        .inventory
                        .blocking(move |hypervisor| hypervisor.start_pool(id))
                        .await;
                    let outcome = started.map_err(|error| error.to_string());
                    if let Err(reason) = &outcome {
                        tracing::debug!(pool = %id, reason, "a storage pool does not start yet");
                    }
                    if inner.known.started(id, outcome) {
                        inner.events.publish(EventKind::PoolsChanged);
                    }
                }
                let mut trying = trying.lock().unwrap_or_else(PoisonError::into_inner);
                trying.remove(&id);
            });
        }
    }

    /// The pool of the data disk, which is always there.
    async fn make_own(self: &Arc<Self>) -> Result<()> {
        self.read_all().await?;
        let target = place::own(&self.data);
        let pools = self.known.shown();
        if pools
            .iter()
            .any(|pool| pool.target.as_ref() == Some(&target))
        {
            return Ok(());
        }
        let free = |name: &&&str| !pools.iter().any(|pool| pool.name == ***name);
        let name = NAMES.iter().find(free).unwrap_or(&NAMES[0]);
        let name = name
            .parse()
            .map_err(|error| Error::internal("naming a pool", error))?;
        let spec = PoolSpec {
            id: PoolId::random(),
            name,
            target,
            source: PoolSource::Directory,
            autostart: true,
        };
        let made = self.define(spec).await;
        self.events.publish(EventKind::PoolsChanged);
        made?;
        self.read_all().await
    }
}

/// The directories of the data disk's pools.
pub(crate) fn prepare(data: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    for directory in [place::own(data), place::made(data)] {
        // QEMU runs as another user and opens its files by name.
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&directory);
        made.map_err(|error| Error::file(format!("making {}", directory.display()), error))?;
    }
    Ok(())
}

/// Lists and makes file systems of the host's disks, away from the threads that answer.
pub(super) async fn disks(run: std::path::PathBuf) -> Result<Vec<qx_host::disks::Disk>> {
    blocking(move || {
        qx_host::volumes::list(&run)
            .map_err(|error| Error::internal("the disks can't be listed", error))
    })
    .await
}
