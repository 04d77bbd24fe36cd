//! Use cases for volumes: the disks in storage pools. Owns the rules that nothing is overwritten, that nothing is taken
//! from a VM, and that one thing at a time is done to a volume.

mod busy;
mod create;
mod source;
mod transfer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use qx_hypervisor::{DiskFile, no_such_volume};
use qx_model::access::{Actor, Operation};
use qx_model::name::ImageName;
use qx_model::storage::{
    DiskFormat, Pool, PoolId, PoolState, StorageUser, Volume, VolumeRef, VolumeSpec,
};
use qx_model::vm::{VmId, check_disk_size};

use crate::authorize::authorize;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::images::Images;
use crate::pools;

use busy::Busy;
pub(crate) use busy::Guard;
pub use transfer::VolumeFile;

/// A volume and the VMs that have it as a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeInUse {
    /// In this pool.
    pub pool: PoolId,
    /// As it is.
    pub volume: Volume,
    /// VMs that have it as a disk, by name.
    pub used_by: Vec<StorageUser>,
}

/// What a new volume holds at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeSource {
    /// Nothing.
    Blank,
    /// A file of the image library.
    Image(ImageName),
    /// Another volume, of any format that can be read.
    Volume(VolumeRef),
}

/// A volume as somebody wishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeWish {
    /// Where, and under which name.
    pub volume: VolumeRef,
    /// Of its bytes; `None` is what fits the pool.
    pub format: Option<DiskFormat>,
    /// Bytes of the disk; `None` takes the source's. A blank one needs it.
    pub size_bytes: Option<u64>,
    /// Take all of its space now.
    pub full: bool,
    /// What it holds at first.
    pub source: VolumeSource,
}

/// The volumes of this host. Clones share them.
#[derive(Clone)]
pub struct Volumes {
    inner: Arc<Inner>,
}

struct Inner {
    pools: Arc<pools::Inner>,
    images: Images,
    busy: Busy,
}

impl Volumes {
    pub(crate) fn new(pools: &pools::Pools, images: Images) -> Self {
        Self {
            inner: Arc::new(Inner {
                pools: Arc::clone(&pools.inner),
                images,
                busy: Busy::default(),
            }),
        }
    }

    /// The volumes of an active pool, by name.
    pub async fn list(&self, actor: &Actor, pool: PoolId) -> Result<Vec<VolumeInUse>> {
        authorize(actor, Operation::VolumeList)?;
        self.inner.active(pool).await?;
        let listing = self
            .inner
            .pools
            .inventory
            .blocking(move |hypervisor| hypervisor.volumes(pool));
        let mut volumes = listing.await?;
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        let seen = |volume| self.inner.in_use(pool, volume);
        volumes.into_iter().map(seen).collect()
    }

    /// One volume.
    pub async fn get(&self, actor: &Actor, volume: &VolumeRef) -> Result<VolumeInUse> {
        authorize(actor, Operation::VolumeGet)?;
        self.inner.get(volume).await
    }

    /// Makes a volume larger; with `shrink` smaller, and what is beyond its new end is lost. Not while a VM that runs
    /// has it: that VM's disk is grown instead.
    pub async fn resize(
        &self,
        actor: &Actor,
        volume: VolumeRef,
        bytes: u64,
        shrink: bool,
    ) -> Result<VolumeInUse> {
        let operation = Operation::VolumeResize;
        self.changing(actor, operation, volume, async move |inner, volume| {
            let mut broken = Vec::new();
            check_disk_size(Some(bytes), true, "size_bytes", &mut broken);
            if !broken.is_empty() {
                return Err(Error::Invalid(broken));
            }
            let seen = inner.get(&volume).await?;
            refuse_running(&seen, "grow that VM's disk instead, or power the VM off")?;
            let now = seen.volume.capacity_bytes;
            if bytes < now && !shrink {
                let reason = format!(
                    "must be at least {now}, its size now, unless `shrink` is set: what is beyond the new end is lost"
                );
                return Err(Error::field("size_bytes", reason));
            }
            if bytes != now {
                let wanted = volume.clone();
                let resized = inner
                    .pools
                    .inventory
                    .blocking(move |hypervisor| hypervisor.resize_volume(&wanted, bytes, shrink));
                resized.await?;
            }
            inner.get(&volume).await
        })
        .await
    }

