//! A factory reset: the host is as after its installation, but for what the installation does not make either.
//!
//! Kept in any case: which releases this host accepts (`trust`), so that a reset opens no way back to a release
//! with known holes, and both system slots.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use qx_slots::PartitionNumber;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use serde::{Deserialize, Serialize};

use super::files::{Doing, exists, remove, rename, sync};
use super::{PendingError, Places};
use crate::boot::{Backing, BootInfo};
use crate::durable;
use crate::mirror;
use crate::storage::make_data;
use crate::system_disk::{Devices, SystemDisk};

const MARK: &str = "reset.json";
/// Not removed: the mark, what the host may run, and the file system's own.
const KEPT: [&str; 3] = [MARK, "trust", "lost+found"];
/// On the data partition: what a reset of the configuration takes from it, until the next one.
const ASIDE: &str = "before-reset";
/// Of libvirt's files what is worth keeping for disks that stay: not its secrets.
const DEFINITIONS: [&str; 6] = [
    "qemu",
    "storage",
    "nvram",
    "swtpm",
    "snapshot",
    "checkpoint",
];
/// The database, with the API tokens that must not work any more, and its journals.
const DATABASE: [&str; 3] = ["quantix.db-wal", "quantix.db-shm", "quantix.db"];

/// What a factory reset removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Settings, keys, certificates and API tokens. VMs and images stay.
    Configuration,
    /// That, and everything on the data partition.
    Everything,
}

/// The content of `reset.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    format: u32,
    scope: Scope,
}

pub(super) fn is_marked(state: &Path) -> bool {
    exists(&state.join(MARK))
}

pub(super) fn mark(state: &Path, scope: Scope) -> Result<(), PendingError> {
    let path = state.join(MARK);
    serde_json::to_vec(&Mark { format: 1, scope })
        .map_err(io::Error::from)
        .and_then(|bytes| durable::replace(&path, &bytes, 0o600))
        .doing(|| format!("write {}", path.display()))
}

pub(super) fn read_mark(state: &Path) -> Result<Option<Scope>, PendingError> {
    let path = state.join(MARK);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(source).doing(|| format!("read {}", path.display())),
    };
    let unknown = |reason: String| PendingError::Mark { path, reason };
    match serde_json::from_slice::<Mark>(&bytes) {
        Ok(mark) if mark.format == 1 => Ok(Some(mark.scope)),
        Ok(mark) => Err(unknown(format!("it has format {}", mark.format))),
        Err(error) => Err(unknown(error.to_string())),
    }
}

/// Goes on with a reset where the last boot ended. `renew_data` makes the data partition's file system anew.
pub(super) fn carry_out(
    places: &Places,
    scope: Scope,
    renew_data: &dyn Fn() -> io::Result<()>,
    tell: &mut dyn FnMut(&str) -> io::Result<()>,
) -> Result<(), PendingError> {
    let mut tell = |what: &str| tell(what).doing(|| what.to_owned());
    if scope == Scope::Configuration {
        tell("factory reset: definitions and database are put aside")?;
        put_aside(places, &mut tell)?;
    }
    let state = &places.state;
    let list =
        |source: io::Result<fs::ReadDir>| source.doing(|| format!("list {}", state.display()));
    for entry in list(fs::read_dir(state))? {
        let entry = entry.doing(|| format!("list {}", state.display()))?;
        let name = entry.file_name();
        if KEPT.iter().any(|kept| name == *kept) {
            continue;
        }
        tell(&format!("factory reset: {} is removed", name.display()))?;
        remove(&entry.path())?;
    }
    sync(state)?;
    if scope == Scope::Everything {
        tell("factory reset: the data partition is made anew")?;
        renew_data().doing(|| "make the data partition anew".to_owned())?;
    }
    tell("factory reset: done")?;
    let mark = state.join(MARK);
    remove(&mark)?;
    durable::sync_parent(&mark).doing(|| format!("remove {}", mark.display()))
}

/// The first boot brings VMs back by the copies beside their disks, as they were when each VM was off last. This is
/// what libvirt itself had, snapshots among it.
fn put_aside(
    places: &Places,
    tell: &mut dyn FnMut(&str) -> Result<(), PendingError>,
) -> Result<(), PendingError> {
    let aside = places.data.join(ASIDE);
    fs::create_dir_all(&aside).doing(|| format!("make {}", aside.display()))?;
    let own = places.state.join("libvirt");
    if exists(&own) {
        let (fresh, kept) = (aside.join("libvirt.new"), aside.join("libvirt"));
        remove(&fresh)?;
        fs::create_dir(&fresh).doing(|| format!("make {}", fresh.display()))?;
        for part in DEFINITIONS {
            copy(&own.join(part), &fresh.join(part))
                .doing(|| format!("copy {part} of libvirt to {}", fresh.display()))?;
        }
        sync(&aside)?;
        remove(&kept)?;
        rename(&fresh, &kept)?;
        tell("factory reset: definitions are on the data partition")?;
        // From here on it is not copied again: parts of it may be gone.
        rename(&own, &places.state.join("libvirt.old"))?;
    }
    for name in DATABASE {
        let (from, to) = (places.data.join(name), aside.join(name));
        if exists(&from) {
            remove(&to)?;
            rename(&from, &to)?;
        }
    }
    Ok(())
}

/// Files and directories; links, which say what starts by itself, stay behind.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let facts = match fs::symlink_metadata(from) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if facts.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else if facts.is_file() {
        fs::copy(from, to)?;
    }
    Ok(())
}

/// Makes the file system of the data partition anew and mounts it, unless memory stands in for it: a partition
/// that could not be mounted is used from the next boot on.
pub(super) fn renew_data(places: &Places) -> io::Result<()> {
    let boot = BootInfo::read(&places.run).map_err(io::Error::other)?;
    let node = &data_device(Path::new(&boot.source))?;
    if boot.data == Backing::Partition {
        match unmount(&places.data, UnmountFlags::empty()) {
            // An earlier try of this boot got as far.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    make_data(node, &places.run.join("data")).map_err(io::Error::other)?;
    if boot.data == Backing::Partition {
        // As qx-init does.
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOATIME;
        mount(node, &places.data, "xfs", flags, None)?;
    }
    Ok(())
}

/// The data partition of the disk that this system was started from, or the array that it is half of.
fn data_device(system: &Path) -> io::Result<PathBuf> {
    let array = mirror::node(PartitionNumber::Data);
    if array.exists() {
        return Ok(array);
    }
    let disk = SystemDisk::of(system, &Devices::default())?;
    let node = &disk.partition(PartitionNumber::Data)?.node;
    match mirror::Superblock::read(node)? {
        None => Ok(node.clone()),
        Some(_) => Err(io::Error::other(format!(
            "{} is half of a mirror that could not be started",
            node.display()
        ))),
    }
}
