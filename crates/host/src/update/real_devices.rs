//! A slot on a real disk: a loop device with partitions. `builder/test.sh` runs these tests where it is root of the
//! machine; there they fail without loop devices.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use gpt::GptConfig;
use gpt::disk::LogicalBlockSize;
use gpt::mbr::ProtectiveMBR;
use gpt::partition_types::LINUX_FS;
use qx_slots::{
    Bundle, Hash, Limits, MANIFEST_FILE, Manifest, PART_NAMES, Part, SIGNATURE_FILE, SlotName,
};
use tar::Archive;

use super::{FloorsLost, Installed, confirmed, floors};
use crate::storage::{SlotContent, write_slot};
use crate::system_disk::Devices;
use crate::trust;
use crate::trust::tests::{image, release};

const MIB: u64 = 1 << 20;
const SLOT_MIB: u64 = 24;

/// A host that runs version 1.0.0, floor 7 of key 1, from slot A of a loop device.
struct Host {
    dir: tempfile::TempDir,
    disk: PathBuf,
}

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("disk");
        File::create(&file).unwrap().set_len(64 * MIB).unwrap();
        partition(&file);
        let disk = run("losetup", &["--find", "--show", text(&file)]);
        let disk = PathBuf::from(disk.trim());
        let host = Self { dir, disk };
        run("partx", &["--add", text(&host.disk)]);
        fs::create_dir(host.path("keys")).unwrap();
        image(&host.path("keys"), 1);
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn slot_a(&self) -> PathBuf {
        PathBuf::from(format!("{}p2", self.disk.display()))
    }

    /// Writes the version, signed by key `signer`, as an installation does.
    fn write(&self, signer: u8) {
        let source = self.path("parts");
        fs::create_dir_all(&source).unwrap();
        let parts = PART_NAMES.map(|name| {
            let content = name.repeat(10_000);
            fs::write(source.join(name), &content).unwrap();
            Part {
                name: name.to_owned(),
                size: content.len() as u64,
                blake3: Hash::of(content.as_bytes()),
            }
        });
        let limits = Limits {
            sequence: 9,
            floor: 7,
            expires: None,
        };
        let key = release(signer);
        let id = key.public().id().clone();
        let manifest = Manifest::new("1.0.0", "dev", &id, limits, parts.to_vec()).unwrap();
        let manifest_bytes = manifest.to_bytes().unwrap();
        let content = SlotContent {
            manifest_bytes: &manifest_bytes,
            signature: &key.sign(&manifest_bytes),
            manifest: &manifest,
        };
        let place = self.path("slot");
        let bytes = SLOT_MIB * MIB;
        write_slot(&self.slot_a(), bytes, &place, content, &source, &mut |_| ()).unwrap();
    }

    fn installed(&self) -> Installed {
        Installed {
            running: SlotName::A,
            version: "1.0.0".into(),
            system: self.slot_a(),
            devices: Devices::default(),
            keys: self.path("keys"),
            state: self.dir.path().to_owned(),
            scratch: self.path("slot"),
        }
    }

    fn floor(&self) -> u64 {
        let floors = floors(self.dir.path()).unwrap_or_default();
        floors.of(release(1).public().id())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Partitions hold the device back. A test that fails may unwind here.
        for arguments in [["partx", "--delete"], ["losetup", "--detach"]] {
            let mut command = Command::new(arguments[0]);
            let _ = command.arg(arguments[1]).arg(&self.disk).output();
        }
    }
}

/// Partition 1 for something else, and 2 for slot A.
fn partition(file: &Path) {
    let mut disk = File::options().read(true).write(true).open(file).unwrap();
    let last = u32::try_from(64 * MIB / 512 - 1).unwrap();
    ProtectiveMBR::with_lb_size(last)
        .overwrite_lba0(&mut disk)
        .unwrap();
    let mut table = GptConfig::new()
        .writable(true)
        .logical_block_size(LogicalBlockSize::Lb512)
        .create_from_device(disk, None)
        .unwrap();
    for (number, at, mib) in [(1, 1, 4), (2, 8, SLOT_MIB)] {
        table
            .add_partition_at("part", number, at * MIB / 512, mib * MIB / 512, LINUX_FS, 0)
            .unwrap();
    }
    table.write().unwrap();
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

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn the_floor_rises_to_what_the_running_slot_says_and_only_if_its_key_is_trusted() {
    let host = Host::new();
    host.write(1);
    assert_eq!(host.floor(), 0);
    // The first one: there was no record.
    let lost = host.installed().raise_floor().unwrap();
    assert!(matches!(lost, Some(FloorsLost::Read(_))), "{lost:?}");
    assert_eq!(host.floor(), 7);
    assert!(host.installed().raise_floor().unwrap().is_none());
    // A slot of a key that the image does not know says nothing.
    host.write(2);
    let before = floors(host.dir.path()).unwrap();
    let error = host.installed().raise_floor().unwrap_err().to_string();
    assert!(error.contains("no trusted key"), "{error}");
    assert_eq!(floors(host.dir.path()).unwrap(), before);
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn a_floor_that_is_higher_already_stays() {
    let host = Host::new();
    host.write(1);
    let manifest = host.installed().manifest(SlotName::A).unwrap();
    let limits = Limits {
        sequence: 20,
        floor: 15,
        expires: None,
    };
    let parts = manifest.parts().to_vec();
    let newer = Manifest::new("2.0.0", "dev", &manifest.key_id, limits, parts).unwrap();
    confirmed(host.dir.path(), &newer).unwrap();
    host.installed().raise_floor().unwrap();
    assert_eq!(host.floor(), 15);
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn the_running_slot_is_read_as_a_bundle_from_its_disk() {
    let host = Host::new();
    host.write(1);
    let mut trust = trust::load(&host.path("keys"), None).unwrap().trust;
    let mut archive = Archive::new(host.installed().running_slot().unwrap());
    let bundle = Bundle::open(&mut archive, &mut trust).unwrap();
    for name in PART_NAMES {
        let mut content = String::new();
        let mut part = bundle.next_part(name).unwrap();
        part.read_to_string(&mut content).unwrap();
        assert_eq!(content, name.repeat(10_000));
    }
    bundle.finish().unwrap();
    drop(archive);
    // Nothing stays mounted: the device can be used exclusively.
    let exclusive = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::EXCL;
    rustix::fs::open(host.slot_a(), exclusive, rustix::fs::Mode::empty()).unwrap();
    assert!(host.path("slot.copy").exists());
    for file in [MANIFEST_FILE, SIGNATURE_FILE] {
        assert!(!host.path("slot.copy").join(file).exists());
    }
}
