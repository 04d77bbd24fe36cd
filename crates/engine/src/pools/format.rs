//! A whole disk of the host becomes a pool: an XFS is made on it, which libvirt mounts from then on by its unique id.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use qx_host::disks::{Disk, Usage, release};
use qx_host::volumes::{DiskError, choose, free_of, make_filesystem};
use qx_model::access::{Actor, Operation};
use qx_model::name::PoolName;
use qx_model::storage::{PoolId, PoolSource, PoolSpec};
use uuid::Uuid;

use super::{Inner, PoolInUse, Pools, place, watch};
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::tasks::{Plan, Running, Started, Target};

/// A disk to make a pool of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolOfDisk {
    /// Chosen by the client, or anew.
    pub id: PoolId,
    /// Unique on this host.
    pub name: PoolName,
    /// The disk's node or a link to it.
    pub disk: PathBuf,
    /// What is on it can go.
    pub wipe: bool,
}

/// A disk of the host, and why it can't become a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeDisk {
    /// As it is.
    pub disk: Disk,
    /// A sentence; `None` where it can at once.
    pub reason: Option<String>,
    /// It could if what is on it were wiped.
    pub wipeable: bool,
}

impl Pools {
    /// The host's disks, by name.
    pub async fn disks(&self, actor: &Actor) -> Result<Vec<FreeDisk>> {
        authorize(actor, Operation::PoolDisks)?;
        let disks = watch::disks(self.inner.run.clone()).await?;
        let judge = |disk: Disk| FreeDisk {
            reason: free_of(&disk, false).err().map(|error| error.to_string()),
            wipeable: free_of(&disk, true).is_ok(),
            disk,
        };
        Ok(disks.into_iter().map(judge).collect())
    }

    /// Makes a file system on a disk and a pool of it, as a task.
    pub async fn begin_format(
        &self,
        actor: &Actor,
        wish: PoolOfDisk,
    ) -> Result<Started<PoolInUse>> {
        let (inner, operation) = (Arc::clone(&self.inner), Operation::PoolFormat);
        let name = wish.name.to_string();
        let looked = async {
            authorize(actor, operation)?;
            refuse_name(&inner, &wish).await?;
            let disks = watch::disks(inner.run.clone()).await?;
            choose(&disks, &wish.disk, wish.wipe)
                .cloned()
                .map_err(refusal)
        };
        let disk = match looked.await {
            Ok(disk) => disk,
            Err(error) => {
                let refused = async { Err(error) };
                return inner.audit.change(actor, operation, name, refused).await;
            }
        };
        let plan = Plan {
            operation,
            target: Target::new("pool", wish.id, &name),
            steps: &[("make a file system", 9), ("make the pool", 1)],
            cancel: Plan::never("a disk that is half formatted would be of no use"),
        };
        let (running, task) = inner.tasks.open(actor, plan);
        let actor = actor.clone();
        let outcome = tokio::spawn(async move {
            let target = format!("{name} on {}", disk.path.display());
            let work = async {
                let _turn = inner.changes.turn(wish.id).await;
                running.begin()?;
                inner.format(&running, &wish, &disk).await
            };
            let outcome = inner.audit.change(&actor, operation, target, work).await;
            inner.events.publish(EventKind::PoolsChanged);
            running.end(&outcome);
            outcome
        });
        Ok(Started::new(task, outcome))
    }
}

impl Inner {
    async fn format(
        self: &Arc<Self>,
        task: &Running,
        wish: &PoolOfDisk,
        disk: &Disk,
    ) -> Result<PoolInUse> {
        task.step(0);
        task.note(format!("{}; it held: {}", disk.summary(), disk.content));
        let filesystem = Uuid::new_v4();
        let (disk, wipe, run) = (disk.clone(), wish.wipe, self.run.clone());
        blocking(move || {
            // Somebody may have taken it since it was chosen.
            let now = qx_host::volumes::list(&run)
                .map_err(|error| Error::internal("the disks can't be listed", error))?;
            let disk = choose(&now, &disk.path, wipe).map_err(refusal)?;
            if let Some(Usage::Assembled(_)) = disk.usage {
                release(disk, Path::new("/sys")).map_err(|error| Error::Conflict {
                    reason: error.to_string(),
                    hint: "stop what uses it".into(),
                })?;
            }
            let id = filesystem.to_string();
            make_filesystem(&disk.path, &id, true)
                .map_err(|error| Error::internal("a disk can't be formatted", error))
        })
        .await?;
        task.step(1);
        let source = PoolSource::Disk { filesystem };
        let spec = PoolSpec {
            id: wish.id,
            target: place::target(&self.data, &wish.name, &source, None)?,
            name: wish.name.clone(),
            source,
            autostart: true,
        };
        self.define(spec).await?;
        self.get(wish.id).await
    }
}

/// Before anything is erased.
async fn refuse_name(inner: &Arc<Inner>, wish: &PoolOfDisk) -> Result<()> {
    let known = inner.observe_all().await?;
    let name = wish.name.as_str();
    match known
        .iter()
        .find(|pool| pool.id == wish.id || pool.name == name)
    {
        None => Ok(()),
        Some(_) => Err(Error::Conflict {
            reason: format!(
                "a storage pool with the id {} or the name {name} exists already",
                wish.id
            ),
            hint: "choose another name or id".into(),
        }),
    }
}

fn refusal(error: DiskError) -> Error {
    match error {
        DiskError::Missing { .. } | DiskError::TooSmall { .. } => {
            Error::field("disk", format!("can't be used: {error}"))
        }
        DiskError::HoldsData { .. } => Error::Conflict {
            reason: error.to_string(),
            hint: "nothing was changed".into(),
        },
        DiskError::InUse { .. } | DiskError::Unreadable { .. } => Error::Conflict {
            reason: error.to_string(),
            hint: "GET /api/v1/host/disks shows which are free".into(),
        },
    }
}
