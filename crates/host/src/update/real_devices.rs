//! A slot on a real disk: a loop device with partitions. `builder/test.sh` runs these tests where it is root of the
//! machine; there they fail without loop devices.

use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use gpt::GptConfig;
use gpt::disk::LogicalBlockSize;
use gpt::mbr::ProtectiveMBR;
use gpt::partition_types::LINUX_FS;
use qx_fetch::testing::{Fault, Server};
use qx_fetch::{Settings, Web};
use qx_slots::{
    BootEnv, BuildId, Bundle, Hash, KernelArgs, Limits, MANIFEST_FILE, Manifest, PART_NAMES, Part,
    Reason, SIGNATURE_FILE, SlotName, SlotState,
};
use tar::Archive;

use super::{FloorsLost, Installed, Origin, Progress, StageError, confirmed, floors};
use crate::storage::{BootLoader, Mounted, SlotContent, write_efi, write_slot};
use crate::system_disk::Devices;
use crate::trust;
use crate::trust::tests::{image, release};

const MIB: u64 = 1 << 20;
const SLOT_MIB: u64 = 24;

const MOST: u64 = 128;

/// A host that runs version 1.0.0, floor 7 of key 1, from slot A of a loop device. Slot B is blank.
struct Host {
    dir: tempfile::TempDir,
    disk: PathBuf,
}

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("disk");
        File::create(&file).unwrap().set_len(MOST * MIB).unwrap();
        partition(&file);
        let disk = run("losetup", &["--find", "--show", text(&file)]);
        let disk = PathBuf::from(disk.trim());
        let host = Self { dir, disk };
        run("partx", &["--add", text(&host.disk)]);
        fs::create_dir(host.path("keys")).unwrap();
        image(&host.path("keys"), 1);
        for name in ["shimx64.efi", "grubx64.efi", "mmx64.efi", "grub.cfg"] {
            fs::write(host.path(name), name).unwrap();
        }
        let loader = BootLoader(host.dir.path().to_owned());
        let env = BootEnv::installed(KernelArgs::default()).encode();
        write_efi(&host.partition(1), 512, &loader, &env).unwrap();
        host
    }

    fn partition(&self, number: u32) -> PathBuf {
        PathBuf::from(format!("{}p{number}", self.disk.display()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn slot_a(&self) -> PathBuf {
        self.partition(2)
    }

    /// What the boot loader knows of slot B.
    fn slot_b(&self) -> (SlotState, Option<Reason>) {
        let record = self.installed().env().unwrap().slot(SlotName::B);
        (record.state, record.reason)
    }

    fn stage(&self, bundle: impl Read, origin: &Origin) -> Result<Manifest, StageError> {
        self.installed().stage(bundle, origin, &mut Silent)
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

/// Nobody listens.
struct Silent;

impl Progress for Silent {
    fn warns(&mut self, _: &dyn Error) {}
    fn begins(&mut self, _: &Manifest, _: u64) {}
    fn at(&mut self, _: u64, _: u64, _: u64) {}
}

/// The EFI partition and two slots.
fn partition(file: &Path) {
    let mut disk = File::options().read(true).write(true).open(file).unwrap();
    let last = u32::try_from(MOST * MIB / 512 - 1).unwrap();
    ProtectiveMBR::with_lb_size(last)
        .overwrite_lba0(&mut disk)
        .unwrap();
    let mut table = GptConfig::new()
        .writable(true)
        .logical_block_size(LogicalBlockSize::Lb512)
        .create_from_device(disk, None)
        .unwrap();
    for (number, at, mib) in [(1, 1, 48), (2, 50, SLOT_MIB), (3, 80, SLOT_MIB)] {
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

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn a_failed_and_blank_slot_is_good_again_after_the_running_one_was_copied_to_it() {
    let host = Host::new();
    host.write(1);
    let failed = |env: &mut BootEnv| {
        env.mark_failed(SlotName::B, Reason::Verify);
        Ok(())
    };
    host.installed().change(failed).unwrap();
    assert_eq!(host.slot_b(), (SlotState::Failed, Some(Reason::Verify)));
    host.installed().manifest(SlotName::B).unwrap_err();
    let running = host.installed().running_slot().unwrap();
    host.stage(running, &Origin::RunningSlot).unwrap();
    assert_eq!(host.slot_b(), (SlotState::Good, None));
    let copy = host.installed().manifest(SlotName::B).unwrap();
    assert_eq!(copy, host.installed().manifest(SlotName::A).unwrap());
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn a_damaged_running_slot_is_not_copied_and_the_other_one_is_never_started() {
    let host = Host::new();
    host.write(1);
    let mounted = Mounted::new(&host.slot_a(), &host.path("slot"), "ext4", false).unwrap();
    let kernel = mounted.place().join("vmlinuz");
    let mut content = fs::read(&kernel).unwrap();
    content[5000] ^= 1;
    fs::write(&kernel, content).unwrap();
    mounted.close().unwrap();
    let running = host.installed().running_slot().unwrap();
    let error = host.stage(running, &Origin::RunningSlot).unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("vmlinuz was changed"), "{error}: {cause}");
    assert_eq!(host.slot_b(), (SlotState::Empty, None));
}

/// A feed with the running version as `1.0.0.qxu`, and its length.
fn feed(host: &Host) -> (Server, Web, usize) {
    let mut bundle = Vec::new();
    let mut running = host.installed().running_slot().unwrap();
    running.read_to_end(&mut bundle).unwrap();
    let directory = host.path("feed");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("1.0.0.qxu"), &bundle).unwrap();
    let server = Server::start(&directory);
    let web = Web::new(&Settings {
        proxy: None,
        authorities: vec![server.authority().to_owned()],
    });
    (server, web.unwrap(), bundle.len())
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn a_download_that_breaks_in_the_middle_ends_in_a_slot_that_is_good() {
    let host = Host::new();
    host.write(1);
    let (server, web, length) = feed(&host);
    let cut = Fault::Cut {
        after: length / 2,
        times: 1,
    };
    server.fault("1.0.0.qxu", cut);
    let listed = host.installed().manifest(SlotName::A).unwrap().build_id;
    let url = format!("{}/1.0.0.qxu", server.url("localhost"));
    let download = web.download(&url, length as u64).pausing(Duration::ZERO);
    host.stage(download, &Origin::Feed(listed)).unwrap();
    assert_eq!(host.slot_b(), (SlotState::Good, None));
    assert_eq!(server.cuts(), 1);
    assert_eq!(server.asked("1.0.0.qxu"), [None, Some(length / 2)]);
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn a_bundle_that_is_shorter_longer_or_another_than_listed_leaves_the_slot_as_it_was() {
    let host = Host::new();
    host.write(1);
    let (server, web, length) = feed(&host);
    let url = format!("{}/1.0.0.qxu", server.url("localhost"));
    let listed = host.installed().manifest(SlotName::A).unwrap().build_id;
    let before = host.slot_b();
    for announced in [length - 1, length + 1] {
        let download = web.download(&url, announced as u64);
        let error = host
            .stage(download, &Origin::Feed(listed.clone()))
            .unwrap_err();
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains("were announced"), "{error}: {cause}");
        assert_eq!(host.slot_b(), before);
    }
    let other = Origin::Feed(BuildId::of("2.0.0", &[]));
    let error = host
        .stage(web.download(&url, length as u64), &other)
        .unwrap_err();
    assert!(matches!(error, StageError::OtherBuild { .. }), "{error}");
    assert_eq!(host.slot_b(), before);
}
