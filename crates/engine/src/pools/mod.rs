//! Use cases for storage pools. Owns the order of changes to each pool, and the rule that nothing is taken away from a
//! VM that uses it. Pools never wait for each other: a server that is silent holds up its own pool alone.

mod format;
mod known;
mod place;
mod watch;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qx_model::access::{Actor, Operation};
use qx_model::name::PoolName;
use qx_model::storage::{Pool, PoolId, PoolKind, PoolSource, PoolSpec, PoolState, StorageUser};
use qx_model::vm::Vm;

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::error::{Error, Result};
use crate::events::{EventKind, Events};
use crate::inventory::Inventory;
use crate::queue::Queues;
use crate::tasks::Tasks;

pub use format::{FreeDisk, PoolOfDisk};
use known::Known;
pub(crate) use watch::prepare;

/// A pool and the VMs that have disks in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolInUse {
    /// As it is.
    pub pool: Pool,
    /// The host's own: always there.
    pub own: bool,
    /// VMs with a disk in it, by name.
    pub used_by: Vec<StorageUser>,
}

/// A pool as somebody wishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolWish {
    /// Chosen by the client, or anew.
    pub id: PoolId,
    /// Unique on this host.
    pub name: PoolName,
    /// What it is made of.
    pub source: PoolSource,
    /// A directory's place; `None` is one of its own on the data disk.
    pub path: Option<PathBuf>,
    /// Start it now and with the host.
    pub autostart: bool,
}

/// The storage pools of this host. Clones share them.
#[derive(Clone)]
pub struct Pools {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) inventory: Inventory,
    pub(crate) events: Events,
    pub(crate) tasks: Tasks,
    pub(crate) audit: Audit,
    changes: Queues<PoolId>,
    known: Known,
    /// Looks at directories: one after the other for each pool.
    looks: Queues<PoolId>,
    data: PathBuf,
    run: PathBuf,
}

impl Pools {
    /// Starts watching them; the host's own pool is made as soon as the hypervisor answers. `run` has the boot's record.
    pub(crate) fn start(
        inventory: Inventory,
        events: Events,
        tasks: Tasks,
        audit: Audit,
        (data, run): (&Path, &Path),
    ) -> Self {
        let inner = Arc::new(Inner {
            inventory,
            events,
            tasks,
            audit,
            changes: Queues::new(),
            known: Known::default(),
            looks: Queues::new(),
            data: data.to_owned(),
            run: run.to_owned(),
        });
        watch::start(Arc::clone(&inner));
        Self { inner }
    }

