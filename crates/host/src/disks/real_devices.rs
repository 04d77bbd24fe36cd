//! Looking at real block devices: loop devices over files. `builder/test.sh` runs these tests where it is
//! root of the machine; there they fail without loop devices.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use gpt::GptConfig;
use gpt::disk::LogicalBlockSize;
use gpt::mbr::ProtectiveMBR;
use gpt::partition_types::{LINUX_FS, OperatingSystem, Type};

use super::content::look;
use super::probe::probe;
use super::*;

const MIB: u64 = 1 << 20;

/// A file of 64 MiB as a block device.
struct LoopDevice {
    path: PathBuf,
    dir: tempfile::TempDir,
}

impl LoopDevice {
    /// Makes the file with `fill` and attaches it.
    fn new(fill: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        File::create(&image).unwrap().set_len(64 * MIB).unwrap();
        fill(&image);
        let node = run("losetup", &["--find", "--show", text(&image)]);
        let path = PathBuf::from(node.trim());
        Self { path, dir }
    }

    /// Like [`Self::new`] with a partition table, whose partitions become devices too. The kernel is told
    /// of them: not every kernel reads a GPT by itself.
    fn with_partitions(partitions: &[(Type, &str)]) -> Self {
        let device = Self::new(|image| partitioned(image, partitions));
        run("partx", &["--add", text(&device.path)]);
        device
    }

    /// What the product makes of it.
    fn look(&self) -> Disk {
        let name = self.path.file_name().unwrap().to_str().unwrap().to_owned();
        let class = Path::new("/sys/class/block").join(&name);
        let mut partitions: Vec<Partition> = fs::read_dir(class)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|part| part.starts_with(&name))
            .map(|part| Partition {
                number: part[name.len() + 1..].parse().unwrap(),
                name: part,
                ..Partition::default()
            })
            .collect();
        partitions.sort_by_key(|partition| partition.number);
        let mut disk = Disk {
            path: self.path.clone(),
            links: Vec::new(),
            size_bytes: 64 * MIB,
            logical_block_bytes: 512,
            physical_block_bytes: 512,
            model: None,
            serial: None,
            wwn: None,
            bus: Bus::Other,
            rotational: false,
            removable: false,
            content: Content::Empty,
            usage: None,
            partitions,
            name,
        };
        if look(&mut disk, &probe) {
            disk.usage = Some(Usage::Claimed);
        }
        disk
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        // Partitions hold the device back. A test that fails may unwind here.
        for arguments in [["partx", "--delete"], ["losetup", "--detach"]] {
            let mut command = Command::new(arguments[0]);
            let _ = command.arg(arguments[1]).arg(&self.path).output();
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn ext4(device: &Path) {
    run("mkfs.ext4", &["-q", "-F", "-L", "my data", text(device)]);
}

/// A partition table with these types and names, 8 MiB each.
fn partitioned(image: &Path, partitions: &[(Type, &str)]) {
    let mut file = File::options().read(true).write(true).open(image).unwrap();
    let last = u32::try_from(64 * MIB / 512 - 1).unwrap();
    ProtectiveMBR::with_lb_size(last)
        .overwrite_lba0(&mut file)
        .unwrap();
    let mut table = GptConfig::new()
        .writable(true)
        .logical_block_size(LogicalBlockSize::Lb512)
        .create_from_device(file, None)
        .unwrap();
    for (number, (kind, name)) in (1..).zip(partitions) {
        let first = (8 * u64::from(number) * MIB) / 512;
        table
            .add_partition_at(name, number, first, 8 * MIB / 512, kind.clone(), 0)
            .unwrap();
    }
    table.write().unwrap();
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn a_file_system_is_seen_and_its_absence_too() {
    let empty = LoopDevice::new(|_| ());
    assert_eq!(empty.look().content, Content::Empty);
    ext4(&empty.path);
    let words = "ext4 file system, label my data".to_owned();
    assert_eq!(empty.look().content, Content::Data(words));
    assert_eq!(empty.look().usage, None);
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn a_partition_table_is_seen_and_what_is_in_the_partitions() {
    let device = LoopDevice::new(|image| partitioned(image, &[]));
    let words = "GPT without partitions".to_owned();
    assert_eq!(device.look().content, Content::Data(words));

    let device = LoopDevice::with_partitions(&[(LINUX_FS, "one"), (LINUX_FS, "two")]);
    ext4(Path::new(&format!("{}p2", device.path.display())));
    let words = "GPT with 2 partitions (1: nothing known; 2: ext4 file system, label my data)";
    assert_eq!(device.look().content, Content::Data(words.to_owned()));
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn an_installation_of_ours_is_recognised() {
    let ours = |kind: &str| Type {
        guid: kind.parse().unwrap(),
        os: OperatingSystem::None,
    };
    let device = LoopDevice::with_partitions(&[
        (gpt::partition_types::EFI, "EFI"),
        (
            ours(qx_slots::PartitionNumber::SystemA.type_guid()),
            "System A",
        ),
        (
            ours(qx_slots::PartitionNumber::SystemA.type_guid()),
            "System B",
        ),
        (
            ours(qx_slots::PartitionNumber::Config.type_guid()),
            "Config",
        ),
        (ours(qx_slots::PartitionNumber::Data.type_guid()), "Data"),
    ]);
    let words = "Quantix-OS installation (System A, System B, Config, Data)";
    assert_eq!(device.look().content, Content::Quantix(words.to_owned()));
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn a_mounted_file_system_is_noticed_by_the_kernels_own_word() {
    let device = LoopDevice::new(ext4);
    let place = device.dir.path().join("place");
    fs::create_dir(&place).unwrap();
    run("mount", &[text(&device.path), text(&place)]);
    let seen = device.look();
    run("umount", &[text(&place)]);
    assert_eq!(seen.usage, Some(Usage::Claimed));
    assert_eq!(device.look().usage, None);
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn the_disks_of_this_machine_can_be_listed() {
    let disks = list(&Sources::default()).unwrap();
    assert!(
        !disks.iter().any(|disk| disk.name.starts_with("loop")),
        "{disks:?}"
    );
}
