//! The partition table of a system disk: GPT, the partitions of `qx_slots::PartitionNumber`, each aligned
//! to 1 MiB (UEFI specification, chapter 5).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use gpt::GptConfig;
use gpt::disk::LogicalBlockSize;
use gpt::mbr::ProtectiveMBR;
use gpt::partition_types::{OperatingSystem, Type};
use qx_slots::PartitionNumber;

use super::{StorageError, run};

const MIB: u64 = 1 << 20;
/// Before the first partition and, for the table's copy, after the last one.
const MARGIN: u64 = MIB;
/// XFS refuses less than 300 MiB; less than this is no place for VMs anyway.
const LEAST_DATA_MIB: u64 = 512;
const BLOCKDEV: &str = "/usr/sbin/blockdev";
/// How long the kernel and udev may take to show new partitions.
const APPEARING: Duration = Duration::from_secs(30);

/// What must be known of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskShape {
    /// Its length.
    pub bytes: u64,
    /// Bytes of a logical sector, 512 or 4096.
    pub sector_bytes: u32,
}

/// Sizes of the partitions in MiB; the data partition gets the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The EFI system partition.
    pub efi_mib: u64,
    /// Each of the two slots.
    pub system_mib: u64,
    /// The configuration.
    pub config_mib: u64,
}

impl Sizes {
    /// The usual ones. FAT32 needs 65,525 clusters, which are larger on large sectors.
    #[must_use]
    pub const fn usual(sector_bytes: u32) -> Self {
        Self {
            efi_mib: if sector_bytes > 512 { 260 } else { 100 },
            system_mib: 300,
            config_mib: 100,
        }
    }
}

/// A partition to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub number: PartitionNumber,
    /// Where it starts on the disk, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
}

/// The disk has no room for the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the disk has {have_mib} MiB; this layout needs {need_mib} MiB")]
pub struct TooSmallError {
    have_mib: u64,
    need_mib: u64,
}

impl TooSmallError {
    /// Whether a disk of `have` bytes has room for `need`.
    ///
    /// # Errors
    /// When it has not.
    pub fn check(have: u64, need: u64) -> Result<(), Self> {
        if have >= need {
            return Ok(());
        }
        Err(Self {
            have_mib: have / MIB,
            need_mib: need.div_ceil(MIB),
        })
    }
}

/// The smallest disk that has room for these partitions.
#[must_use]
pub fn least_bytes(sizes: Sizes) -> u64 {
    let mib = [
        sizes.efi_mib,
        sizes.system_mib,
        sizes.system_mib,
        sizes.config_mib,
        LEAST_DATA_MIB,
    ];
    let sum = mib.iter().fold(0_u64, |sum, mib| sum.saturating_add(*mib));
    sum.saturating_mul(MIB).saturating_add(2 * MARGIN)
}

/// Lays the partitions out.
///
/// # Errors
/// When the disk is too small.
pub fn plan(disk: DiskShape, sizes: Sizes) -> Result<[Partition; 5], TooSmallError> {
    let fixed = [
        sizes.efi_mib,
        sizes.system_mib,
        sizes.system_mib,
        sizes.config_mib,
    ]
    .map(|mib| mib.saturating_mul(MIB));
    let used = fixed
        .iter()
        .fold(MARGIN, |sum, size| sum.saturating_add(*size));
    let end = (disk.bytes / MIB * MIB).saturating_sub(MARGIN);
    let data = end.saturating_sub(used);
    if data < LEAST_DATA_MIB * MIB {
        return Err(TooSmallError {
            have_mib: disk.bytes / MIB,
            need_mib: least_bytes(sizes) / MIB,
        });
    }
    let [efi, a, b, config] = fixed;
    let mut offset = MARGIN;
    let mut sizes = [efi, a, b, config, data].into_iter();
    Ok(PartitionNumber::ALL.map(|number| {
        let bytes = sizes.next().unwrap_or_default();
        let partition = Partition {
            number,
            offset,
            bytes,
        };
        offset += bytes;
        partition
    }))
}

