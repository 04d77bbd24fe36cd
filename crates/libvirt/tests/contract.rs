//! libvirt's drivers hold the contract.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::process::Command;
use std::time::{Duration, Instant};

use qx_hypervisor::contract::{Guests, Subject};
use qx_hypervisor::{DiskImage, DiskRequest, Hypervisor};
use qx_libvirt::Libvirt;
use qx_libvirt::testing::PrivateLibvirtd;
use qx_model::vm::ImageFormat;

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
