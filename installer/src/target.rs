//! Where an installation goes: which disks, how they are divided, and what of them stays. Pure: decides from what
//! is known of the disks and writes nothing, so that a person can be asked first.

use qx_host::config::Install;
use qx_host::disks::{ChooseError, Disk, Existing, choose, choose_pair};
use qx_host::storage::{DiskShape, Partition, Sizes, TooSmallError, least_bytes, plan};
use qx_slots::PartitionNumber;

/// Why there is nowhere to install. No disk was touched.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// No disk, or not this one.
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// The disk has no room.
    #[error(transparent)]
    TooSmall(#[from] TooSmallError),
    /// A partition is missing, or another program's.
    #[error(
        "the data on {disk} can't be kept: the installation there is damaged, its partition {partition} is missing. \
         Save the data by other means, then install with wipe = true"
    )]
    Damaged {
        /// The disk.
        disk: String,
        /// The first partition that is not what an installation makes.
        partition: &'static str,
    },
    /// Another size is asked for than the disk has.
    #[error(
        "the data on {disk} can't be kept with {key} = {wanted}: its partition {partition} has {have} MiB and the data \
         lies behind it. Leave {key} out"
    )]
    OtherSizes {
        /// The disk.
        disk: String,
        /// The answer file's key.
        key: &'static str,
        /// Its value.
        wanted: u32,
        /// The partition.
        partition: &'static str,
        /// Its size.
        have: u64,
    },
    /// The data holds something that can't be kept.
    #[error(
        "the data on {disk} can't be kept: its partition holds {content} instead of XFS. Save the data by other means, \
         then install with wipe = true"
    )]
    NotXfs {
        /// The disk.
        disk: String,
        /// What blkid calls it.
        content: String,
    },
}

/// Where an installation goes.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    /// One disk, or two that become or are the halves of a mirror. Firmware tries them in this order.
    pub disks: Vec<&'a Disk>,
    /// The partitions, the same on every disk.
    pub partitions: [Partition; 5],
    /// Configuration and data are arrays over the disks.
    pub mirrored: bool,
    /// The partition table and the data partition stay as they are.
    pub keep_data: bool,
}

impl<'a> Target<'a> {
    /// Decides by the wish of an answer file.
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn choose(found: &'a [Disk], wanted: &Install) -> Result<Self, TargetError> {
        let need = least_bytes(sizes(wanted, 512));
        if wanted.keep_data {
            let disk = choose(found, &wanted.disk, Existing::Keep, need)?;
            return Self::keeping(found, disk, wanted);
        }
        let existing = if wanted.wipe {
            Existing::Erase
        } else {
            Existing::Refuse
        };
        let disks = match &wanted.mirror {
            None => vec![choose(found, &wanted.disk, existing, need)?],
            Some(mirror) => choose_pair(found, &wanted.disk, mirror, existing, need)?.to_vec(),
        };
        let shapes = disks.iter().map(|disk| shape(disk));
        // Both sectors are the same: the smaller disk decides.
        let smallest = shapes.min_by_key(|shape| shape.bytes);
        let smallest = smallest.unwrap_or(DiskShape {
            bytes: 0,
            sector_bytes: 512,
        });
        Ok(Self {
            partitions: plan(smallest, sizes(wanted, smallest.sector_bytes))?,
            mirrored: disks.len() > 1,
            keep_data: false,
            disks,
        })
    }

    fn keeping(found: &'a [Disk], disk: &'a Disk, wanted: &Install) -> Result<Self, TargetError> {
        let partitions = partitions_of(disk)?;
        for (key, size, index) in [
            ("efi_mib", wanted.efi_mib, 0),
            ("system_mib", wanted.system_mib, 1),
            ("system_mib", wanted.system_mib, 2),
            ("config_mib", wanted.config_mib, 3),
        ] {
            let Partition { number, bytes, .. } = partitions[index];
            if let Some(wanted) = size.filter(|mib| u64::from(*mib) << 20 != bytes) {
                return Err(TargetError::OtherSizes {
                    disk: disk.summary(),
                    key,
                    wanted,
                    partition: number.name(),
                    have: bytes >> 20,
                });
            }
        }
        let mirrored = disk.mirror().is_some();
        let data = disk.part(PartitionNumber::Data);
        let content = data.and_then(|data| data.signature.as_deref());
        if !mirrored && content != Some("xfs") {
            return Err(TargetError::NotXfs {
                disk: disk.summary(),
                content: content.unwrap_or("nothing known").to_owned(),
            });
        }
        let halves = found.iter().filter(|other| other.is_mirror_of(disk));
        let halves =
            halves.filter(|other| partitions_of(other).is_ok_and(|others| others == partitions));
        Ok(Self {
            disks: std::iter::once(disk).chain(halves).collect(),
            partitions,
            mirrored,
            keep_data: true,
        })
    }

    /// What a person would lose by it, a sentence for each disk.
    #[must_use]
    pub fn losses(&self) -> Vec<String> {
        let loss = |disk: &&Disk| {
            let name = disk.summary();
            if self.keep_data {
                format!("{name}: the system and its configuration are erased, the data stays")
            } else {
                format!("{name}: everything is erased ({})", disk.content)
            }
        };
        self.disks.iter().map(loss).collect()
    }

    /// The disks' nodes, for people.
    #[must_use]
    pub fn names(&self) -> String {
        let names = self
            .disks
            .iter()
            .map(|disk| disk.path.display().to_string());
        names.collect::<Vec<_>>().join(" and ")
    }
}

/// What the installation must know of a disk to divide it.
#[must_use]
pub fn shape(disk: &Disk) -> DiskShape {
    DiskShape {
        bytes: disk.size_bytes,
        sector_bytes: disk.logical_block_bytes,
    }
}