    /// Removes a volume that no VM has, and what is in it.
    pub async fn delete(&self, actor: &Actor, volume: VolumeRef) -> Result<()> {
        let operation = Operation::VolumeDelete;
        self.changing(actor, operation, volume, async move |inner, volume| {
            let seen = inner.get(&volume).await?;
            refuse_used(&seen, "unplug that disk or delete that VM first")?;
            inner.remove(volume).await
        })
        .await
    }

    /// Runs `work` while nothing else is done to the volume, to its end even if the caller goes away.
    async fn changing<T, F>(
        &self,
        actor: &Actor,
        operation: Operation,
        volume: VolumeRef,
        work: impl FnOnce(Arc<Inner>, VolumeRef) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let (inner, actor) = (Arc::clone(&self.inner), actor.clone());
        let running = tokio::spawn(async move {
            let target = inner.name_of(&volume);
            let change = async {
                let _guard = inner.busy.alone(&volume)?;
                let done = work(Arc::clone(&inner), volume.clone()).await;
                inner.changed();
                done
            };
            let audit = &inner.pools.audit;
            audit.change(&actor, operation, target, change).await
        });
        running
            .await
            .map_err(|error| Error::internal("a change of a volume did not come back", error))?
    }

    /// A volume that a VM is to have as a disk, and what keeps others away from it until it has.
    pub(crate) async fn for_vm(
        &self,
        vm: VmId,
        volume: &VolumeRef,
    ) -> Result<(DiskFile, busy::Guard)> {
        let guard = self.inner.busy.alone(volume)?;
        let seen = self.inner.get(volume).await?;
        if let Some(user) = seen.used_by.iter().find(|user| user.id != vm) {
            return Err(Error::Conflict {
                reason: format!(
                    "the volume {} is a disk of the VM {} already",
                    volume.name, user.name
                ),
                hint: "clone it, or unplug it there first".into(),
            });
        }
        if !seen.used_by.is_empty() {
            return Err(Error::Conflict {
                reason: format!("the volume {} is a disk of this VM already", volume.name),
                hint: "choose another one".into(),
            });
        }
        let source = self.inner.examine(seen.volume).await?;
        let format = match source.format {
            crate::foreign_format::Format::Raw => DiskFormat::Raw,
            crate::foreign_format::Format::Qcow2 => DiskFormat::Qcow2,
            other => {
                return Err(Error::field(
                    "volume",
                    format!(
                        "is {}: make a qcow2 volume of it first, with it as the source",
                        other.name()
                    ),
                ));
            }
        };
        let file = DiskFile {
            path: source.path,
            format,
            block: source.block,
        };
        Ok((file, guard))
    }

