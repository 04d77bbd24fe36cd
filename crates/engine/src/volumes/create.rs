//! Making a volume: blank, or of an image or another volume, whose blocks are shared, copied or converted. It appears
//! whole, or not at all.

use std::path::Path;
use std::sync::Arc;

use qx_host::volumes::{Copied, convert, convert_onto, copy, facts};
use qx_hypervisor::{DiskFile, Error as HypervisorError};
use qx_model::access::{Actor, Operation};
use qx_model::name::VolumeName;
use qx_model::storage::{DiskFormat, Pool, PoolId, VolumeRef, VolumeSpec, check_new_name};
use qx_model::task::Cancel;
use qx_model::vm::{DiskSource, DiskSpec, VmId, check_disk_size};

use super::source::{Source, failed};
use super::{Inner, VolumeInUse, VolumeSource, VolumeWish, Volumes};
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::tasks::{Plan, Running, Started, Target};

/// Which of how many parts of a task's step it is, counted from 0.
pub(super) type Part = (u64, u64);

/// A wish that can be fulfilled.
struct Ready {
    wish: VolumeWish,
    format: DiskFormat,
    size_bytes: u64,
    pool: Pool,
    source: Option<Source>,
}

impl Volumes {
    /// Makes a volume.
    pub async fn create(&self, actor: &Actor, wish: VolumeWish) -> Result<VolumeInUse> {
        self.begin_create(actor, wish).await?.outcome().await
    }

    /// The same, as a task that goes on by itself.
    pub async fn begin_create(
        &self,
        actor: &Actor,
        wish: VolumeWish,
    ) -> Result<Started<VolumeInUse>> {
        let (inner, operation) = (Arc::clone(&self.inner), Operation::VolumeCreate);
        let target = inner.name_of(&wish.volume);
        let looked = async {
            authorize(actor, operation)?;
            let guard = inner.busy.alone(&wish.volume)?;
            Ok((inner.ready(wish.clone()).await?, guard))
        };
        let (ready, guard) = match looked.await {
            Ok(ready) => ready,
            Err(error) => {
                let refused = async { Err(error) };
                return inner
                    .pools
                    .audit
                    .change(actor, operation, target, refused)
                    .await;
            }
        };
        let plan = Plan {
            operation,
            target: Target::new("volume", &target, &wish.volume.name),
            steps: &[],
            cancel: Cancel::Possible,
        };
        let (running, task) = inner.pools.tasks.open(actor, plan);
        let (running, actor) = (Arc::new(running), actor.clone());
        let outcome = tokio::spawn(async move {
            let _guard = guard;
            let volume = ready.wish.volume.clone();
            let work = async {
                running.begin()?;
                inner.fulfil((&running, (0, 1)), ready).await?;
                inner.get(&volume).await
            };
            let outcome = inner
                .pools
                .audit
                .change(&actor, operation, target, work)
                .await;
            inner.changed();
            running.end(&outcome);
            outcome
        });
        Ok(Started::new(task, outcome))
    }

    /// Makes a volume within somebody else's task.
    pub(crate) async fn make(
        &self,
        task: &Arc<Running>,
        wish: VolumeWish,
        part: Part,
    ) -> Result<DiskFile> {
        let volume = wish.volume.clone();
        let _guard = self.inner.busy.alone(&volume)?;
        let ready = self.inner.ready(wish).await?;
        let format = ready.format;
        let made = self.inner.fulfil((task, part), ready).await;
        self.inner.changed();
        made?;
        let made = self.inner.get(&volume).await?.volume;
        Ok(DiskFile {
            path: made.path,
            format,
            block: made.block,
        })
    }

    /// The volume that is made in `pool` for a VM's disk with this number or, if there is one, a later number.
    pub(crate) async fn wish_for_vm(
        &self,
        id: VmId,
        disk: &DiskSpec,
        pool: PoolId,
        index: usize,
    ) -> Result<VolumeWish> {
        let format = usual(&self.inner.active(pool).await?);
        let end = match format {
            DiskFormat::Qcow2 => ".qcow2",
            DiskFormat::Raw => "",
        };
        let source = match &disk.source {
            DiskSource::Blank => VolumeSource::Blank,
            DiskSource::Image(name) => VolumeSource::Image(name.clone()),
            DiskSource::Volume(volume) => VolumeSource::Volume(volume.clone()),
        };
        let wish = VolumeWish {
            volume: VolumeRef {
                pool,
                name: made_name(id, index, end)?,
            },
            format: Some(format),
            size_bytes: disk.size_bytes,
            full: false,
            source,
        };
        self.inner.ready(wish.clone()).await?;
        Ok(wish)
    }

