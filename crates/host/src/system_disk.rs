//! The disk that the system was started from: its partitions, found beside the one of the running slot. Never
//! by a label: another disk may carry the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use qx_slots::PartitionNumber;

/// Where devices are known and found: `/sys` and `/dev` on the product.
#[derive(Debug, Clone)]
pub struct Devices {
    /// sysfs.
    pub sys: PathBuf,
    /// The directory of device nodes.
    pub dev: PathBuf,
}

impl Default for Devices {
    fn default() -> Self {
        Self {
            sys: PathBuf::from("/sys"),
            dev: PathBuf::from("/dev"),
        }
    }
}

/// A disk with the partitions of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemDisk {
    /// Its device node.
    pub node: PathBuf,
    partitions: Vec<Found>,
    /// Bytes of a logical sector.
    pub sector_bytes: u32,
}

/// A partition of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    number: u32,
    /// Its device node.
    pub node: PathBuf,
    /// Where it starts on the disk, in bytes.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
}

impl SystemDisk {
    /// The disk of `system`, a slot's partition such as `/dev/sda2`.
    ///
    /// # Errors
    /// When the device is gone.
    pub fn of(system: &Path, devices: &Devices) -> io::Result<Self> {
        let name = system.file_name().unwrap_or_default();
        let real = fs::canonicalize(devices.sys.join("class/block").join(name))?;
        let disk = real.parent().unwrap_or(&real);
        let mut partitions = Vec::new();
        for entry in fs::read_dir(disk)? {
            let entry = entry?;
            let Some(number) = number(&entry.path().join("partition")) else {
                continue;
            };
            // sysfs counts in units of 512 bytes, whatever the disk's sectors are.
            let bytes = |name| number_or_zero(&entry.path().join(name)).saturating_mul(512);
            partitions.push(Found {
                number,
                node: devices.dev.join(entry.file_name()),
                offset: bytes("start"),
                bytes: bytes("size"),
            });
        }
        Ok(Self {
            node: devices.dev.join(disk.file_name().unwrap_or_default()),
            partitions,
            sector_bytes: number(&disk.join("queue/logical_block_size")).unwrap_or(512),
        })
    }

    /// The partition with this number.
    ///
    /// # Errors
    /// When the disk has none.
    pub fn partition(&self, wanted: PartitionNumber) -> io::Result<&Found> {
        let found = self
            .partitions
            .iter()
            .find(|found| found.number == wanted as u32);
        found.ok_or_else(|| {
            let text = format!("the system disk has no partition {}", wanted.name());
            io::Error::new(io::ErrorKind::NotFound, text)
        })
    }
}

fn number(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn number_or_zero(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().parse().unwrap_or_default()
}