    /// All pools, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<PoolInUse>> {
        authorize(actor, Operation::PoolList)?;
        let pools = self.inner.observe_all().await?;
        pools
            .into_iter()
            .map(|pool| self.inner.in_use(pool))
            .collect()
    }

    /// One pool.
    pub async fn get(&self, actor: &Actor, id: PoolId) -> Result<PoolInUse> {
        authorize(actor, Operation::PoolGet)?;
        self.inner.get(id).await
    }

    /// Makes a pool, and starts it if it is to start by itself: one that can't be started is not kept. Asking again
    /// with the same id and the same wish answers the pool that is there.
    pub async fn create(&self, actor: &Actor, wish: PoolWish) -> Result<PoolInUse> {
        let (id, name) = (wish.id, wish.name.to_string());
        self.changing(actor, Operation::PoolCreate, id, name, async move |inner| {
            let spec = inner.resolve(wish)?;
            let broken = spec.check();
            if !broken.is_empty() {
                return Err(Error::Invalid(broken));
            }
            let known = inner.observe_all().await?;
            if let Some(same) = known.iter().find(|known| known.id == spec.id)
                && fulfils(same, &spec)
            {
                return inner.in_use(same.clone());
            }
            place::refuse_overlap(&spec, &known)?;
            inner.define(spec).await?;
            inner.get(id).await
        })
        .await
    }

    /// Changes whether a pool starts with the host.
    pub async fn edit(&self, actor: &Actor, id: PoolId, autostart: bool) -> Result<PoolInUse> {
        let target = id.to_string();
        self.changing(actor, Operation::PoolEdit, id, target, async move |inner| {
            let set = inner
                .inventory
                .blocking(move |hypervisor| hypervisor.set_pool_autostart(id, autostart));
            set.await?;
            inner.get(id).await
        })
        .await
    }

    /// Stops and forgets a pool that no VM has a disk in. What is in it stays.
    pub async fn delete(&self, actor: &Actor, id: PoolId) -> Result<()> {
        let target = id.to_string();
        self.changing(
            actor,
            Operation::PoolDelete,
            id,
            target,
            async move |inner| {
                let seen = inner.get(id).await?;
                if seen.own {
                    return Err(Error::Conflict {
                        reason: format!("{} is the host's own storage pool", seen.pool.name),
                        hint: "delete the volumes in it instead".into(),
                    });
                }
                refuse_used(&seen, |_| true, "delete them or unplug these disks first")?;
                inner.known.hold(id);
                let active = seen.pool.state != PoolState::Inactive;
                let forgotten = inner
                    .inventory
                    .blocking(move |hypervisor| {
                        if active {
                            hypervisor.stop_pool(id)?;
                        }
                        hypervisor.undefine_pool(id)
                    })
                    .await;
                if forgotten.is_ok() {
                    inner.known.forget(id);
                }
                forgotten
            },
        )
        .await
    }

    /// Makes a pool active; fine if it is.
    pub async fn activate(&self, actor: &Actor, id: PoolId) -> Result<PoolInUse> {
        let target = id.to_string();
        self.changing(
            actor,
            Operation::PoolStart,
            id,
            target,
            async move |inner| {
                inner.known.release(id);
                if inner.get(id).await?.pool.state == PoolState::Inactive {
                    let started = inner
                        .inventory
                        .blocking(move |hypervisor| hypervisor.start_pool(id));
                    started.await?;
                }
                inner.get(id).await
            },
        )
        .await
    }

    /// Ends the use of a pool that no running VM has a disk in; fine if it is not active. It stays so until somebody
    /// starts it, or the host or its daemon is started anew.
    pub async fn stop(&self, actor: &Actor, id: PoolId) -> Result<PoolInUse> {
        let target = id.to_string();
        self.changing(actor, Operation::PoolStop, id, target, async move |inner| {
            let seen = inner.get(id).await?;
            refuse_used(&seen, |user| user.running, "power them off first")?;
            inner.known.hold(id);
            if seen.pool.state != PoolState::Inactive {
                let stopped = inner
                    .inventory
                    .blocking(move |hypervisor| hypervisor.stop_pool(id));
                stopped.await?;
            }
            inner.get(id).await
        })
        .await
    }

    /// Looks at what is in a pool again: others may have put something there.
    pub async fn refresh(&self, actor: &Actor, id: PoolId) -> Result<PoolInUse> {
        let target = id.to_string();
        self.changing(
            actor,
            Operation::PoolRefresh,
            id,
            target,
            async move |inner| {
                let seen = inner.get(id).await?;
                inner.expect_active(&seen.pool)?;
                let refreshed = inner
                    .inventory
                    .blocking(move |hypervisor| hypervisor.refresh_pool(id));
                refreshed.await?;
                inner.get(id).await
            },
        )
        .await
    }

    /// Runs `work` after earlier changes of the same pool, to its end even if the caller goes away.
    async fn changing<T, F>(
        &self,
        actor: &Actor,
        operation: Operation,
        id: PoolId,
        target: String,
        work: impl FnOnce(Arc<Inner>) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let inner = Arc::clone(&self.inner);
        let actor = actor.clone();
        let running = tokio::spawn(async move {
            let change = async {
                let _turn = inner.changes.turn(id).await;
                let done = work(Arc::clone(&inner)).await;
                inner.events.publish(EventKind::PoolsChanged);
                done
            };
            inner.audit.change(&actor, operation, target, change).await
        });
        running.await.map_err(|error| {
            Error::internal("a change of a storage pool did not come back", error)
        })?
    }
}

impl Inner {
    pub(crate) async fn get(&self, id: PoolId) -> Result<PoolInUse> {
        let pool = self.observe(id).await?;
        self.in_use(pool)
    }