    /// The volume that is made for a clone's disk with this number, beside the volume that is at `path`; `None` if no
    /// active pool has it.
    pub(crate) async fn wish_for_clone(
        &self,
        id: VmId,
        path: &Path,
        index: usize,
    ) -> Result<Option<VolumeWish>> {
        let Some((source, format)) = self.inner.at(path).await? else {
            return Ok(None);
        };
        let end = match format {
            DiskFormat::Raw => "",
            DiskFormat::Qcow2 => ".qcow2",
        };
        let wish = VolumeWish {
            volume: VolumeRef {
                pool: source.pool,
                name: made_name(id, index, end)?,
            },
            format: Some(format),
            size_bytes: None,
            full: false,
            source: VolumeSource::Volume(source),
        };
        self.inner.ready(wish.clone()).await?;
        Ok(Some(wish))
    }

    /// Copies a VM's file, which nobody writes to.
    pub(crate) async fn copy(
        &self,
        task: &Arc<Running>,
        from: &Path,
        to: &Path,
        part: Part,
    ) -> Result<()> {
        let (from, to, running) = (from.to_owned(), to.to_owned(), Arc::clone(task));
        let copied = blocking(move || {
            let format = DiskFormat::Qcow2.name();
            if let Some(other) = facts(&from, format).map_err(failed)?.needs {
                return Err(Error::Conflict {
                    reason: format!("the disk {} needs another file, {other}", from.display()),
                    hint: "merge the two first (virsh blockpull)".into(),
                });
            }
            copy((&from, format), &to, &mut watch(&running, part)).map_err(failed)
        });
        task.note(copied_words(copied.await?));
        Ok(())
    }

    /// Takes back what [`Self::make`] made.
    pub(crate) async fn unmake(&self, volume: VolumeRef) {
        if let Err(error) = self.inner.remove(volume.clone()).await {
            tracing::error!(name = %volume.name, %error, "a volume was left behind");
        }
        self.inner.changed();
    }
}

fn made_name(id: VmId, index: usize, end: &str) -> Result<VolumeName> {
    let name = format!("{}{index}{end}", super::made_for(id));
    name.parse()
        .map_err(|error| Error::internal("naming a volume", error))
}

fn copied_words(copied: Copied) -> &'static str {
    match copied {
        Copied::Shared => "its blocks are shared with its source until one of both is written to",
        Copied::Bytes(_) => "copied",
    }
}

const fn usual(pool: &Pool) -> DiskFormat {
    if pool.kind.has_files() {
        DiskFormat::Qcow2
    } else {
        DiskFormat::Raw
    }
}

impl Inner {
    async fn ready(&self, wish: VolumeWish) -> Result<Ready> {
        let broken = check_new_name(&wish.volume.name);
        if !broken.is_empty() {
            return Err(Error::Invalid(broken));
        }
        let pool = self.active(wish.volume.pool).await?;
        if !pool.kind.makes_volumes() {
            return Err(Error::Conflict {
                reason: format!(
                    "volumes of the storage pool {} are made on its server",
                    pool.name
                ),
                hint: "make it there, then refresh the pool".into(),
            });
        }
        let format = wish.format.unwrap_or(usual(&pool));
        if format != DiskFormat::Raw && !pool.kind.has_files() {
            let reason = "must be raw: volumes of this pool are block devices";
            return Err(Error::field("format", reason));
        }
        let wanted = wish.volume.clone();
        let there =
            self.pools
                .inventory
                .blocking(move |hypervisor| match hypervisor.volume(&wanted) {
                    Err(HypervisorError::NoSuchVolume { .. }) => Ok(false),
                    found => found.map(|_| true),
                });
        if there.await? {
            return Err(HypervisorError::Exists {
                what: format!("the volume {}", wish.volume.name),
            }
            .into());
        }
        let source = self.source(&wish.source).await?;
        let size_bytes = size(&wish, source.as_ref())?;
        Ok(Ready {
            wish,
            format,
            size_bytes,
            pool,
            source,
        })
    }

