//! Making a disk of the host a pool's: which disks can be, and an XFS over the whole of one. It is known by the unique
//! id of its file system from then on: names of devices change from boot to boot.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::boot::BootInfo;
use crate::disks::{self, Content, Disk, Sources, Usage, size_words};
use crate::storage::StorageError;
use crate::system_disk::Devices;

const MKFS_XFS: &str = "/usr/sbin/mkfs.xfs";
const BLOCKDEV: &str = "/usr/sbin/blockdev";
const BY_UUID: &str = "/dev/disk/by-uuid";
/// XFS refuses less than 300 MiB; less than this is no place for VMs.
const LEAST_BYTES: u64 = 512 << 20;
/// How long udev may take to name the new file system.
const APPEARING: Duration = Duration::from_secs(30);

/// Why a disk can't become a pool's. The texts say what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// No such disk.
    #[error("there is no disk {path}: {known}")]
    Missing {
        /// What was asked for.
        path: String,
        /// Those that there are.
        known: String,
    },
    /// Somebody uses it.
    #[error("{disk} {usage}: choose another one")]
    InUse {
        /// The disk.
        disk: String,
        /// A clause.
        usage: Usage,
    },
    /// It holds something.
    #[error("{disk} holds data: {content}; ask for it to be wiped if all of that can go")]
    HoldsData {
        /// The disk.
        disk: String,
        /// What is on it.
        content: String,
    },
    /// Nobody knows what it holds.
    #[error("{disk} can't be read: {reason}")]
    Unreadable {
        /// The disk.
        disk: String,
        /// Why.
        reason: String,
    },
    /// It has no room.
    #[error("{disk} is too small: a pool needs {}", size_words(LEAST_BYTES))]
    TooSmall {
        /// The disk.
        disk: String,
    },
}

/// The disks of this machine. `run` has the boot's record: the disk that the system was started from is in use.
///
/// # Errors
/// When the kernel's lists can't be read.
pub fn list(run: &Path) -> Result<Vec<Disk>, disks::ListError> {
    let boot = BootInfo::read_now(run, &Devices::default()).ok();
    disks::list(&Sources {
        running_from: boot.map(|boot| PathBuf::from(boot.source)),
        ..Sources::default()
    })
}

/// Whether the disk can become a pool's; `wipe` allows to erase what is on it, and to take apart arrays and volume groups
/// that nobody uses.
///
/// # Errors
/// Why not.
pub fn free_of(disk: &Disk, wipe: bool) -> Result<(), DiskError> {
    let name = || disk.summary();
    match (&disk.usage, &disk.content) {
        (Some(usage @ Usage::Assembled(_)), _) if !wipe => Err(DiskError::InUse {
            disk: name(),
            usage: usage.clone(),
        }),
        (Some(usage), _) if !matches!(usage, Usage::Assembled(_)) => Err(DiskError::InUse {
            disk: name(),
            usage: usage.clone(),
        }),
        (_, Content::Unreadable(reason)) => Err(DiskError::Unreadable {
            disk: name(),
            reason: reason.clone(),
        }),
        (_, content @ (Content::Data(_) | Content::Quantix(_))) if !wipe => {
            Err(DiskError::HoldsData {
                disk: name(),
                content: content.to_string(),
            })
        }
        _ if disk.size_bytes < LEAST_BYTES => Err(DiskError::TooSmall { disk: name() }),
        _ => Ok(()),
    }
}

/// The disk with this path or link, if it may become a pool's.
///
/// # Errors
/// Why it may not.
pub fn choose<'a>(disks: &'a [Disk], path: &Path, wipe: bool) -> Result<&'a Disk, DiskError> {
    let named = |disk: &&Disk| disk.path == path || disk.links.iter().any(|link| link == path);
    let Some(disk) = disks.iter().find(named) else {
        let known: Vec<String> = disks.iter().map(Disk::summary).collect();
        return Err(DiskError::Missing {
            path: path.display().to_string(),
            known: match known.as_slice() {
                [] => "this host has none".to_owned(),
                known => format!("there are {}", known.join("; ")),
            },
        });
    };
    free_of(disk, wipe).map(|()| disk)
}