    fn in_use(&self, pool: Pool) -> Result<PoolInUse> {
        let used_by = self.users(|disk| place::holds(&pool, disk))?;
        let own = pool.target.as_deref() == Some(&*place::own(&self.data));
        Ok(PoolInUse { pool, own, used_by })
    }

    /// VMs with a disk that `wanted` holds for, by name.
    pub(crate) fn users(&self, wanted: impl Fn(&Path) -> bool) -> Result<Vec<StorageUser>> {
        let uses = |vm: &Vm| {
            let mut files = vm.disks.iter().filter_map(|disk| disk.path.as_deref());
            files.any(&wanted)
        };
        let mut users: Vec<StorageUser> = self
            .inventory
            .find_all(uses)?
            .into_iter()
            .map(|vm| StorageUser {
                id: vm.id,
                name: vm.name.clone(),
                running: vm.state.is_on(),
            })
            .collect();
        users.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(users)
    }

    fn resolve(&self, wish: PoolWish) -> Result<PoolSpec> {
        let target = place::target(&self.data, &wish.name, &wish.source, wish.path)?;
        Ok(PoolSpec {
            id: wish.id,
            name: wish.name,
            target,
            source: wish.source,
            autostart: wish.autostart,
        })
    }

    /// Makes it, whole or not at all.
    async fn define(&self, spec: PoolSpec) -> Result<()> {
        self.inventory
            .blocking(move |hypervisor| {
                let build = match &spec.source {
                    PoolSource::Lvm { devices, .. } => !devices.is_empty(),
                    source => source.kind().has_files(),
                };
                hypervisor.define_pool(&spec, build)?;
                if !spec.autostart {
                    return Ok(());
                }
                hypervisor.start_pool(spec.id).inspect_err(|_| {
                    if let Err(error) = hypervisor.undefine_pool(spec.id) {
                        tracing::warn!(pool = %spec.id, %error, "a storage pool was left behind");
                    }
                })
            })
            .await
    }

    /// Refuses what needs an active pool, in words.
    pub(crate) fn expect_active(&self, pool: &Pool) -> Result<()> {
        match (pool.state, &pool.problem) {
            (PoolState::Active, _) => Ok(()),
            (PoolState::Unavailable, Some(problem)) => Err(Error::Unavailable {
                reason: format!("the storage pool {} can't be used: {problem}", pool.name),
                hint: "look at its disk or server; it can be used as soon as that is back".into(),
            }),
            _ => Err(Error::Conflict {
                reason: format!("the storage pool {} is not active", pool.name),
                hint: "start it first".into(),
            }),
        }
    }
}

fn fulfils(pool: &Pool, spec: &PoolSpec) -> bool {
    pool.name == spec.name.as_str()
        && pool.kind == spec.source.kind()
        && pool.autostart == spec.autostart
        && pool.target.as_deref() == Some(&*spec.target)
        && match &spec.source {
            PoolSource::Nfs { host, export } => {
                pool.source.as_deref() == Some(&*format!("{host}:{export}"))
            }
            PoolSource::Lvm { group, .. } => pool.source.as_ref() == Some(group),
            PoolSource::Iscsi { target, .. } => {
                let known = pool.source.as_deref().unwrap_or_default();
                known.ends_with(target.as_str())
            }
            PoolSource::Directory | PoolSource::Disk { .. } => true,
        }
}

fn refuse_used(seen: &PoolInUse, matters: impl Fn(&StorageUser) -> bool, hint: &str) -> Result<()> {
    let users: Vec<&str> = seen
        .used_by
        .iter()
        .filter(|user| matters(user))
        .map(|user| user.name.as_str())
        .collect();
    if users.is_empty() {
        return Ok(());
    }
    Err(Error::Conflict {
        reason: format!(
            "disks of these VMs are in the storage pool {}: {}",
            seen.pool.name,
            users.join(", ")
        ),
        hint: hint.to_owned(),
    })
}

/// Whether it is mounted somewhere, and not a directory like any other.
const fn is_mounted(kind: PoolKind) -> bool {
    matches!(kind, PoolKind::Disk | PoolKind::Nfs)
}