    async fn fulfil(&self, task: (&Arc<Running>, Part), ready: Ready) -> Result<()> {
        let Ready {
            wish,
            format,
            size_bytes,
            pool,
            source,
        } = ready;
        let volume = wish.volume.clone();
        let spec = VolumeSpec {
            volume: volume.clone(),
            format,
            capacity_bytes: size_bytes,
            full: wish.full,
        };
        let Some(source) = source else {
            return self.blank(spec).await;
        };
        let virtual_bytes = source.virtual_bytes;
        let made = if pool.kind.has_files() {
            self.file_of(task, &pool, &volume, format, source).await
        } else {
            self.device_of(task, spec, source).await
        };
        if let Err(error) = made {
            self.look_again(volume.pool).await;
            return Err(error);
        }
        self.look_again(volume.pool).await;
        let finished = async {
            if let VolumeSource::Volume(from) = &wish.source {
                // A VM that was started meanwhile wrote to it.
                super::refuse_running(&self.get(from).await?, "power it off and clone it again")?;
            }
            if pool.kind.has_files() && size_bytes > virtual_bytes {
                let wanted = volume.clone();
                let grown = self.pools.inventory.blocking(move |hypervisor| {
                    hypervisor.resize_volume(&wanted, size_bytes, false)
                });
                grown.await?;
            }
            Ok(())
        };
        let finished = finished.await;
        if finished.is_err()
            && let Err(error) = self.remove(volume.clone()).await
        {
            tracing::error!(name = %volume.name, %error, "a volume was left behind");
        }
        finished
    }

    async fn file_of(
        &self,
        (task, part): (&Arc<Running>, Part),
        pool: &Pool,
        volume: &VolumeRef,
        format: DiskFormat,
        source: Source,
    ) -> Result<()> {
        let Some(target) = pool.target.as_ref().filter(|_| pool.on_disk) else {
            return Err(HypervisorError::Unsupported {
                what: "making a volume of something else".into(),
            }
            .into());
        };
        let (target, running) = (target.join(volume.name.as_str()), Arc::clone(task));
        let same = source.format.name() == format.name();
        let made = blocking(move || {
            let mut watch = watch(&running, part);
            if same {
                let from = (&*source.path, format.name());
                return copy(from, &target, &mut watch).map_err(failed);
            }
            let from = (&*source.path, source.format.name());
            convert(from, (&target, format.name()), &mut watch).map_err(failed)?;
            Ok(Copied::Bytes(source.virtual_bytes))
        });
        let made = made.await?;
        task.note(match same {
            true => copied_words(made).to_owned(),
            false => format!("converted to {}", format.name()),
        });
        Ok(())
    }

    /// A block device is there before its content.
    async fn device_of(
        &self,
        (task, part): (&Arc<Running>, Part),
        spec: VolumeSpec,
        source: Source,
    ) -> Result<()> {
        let volume = spec.volume.clone();
        self.blank(spec).await?;
        let filled = async {
            let device = self.get(&volume).await?.volume.path;
            let running = Arc::clone(task);
            blocking(move || {
                let from = (&*source.path, source.format.name());
                convert_onto(from, &device, &mut watch(&running, part)).map_err(failed)
            })
            .await
        };
        let filled = filled.await;
        if filled.is_err()
            && let Err(error) = self.remove(volume).await
        {
            tracing::error!(%error, "a volume was left behind");
        }
        filled
    }
}

/// Bytes of the disk that is made.
fn size(wish: &VolumeWish, source: Option<&Source>) -> Result<u64> {
    let Some(source) = source else {
        let mut broken = Vec::new();
        check_disk_size(wish.size_bytes, true, "size_bytes", &mut broken);
        return match wish.size_bytes {
            Some(size) if broken.is_empty() => Ok(size),
            _ => Err(Error::Invalid(broken)),
        };
    };
    if wish.full {
        let reason = "is for blank volumes only: a copy takes what its source takes";
        return Err(Error::field("full", reason));
    }
    let least = source.virtual_bytes.next_multiple_of(512);
    let size = wish.size_bytes.unwrap_or(least);
    let mut broken = Vec::new();
    check_disk_size(Some(size), true, "size_bytes", &mut broken);
    if !broken.is_empty() {
        return Err(Error::Invalid(broken));
    }
    if size < source.virtual_bytes {
        let reason = format!("must be at least {least}, the size of its source");
        return Err(Error::field("size_bytes", reason));
    }
    Ok(size)
}

/// Tells the task how far it is, and stops when it is to.
pub(super) fn watch(task: &Running, (number, all): Part) -> impl FnMut(u64, u64) -> bool + use<'_> {
    move |done, of| {
        task.progress(number * of + done, all * of);
        task.check().is_ok()
    }
}