/// The wished sizes, or the usual ones for a disk with such sectors.
fn sizes(wanted: &Install, sector_bytes: u32) -> Sizes {
    let usual = Sizes::usual(sector_bytes);
    let or = |mib: Option<u32>, usual: u64| mib.map_or(usual, u64::from);
    Sizes {
        efi_mib: or(wanted.efi_mib, usual.efi_mib).max(usual.efi_mib),
        system_mib: or(wanted.system_mib, usual.system_mib),
        config_mib: or(wanted.config_mib, usual.config_mib),
    }
}

/// The partitions of an installation as they are.
fn partitions_of(disk: &Disk) -> Result<[Partition; 5], TargetError> {
    let mut partitions = [Partition {
        number: PartitionNumber::Efi,
        offset: 0,
        bytes: 0,
    }; 5];
    for (place, number) in partitions.iter_mut().zip(PartitionNumber::ALL) {
        let found = disk.part(number).ok_or_else(|| TargetError::Damaged {
            disk: disk.summary(),
            partition: number.name(),
        })?;
        *place = Partition {
            number,
            offset: found.start_bytes,
            bytes: found.size_bytes,
        };
    }
    Ok(partitions)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use qx_host::config::DiskChoice;
    use qx_host::disks::{self, Bus, Content};

    use super::*;

    const MIB: u64 = 1 << 20;

    fn disk(name: &str, mib: u64) -> Disk {
        Disk {
            name: name.to_owned(),
            path: PathBuf::from(format!("/dev/{name}")),
            links: Vec::new(),
            size_bytes: mib * MIB,
            logical_block_bytes: 512,
            physical_block_bytes: 512,
            model: None,
            serial: None,
            wwn: None,
            bus: Bus::Ata,
            rotational: false,
            removable: false,
            content: Content::Empty,
            usage: None,
            partitions: Vec::new(),
        }
    }

    /// As an installation with these sizes in MiB left it; half of `array` if there is one.
    fn installed(name: &str, sizes: [u64; 5], array: Option<&str>) -> Disk {
        let mut start = 1;
        let mut partitions = Vec::new();
        for (number, mib) in PartitionNumber::ALL.into_iter().zip(sizes) {
            partitions.push(disks::Partition {
                name: format!("{name}{}", number as u32),
                number: number as u32,
                start_bytes: start * MIB,
                size_bytes: mib * MIB,
                content: String::new(),
                type_guid: Some(number.type_guid().to_lowercase()),
                signature: Some(array.map_or("xfs", |_| "linux_raid_member").to_owned()),
                uuid: array.map(str::to_owned),
            });
            start += mib;
        }
        Disk {
            content: Content::Quantix("Quantix-OS installation".to_owned()),
            partitions,
            ..disk(name, start + 1)
        }
    }

    const OTHER: [u64; 5] = [100, 400, 400, 200, 1000];

    fn keep() -> Install {
        Install {
            keep_data: true,
            ..Install::default()
        }
    }

    #[test]
    fn data_is_kept_where_it_is_whatever_sizes_the_installation_had() {
        let found = [installed("sda", OTHER, None)];
        let target = Target::choose(&found, &keep()).unwrap();
        let sizes = target.partitions.map(|partition| partition.bytes / MIB);
        assert_eq!(sizes, OTHER);
        assert_eq!(target.partitions[4].offset, 1101 * MIB);
        assert!(target.keep_data && !target.mirrored);
        assert_eq!(
            target.losses(),
            ["/dev/sda (2.2 GB): the system and its configuration are erased, the data stays"]
        );
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_the_reason() {
        let refused = |disk: Disk, wanted: &Install| {
            let found = [disk];
            Target::choose(&found, wanted).unwrap_err().to_string()
        };
        let wanted = Install {
            system_mib: Some(500),
            ..keep()
        };
        let said = refused(installed("sda", OTHER, None), &wanted);
        assert!(
            said.contains("with system_mib = 500: its partition System A has 400 MiB"),
            "{said}"
        );
        let mut damaged = installed("sda", OTHER, None);
        damaged.partitions.remove(2);
        let said = refused(damaged, &keep());
        assert!(said.contains("its partition System B is missing"), "{said}");
        let mut foreign = installed("sda", OTHER, None);
        foreign.partitions[4].signature = Some("ext4".to_owned());
        let said = refused(foreign, &keep());
        assert!(said.contains("holds ext4 instead of XFS"), "{said}");
        let said = refused(disk("sda", 4096), &keep());
        assert!(
            said.contains("finds no disk with an installation"),
            "{said}"
        );
    }

    #[test]
    fn a_mirror_that_is_kept_stays_one() {
        let found = [
            installed("sda", OTHER, Some("x")),
            installed("sdb", OTHER, Some("x")),
        ];
        let target = Target::choose(&found, &keep()).unwrap();
        assert_eq!(target.names(), "/dev/sda and /dev/sdb");
        assert!(target.mirrored);
        let target = Target::choose(&found[..1], &keep()).unwrap();
        assert_eq!(target.names(), "/dev/sda");
        assert!(target.mirrored);
    }

    #[test]
    fn the_smaller_disk_of_a_mirror_decides() {
        let found = [disk("sda", 4096), disk("sdb", 2048)];
        let wanted = Install {
            mirror: Some(DiskChoice::Auto),
            ..Install::default()
        };
        let target = Target::choose(&found, &wanted).unwrap();
        assert!(target.mirrored);
        let end = target.partitions[4].offset + target.partitions[4].bytes;
        assert_eq!(end, 2047 * MIB);
        assert_eq!(
            target.losses()[1],
            "/dev/sdb (2.1 GB): everything is erased (empty)"
        );
    }
}
