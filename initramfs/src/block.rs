//! What `/sys/class/block` says about disks and partitions. Reads sysfs below a path that tests can
//! choose; opens no device.

use std::fs;
use std::path::{Path, PathBuf};

/// A disk or a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockDevice {
    /// The kernel's name, such as `sda2`.
    pub(crate) name: String,
    /// The GPT number, when it is a partition.
    pub(crate) partition: Option<u32>,
    /// The disk that a partition is on; a disk's own name otherwise.
    disk: String,
    /// Length in 512-byte sectors.
    sectors: u64,
    /// Bytes of the disk's logical blocks.
    pub(crate) block_size: u64,
}

impl BlockDevice {
    /// The device's node.
    pub(crate) fn node(&self) -> PathBuf {
        Path::new("/dev").join(&self.name)
    }

    /// The node of the disk that a partition is on; a disk's own otherwise.
    pub(crate) fn disk_node(&self) -> PathBuf {
        Path::new("/dev").join(&self.disk)
    }

    /// True for what may hold a boot medium: not for the kernel's own RAM and loop devices.
    fn may_hold_a_medium(&self) -> bool {
        const FOREIGN: [&str; 6] = ["loop", "ram", "zram", "dm-", "md", "nbd"];
        self.sectors > 0 && !FOREIGN.iter().any(|prefix| self.name.starts_with(prefix))
    }
}

/// Everything below `/sys/class/block`, in the order of the names.
pub(crate) fn devices(class: &Path) -> Vec<BlockDevice> {
    let mut found: Vec<BlockDevice> = fs::read_dir(class)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| device(&entry.path()))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn device(path: &Path) -> Option<BlockDevice> {
    let name = path.file_name()?.to_str()?.to_owned();
    let number = |path: PathBuf| -> Option<u64> {
        let text = fs::read_to_string(path).ok()?;
        text.trim().parse().ok()
    };
    let partition = number(path.join("partition")).and_then(|number| u32::try_from(number).ok());
    let real = fs::canonicalize(path).ok()?;
    let disk = match partition {
        None => real.as_path(),
        Some(_) => real.parent()?,
    };
    Some(BlockDevice {
        name,
        partition,
        disk: disk.file_name()?.to_str()?.to_owned(),
        sectors: number(path.join("size"))?,
        block_size: number(disk.join("queue/logical_block_size"))?,
    })
}

/// The devices that may hold a boot medium: drives first, then what else is there.
pub(crate) fn medium_candidates(all: &[BlockDevice]) -> Vec<&BlockDevice> {
    let mut found: Vec<_> = all
        .iter()
        .filter(|device| device.may_hold_a_medium())
        .collect();
    found.sort_by_key(|device| !device.name.starts_with("sr"));
    found
}

/// The partition of this number on the disk that `partition` is on.
pub(crate) fn sibling<'a>(
    all: &'a [BlockDevice],
    partition: &BlockDevice,
    number: u32,
) -> Option<&'a BlockDevice> {
    all.iter()
        .find(|device| device.disk == partition.disk && device.partition == Some(number))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What is read of a sysfs with these disks (number 0) and partitions.
    pub(crate) fn devices_of(listed: &[(&str, u32)]) -> Vec<BlockDevice> {
        let root = tempfile::tempdir().unwrap();
        let class = root.path().join("class");
        fs::create_dir(&class).unwrap();
        for (name, partition) in listed {
            let disk = name.trim_end_matches(char::is_numeric);
            let disk = if *partition == 0 { name } else { disk };
            let mut real = root.path().join("devices").join(disk);
            fs::create_dir_all(real.join("queue")).unwrap();
            fs::write(real.join("queue/logical_block_size"), "512\n").unwrap();
            if *partition > 0 {
                real = real.join(name);
                fs::create_dir(&real).unwrap();
                fs::write(real.join("partition"), format!("{partition}\n")).unwrap();
            }
            let sectors = if name.starts_with("zram") { 0 } else { 2048 };
            fs::write(real.join("size"), format!("{sectors}\n")).unwrap();
            std::os::unix::fs::symlink(&real, class.join(name)).unwrap();
        }
        devices(&class)
    }

    pub(crate) fn names(devices: &[&BlockDevice]) -> Vec<String> {
        devices.iter().map(|device| device.name.clone()).collect()
    }

    #[test]
    fn drives_come_first_and_the_kernels_own_devices_never() {
        let all = devices_of(&[
            ("sda", 0),
            ("sda1", 1),
            ("sr0", 0),
            ("loop0", 0),
            ("zram0", 0),
        ]);
        assert_eq!(names(&medium_candidates(&all)), ["sr0", "sda", "sda1"]);
    }
}
