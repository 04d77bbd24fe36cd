//! Bringing a disk into the mirror: a new one in place of one that is lost, or one that was left out.
//!
//! ```text
//! forget what failed ─► partition table ─► slots A, B ─► config in sync ─► EFI ─► data is copied from here on
//! ```
//! The EFI partition comes when the disk can start alone. Nothing writes slots or the environment meanwhile: both
//! are locked.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use qx_slots::PartitionNumber::{self, Config, Data, Efi, SystemA, SystemB};
use rustix::fs::{Advice, FlockOperation, fadvise, flock};

use super::{Standing, arrays, standing};
use crate::boot_env;
use crate::disks::{self, Disk, ReleaseError};
use crate::storage::{self, DiskShape, Partition, StorageError, TooSmallError, write_table};
use crate::system_disk::{Devices, SystemDisk};

const BUFFER: usize = 1 << 20;
/// How long the configuration, 100 MiB, may take to be copied.
const COPYING: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_millis(200);
/// The copy of the partition table lies behind the last partition.
const MARGIN: u64 = 1 << 20;

/// Why a disk is not part of the mirror.
#[derive(Debug, thiserror::Error)]
pub enum RejoinError {
    /// There is none.
    #[error(
        "this system was not installed on a mirror: there is nothing that a disk could be added to"
    )]
    NoMirror,
    /// Both disks are there, or one is being copied.
    #[error("the mirror has both of its disks; take the one that fails out of the machine first")]
    Complete,
    /// The disk has other sectors.
    #[error("{disk} has sectors of {have} bytes, the mirror's other disk {need}")]
    Sectors {
        /// The disk.
        disk: String,
        /// Bytes of a sector.
        have: u32,
        /// Bytes of the other disk's.
        need: u32,
    },
    /// The disk is too small.
    #[error("{0}")]
    TooSmall(TooSmallError),
    /// Something on it can't be stopped.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The disk can't be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Something else.
    #[error("cannot {doing}")]
    Io {
        /// What was about to be done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
}

fn doing(doing: impl Into<String>) -> impl FnOnce(io::Error) -> RejoinError {
    move |source| RejoinError::Io {
        doing: doing.into(),
        source,
    }
}

/// The disk whose content counts, of the mirror that the system in slot partition `system` belongs to. What failed
/// or is gone is forgotten, so that the disk it was on is free.
///
/// # Errors
/// When there is no mirror, or none with room.
pub fn source(system: &Path, devices: &Devices) -> Result<SystemDisk, RejoinError> {
    let failed = || doing("see how the mirror stands");
    let own = SystemDisk::of(system, devices).map_err(failed())?;
    let current = match standing(&own, devices).map_err(failed())? {
        Standing::Single => return Err(RejoinError::NoMirror),
        Standing::Pair(_) => return Err(RejoinError::Complete),
        Standing::Alone => own,
        Standing::Outdated(other) => other,
    };
    for number in [Config, Data] {
        arrays::forget_failed(number).map_err(doing("forget the disk that failed"))?;
        let left = super::standing::halves(number, &devices.sys).map_err(failed())?;
        if left.is_some_and(|halves| halves.len() > 1) {
            return Err(RejoinError::Complete);
        }
    }
    Ok(current)
}

/// Adds `disk`, which may be erased, to the mirror whose other disk is `current` (see [`source`]). Returns when it can
/// start the system alone; VM data is copied from then on, in the background. `tell` hears of each step.
///
/// # Errors
/// See [`RejoinError`]; the mirror is what it was, and the disk can be added again.
pub fn rejoin(
    current: &SystemDisk,
    disk: &Disk,
    devices: &Devices,
    tell: &mut dyn FnMut(&str),
) -> Result<(), RejoinError> {
    let (shape, partitions) = layout(current, disk)?;
    disks::release(disk, &devices.sys)?;
    let failed = || doing("keep updates from writing meanwhile");
    let _slots = hold_slots(current).map_err(failed())?;
    let env = boot_env::efi_of(current).map_err(failed())?;
    env.lock().map_err(failed())?;

    tell("making partitions");
    write_table(&disk.path, shape, &partitions, &disk.places())?;
    let new = |number| storage::node(&disk.path, number);
    for number in [SystemA, SystemB] {
        tell(&format!("copying {}", number.name()));
        copy_partition(current, number, &new(number))?;
    }
    tell("copying the configuration");
    let adding = |error| RejoinError::Io {
        doing: format!("add {} to the mirror", disk.path.display()),
        source: error,
    };
    arrays::add(Config, &new(Config)).map_err(adding)?;
    wait_in_sync(&new(Config), devices).map_err(doing("copy the configuration"))?;
    tell("copying the boot programs");
    copy_partition(current, Efi, &new(Efi))?;
    arrays::add(Data, &new(Data)).map_err(adding)
}

