//! The disks of the machine: which there are, what is on them, whether they are in use, and which one an
//! installation takes. Reads sysfs, udev's database and procfs, and asks blkid; writes nothing. Takes apart what
//! the system assembled on a disk by itself.
//!
//! ```text
//! sysfs, udev ──► facts ──┐
//! mounts, swap ─► usage ──┼─► Disk ──► choose(rule) ──► one disk, or why none
//! blkid ────────► probe ──┘
//! ```

mod choose;
mod content;
mod facts;
mod probe;
mod refusal;
mod release;
mod udev;
mod usage;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use qx_slots::PartitionNumber;
use serde::Serialize;

pub use choose::{Existing, choose, choose_pair};
pub use content::Content;
pub use refusal::ChooseError;
pub use release::{ReleaseError, release};
pub use usage::Usage;

/// A whole disk that could hold the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// The kernel's name, such as `nvme0n1`.
    pub name: String,
    /// The device's node, such as `/dev/nvme0n1`.
    pub path: PathBuf,
    /// udev's links to it, such as `/dev/disk/by-id/…`.
    pub links: Vec<PathBuf>,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Bytes of a logical block: 512 or 4096.
    pub logical_block_bytes: u32,
    /// Bytes of a physical block, below which a write is a read, a change and a write.
    pub physical_block_bytes: u32,
    /// Vendor and model, printable ASCII.
    pub model: Option<String>,
    /// Serial number, printable ASCII.
    pub serial: Option<String>,
    /// World Wide Name as the kernel or udev writes it, printable ASCII.
    pub wwn: Option<String>,
    /// How it is attached.
    pub bus: Bus,
    /// Whether it has platters.
    pub rotational: bool,
    /// Whether its medium can be taken out (card readers, many sticks).
    pub removable: bool,
    /// What is on it.
    pub content: Content,
    /// Why it is in use; `None` when it is free.
    pub usage: Option<Usage>,
    /// Its partitions, by number.
    pub partitions: Vec<Partition>,
}

/// A partition of a disk, as the kernel knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// The kernel's name, such as `sda1`.
    pub name: String,
    /// Its number in the partition table.
    pub number: u32,
    /// Where it starts on the disk, in bytes.
    pub start_bytes: u64,
    /// Size in bytes.
    pub size_bytes: u64,
    /// What is on it, in plain words.
    pub content: String,
    /// Its type in a GUID partition table, as blkid writes it.
    pub type_guid: Option<String>,
    /// blkid's name of what is on it, such as `xfs` or `linux_raid_member`.
    pub signature: Option<String>,
    /// The unique id of that; of a member of an array, the array's.
    pub uuid: Option<String>,
}

/// How a disk is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bus {
    /// NVM Express.
    Nvme,
    /// SATA or PATA.
    Ata,
    /// SAS, Fibre Channel, iSCSI, a RAID controller's volume.
    Scsi,
    /// USB.
    Usb,
    /// virtio-blk.
    Virtio,
    /// eMMC or an SD card.
    Mmc,
    /// Something else.
    Other,
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nvme => "nvme",
            Self::Ata => "ata",
            Self::Scsi => "scsi",
            Self::Usb => "usb",
            Self::Virtio => "virtio",
            Self::Mmc => "mmc",
            Self::Other => "other",
        })
    }
}

/// Where the facts are read from; tests point it elsewhere.
#[derive(Debug, Clone)]
pub struct Sources {
    /// sysfs.
    pub sys: PathBuf,
    /// procfs.
    pub proc: PathBuf,
    /// udev's database.
    pub udev: PathBuf,
    /// The device that this system was started from (`source` of the boot record): a disk or a partition.
    pub running_from: Option<PathBuf>,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            sys: PathBuf::from("/sys"),
            proc: PathBuf::from("/proc"),
            udev: PathBuf::from("/run/udev/data"),
            running_from: None,
        }
    }
}

/// The disks could not be listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot list the disks: cannot read {path}")]
pub struct ListError {
    path: PathBuf,
    source: io::Error,
}

