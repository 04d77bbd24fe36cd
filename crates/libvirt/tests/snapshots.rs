//! Snapshots of VMs that really run: what their disks and firmware held is there again.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use qx_hypervisor::{Definition, DiskRequest, Error, Hypervisor, Snapshots};
use qx_libvirt::Libvirt;
use qx_libvirt::testing::PrivateLibvirtd;
use qx_model::edit::VmEdit;
use qx_model::power::PowerState;
use qx_model::snapshot::{RevertTo, SnapshotSpec};
use qx_model::vm::{DiskSource, DiskSpec, Firmware, VmId, VmSpec};

struct Bench {
    libvirtd: PrivateLibvirtd,
    libvirt: Libvirt,
    directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let libvirtd = PrivateLibvirtd::start(directory.path()).unwrap();
        let libvirt = Libvirt::open(&libvirtd.uri()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = libvirt.list() {
            assert!(Instant::now() < deadline, "{error}");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self {
            libvirtd,
            libvirt,
            directory,
        }
    }

    fn virsh(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("virsh");
        command.args(["--quiet", "--connect", &self.libvirtd.uri()]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A VM with one disk, off.
    fn vm(&self, name: &str, firmware: Firmware) -> (VmId, PathBuf) {
        let id = VmId::random();
        let file = self.directory.path().join(name).join("disk0.qcow2");
        let disk = DiskRequest {
            path: file.clone(),
            size_bytes: 1 << 20,
            source: None,
        };
        self.libvirt.create_disk(&disk).unwrap();
        let spec = VmSpec {
            id,
            name: name.parse().unwrap(),
            description: String::new(),
            vcpus: 1,
            vcpus_max: None,
            memory_mib: 128,
            firmware,
            tpm: false,
            disks: vec![DiskSpec {
                pool: None,
                size_bytes: Some(1 << 20),
                source: DiskSource::Blank,
            }],
            cdrom: None,
            nics: Vec::new(),
            autostart: false,
            cloud_init: None,
        };
        let definition = Definition {
            spec,
            disks: vec![file.clone().into()],
            cdrom: None,
            cloud_init: None,
            macs: Vec::new(),
            mark: "mark".into(),
        };
        self.libvirt.define(&definition).unwrap();
        (id, file)
    }

    /// Has a running VM's QEMU write a pattern, as its guest would.
    fn write(&self, id: VmId, pattern: &str) {
        let device = "/machine/peripheral/virtio-disk0/virtio-backend";
        let line = format!("qemu-io -d {device} \"write -P {pattern} 0 512\"");
        self.virsh(&["qemu-monitor-command", &id.to_string(), "--hmp", &line]);
    }

    fn take(&self, id: VmId, name: &str, memory: bool) -> Result<(), Error> {
        let spec = SnapshotSpec {
            name: name.parse().unwrap(),
            description: String::new(),
            memory,
        };
        self.libvirt.take_snapshot(id, &spec)
    }

    fn state(&self, id: VmId) -> PowerState {
        self.libvirt.get(id).unwrap().state
    }
}

/// Whether a disk that nobody has open begins with the pattern.
fn holds(disk: &Path, pattern: &str) -> bool {
    let read = format!("read -P {pattern} 0 512");
    let output = Command::new("qemu-io")
        .args(["-f", "qcow2", "-c", &read])
        .arg(disk)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("read 512/512"), "{output:?}");
    !told.contains("Pattern verification failed")
}

fn runs_and_comes_back(bench: &Bench, id: VmId, disk: &Path) {
    bench.libvirt.start(id).unwrap();
    bench.write(id, "0x11");
    bench.take(id, "first", true).unwrap();
    bench.write(id, "0x22");
    bench.take(id, "second", true).unwrap();
    let to = |name: &str, to: RevertTo| bench.libvirt.revert_snapshot(id, name, to).unwrap();
    to("first", RevertTo::AsTaken);
    assert_eq!(bench.state(id), PowerState::Running);
    to("second", RevertTo::Off);
    assert_eq!(bench.state(id), PowerState::Off);
    // The second write was done, and the first revert did not lose it.
    assert!(holds(disk, "0x22") && !holds(disk, "0x11"));
    // The parent goes, its child stays whole.
    bench.libvirt.delete_snapshot(id, "first", false).unwrap();
    to("second", RevertTo::Running);
    assert_eq!(bench.state(id), PowerState::Running);
    bench.libvirt.stop(id).unwrap();
    assert!(holds(disk, "0x22"));
    let left = bench.libvirt.snapshots(id).unwrap();
    assert_eq!((left.len(), left[0].parent.as_deref()), (1, None));
}

#[test]
fn a_running_vm_with_uefi_is_what_it_was_disk_and_all() {
    let bench = Bench::new();
    let (id, disk) = bench.vm("uefi", Firmware::Uefi);
    let defined = bench.virsh(&["dumpxml", &id.to_string(), "--inactive"]);
    assert!(defined.contains(&format!("{id}_VARS.qcow2")), "{defined}");
    runs_and_comes_back(&bench, id, &disk);
    bench.libvirt.undefine(id).unwrap();
}

#[test]
fn so_is_one_with_secure_boot() {
    let bench = Bench::new();
    let (id, disk) = bench.vm("secure", Firmware::UefiSecureBoot);
    runs_and_comes_back(&bench, id, &disk);
}

#[test]
fn so_is_one_with_a_tpm() {
    let bench = Bench::new();
    let (id, disk) = bench.vm("tpm", Firmware::UefiSecureBoot);
    let tpm = VmEdit {
        tpm: Some(true),
        ..VmEdit::default()
    };
    bench.libvirt.edit(id, &tpm).unwrap();
    runs_and_comes_back(&bench, id, &disk);
}

#[test]
fn a_vm_of_old_whose_variables_hold_no_snapshots_is_told_so_and_gets_others_while_it_is_off() {
    let bench = Bench::new();
    let file = bench.directory.path().join("old.xml");
    let (new, disk) = bench.vm("new", Firmware::Uefi);
    let id = VmId::random();
    // As libvirt makes them by itself.
    let xml = format!(
        "<domain type='qemu'><name>old</name><uuid>{id}</uuid><memory unit='MiB'>128</memory>\
         <os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type><firmware>\
         <feature enabled='no' name='enrolled-keys'/><feature enabled='no' name='secure-boot'/></firmware></os>\
         <features><acpi/></features><cpu mode='maximum' check='none' migratable='on'/><devices>\
         <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}'/>\
         <target dev='vda' bus='virtio'/></disk></devices></domain>",
        disk.display()
    );
    std::fs::write(&file, xml).unwrap();
    bench.libvirt.undefine(new).unwrap();
    bench.virsh(&["define", file.to_str().unwrap()]);
    bench.libvirt.start(id).unwrap();
    let refused = bench.take(id, "live", true).unwrap_err().to_string();
    assert!(
        refused.contains("power the VM off and take a snapshot then"),
        "{refused}"
    );
    bench.libvirt.stop(id).unwrap();
    bench.take(id, "off", false).unwrap();
    bench.libvirt.start(id).unwrap();
    bench.take(id, "live", true).unwrap();
    bench
        .libvirt
        .revert_snapshot(id, "off", RevertTo::AsTaken)
        .unwrap();
    assert_eq!(bench.state(id), PowerState::Off);
}

#[test]
fn a_vm_with_a_raw_disk_is_refused_by_the_disks_name() {
    let bench = Bench::new();
    let (id, _) = bench.vm("raw", Firmware::Bios);
    let raw = bench.directory.path().join("raw.img");
    std::fs::write(&raw, vec![0; 1 << 20]).unwrap();
    bench.virsh(&[
        "attach-disk",
        &id.to_string(),
        raw.to_str().unwrap(),
        "vdb",
        "--subdriver",
        "raw",
        "--config",
    ]);
    let refused = bench.take(id, "a", false).unwrap_err();
    assert!(matches!(refused, Error::WrongState { .. }));
    assert!(
        refused.to_string().contains("the disk vdb is raw"),
        "{refused}"
    );
    assert!(bench.libvirt.snapshots(id).unwrap().is_empty());
}
