//! Finds partitions by the unique id in their disk's GUID partition table (UEFI specification, chapter 5).
//! Linux 6.12 does not tell it to user space; its uevents do from 6.13 on.

use std::collections::BTreeMap;
use std::path::Path;

use gpt::GptConfig;
use gpt::disk::LogicalBlockSize;

use crate::block::BlockDevice;

/// A disk's partition numbers and their unique ids, in lower case.
type UniqueIds = BTreeMap<u32, String>;

/// The partitions with this unique id. More than one: somebody copied a whole disk.
pub(crate) fn with_partuuid<'a>(all: &'a [BlockDevice], partuuid: &str) -> Vec<&'a BlockDevice> {
    with_id(all, partuuid, |device| {
        read(&device.disk_node(), device.block_size)
    })
}

fn with_id<'a>(
    all: &'a [BlockDevice],
    partuuid: &str,
    read: impl Fn(&BlockDevice) -> UniqueIds,
) -> Vec<&'a BlockDevice> {
    let mut tables = BTreeMap::new();
    let has_id = |device: &&BlockDevice| {
        device.partition.is_some_and(|number| {
            let ids = tables
                .entry(device.disk_node())
                .or_insert_with(|| read(device));
            ids.get(&number).is_some_and(|id| id == partuuid)
        })
    };
    all.iter().filter(has_id).collect()
}

/// The ids in a disk's table, or in its copy at the end; none where neither can be read.
fn read(disk: &Path, block_size: u64) -> UniqueIds {
    let block_size = match block_size {
        512 => LogicalBlockSize::Lb512,
        4096 => LogicalBlockSize::Lb4096,
        _ => return UniqueIds::new(),
    };
    let table = GptConfig::new().logical_block_size(block_size).open(disk);
    let Ok(table) = table else {
        return UniqueIds::new();
    };
    let partitions = table.partitions().iter();
    partitions
        .map(|(number, partition)| (*number, partition.part_guid.to_string().to_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::tests::{devices_of, names};
    use std::fs::{File, OpenOptions};
    use std::os::unix::fs::FileExt;

    const ID: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

    #[test]
    fn a_slot_is_found_by_its_id_and_its_siblings_by_their_disk() {
        let all = devices_of(&[
            ("sda", 0),
            ("sda2", 2),
            ("sda4", 4),
            ("sdb", 0),
            ("sdb2", 2),
            ("sdb4", 4),
        ]);
        let ids = |device: &BlockDevice| {
            let id = if device.disk_node().ends_with("sdb") {
                ID
            } else {
                "x"
            };
            UniqueIds::from([(2, id.to_owned())])
        };
        let slot = with_id(&all, ID, ids);
        assert_eq!(names(&slot), ["sdb2"]);
        assert_eq!(
            crate::block::sibling(&all, slot[0], 4).unwrap().name,
            "sdb4"
        );
        assert_eq!(crate::block::sibling(&all, slot[0], 5), None);
    }

    #[test]
    fn a_copied_disk_shows_as_two() {
        let all = devices_of(&[("sda2", 2), ("sdb2", 2)]);
        let found = with_id(&all, ID, |_| UniqueIds::from([(2, ID.to_owned())]));
        assert_eq!(names(&found), ["sda2", "sdb2"]);
    }

    /// Makes a disk with one partition; returns its unique id.
    fn disk(path: &Path, block_size: LogicalBlockSize) -> String {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .unwrap();
        file.set_len(4 << 20).unwrap();
        let mut disk = GptConfig::new()
            .writable(true)
            .logical_block_size(block_size)
            .create_from_device(file, None)
            .unwrap();
        disk.add_partition_at("System A", 1, 64, 64, gpt::partition_types::LINUX_FS, 0)
            .unwrap();
        let id = disk.partitions()[&1].part_guid.to_string();
        disk.write().unwrap();
        id.to_lowercase()
    }

    #[test]
    fn tables_are_read_whatever_the_block_size() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("disk");
        for (size, bytes) in [
            (LogicalBlockSize::Lb512, 512),
            (LogicalBlockSize::Lb4096, 4096),
        ] {
            let id = disk(&path, size);
            assert_eq!(read(&path, bytes), UniqueIds::from([(1, id)]));
        }
        assert!(read(&path, 512).is_empty(), "wrong block size");
        assert!(read(&directory.path().join("absent"), 512).is_empty());
    }

    #[test]
    fn a_damaged_table_is_read_from_its_copy() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("disk");
        let id = disk(&path, LogicalBlockSize::Lb512);
        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(&[0; 512], 512).unwrap();
        assert_eq!(read(&path, 512), UniqueIds::from([(1, id)]));
    }
}
