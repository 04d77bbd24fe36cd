//! Creating a VM: resolve images, make disks, define. Leaves nothing behind when a step fails.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qx_hypervisor::{Definition, DiskFile, DiskImage, DiskRequest, Error as HypervisorError};
use qx_model::device::new_mac;
use qx_model::name::{ImageName, VmName};
use qx_model::storage::VolumeRef;
use qx_model::vm::{DiskSource, DiskSpec, FieldError, Image, ImageFormat, VmId, VmSpec};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::blocking::blocking;
use crate::cloud_init::{self, Documents};
use crate::error::{Error, Result};
use crate::tasks::Running;
use crate::vms::Inner;
use crate::volumes::{Guard, VolumeWish};

/// Creates the VM, or finds that the very same wish was fulfilled before.
/// What keeps others away from its volumes is held until it was observed.
pub(crate) async fn create(inner: &Inner, task: &Arc<Running>, spec: VmSpec) -> Result<Vec<Guard>> {
    let mark = mark(&spec)?;
    if was_made(inner, spec.id, &mark).await? {
        task.note("it is there already, made by an earlier request for the same");
        return Ok(Vec::new());
    }
    refuse_name(inner, &spec.name)?;
    let plan = resolve(inner, spec, mark).await?;
    fulfil(inner, task, plan).await
}

/// Whether the VM `id` is there, made for the wish with this mark. An error if it was made otherwise.
pub(crate) async fn was_made(inner: &Inner, id: VmId, mark: &str) -> Result<bool> {
    let asked = inner
        .inventory
        .blocking(move |hypervisor| hypervisor.creation_mark(id));
    match asked.await {
        Err(Error::NotFound { .. }) => Ok(false),
        Ok(Some(found)) if found == mark => Ok(true),
        Ok(_) => Err(Error::Conflict {
            reason: format!("VM {id} exists already and was not created by this request"),
            hint: "choose another id, or none to have one chosen".into(),
        }),
        Err(error) => Err(error),
    }
}

pub(crate) fn refuse_name(inner: &Inner, name: &VmName) -> Result<()> {
    match inner.inventory.find(|vm| vm.name == name.as_str())? {
        None => Ok(()),
        Some(_) => Err(HypervisorError::Exists {
            what: format!("a VM named {name}"),
        }
        .into()),
    }
}

/// Which files of the library and volumes can't be had, before it is anybody's turn. They are looked at again then.
pub(crate) async fn refuse(inner: &Inner, spec: &VmSpec) -> Result<()> {
    resolve(inner, spec.clone(), String::new()).await.map(drop)
}

/// How a disk comes to be.
pub(crate) enum Origin {
    /// A new file in the VM's own directory.
    Own(DiskRequest),
    /// A copy of another VM's file in the VM's own directory.
    Copied {
        /// The other's, which nobody writes to.
        from: PathBuf,
        /// Its own.
        to: PathBuf,
    },
    /// A new volume of a pool.
    Made(VolumeWish),
    /// A volume that is there.
    Taken(VolumeRef),
}

/// All that a VM is made of.
struct Ready {
    spec: VmSpec,
    disks: Vec<Origin>,
    cdrom: Option<PathBuf>,
    cloud_init: Option<Documents>,
    macs: Vec<String>,
    mark: String,
}

/// What was made so far, to be taken back.
#[derive(Default)]
pub(crate) struct Made {
    own: Option<PathBuf>,
    volumes: Vec<VolumeRef>,
    /// What is behind the disks, in their order.
    pub(crate) files: Vec<DiskFile>,
    guards: Vec<Guard>,
    cloud_init: Option<PathBuf>,
}

async fn fulfil(inner: &Inner, task: &Arc<Running>, ready: Ready) -> Result<Vec<Guard>> {
    let mut made = Made::default();
    task.step(0);
    let done = async {
        make(inner, task, ready.spec.id, &ready.disks, &mut made).await?;
        if let Some(documents) = ready.cloud_init {
            write_cloud_init(inner, ready.spec.id, documents, &mut made).await?;
        }
        task.no_way_back("the VM is being defined, which is over in a moment")?;
        task.step(1);
        let definition = Definition {
            spec: ready.spec,
            disks: made.files.clone(),
            cdrom: ready.cdrom,
            cloud_init: made.cloud_init.clone(),
            macs: ready.macs,
            mark: ready.mark,
        };
        let defining = inner
            .inventory
            .blocking(move |hypervisor| hypervisor.define(&definition));
        defining.await
    };
    match done.await {
        Ok(()) => Ok(made.guards),
        Err(error) => {
            take_back(inner, made).await;
            Err(error)
        }
    }
}

