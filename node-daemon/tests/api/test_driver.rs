//! The daemon on libvirt's test driver, as it runs on a laptop.

use std::sync::Arc;

use qx_api::rest::{Accelerator, VmState};
use qx_hypervisor::fake::Fake;
use qx_libvirt::Libvirt;

use crate::support::{Daemon, eventually, not_of_tasks, wish};

#[tokio::test]
async fn a_vm_starts_and_stops_on_the_test_driver() {
    let libvirt = Libvirt::open("test:///default").unwrap();
    let daemon = Daemon::with(Arc::new(libvirt), Arc::new(Fake::default())).await;
    let client = daemon.local();
    assert_eq!(
        client.host().await.unwrap().hypervisor.accelerator,
        Some(Accelerator::Test)
    );
    // The driver brings a VM of its own, which nobody defined through us.
    let before = client.vms().await.unwrap();
    assert!(before.iter().any(|vm| vm.name == "test"));
    let vm = client.create_vm(&wish("mine")).await.unwrap();
    let mut events = client.events(None).await.unwrap();
    assert_eq!(
        client.start_vm(vm.id).await.unwrap().state,
        VmState::Running
    );
    let event = not_of_tasks(&mut events).await;
    assert_eq!(event.vm.unwrap().state, VmState::Running);
    assert_eq!(client.stop_vm(vm.id).await.unwrap().state, VmState::Off);
    client.delete_vm(vm.id, true).await.unwrap();
    eventually("it is gone", async || {
        (client.vms().await.unwrap().len() == before.len()).then_some(())
    })
    .await;
}
