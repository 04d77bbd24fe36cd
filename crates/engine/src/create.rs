//! Creating a VM: resolve images, make disks, define. Leaves nothing behind when a step fails.

use std::path::PathBuf;
use std::sync::Arc;

use qx_hypervisor::{Definition, DiskImage, DiskRequest, Error as HypervisorError};
use qx_model::name::ImageName;
use qx_model::vm::{DiskSource, DiskSpec, FieldError, Image, ImageFormat, VmSpec};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::images::Images;
use crate::layout::Layout;
use crate::tasks::Running;
use crate::vms::Inner;

/// Creates the VM, or finds that the very same wish was fulfilled before.
pub(crate) async fn create(inner: &Inner, task: &Arc<Running>, spec: VmSpec) -> Result<()> {
    let Inner {
        inventory,
        images,
        layout,
        ..
    } = inner;
    let (id, mark) = (spec.id, mark(&spec)?);
    match inventory
        .blocking(move |hypervisor| hypervisor.creation_mark(id))
        .await
    {
        Err(Error::NotFound { .. }) => {}
        Ok(Some(found)) if found == mark => {
            task.note("it is there already, made by an earlier request for the same");
            return Ok(());
        }
        Ok(_) => {
            return Err(Error::Conflict {
                reason: format!("VM {id} exists already and was not created by this request"),
                hint: "choose another id, or none to have one chosen".into(),
            });
        }
        Err(error) => return Err(error),
    }
    if inventory
        .find(|vm| vm.name == spec.name.as_str())?
        .is_some()
    {
        return Err(HypervisorError::Exists {
            what: format!("a VM named {}", spec.name),
        }
        .into());
    }
    let (definition, requests) = resolve(images, layout, spec, mark).await?;
    let task = Arc::clone(task);
    inventory
        .blocking(move |hypervisor| Ok(fulfil(hypervisor, &task, &definition, &requests)))
        .await?
}

/// Which files of the library can't be had, before it is anybody's turn. They are looked at again then.
pub(crate) async fn refuse(inner: &Inner, spec: &VmSpec) -> Result<()> {
    resolve(&inner.images, &inner.layout, spec.clone(), String::new())
        .await
        .map(drop)
}

fn fulfil(
    hypervisor: &dyn qx_hypervisor::Hypervisor,
    task: &Running,
    definition: &Definition,
    requests: &[DiskRequest],
) -> Result<()> {
    let mut made = false;
    task.step(0);
    let all = requests.len() as u64;
    let result = (1_u64..)
        .zip(requests)
        .try_for_each(|(number, request)| {
            task.check()?;
            hypervisor.create_disk(request)?;
            made = true;
            task.progress(number, all);
            task.note(format!("disk {number} of {all} is there"));
            Ok(())
        })
        .and_then(|()| {
            task.no_way_back("the VM is being defined, which is over in a moment")?;
            task.step(1);
            Ok(hypervisor.define(definition)?)
        });
    // A directory that holds an earlier VM's disks fails at the first disk and is left alone.
    if result.is_err()
        && made
        && let Some(directory) = requests.first().and_then(|request| request.path.parent())
        && let Err(error) = hypervisor.delete_disks(directory)
    {
        tracing::error!(directory = %directory.display(), %error, "disks were left behind");
    }
    result
}

/// Files for every drive, or every field that can't be had.
async fn resolve(
    images: &Images,
    layout: &Layout,
    spec: VmSpec,
    mark: String,
) -> Result<(Definition, Vec<DiskRequest>)> {
    let mut broken = Vec::new();
    let mut requests = Vec::new();
    for (index, disk) in spec.disks.iter().enumerate() {
        let path = layout.disk(spec.id, index);
        match request(images, layout, disk, path).await? {
            Ok(request) => requests.push(request),
            Err((field, reason)) => {
                broken.push(FieldError {
                    field: format!("disks[{index}].{field}"),
                    reason,
                });
            }
        }
    }
    let mut cdrom = None;
    if let Some(name) = &spec.cdrom {
        match images.describe(name).await? {
            Some(image) if image.format != ImageFormat::Qcow2 => cdrom = Some(layout.image(name)),
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
    if !broken.is_empty() {
        return Err(Error::Invalid(broken));
    }
    let disks = requests
        .iter()
        .map(|request| request.path.clone())
        .collect();
    Ok((
        Definition {
            spec,
            disks,
            cdrom,
            mark,
        },
        requests,
    ))
}

pub(crate) async fn request(
    images: &Images,
    layout: &Layout,
    disk: &DiskSpec,
    path: PathBuf,
) -> Result<std::result::Result<DiskRequest, (&'static str, String)>> {
    let DiskSource::Image(name) = &disk.source else {
        // `VmSpec::check` has seen to it that a blank disk has a size.
        let size_bytes = disk.size_bytes.unwrap_or_default();
        return Ok(Ok(DiskRequest {
            path,
            size_bytes,
            source: None,
        }));
    };
    let Some(Image {
        format,
        virtual_bytes,
        ..
    }) = images.describe(name).await?
    else {
        return Ok(Err(("image", missing(name))));
    };
    let size_bytes = disk
        .size_bytes
        .unwrap_or(virtual_bytes.next_multiple_of(512));
    if size_bytes < virtual_bytes {
        let reason = format!("must be at least {virtual_bytes}, the size of the image {name}");
        return Ok(Err(("size_bytes", reason)));
    }
    let source = Some(DiskImage {
        path: layout.image(name),
        format,
        virtual_bytes,
    });
    Ok(Ok(DiskRequest {
        path,
        size_bytes,
        source,
    }))
}

pub(crate) fn missing(name: &ImageName) -> String {
    format!("must name a file of the image library, which has no {name}: upload it first")
}

/// A digest of the wish: equal for equal wishes, across restarts and releases that add no field.
fn mark(spec: &VmSpec) -> Result<String> {
    let bytes = serde_json::to_vec(spec)
        .map_err(|error| Error::internal("writing down a VM's wish", error))?;
    Ok(hex::encode(Sha256::digest(bytes)))
}