/// Makes an XFS with this unique id over the whole of `device`, with all that was on it gone, and waits until it is
/// named `/dev/disk/by-uuid/ID` (`named`; a machine without udev names nothing).
///
/// # Errors
/// When the disk can't be written to, or somebody took it meanwhile.
pub fn make_filesystem(device: &Path, id: &str, named: bool) -> Result<(), StorageError> {
    let make = || -> io::Result<()> {
        let unique = format!("reflink=1,uuid={id}");
        let options = ["-q", "-f", "-m", &unique];
        let options = options.iter().map(std::ffi::OsStr::new);
        crate::storage::run(MKFS_XFS, options.chain([device.as_os_str()]))?;
        // The kernel forgets partitions that were there. A device that can't have any refuses.
        let reread = [std::ffi::OsStr::new("--rereadpt"), device.as_os_str()];
        let _ = crate::storage::run(BLOCKDEV, reread);
        if !named {
            return Ok(());
        }
        let link = Path::new(BY_UUID).join(id);
        let end = Instant::now() + APPEARING;
        while !link.exists() {
            if Instant::now() > end {
                let text = format!("{} does not appear", link.display());
                return Err(io::Error::other(text));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    };
    make().map_err(StorageError::doing(format!(
        "make a file system on {}",
        device.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::Bus;

    fn disk(usage: Option<Usage>, content: Content) -> Disk {
        Disk {
            name: "sdb".into(),
            path: "/dev/sdb".into(),
            links: vec!["/dev/disk/by-id/x".into()],
            size_bytes: 1 << 40,
            logical_block_bytes: 512,
            physical_block_bytes: 512,
            model: None,
            serial: None,
            wwn: None,
            bus: Bus::Ata,
            rotational: false,
            removable: false,
            content,
            usage,
            partitions: Vec::new(),
        }
    }

    #[test]
    fn a_disk_with_data_is_refused_unless_it_may_be_wiped_and_one_in_use_always() {
        let empty = disk(None, Content::Empty);
        assert_eq!(free_of(&empty, false), Ok(()));
        let data = disk(None, Content::Data("NTFS named photos".into()));
        let refused = free_of(&data, false).unwrap_err().to_string();
        assert!(
            refused.contains("holds data: NTFS named photos; ask"),
            "{refused}"
        );
        assert_eq!(free_of(&data, true), Ok(()));
        for usage in [
            Usage::RunningFrom,
            Usage::Mounted("/data".into()),
            Usage::Claimed,
        ] {
            let refused = free_of(&disk(Some(usage), Content::Empty), true);
            assert!(
                matches!(refused, Err(DiskError::InUse { .. })),
                "{refused:?}"
            );
        }
        let array = disk(
            Some(Usage::Assembled(vec!["md0".into()])),
            Content::Data("x".into()),
        );
        assert!(matches!(
            free_of(&array, false),
            Err(DiskError::InUse { .. })
        ));
        assert_eq!(free_of(&array, true), Ok(()));
        let silent = disk(None, Content::Unreadable("it does not answer".into()));
        assert!(matches!(
            free_of(&silent, true),
            Err(DiskError::Unreadable { .. })
        ));
        let mut small = disk(None, Content::Empty);
        small.size_bytes = 1 << 20;
        assert!(matches!(
            free_of(&small, true),
            Err(DiskError::TooSmall { .. })
        ));
    }

    #[test]
    fn a_disk_is_found_by_its_node_or_a_link_and_the_others_are_named() {
        let disks = [disk(None, Content::Empty)];
        for path in ["/dev/sdb", "/dev/disk/by-id/x"] {
            assert!(choose(&disks, Path::new(path), false).is_ok());
        }
        let missing = choose(&disks, Path::new("/dev/sdz"), false).unwrap_err();
        assert!(
            missing.to_string().contains("there are /dev/sdb (1.0 TB)"),
            "{missing}"
        );
    }
}