pub(crate) async fn make(
    inner: &Inner,
    task: &Arc<Running>,
    id: VmId,
    disks: &[Origin],
    made: &mut Made,
) -> Result<()> {
    let all = disks.len() as u64;
    for (number, disk) in (0_u64..).zip(disks) {
        task.check()?;
        match disk {
            Origin::Own(request) => {
                let wanted = request.clone();
                let making = inner
                    .inventory
                    .blocking(move |hypervisor| hypervisor.create_disk(&wanted));
                making.await?;
                // A directory that holds an earlier VM's disks fails at the first disk and is left alone.
                made.own = request.path.parent().map(Path::to_owned);
                made.files.push(request.path.clone().into());
            }
            Origin::Copied { from, to } => {
                // As with a new file: an earlier VM's directory is left alone.
                if made.own.is_none() {
                    made.own = Some(new_directory(to).await?);
                }
                let copying = inner.volumes.copy(task, from, to, (number, all));
                copying.await?;
                made.files.push(to.clone().into());
            }
            Origin::Made(wish) => {
                let file = inner
                    .volumes
                    .make(task, wish.clone(), (number, all))
                    .await?;
                made.volumes.push(wish.volume.clone());
                made.files.push(file);
            }
            Origin::Taken(volume) => {
                let (file, guard) = inner.volumes.for_vm(id, volume).await?;
                made.guards.push(guard);
                made.files.push(file);
            }
        }
        task.progress(number + 1, all);
        task.note(format!("disk {} of {all} is there", number + 1));
    }
    Ok(())
}

/// Makes the CD of the VM `id`.
pub(crate) async fn write_cloud_init(
    inner: &Inner,
    id: VmId,
    documents: Documents,
    made: &mut Made,
) -> Result<PathBuf> {
    let path = inner.layout.cloud_init(id);
    let written = path.clone();
    blocking(move || documents.write(&written)).await?;
    made.cloud_init = Some(path.clone());
    Ok(path)
}

/// Makes the directory of a VM's files.
async fn new_directory(file: &Path) -> Result<PathBuf> {
    let directory = file.parent().unwrap_or(file).to_owned();
    blocking(move || {
        let made = DirBuilder::new().mode(0o711).create(&directory);
        made.map_err(|error| Error::file(format!("making {}", directory.display()), error))?;
        Ok(directory)
    })
    .await
}

pub(crate) async fn take_back(inner: &Inner, made: Made) {
    for volume in made.volumes {
        inner.volumes.unmake(volume).await;
    }
    if let Some(disc) = made.cloud_init {
        let shown = disc.display().to_string();
        if let Err(error) = blocking(move || cloud_init::remove(&disc)).await {
            tracing::error!(disc = shown, %error, "a CD for cloud-init was left behind");
        }
    }
    if let Some(directory) = made.own {
        let shown = directory.display().to_string();
        let removing = inner
            .inventory
            .blocking(move |hypervisor| hypervisor.delete_disks(&directory));
        if let Err(error) = removing.await {
            tracing::error!(directory = shown, %error, "disks were left behind");
        }
    }
}

