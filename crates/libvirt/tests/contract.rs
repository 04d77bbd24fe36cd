//! libvirt's drivers hold the contract.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::process::Command;
use std::time::{Duration, Instant};

use qx_hypervisor::contract::{Guests, Subject};
use qx_hypervisor::{Definition, DiskImage, DiskRequest, Hypervisor};
use qx_libvirt::Libvirt;
use qx_libvirt::testing::PrivateLibvirtd;
use qx_model::device::new_mac;
use qx_model::vm::{Firmware, ImageFormat, NicSpec, VmId, VmSpec};

fn connected(uri: &str) -> Libvirt {
    let libvirt = Libvirt::open(uri).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(error) = libvirt.list() {
        assert!(Instant::now() < deadline, "{error}");
        std::thread::sleep(Duration::from_millis(10));
    }
    libvirt
}

#[test]
fn the_test_driver_holds_the_contract() {
    let data = tempfile::tempdir().unwrap();
    let libvirt = connected("test:///default");
    Subject {
        hypervisor: &libvirt,
        guests: Guests::None,
        limits_nics: false,
        data: data.path().to_owned(),
    }
    .check();
}

#[test]
fn qemu_holds_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let libvirtd = PrivateLibvirtd::start(directory.path()).unwrap();
    let libvirt = connected(&libvirtd.uri());
    println!("{:?}", libvirt.info().unwrap());
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    Subject {
        hypervisor: &libvirt,
        guests: Guests::Real,
        limits_nics: kernel_has("htb") && kernel_has("sfq"),
        data,
    }
    .check();
}

/// Reading it as what libvirt takes it for would follow the names of other files in it.
#[test]
fn an_image_that_libvirt_takes_for_another_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let libvirtd = PrivateLibvirtd::start(directory.path()).unwrap();
    let libvirt = connected(&libvirtd.uri());
    let image = directory.path().join("image");
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2"])
        .arg(&image)
        .arg("1M")
        .status();
    assert!(made.unwrap().success());
    let disk = DiskRequest {
        path: directory.path().join("vm/disk0.qcow2"),
        size_bytes: 1 << 20,
        source: Some(DiskImage {
            path: image,
            format: ImageFormat::Raw,
            virtual_bytes: 1 << 20,
        }),
    };
    let refused = libvirt.create_disk(&disk).unwrap_err().to_string();
    assert!(
        refused.contains("it is raw, but libvirt takes it for qcow2"),
        "{refused}"
    );
    assert!(!disk.path.exists());
}

#[test]
fn a_vm_starts_the_networks_that_start_by_themselves_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let libvirtd = PrivateLibvirtd::start(directory.path()).unwrap();
    let libvirt = connected(&libvirtd.uri());
    let virsh = |arguments: &[&str]| {
        let mut command = Command::new("virsh");
        command.args(["--quiet", "--connect", &libvirtd.uri()]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for name in ["willing", "kept-off"] {
        let file = directory.path().join(name);
        let xml = format!("<network><name>{name}</name><bridge name='qx-{name}'/></network>");
        std::fs::write(&file, xml).unwrap();
        virsh(&["net-define", file.to_str().unwrap()]);
    }
    virsh(&["net-autostart", "willing"]);

    let start = |network: &str| {
        let spec = VmSpec {
            name: network.parse().unwrap(),
            nics: vec![NicSpec::Network(network.parse().unwrap())],
            ..small()
        };
        let id = spec.id;
        let definition = Definition {
            spec,
            disks: Vec::new(),
            cdrom: None,
            cloud_init: None,
            macs: vec![new_mac()],
            mark: "mark".into(),
        };
        libvirt.define(&definition).unwrap();
        libvirt.start(id)
    };
    start("willing").unwrap();
    start("kept-off").unwrap_err();
    assert_eq!(virsh(&["net-list", "--name"]).trim(), "willing");
}

/// Whether a queue of this kind can be had; tried in a network of its own.
fn kernel_has(queue: &str) -> bool {
    let tried = Command::new("unshare")
        .args(["--net", "tc", "qdisc", "add", "dev", "lo", "root", queue])
        .output();
    tried.unwrap().status.success()
}

fn small() -> VmSpec {
    VmSpec {
        id: VmId::random(),
        name: "small".parse().unwrap(),
        description: String::new(),
        vcpus: 1,
        vcpus_max: None,
        memory_mib: 32,
        firmware: Firmware::Bios,
        tpm: false,
        disks: Vec::new(),
        cdrom: None,
        nics: Vec::new(),
        autostart: false,
        cloud_init: None,
    }
}