/// The current disk's partitions, on a disk that must have room for them.
fn layout(current: &SystemDisk, disk: &Disk) -> Result<(DiskShape, [Partition; 5]), RejoinError> {
    let shape = DiskShape {
        bytes: disk.size_bytes,
        sector_bytes: disk.logical_block_bytes,
    };
    if shape.sector_bytes != current.sector_bytes {
        return Err(RejoinError::Sectors {
            disk: disk.summary(),
            have: shape.sector_bytes,
            need: current.sector_bytes,
        });
    }
    let mut partitions = [Partition {
        number: Efi,
        offset: 0,
        bytes: 0,
    }; 5];
    let mut end = 0;
    for (place, number) in partitions.iter_mut().zip(PartitionNumber::ALL) {
        let found = current.partition(number);
        let found = found.map_err(doing("read the mirror's partitions"))?;
        *place = Partition {
            number,
            offset: found.offset,
            bytes: found.bytes,
        };
        end = end.max(found.offset + found.bytes);
    }
    TooSmallError::check(shape.bytes, end + MARGIN).map_err(RejoinError::TooSmall)?;
    Ok((shape, partitions))
}

/// Keeps others from writing a slot of this disk, and from adding a disk that would then miss it, until the files are
/// closed.
///
/// # Errors
/// What the system says.
pub fn hold_slots(disk: &SystemDisk) -> io::Result<[File; 2]> {
    let hold = |number| {
        let file = File::open(&disk.partition(number)?.node)?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok::<_, io::Error>(file)
    };
    Ok([hold(SystemA)?, hold(SystemB)?])
}

fn copy_partition(
    current: &SystemDisk,
    number: PartitionNumber,
    to: &Path,
) -> Result<(), RejoinError> {
    let copied = || -> io::Result<()> {
        let from = current.partition(number)?;
        copy(&from.node, to, from.bytes)
    };
    copied().map_err(doing(format!("copy {} to {}", number.name(), to.display())))
}

/// Copies `bytes` from one partition to another and compares what the second then has.
fn copy(from: &Path, to: &Path, bytes: u64) -> io::Result<()> {
    let (source, target) = (File::open(from)?, File::options().write(true).open(to)?);
    // What another program wrote past the page cache is not in it.
    fadvise(&source, 0, None, Advice::DontNeed)?;
    let mut buffer = vec![0; BUFFER];
    each_block(bytes, |offset, length| {
        let block = buffer.get_mut(..length).unwrap_or_default();
        source.read_exact_at(block, offset)?;
        target.write_all_at(block, offset)
    })?;
    target.sync_all()?;
    let mut written = File::open(to)?;
    fadvise(&written, 0, None, Advice::DontNeed)?;
    let mut found = vec![0; BUFFER];
    each_block(bytes, |offset, length| {
        let (block, found) = (
            buffer.get_mut(..length).unwrap_or_default(),
            found.get_mut(..length).unwrap_or_default(),
        );
        source.read_exact_at(block, offset)?;
        written.read_exact(found)?;
        if block == found {
            Ok(())
        } else {
            Err(io::Error::other(
                "it does not keep what is written to it: take another disk",
            ))
        }
    })
}

fn each_block(bytes: u64, mut block: impl FnMut(u64, usize) -> io::Result<()>) -> io::Result<()> {
    let mut offset = 0;
    while offset < bytes {
        let length = (bytes - offset).min(BUFFER as u64);
        block(offset, usize::try_from(length).unwrap_or(BUFFER))?;
        offset += length;
    }
    Ok(())
}

fn wait_in_sync(config: &Path, devices: &Devices) -> io::Result<()> {
    let name = config.file_name().unwrap_or_default().to_string_lossy();
    let end = Instant::now() + COPYING;
    loop {
        let halves = super::standing::halves(Config, &devices.sys)?.unwrap_or_default();
        match halves.iter().find(|half| half.name == name) {
            Some(half) if half.in_sync => return Ok(()),
            Some(_) if Instant::now() < end => thread::sleep(PAUSE),
            Some(_) => return Err(io::ErrorKind::TimedOut.into()),
            None => return Err(io::Error::other("the disk left the mirror again")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_whole_and_stops_at_the_end_of_the_partition() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        let bytes: Vec<u8> = (0..BUFFER * 2 + 4096)
            .map(|at| at.to_le_bytes()[0])
            .collect();
        std::fs::write(&from, &bytes).unwrap();
        std::fs::write(&to, vec![0xff; bytes.len() + 10]).unwrap();
        copy(&from, &to, bytes.len() as u64).unwrap();
        let copied = std::fs::read(&to).unwrap();
        assert_eq!(copied[..bytes.len()], bytes);
        assert_eq!(copied[bytes.len()..], [0xff; 10]);
        copy(&from, Path::new("/dev/full"), 4096).unwrap_err();
    }
}