/// Where every drive comes from, or every field that can't be had.
async fn resolve(inner: &Inner, spec: VmSpec, mark: String) -> Result<Ready> {
    let mut broken = Vec::new();
    let mut disks: Vec<Origin> = Vec::new();
    for (index, disk) in spec.disks.iter().enumerate() {
        match origin(inner, spec.id, disk, index).await {
            Ok(Origin::Taken(volume)) if disks.iter().any(|known| is(known, &volume)) => {
                let reason = "is the same volume as another disk's";
                broken.push(FieldError::new(format!("disks[{index}].volume"), reason));
            }
            Ok(origin) => disks.push(origin),
            Err(Error::Invalid(fields)) => {
                broken.extend(fields.into_iter().map(|error| FieldError {
                    field: format!("disks[{index}].{}", error.field),
                    reason: error.reason,
                }));
            }
            Err(error) => return Err(error),
        }
    }
    let mut cdrom = None;
    if let Some(name) = &spec.cdrom {
        match inner.images.describe(name).await? {
            Some(image) if image.format != ImageFormat::Qcow2 => {
                cdrom = Some(inner.layout.image(name));
            }
            Some(_) => broken.push(FieldError {
                field: "cdrom".into(),
                reason: format!("must be an ISO image, but {name} is a qcow2 disk"),
            }),
            None => broken.push(FieldError {
                field: "cdrom".into(),
                reason: missing(name),
            }),
        }
    }
    let macs: Vec<String> = spec.nics.iter().map(|_| new_mac()).collect();
    let documents = spec.cloud_init.as_ref();
    let documents = documents.map(|wish| Documents::of(&spec, wish, &macs));
    let cloud_init = match documents.transpose() {
        Err(Error::Invalid(fields)) => {
            broken.extend(fields);
            None
        }
        other => other?,
    };
    if !broken.is_empty() {
        return Err(Error::Invalid(broken));
    }
    Ok(Ready {
        spec,
        disks,
        cdrom,
        cloud_init,
        macs,
        mark,
    })
}

fn is(origin: &Origin, volume: &VolumeRef) -> bool {
    matches!(origin, Origin::Taken(known) if known == volume)
}

/// Where the disk with this number comes from, if it can be had.
pub(crate) async fn origin(
    inner: &Inner,
    id: VmId,
    disk: &DiskSpec,
    index: usize,
) -> Result<Origin> {
    let broken = disk.check_place("");
    if !broken.is_empty() {
        return Err(Error::Invalid(broken));
    }
    if let DiskSource::Volume(volume) = &disk.source {
        inner.volumes.for_vm(id, volume).await?;
        return Ok(Origin::Taken(volume.clone()));
    }
    if let Some(pool) = disk.pool {
        let wish = inner.volumes.wish_for_vm(id, disk, pool, index).await?;
        return Ok(Origin::Made(wish));
    }
    let path = inner.layout.disk(id, index);
    own(inner, disk, path).await.map(Origin::Own)
}

/// A file in the VM's own directory.
pub(crate) async fn own(inner: &Inner, disk: &DiskSpec, path: PathBuf) -> Result<DiskRequest> {
    let DiskSource::Image(name) = &disk.source else {
        // `VmSpec::check` has seen to it that a blank disk has a size.
        let size_bytes = disk.size_bytes.unwrap_or_default();
        return Ok(DiskRequest {
            path,
            size_bytes,
            source: None,
        });
    };
    let Some(Image {
        format,
        virtual_bytes,
        ..
    }) = inner.images.describe(name).await?
    else {
        return Err(Error::field("image", missing(name)));
    };
    let size_bytes = disk
        .size_bytes
        .unwrap_or(virtual_bytes.next_multiple_of(512));
    if size_bytes < virtual_bytes {
        let reason = format!("must be at least {virtual_bytes}, the size of the image {name}");
        return Err(Error::field("size_bytes", reason));
    }
    let source = Some(DiskImage {
        path: inner.layout.image(name),
        format,
        virtual_bytes,
    });
    Ok(DiskRequest {
        path,
        size_bytes,
        source,
    })
}

pub(crate) fn missing(name: &ImageName) -> String {
    format!("must name a file of the image library, which has no {name}: upload it first")
}

/// What tells a repeated wish for a VM from another one. A password counts by a hash that is slow to guess from, because
/// the mark is kept where others may see it.
fn mark(spec: &VmSpec) -> Result<String> {
    let Some(wish) = &spec.cloud_init else {
        return digest(spec);
    };
    // What is wrong with it is told when it is resolved.
    let hash = cloud_init::password_hash(spec.id, wish, &mut Vec::new())?;
    digest(&(spec, hash))
}

/// A digest of the wish: equal for equal wishes, across restarts and releases that add no field.
pub(crate) fn digest(wish: &impl Serialize) -> Result<String> {
    let bytes = serde_json::to_vec(wish)
        .map_err(|error| Error::internal("writing down a VM's wish", error))?;
    Ok(hex::encode(Sha256::digest(bytes)))
}
