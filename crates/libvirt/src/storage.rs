//! Disk files, made and removed by libvirt's storage driver: it knows the formats. A VM's directory is a
//! pool for as long as a call takes, so that no lasting pool's state can be in anybody's way.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use qx_hypervisor::{DiskImage, DiskRequest, Error, Result};
use qx_model::vm::ImageFormat;
use uuid::Uuid;
use virt::connect::Connect;
use virt::error::ErrorNumber;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::sys;

use crate::error::Doing;
use crate::xml::Element;

/// The image under a second name in the VM's directory: a pool copies only what lies in it, and a name
/// of its own pins the file for the time of copying.
const SOURCE: &str = "source.image";

/// How names of pools begin that live for one call: no person gets to see them.
pub(crate) const PASSING: &str = "quantix-passing-";

/// Storage calls on one connection.
pub(crate) struct Storage<'a> {
    pub(crate) connect: &'a Connect,
    pub(crate) uri: &'a str,
    /// The test driver holds volumes in memory: no file is there, or needed.
    pub(crate) in_memory: bool,
}

/// A directory as a pool; no longer one when dropped. Its files stay.
pub(crate) struct Pool(pub(crate) StoragePool);

impl Drop for Pool {
    fn drop(&mut self) {
        if let Err(error) = self.0.destroy() {
            tracing::warn!(error = error.message(), "a storage pool was left behind");
        }
    }
}

impl Storage<'_> {
    pub(crate) fn create(&self, disk: &DiskRequest) -> Result<()> {
        let (directory, name) = split(&disk.path)?;
        if disk.path.exists() {
            return Err(Error::Exists {
                what: format!("the disk {}", disk.path.display()),
            });
        }
        let link = directory.join(SOURCE);
        if let (Some(image), false) = (&disk.source, self.in_memory) {
            pin(&image.path, &link)?;
        }
        let made = self.make(directory, &name, disk);
        if disk.source.is_some() && !self.in_memory {
            let unlinked = std::fs::remove_file(&link);
            if let Err(error) = unlinked {
                tracing::warn!(path = %link.display(), %error, "a link was left behind");
            }
        }
        made
    }

    fn make(&self, directory: &Path, name: &str, disk: &DiskRequest) -> Result<()> {
        let doing = self.doing("making a disk");
        let pool = self.pool(directory)?;
        let wanted = volume(name, "qcow2", disk.size_bytes).to_string();
        let source = disk
            .source
            .as_ref()
            .map(|image| self.source(&pool.0, image))
            .transpose()?;
        let made = match &source {
            None => StorageVol::create_xml(&pool.0, &wanted, 0),
            Some(source) => StorageVol::create_xml_from(&pool.0, &wanted, source, 0)
                .and_then(|volume| grown(volume, disk.size_bytes)),
        };
        made.map(|_| ()).map_err(|error| {
            if error.code().is(ErrorNumber::StorageVolExist) {
                Error::Exists {
                    what: format!("the disk {}", disk.path.display()),
                }
            } else {
                doing.failed(error)
            }
        })
    }

    fn source(&self, pool: &StoragePool, image: &DiskImage) -> Result<StorageVol> {
        let doing = self.doing("reading an image");
        if self.in_memory {
            let format = if image.format == ImageFormat::Qcow2 {
                "qcow2"
            } else {
                "raw"
            };
            let xml = volume(SOURCE, format, image.virtual_bytes).to_string();
            return StorageVol::create_xml(pool, &xml, 0).map_err(|error| doing.failed(error));
        }
        let volume = pool
            .lookup_storage_vol_by_name(SOURCE)
            .map_err(|error| doing.failed(error))?;
        // libvirt judges the file itself. If it saw another format it would read it as that, and follow
        // the names of other files in it.
        let seen = format_of(&volume).map_err(|error| doing.failed(error))?;
        let known = match image.format {
            ImageFormat::Raw => "raw",
            ImageFormat::Qcow2 => "qcow2",
            ImageFormat::Iso => "iso",
        };
        if seen.as_deref() == Some(known) {
            Ok(volume)
        } else {
            Err(Error::Failed {
                action: format!("reading the image {}", image.path.display()),
                message: format!(
                    "it is {known}, but libvirt takes it for {}: convert it to qcow2 and upload it again",
                    seen.as_deref().unwrap_or("something unknown")
                ),
            })
        }
    }

    pub(crate) fn delete(&self, directory: &Path) -> Result<()> {
        if !self.in_memory && !directory.exists() {
            return Ok(());
        }
        let doing = self.doing("removing disks");
        let pool = self.pool(directory)?;
        let volumes = pool
            .0
            .list_all_volumes(0)
            .map_err(|error| doing.failed(error))?;
        for volume in volumes {
            volume.delete(0).map_err(|error| doing.failed(error))?;
        }
        drop(pool);
        if self.in_memory {
            return Ok(());
        }
        std::fs::remove_dir(directory).map_err(|error| Error::Failed {
            action: format!("removing {}", directory.display()),
            message: error.to_string(),
        })
    }

    /// Makes a disk file larger that no VM has open.
    pub(crate) fn grow(&self, file: &Path, bytes: u64) -> Result<()> {
        let (directory, name) = split(file)?;
        let pool = self.pool(directory)?;
        let volume = pool.0.lookup_storage_vol_by_name(&name);
        volume
            .and_then(|volume| volume.resize(bytes, 0))
            .map_err(|error| self.doing("growing a disk").failed(error))
    }

    /// Removes one disk file.
    pub(crate) fn delete_one(&self, file: &Path) -> Result<()> {
        if !self.in_memory && !file.exists() {
            return Ok(());
        }
        let (directory, name) = split(file)?;
        let pool = self.pool(directory)?;
        let removed = match pool.0.lookup_storage_vol_by_name(&name) {
            Err(error) if error.code().is(ErrorNumber::NoStorageVolume) => Ok(()),
            found => found.and_then(|volume| volume.delete(0)),
        };
        removed.map_err(|error| self.doing("removing a disk").failed(error))
    }

    /// Makes the directory if need be, and a pool of it.
    fn pool(&self, directory: &Path) -> Result<Pool> {
        let permissions = Element::new("permissions")
            // QEMU runs as another user and opens its files by name.
            .holding(Element::new("mode").saying("0711"));
        let target = Element::new("target")
            .holding(Element::new("path").saying(directory.to_string_lossy()))
            .holding(permissions);
        let pool = Element::new("pool")
            .with("type", "dir")
            .holding(Element::new("name").saying(format!("{PASSING}{}", Uuid::new_v4())))
            .holding(target);
        let build = if self.in_memory {
            0
        } else {
            sys::VIR_STORAGE_POOL_CREATE_WITH_BUILD
        };
        let made = self
            .connect
            .create_storage_pool_xml(&pool.to_string(), build);
        made.map(Pool)
            .map_err(|error| self.doing("opening a VM's directory").failed(error))
    }

    pub(crate) fn doing<'a>(&'a self, verb: &'a str) -> Doing<'a> {
        Doing {
            verb,
            vm: None,
            uri: self.uri,
        }
    }
}