/// Erases what says that the disk, or one of the `old` or new partitions, holds something, writes the table and waits
/// until the kernel shows the partitions. `old` has offset and length of each, in bytes.
///
/// # Errors
/// When the disk cannot be written or somebody uses it.
pub fn write_table(
    disk: &Path,
    shape: DiskShape,
    partitions: &[Partition; 5],
    old: &[(u64, u64)],
) -> Result<(), StorageError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).write(true).open(disk)?;
        let new = partitions.iter().map(|new| (new.offset, new.bytes));
        let mut places: Vec<(u64, u64)> = vec![(0, shape.bytes)];
        places.extend(old.iter().copied().chain(new));
        erase_ends(&file, &places)?;
        file.sync_all()?;
        table(&mut file, shape, partitions)?;
        file.flush()?;
        file.sync_all()
    };
    write().map_err(StorageError::doing(format!(
        "write the partition table of {}",
        disk.display()
    )))?;
    show(disk).map_err(StorageError::doing(format!(
        "make the kernel read the partition table of {}",
        disk.display()
    )))
}

/// Erases the partitions of the system on a disk whose data stays, the EFI partition first: from then on there is
/// nothing to boot here.
///
/// # Errors
/// When the disk cannot be written.
pub fn erase_system(disk: &Path, partitions: &[Partition; 5]) -> Result<(), StorageError> {
    let erase = || -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(disk)?;
        for partition in partitions {
            if partition.number != PartitionNumber::Data {
                erase_ends(&file, &[(partition.offset, partition.bytes)])?;
                file.sync_all()?;
            }
        }
        Ok(())
    };
    erase().map_err(StorageError::doing(format!(
        "erase the system partitions of {}",
        disk.display()
    )))
}

/// File systems, RAID members and volume groups are known by their first or last bytes.
fn erase_ends(file: &File, places: &[(u64, u64)]) -> io::Result<()> {
    let zeros = vec![0; usize::try_from(MIB).unwrap_or_default()];
    for (offset, bytes) in places {
        let length = (*bytes).min(MIB);
        let zeros = zeros.get(..usize::try_from(length).unwrap_or_default());
        let zeros = zeros.unwrap_or_default();
        file.write_all_at(zeros, *offset)?;
        file.write_all_at(zeros, offset + (bytes - length))?;
    }
    Ok(())
}

