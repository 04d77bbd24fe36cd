//! Volumes on their way out and in.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use qx_host::volumes::{Part, convert, open};
use qx_model::access::{Actor, Operation};
use qx_model::storage::{DiskFormat, Pool, VolumeRef, check_new_name};
use qx_model::task::Cancel;

use super::create::watch;
use super::source::{failed, look};
use super::{Inner, VolumeInUse, Volumes};
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::image_file::Receiver;
use crate::tasks::{Plan, Running, Target};

/// A volume's bytes as they are.
#[derive(Debug)]
pub struct VolumeFile {
    /// Under this name.
    pub name: String,
    /// Open at its start.
    pub file: File,
    /// In bytes.
    pub length: u64,
    /// Keeps others from changing it.
    _guard: super::busy::Guard,
}

impl Volumes {
    /// Opens a volume that no running VM has, to read its bytes.
    pub async fn download(&self, actor: &Actor, volume: VolumeRef) -> Result<VolumeFile> {
        let (inner, target) = (&self.inner, self.inner.name_of(&volume));
        let work = async {
            let guard = inner.busy.shared(&volume)?;
            let source = inner.readable(&volume).await?;
            let context = format!("reading the volume {}", volume.name);
            let opened =
                blocking(move || open(&source.path).map_err(|error| Error::file(context, error)));
            let (file, length) = opened.await?;
            Ok(VolumeFile {
                name: volume.name.to_string(),
                file,
                length,
                _guard: guard,
            })
        };
        let operation = Operation::VolumeDownload;
        inner
            .pools
            .audit
            .change(actor, operation, target, work)
            .await
    }

    /// Makes a volume of what is sent, in `format`: what is of another one (VMDK, VDI, VHDX too) is converted. The
    /// volume appears when all is on disk, its checksum (if given) was right and its content needs no other file.
    /// `size` is how much is announced. It is a task that others see, and may cancel.
    pub async fn upload(
        &self,
        actor: &Actor,
        volume: VolumeRef,
        format: Option<DiskFormat>,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
        (size, sha256): (Option<u64>, Option<[u8; 32]>),
    ) -> Result<VolumeInUse> {
        let (inner, operation) = (&self.inner, Operation::VolumeUpload);
        let target = inner.name_of(&volume);
        let work = async {
            let broken = check_new_name(&volume.name);
            if !broken.is_empty() {
                return Err(Error::Invalid(broken));
            }
            let _guard = inner.busy.alone(&volume)?;
            let pool = inner.active(volume.pool).await?;
            let part = inner.part(&pool, &volume)?;
            let plan = Plan {
                operation,
                target: Target::new("volume", &target, &volume.name),
                steps: &[("receive", 8), ("check and convert", 2)],
                cancel: Cancel::Possible,
            };
            let (running, _) = inner.pools.tasks.open(actor, plan);
            let running = Arc::new(running);
            running.begin()?;
            running.step(0);
            let path = part.path().to_owned();
            let receiver = |pieces| Receiver {
                path,
                pieces,
                sha256,
                offset: 0,
                total: None,
                held: Box::new(()),
            };
            let stored = async {
                let report = |bytes| {
                    if let Some(size) = size {
                        running.progress(bytes, size);
                    }
                };
                let upload = crate::images::receive(&running, body, report, receiver).await?;
                running.step(1);
                inner.keep(&running, &pool, &volume, format, part).await?;
                drop(upload);
                inner.look_again(volume.pool).await;
                inner.get(&volume).await
            };
            let stored = stored.await;
            running.end(&stored);
            inner.changed();
            stored
        };
        inner
            .pools
            .audit
            .change(actor, operation, target.clone(), work)
            .await
    }
}

impl Inner {
    /// A hidden file beside what is to be a volume.
    fn part(&self, pool: &Pool, volume: &VolumeRef) -> Result<Part> {
        match &pool.target {
            Some(target) if pool.on_disk => {
                Part::of(&target.join(volume.name.as_str())).map_err(failed)
            }
            _ => Err(Error::Conflict {
                reason: format!("the storage pool {} holds no files", pool.name),
                hint: "upload to another pool, then make a volume here with that one as its source"
                    .into(),
            }),
        }
    }

    async fn keep(
        &self,
        task: &Arc<Running>,
        pool: &Pool,
        volume: &VolumeRef,
        format: Option<DiskFormat>,
        part: Part,
    ) -> Result<()> {
        let Some(target) = pool.target.as_ref() else {
            return Ok(());
        };
        let target = target.join(volume.name.as_str());
        let source = look(part.path().to_owned(), false, "body").await?;
        let found = DiskFormat::named(source.format.name());
        let into = format.or(found).unwrap_or(DiskFormat::Qcow2);
        let running = Arc::clone(task);
        let same = found == Some(into);
        blocking(move || {
            if same {
                running.no_way_back("it has arrived, and is being kept")?;
                return part.keep(&target).map_err(failed);
            }
            let from = (part.path(), source.format.name());
            convert(from, (&target, into.name()), &mut watch(&running, (0, 1))).map_err(failed)
        })
        .await?;
        if !same {
            task.note(format!("converted to {}", into.name()));
        }
        Ok(())
    }
}
