//! libvirt's drivers hold the contract.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::{Duration, Instant};

use qx_hypervisor::Hypervisor;
use qx_hypervisor::contract::{Guests, Subject};
use qx_libvirt::Libvirt;
use qx_libvirt::testing::PrivateLibvirtd;

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