/// Bytes of the disk that a file or a block device is, as its guest sees it: a qcow2 header has them at its
/// 24th byte, big-endian (QEMU's docs/interop/qcow2.rst); everything else is as long as it is.
pub(crate) fn virtual_bytes(path: &Path) -> Option<u64> {
    let mut file = File::open(path).ok()?;
    let mut header = [0; 32];
    if file.read_exact(&mut header).is_ok() && header.starts_with(b"QFI\xfb") {
        return header[24..].try_into().ok().map(u64::from_be_bytes);
    }
    file.seek(SeekFrom::End(0)).ok()
}

/// A copy has its source's size at first.
fn grown(volume: StorageVol, bytes: u64) -> std::result::Result<StorageVol, virt::error::Error> {
    let resized = match volume.info()?.capacity {
        capacity if capacity < bytes => volume.resize(bytes, 0),
        _ => Ok(()),
    };
    if let Err(error) = resized {
        // The first error is the one to tell.
        let _ = volume.delete(0);
        return Err(error);
    }
    Ok(volume)
}

pub(crate) fn volume(name: &str, format: &str, bytes: u64) -> Element {
    let format = Element::new("format").with("type", format);
    let size = |name: &str, bytes: u64| {
        Element::new(name)
            .with("unit", "bytes")
            .saying(bytes.to_string())
    };
    Element::new("volume")
        .holding(Element::new("name").saying(name))
        .holding(size("capacity", bytes))
        .holding(size("allocation", 0))
        .holding(Element::new("target").holding(format))
}

fn pin(image: &Path, link: &Path) -> Result<()> {
    let linked = match link.parent() {
        Some(directory) => std::fs::create_dir_all(directory),
        None => Ok(()),
    }
    .and_then(|()| match std::fs::remove_file(link) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => std::fs::hard_link(image, link),
    });
    linked.map_err(|error| Error::Failed {
        action: format!("taking the image {} for a disk", image.display()),
        message: error.to_string(),
    })
}

/// The format that libvirt found in a volume.
fn format_of(volume: &StorageVol) -> std::result::Result<Option<String>, virt::error::Error> {
    let described = Element::parse(&volume.xml_desc(0)?).ok();
    let format = described.as_ref().and_then(|volume| {
        let format = volume.child("target")?.child("format")?;
        format.attribute("type").map(str::to_owned)
    });
    Ok(format)
}

pub(crate) fn split(path: &Path) -> Result<(&Path, String)> {
    match (path.parent(), path.file_name()) {
        (Some(directory), Some(name)) => Ok((directory, name.to_string_lossy().into_owned())),
        _ => Err(Error::Failed {
            action: "making a disk".into(),
            message: format!("{} is not a file in a directory", path.display()),
        }),
    }
}