impl ListError {
    fn new(path: &Path, source: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            source,
        }
    }
}

/// Lists every whole disk that could hold the system, by name, and looks at what is on each. Left out are
/// optical and floppy drives, what the kernel makes itself (loop, RAM, device mapper, software RAID,
/// network block devices), and what is empty of size or write-protected. Each look at a device has a
/// deadline; a disk that does not answer is listed as unreadable.
///
/// # Errors
/// When sysfs or the list of mounts cannot be read. Without the latter no disk may count as free.
pub fn list(sources: &Sources) -> Result<Vec<Disk>, ListError> {
    list_with(sources, &probe::probe)
}

fn list_with(sources: &Sources, probe: &probe::Prober<'_>) -> Result<Vec<Disk>, ListError> {
    let kernel = usage::Users::read(sources)?;
    let found = facts::disks(&sources.sys, &sources.udev)?;
    Ok(found
        .into_iter()
        .map(|found| {
            let mut disk = found.disk;
            disk.usage = kernel.of(&disk, &found.devices);
            let claimed = content::look(&mut disk, probe);
            if disk.usage.is_none() && claimed {
                disk.usage = Some(Usage::Claimed);
            }
            disk
        })
        .collect())
}

impl Disk {
    /// The disk in a few words that tell it from others: path, size, model, serial number.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut words = vec![size_words(self.size_bytes)];
        words.extend(self.model.clone());
        words.extend(
            self.serial
                .as_ref()
                .map(|serial| format!("serial {serial}")),
        );
        format!("{} ({})", self.path.display(), words.join(", "))
    }

    /// Its partition with this number, if an installation of Quantix-OS made it.
    #[must_use]
    pub fn part(&self, number: PartitionNumber) -> Option<&Partition> {
        let ours = |partition: &&Partition| {
            let kind = partition.type_guid.as_deref().unwrap_or_default();
            partition.number == number as u32 && kind.eq_ignore_ascii_case(number.type_guid())
        };
        self.partitions.iter().find(ours)
    }

    /// Offset and length of its partitions, in bytes.
    #[must_use]
    pub fn places(&self) -> Vec<(u64, u64)> {
        let place = |partition: &Partition| (partition.start_bytes, partition.size_bytes);
        self.partitions.iter().map(place).collect()
    }

    /// The array that its data partition is half of, by its id; `None` unless it is one disk of a mirror.
    #[must_use]
    pub fn mirror(&self) -> Option<&str> {
        let data = self.part(PartitionNumber::Data)?;
        let member = data.signature.as_deref() == Some("linux_raid_member");
        data.uuid.as_deref().filter(|_| member)
    }

    /// Whether both are halves of the same mirror.
    #[must_use]
    pub fn is_mirror_of(&self, other: &Self) -> bool {
        self.path != other.path && self.mirror().is_some() && self.mirror() == other.mirror()
    }

    /// Whether somebody could pull it out and take it along: USB or a removable medium.
    #[must_use]
    pub fn is_portable(&self) -> bool {
        self.removable || self.bus == Bus::Usb
    }
}

/// A disk's size as on its label: decimal units, three digits.
#[must_use]
pub fn size_words(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1_000_000_000_000, "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
        (1_000, "kB"),
    ];
    let Some((unit, name)) = UNITS.into_iter().find(|(unit, _)| bytes >= *unit) else {
        return format!("{bytes} B");
    };
    let tenths = u128::from(bytes) * 10 / u128::from(unit);
    if tenths >= 1000 {
        format!("{} {name}", tenths / 10)
    } else {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}

/// Text from a device or a disk: printable ASCII, runs of white space as one, at most `most` characters.
fn plain(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let printable = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '?'
        }
    };
    words.join(" ").chars().take(most).map(printable).collect()
}

#[cfg(test)]
mod content_tests;
#[cfg(test)]
mod made_up;
#[cfg(test)]
mod real_devices;
#[cfg(test)]
mod tests;