fn table(file: &mut File, shape: DiskShape, partitions: &[Partition; 5]) -> io::Result<()> {
    let block_size = match shape.sector_bytes {
        512 => LogicalBlockSize::Lb512,
        4096 => LogicalBlockSize::Lb4096,
        other => {
            let text = format!("sectors of {other} bytes are not supported");
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
    };
    let sector = u64::from(shape.sector_bytes);
    let last = u32::try_from(shape.bytes / sector - 1).unwrap_or(u32::MAX);
    ProtectiveMBR::with_lb_size(last)
        .overwrite_lba0(file)
        .map_err(io::Error::other)?;
    let mut disk = GptConfig::new()
        .writable(true)
        .logical_block_size(block_size)
        .create_from_device(file, None)
        .map_err(io::Error::other)?;
    for partition in partitions {
        let kind = Type {
            guid: partition
                .number
                .type_guid()
                .parse()
                .map_err(io::Error::other)?,
            os: OperatingSystem::None,
        };
        disk.add_partition_at(
            partition.number.name(),
            partition.number as u32,
            partition.offset / sector,
            partition.bytes / sector,
            kind,
            0,
        )
        .map_err(io::Error::other)?;
    }
    disk.write().map_err(io::Error::other)?;
    Ok(())
}

fn show(disk: &Path) -> io::Result<()> {
    run(BLOCKDEV, [Path::new("--rereadpt"), disk])?;
    let end = Instant::now() + APPEARING;
    for number in PartitionNumber::ALL {
        let node = node(disk, number);
        while !node.exists() {
            if Instant::now() > end {
                let text = format!("{} did not appear", node.display());
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// The kernel's node of a partition: `/dev/sda1`, `/dev/nvme0n1p1`.
#[must_use]
pub fn node(disk: &Path, number: PartitionNumber) -> PathBuf {
    let mut name = disk.as_os_str().to_owned();
    if name
        .as_encoded_bytes()
        .last()
        .is_some_and(u8::is_ascii_digit)
    {
        name.push("p");
    }
    name.push((number as u32).to_string());
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(mib: u64, sector_bytes: u32) -> DiskShape {
        DiskShape {
            bytes: mib * MIB,
            sector_bytes,
        }
    }

    #[test]
    fn partitions_follow_each_other_and_data_gets_the_rest() {
        let partitions = plan(shape(2048, 512), Sizes::usual(512)).unwrap();
        let sizes = partitions.map(|partition| partition.bytes / MIB);
        assert_eq!(sizes, [100, 300, 300, 100, 1246]);
        let mut next = MIB;
        for partition in partitions {
            assert_eq!(partition.offset, next);
            next += partition.bytes;
        }
        assert_eq!(next, 2047 * MIB);
        let large = plan(shape(1 << 20, 4096), Sizes::usual(4096)).unwrap();
        assert_eq!(large[0].bytes / MIB, 260);
    }

    #[test]
    fn a_disk_that_is_too_small_is_refused_with_both_sizes() {
        let error = plan(shape(1024, 512), Sizes::usual(512)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the disk has 1024 MiB; this layout needs 1314 MiB"
        );
        plan(shape(1314, 512), Sizes::usual(512)).unwrap();
        let odd = Sizes {
            efi_mib: u64::MAX,
            ..Sizes::usual(512)
        };
        plan(shape(4096, 512), odd).unwrap_err();
    }

    #[test]
    fn the_ends_of_a_partition_are_erased_and_nothing_beside_them() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&vec![7; 8 << 20], 0).unwrap();
        erase_ends(&file, &[(MIB, 3 * MIB), (6 * MIB, 512)]).unwrap();
        let mut bytes = vec![0; 8 << 20];
        file.read_exact_at(&mut bytes, 0).unwrap();
        let is_zero = |at: u64| bytes[usize::try_from(at).unwrap()] == 0;
        for (at, zero) in [
            (MIB - 1, false),
            (MIB, true),
            (2 * MIB - 1, true),
            (2 * MIB, false),
            (3 * MIB - 1, false),
            (3 * MIB, true),
            (4 * MIB - 1, true),
            (4 * MIB, false),
            (6 * MIB, true),
            (6 * MIB + 512, false),
        ] {
            assert_eq!(is_zero(at), zero, "{at}");
        }
    }

    #[test]
    fn nodes_are_named_as_the_kernel_does() {
        let name = |disk: &str| node(Path::new(disk), PartitionNumber::Config);
        assert_eq!(name("/dev/sda"), Path::new("/dev/sda4"));
        assert_eq!(name("/dev/nvme0n1"), Path::new("/dev/nvme0n1p4"));
    }

    #[test]
    fn a_table_replaces_whatever_was_there_and_both_copies_can_be_read() {
        for sector_bytes in [512, 4096] {
            let shape = shape(2048, sector_bytes);
            let mut file = tempfile::tempfile().unwrap();
            file.set_len(shape.bytes).unwrap();
            let partitions = plan(shape, Sizes::usual(sector_bytes)).unwrap();
            let config = partitions[3];
            for stale in [
                0,
                config.offset,
                config.offset + config.bytes - 512,
                shape.bytes - 512,
            ] {
                file.write_all_at(&[7; 512], stale).unwrap();
            }
            let mut places: Vec<_> = partitions
                .iter()
                .map(|new| (new.offset, new.bytes))
                .collect();
            places.push((0, shape.bytes));
            erase_ends(&file, &places).unwrap();
            table(&mut file, shape, &partitions).unwrap();
            let size = match sector_bytes {
                512 => LogicalBlockSize::Lb512,
                _ => LogicalBlockSize::Lb4096,
            };
            let config_of = || {
                GptConfig::new()
                    .logical_block_size(size)
                    .only_valid_headers(true)
            };
            let read = config_of().open_from_device(&mut file).unwrap();
            let found: Vec<_> = read.partitions().values().cloned().collect();
            assert_eq!(found.len(), 5);
            for (found, wanted) in found.iter().zip(partitions) {
                assert_eq!(found.name, wanted.number.name());
                let guid = found.part_type_guid.guid.to_string();
                assert!(guid.eq_ignore_ascii_case(wanted.number.type_guid()));
                assert_eq!(found.first_lba * u64::from(sector_bytes), wanted.offset);
                let sectors = found.last_lba - found.first_lba + 1;
                assert_eq!(sectors * u64::from(sector_bytes), wanted.bytes);
            }
            let mut ids: Vec<_> = found.iter().map(|partition| partition.part_guid).collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), 5, "unique ids");
            let mut byte = [0];
            file.read_exact_at(&mut byte, config.offset).unwrap();
            assert_eq!(byte, [0]);
        }
    }
}