    /// Removes those of these files that are volumes which were made for the VM `id`.
    pub(crate) async fn remove_made_for(&self, id: VmId, files: &[PathBuf]) -> Result<()> {
        let made = |file: &&PathBuf| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&made_for(id))
        };
        let files: Vec<_> = files.iter().filter(made).collect();
        if files.is_empty() {
            return Ok(());
        }
        let pools = self
            .inner
            .pools
            .inventory
            .blocking(|hypervisor| hypervisor.pools());
        for pool in pools.await? {
            for file in &files {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                if pool.target.as_deref() != file.parent() {
                    continue;
                }
                if let Ok(name) = name.parse() {
                    let volume = VolumeRef {
                        pool: pool.id,
                        name,
                    };
                    let _guard = self.inner.busy.alone(&volume)?;
                    match self.inner.remove(volume).await {
                        Ok(()) | Err(Error::NotFound { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        self.inner.changed();
        Ok(())
    }
}

/// How names of volumes begin that are made for a VM: they go with it.
pub(crate) fn made_for(id: VmId) -> String {
    format!("{id}-disk")
}

impl Inner {
    async fn active(&self, pool: PoolId) -> Result<Pool> {
        let seen = self.pools.observe(pool).await?;
        self.pools.expect_active(&seen)?;
        Ok(seen)
    }

    async fn get(&self, volume: &VolumeRef) -> Result<VolumeInUse> {
        let pool = self.active(volume.pool).await?;
        let wanted = volume.clone();
        let asked = self
            .pools
            .inventory
            .blocking(move |hypervisor| hypervisor.volume(&wanted));
        let seen = asked.await?;
        // What libvirt says of a file is where it must be.
        let place = pool.target.map(|target| target.join(volume.name.as_str()));
        if pool.on_disk && place.as_ref() != Some(&seen.path) {
            return Err(no_such_volume(volume).into());
        }
        self.in_use(volume.pool, seen)
    }

    fn in_use(&self, pool: PoolId, volume: Volume) -> Result<VolumeInUse> {
        let used_by = self.pools.users(|disk| disk == volume.path)?;
        Ok(VolumeInUse {
            pool,
            volume,
            used_by,
        })
    }

    /// The volume of an active pool that is at `path`, and its format.
    async fn at(&self, path: &Path) -> Result<Option<(VolumeRef, DiskFormat)>> {
        let pools = self
            .pools
            .inventory
            .blocking(|hypervisor| hypervisor.pools());
        let has = |pool: &Pool| {
            pool.state == PoolState::Active && pool.target.as_deref() == path.parent()
        };
        let Some(pool) = pools.await?.into_iter().find(has) else {
            return Ok(None);
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Ok(name) = name.parse() else {
            return Ok(None);
        };
        let volume = VolumeRef {
            pool: pool.id,
            name,
        };
        let format = match &*self.get(&volume).await?.volume.format {
            "qcow2" => DiskFormat::Qcow2,
            _ => DiskFormat::Raw,
        };
        Ok(Some((volume, format)))
    }

    async fn remove(&self, volume: VolumeRef) -> Result<()> {
        self.pools
            .inventory
            .blocking(move |hypervisor| hypervisor.delete_volume(&volume))
            .await
    }

    async fn blank(&self, spec: VolumeSpec) -> Result<()> {
        self.pools
            .inventory
            .blocking(move |hypervisor| hypervisor.create_volume(&spec))
            .await
    }

    /// libvirt learns of what was put there.
    async fn look_again(&self, pool: PoolId) {
        let looked = self
            .pools
            .inventory
            .blocking(move |hypervisor| hypervisor.refresh_pool(pool));
        if let Err(error) = looked.await {
            tracing::debug!(%pool, %error, "a pool was not looked at again");
        }
    }

    fn changed(&self) {
        self.pools.events.publish(EventKind::PoolsChanged);
    }

    fn name_of(&self, volume: &VolumeRef) -> String {
        format!("{}/{}", volume.pool, volume.name)
    }
}

fn refuse_running(seen: &VolumeInUse, hint: &str) -> Result<()> {
    refuse(seen, |user| user.running, "which runs", hint)
}

fn refuse_used(seen: &VolumeInUse, hint: &str) -> Result<()> {
    refuse(seen, |_| true, "which would lose it", hint)
}

fn refuse(
    seen: &VolumeInUse,
    matters: impl Fn(&StorageUser) -> bool,
    why: &str,
    hint: &str,
) -> Result<()> {
    match seen.used_by.iter().find(|user| matters(user)) {
        None => Ok(()),
        Some(user) => Err(Error::Conflict {
            reason: format!(
                "the volume {} is a disk of the VM {}, {why}",
                seen.volume.name, user.name
            ),
            hint: hint.into(),
        }),
    }
}
