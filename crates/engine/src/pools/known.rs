//! Pools as they were last seen, and how their directories are. Answers within moments, whatever a pool's server does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use qx_host::volumes::{Space, space};
use qx_model::storage::{Pool, PoolId, PoolState};

use super::{Inner, is_mounted};
use crate::error::{Error, Result};

/// How long a directory may take to tell its space before it counts as silent.
const SILENT: Duration = Duration::from_secs(2);
/// How long the hypervisor may take to tell of all pools before what was known is told.
const LATE: Duration = Duration::from_secs(2);

/// What is known of pools. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Known(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    pools: Vec<Pool>,
    places: BTreeMap<PoolId, Place>,
    /// Stopped by a person: not to be started by itself.
    held: BTreeSet<PoolId>,
    /// Why a pool that starts by itself did not.
    failed: BTreeMap<PoolId, String>,
}

/// What a look at a directory found.
struct Place {
    found: std::result::Result<Space, String>,
    /// When the look began.
    began: Instant,
}

impl Known {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A person wants it to be off.
    pub(super) fn hold(&self, id: PoolId) {
        self.state().held.insert(id);
    }

    pub(super) fn release(&self, id: PoolId) {
        self.state().held.remove(&id);
    }

    pub(super) fn forget(&self, id: PoolId) {
        let mut state = self.state();
        state.pools.retain(|pool| pool.id != id);
        state.places.remove(&id);
        state.failed.remove(&id);
    }

    /// Notes whether it could be started by itself; true when that is news.
    pub(super) fn started(&self, id: PoolId, outcome: std::result::Result<(), String>) -> bool {
        let mut state = self.state();
        match outcome {
            Ok(()) => state.failed.remove(&id).is_some(),
            Err(reason) => state.failed.insert(id, reason.clone()) != Some(reason),
        }
    }

    /// Those that should have started by themselves.
    pub(super) fn sleeping(&self) -> Vec<PoolId> {
        let state = self.state();
        let sleeps = |pool: &&Pool| {
            pool.state == PoolState::Inactive && pool.autostart && !state.held.contains(&pool.id)
        };
        state
            .pools
            .iter()
            .filter(sleeps)
            .map(|pool| pool.id)
            .collect()
    }

    /// All as they are shown.
    pub(super) fn shown(&self) -> Vec<Pool> {
        let state = self.state();
        state.pools.iter().map(|pool| state.show(pool)).collect()
    }
}

impl State {
    /// With what its directory says.
    fn show(&self, pool: &Pool) -> Pool {
        let mut shown = pool.clone();
        if pool.state == PoolState::Inactive && pool.autostart && !self.held.contains(&pool.id) {
            let failed = self.failed.get(&pool.id);
            shown.problem = failed.map(|reason| format!("it could not be started: {reason}"));
        }
        if pool.state != PoolState::Active || !pool.on_disk {
            return shown;
        }
        match self.places.get(&pool.id).map(|place| &place.found) {
            None => {}
            Some(Ok(space)) => {
                shown.capacity_bytes = space.capacity;
                shown.available_bytes = space.available;
                shown.allocation_bytes = space.capacity.saturating_sub(space.available);
            }
            Some(Err(reason)) => {
                let target = pool.target.as_deref().unwrap_or_else(|| "".as_ref());
                shown.state = PoolState::Unavailable;
                shown.problem = Some(format!("its directory {} {reason}", target.display()));
            }
        }
        shown
    }
}

impl Inner {
    /// All pools, by name, as they are now.
    pub(super) async fn observe_all(self: &Arc<Self>) -> Result<Vec<Pool>> {
        self.read_all().await?;
        self.look_at_all().await;
        Ok(self.known.shown())
    }

    /// One pool as it is now.
    pub(crate) async fn observe(&self, id: PoolId) -> Result<Pool> {
        let asked = self
            .inventory
            .blocking(move |hypervisor| hypervisor.pool(id));
        match tokio::time::timeout(LATE, asked).await {
            Ok(pool) => {
                let pool = pool?;
                let mut state = self.known.state();
                state.pools.retain(|known| known.id != id);
                state.pools.push(pool);
                state.pools.sort_by(|a, b| a.name.cmp(&b.name));
            }
            // Its server is silent, which the look says.
            Err(_) => tracing::debug!(pool = %id, "the hypervisor is slow to tell of a pool"),
        }
        let known = self
            .known
            .state()
            .pools
            .iter()
            .find(|pool| pool.id == id)
            .cloned();
        let Some(pool) = known else {
            return Err(silent(id));
        };
        self.look(&pool).await;
        Ok(self.known.state().show(&pool))
    }

    /// Asks the hypervisor; one that takes its time leaves what is known as it is.
    pub(super) async fn read_all(&self) -> Result<()> {
        let asked = self.inventory.blocking(|hypervisor| hypervisor.pools());
        let Ok(pools) = tokio::time::timeout(LATE, asked).await else {
            return Ok(());
        };
        let mut pools = pools?;
        pools.sort_by(|a, b| a.name.cmp(&b.name));
        self.known.state().pools = pools;
        Ok(())
    }

    /// Looks at the directories of all that are active, all at once.
    pub(super) async fn look_at_all(self: &Arc<Self>) {
        let pools = self.known.state().pools.clone();
        let mut looks = tokio::task::JoinSet::new();
        for pool in pools {
            let inner = Arc::clone(self);
            looks.spawn(async move { inner.look(&pool).await });
        }
        looks.join_all().await;
    }

    /// Looks how a pool's directory is. One thread at most waits for it.
    async fn look(&self, pool: &Pool) {
        let (id, true, PoolState::Active) = (pool.id, pool.on_disk, pool.state) else {
            return;
        };
        let Some(target) = pool.target.clone() else {
            return;
        };
        let asked = Instant::now();
        let known = self.known.clone();
        if let Ok(turn) = tokio::time::timeout(SILENT, self.looks.turn(id)).await {
            let began = known.state().places.get(&id).map(|place| place.began);
            if began.is_some_and(|began| began >= asked) {
                return;
            }
            let mounted = is_mounted(pool.kind);
            let began = Instant::now();
            let look = tokio::task::spawn_blocking(move || space(&target, mounted));
            // Keeps its turn for as long as it takes, so that no second thread waits for the same server.
            let noted = tokio::spawn(async move {
                let found = look.await;
                let found =
                    found.unwrap_or_else(|error| Err(format!("can't be looked at: {error}")));
                known.state().places.insert(id, Place { found, began });
                drop(turn);
            });
            if tokio::time::timeout(SILENT, noted).await.is_ok() {
                return;
            }
        }
        let found = Err("does not answer".into());
        let began = asked;
        let mut state = self.known.state();
        state.places.insert(id, Place { found, began });
    }
}

fn silent(id: PoolId) -> Error {
    Error::Unavailable {
        reason: format!("the storage pool {id} does not answer"),
        hint: "look at its server; it can be used as soon as that is back".into(),
    }
}
