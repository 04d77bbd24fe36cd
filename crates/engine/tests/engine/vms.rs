//! Creating, powering and deleting VMs; queues; what is told when.

use qx_engine::events::EventKind;
use qx_hypervisor::Hypervisor;
use qx_model::vm::{PowerAction, PowerState};
use tokio::time::timeout;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_lives_from_creation_to_deletion_and_each_change_is_told_once() {
    let bench = Bench::new().await;
    let (_, mut live) = bench.engine.events.subscribe(&viewer(), None).unwrap();
    let mut wish = spec("web1");
    wish.disks = vec![blank(1 << 30)];
    let id = wish.id;
    let vms = &bench.engine.vms;
    assert_eq!(
        vms.create(&admin(), wish).await.unwrap().state,
        PowerState::Off
    );
    assert_eq!(bench.fake.disks().len(), 1);
    assert_eq!(
        vms.start(&admin(), id).await.unwrap().state,
        PowerState::Running
    );
    assert_eq!(vms.stop(&admin(), id).await.unwrap().state, PowerState::Off);
    vms.delete(&admin(), id, true).await.unwrap();
    assert!(matches!(
        vms.get(&admin(), id).await,
        Err(Error::NotFound { .. })
    ));
    assert!(bench.fake.disks().is_empty());

    // The hypervisor's own signals come late; none of them may add an event.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut told = Vec::new();
    while let Ok(event) = live.try_recv() {
        match event.kind {
            EventKind::VmChanged(vm) => told.push(format!("{:?}", vm.state)),
            EventKind::VmRemoved(_) => told.push("removed".into()),
            _ => {}
        }
    }
    assert_eq!(told, ["Off", "Running", "Off", "removed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_wish_twice_makes_one_vm_and_another_wish_is_refused() {
    let bench = Bench::new().await;
    let wish = spec("web1");
    let first = bench
        .engine
        .vms
        .create(&admin(), wish.clone())
        .await
        .unwrap();
    let second = bench
        .engine
        .vms
        .create(&admin(), wish.clone())
        .await
        .unwrap();
    assert_eq!(first, second);
    let other = VmSpec {
        memory_mib: 128,
        ..wish.clone()
    };
    let refused = bench.engine.vms.create(&admin(), other).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );
    let same_name = VmSpec {
        id: VmId::random(),
        ..wish
    };
    let refused = bench.engine.vms.create(&admin(), same_name).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );
    assert_eq!(
        bench
            .engine
            .vms
            .list(&admin(), None, 10)
            .await
            .unwrap()
            .items
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_concurrent_wishes_for_one_name_make_one_vm_and_leave_no_disk_behind() {
    let bench = Bench::new().await;
    let mut wishes = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let vms = bench.engine.vms.clone();
        let mut wish = spec("web1");
        wish.disks = vec![blank(1 << 20)];
        wishes.spawn(async move { vms.create(&admin(), wish).await });
    }
    let made = wishes
        .join_all()
        .await
        .into_iter()
        .filter(Result::is_ok)
        .count();
    assert_eq!(made, 1);
    assert_eq!(bench.fake.disks().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_that_cannot_be_had_is_named() {
    let bench = Bench::new().await;
    upload(&bench.engine, "small.img", &[1; 4096])
        .await
        .unwrap();
    let mut wish = spec("web1");
    let too_small = DiskSpec {
        size_bytes: Some(512),
        ..copy_of("small.img")
    };
    wish.disks = vec![copy_of("missing.qcow2"), too_small, copy_of("small.img")];
    wish.cdrom = Some("missing.iso".parse().unwrap());
    let Err(Error::Invalid(fields)) = bench.engine.vms.create(&admin(), wish).await else {
        panic!("accepted");
    };
    let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(names, ["disks[0].image", "disks[1].size_bytes", "cdrom"]);
    assert!(bench.fake.disks().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_vm_delays_no_other() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let (stuck, other) = (spec("stuck"), spec("other"));
    vms.create(&admin(), stuck.clone()).await.unwrap();
    vms.create(&admin(), other.clone()).await.unwrap();
    bench.fake.stick(stuck.id);
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let vms = vms.clone();
            tokio::spawn(async move { vms.start(&admin(), stuck.id).await })
        })
        .collect();
    let quick = Duration::from_secs(5);
    for _ in 0..20 {
        timeout(quick, vms.start(&admin(), other.id))
            .await
            .unwrap()
            .unwrap();
        timeout(quick, vms.stop(&admin(), other.id))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(vms.list(&admin(), None, 10).await.unwrap().items.len(), 2);
        assert_eq!(
            vms.get(&admin(), stuck.id).await.unwrap().state,
            PowerState::Off
        );
    }
    assert!(
        waiting.iter().all(|start| !start.is_finished()),
        "the fault did not happen"
    );
    bench.fake.free(stuck.id);
    for start in waiting {
        assert_eq!(start.await.unwrap().unwrap().state, PowerState::Running);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_goes_on_when_its_caller_goes_away() {
    let bench = Bench::new().await;
    let wish = spec("web1");
    let vms = &bench.engine.vms;
    vms.create(&admin(), wish.clone()).await.unwrap();
    bench.fake.stick(wish.id);
    assert!(
        timeout(Duration::from_millis(50), vms.start(&admin(), wish.id))
            .await
            .is_err()
    );
    bench.fake.free(wish.id);
    eventually("the abandoned start", async || {
        vms.get(&admin(), wish.id).await.unwrap().state == PowerState::Running
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_about_vms_while_the_hypervisor_is_away() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let (stays, goes) = (spec("stays"), spec("goes"));
    vms.create(&admin(), stays.clone()).await.unwrap();
    vms.create(&admin(), goes.clone()).await.unwrap();
    bench.fake.disconnect("it was killed");
    eventually("the news", async || {
        vms.list(&admin(), None, 10).await.is_err()
    })
    .await;
    for refused in [
        vms.get(&admin(), stays.id).await,
        vms.start(&admin(), stays.id).await,
        vms.create(&admin(), spec("new")).await,
    ] {
        assert!(
            matches!(refused, Err(Error::Unavailable { .. })),
            "{refused:?}"
        );
    }
    bench.fake.reconnect();
    eventually("the return", async || {
        vms.list(&admin(), None, 10).await.is_ok()
    })
    .await;
    assert_eq!(vms.list(&admin(), None, 10).await.unwrap().items.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_somebody_else_made_are_seen() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let wish = spec("web1");
    vms.create(&admin(), wish.clone()).await.unwrap();
    bench.fake.start(wish.id).unwrap();
    eventually("the start", async || {
        vms.get(&admin(), wish.id).await.unwrap().state == PowerState::Running
    })
    .await;
    bench.fake.stop(wish.id).unwrap();
    bench.fake.undefine(wish.id).unwrap();
    eventually("the removal", async || {
        vms.get(&admin(), wish.id).await.is_err()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn power_calls_are_fine_with_the_state_they_ask_for() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let wish = spec("web1");
    let id = vms.create(&admin(), wish).await.unwrap().id;
    assert_eq!(vms.stop(&admin(), id).await.unwrap().state, PowerState::Off);
    assert_eq!(
        vms.shutdown(&admin(), id).await.unwrap().state,
        PowerState::Off
    );
    vms.start(&admin(), id).await.unwrap();
    assert_eq!(
        vms.start(&admin(), id).await.unwrap().state,
        PowerState::Running
    );
    let refused = vms.delete(&admin(), id, true).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_a_vm_is_refused_with_what_to_do_instead() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let id = vms.create(&admin(), spec("web1")).await.unwrap().id;
    let refused = vms.power(&admin(), id, PowerAction::Pause).await;
    let Err(Error::Conflict { reason, hint }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((&*reason, &*hint), ("the VM web1 is off", "start it first"));
    vms.start(&admin(), id).await.unwrap();
    let paused = vms.power(&admin(), id, PowerAction::Pause).await.unwrap();
    assert_eq!(paused.state, PowerState::Paused);
    assert!(vms.shutdown(&admin(), id).await.is_err());
    let saved = vms.power(&admin(), id, PowerAction::Suspend).await.unwrap();
    assert_eq!(saved.state, PowerState::Saved);
    // A VM with saved memory is off: it can be deleted.
    vms.delete(&admin(), id, true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_is_refused_before_anything_is_looked_up() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let there = vms.create(&admin(), spec("web1")).await.unwrap().id;
    for id in [there, VmId::random()] {
        let answers = [
            vms.start(&viewer(), id).await.map(drop),
            vms.stop(&viewer(), id).await.map(drop),
            vms.shutdown(&viewer(), id).await.map(drop),
            vms.delete(&viewer(), id, true).await,
            vms.open_serial(&viewer(), id).await.map(drop),
        ];
        for answer in answers {
            assert!(matches!(answer, Err(Error::Forbidden { .. })), "{answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_vm_once() {
    let bench = Bench::new().await;
    for index in 0..7 {
        bench
            .engine
            .vms
            .create(&admin(), spec(&format!("vm{index}")))
            .await
            .unwrap();
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = bench.engine.vms.list(&viewer(), after, 3).await.unwrap();
        seen.extend(page.items.iter().map(|vm| vm.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((seen.len(), &sorted), (7, &seen));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_libvirt_keeps_of_a_vm_is_copied_beside_its_disks_and_goes_with_it() {
    let bench = Bench::new().await;
    let wish = spec("web1");
    let id = wish.id;
    // The fake writes no files; libvirt does this when a VM is defined, and the firmware when it runs.
    let libvirt = bench.data.path().join("state/libvirt");
    for directory in ["qemu", "nvram"] {
        std::fs::create_dir_all(libvirt.join(directory)).unwrap();
    }
    let definition = format!(
        "<domain>\n  <name>web1</name>\n  <uuid>{id}</uuid>\n  \
         <nvram>/var/lib/libvirt/qemu/nvram/web1.fd</nvram>\n</domain>\n"
    );
    std::fs::write(libvirt.join("qemu/web1.xml"), &definition).unwrap();
    let vms = &bench.engine.vms;
    vms.create(&admin(), wish).await.unwrap();
    let copies = bench.data.path().join("vms").join(id.to_string());
    let copy = |name: &str| std::fs::read_to_string(copies.join(name)).ok();
    assert_eq!(copy("domain.xml"), Some(definition));

    vms.start(&admin(), id).await.unwrap();
    std::fs::write(libvirt.join("nvram/web1.fd"), "boot order").unwrap();
    assert_eq!(copy("nvram"), None);
    vms.stop(&admin(), id).await.unwrap();
    assert_eq!(copy("nvram").as_deref(), Some("boot order"));

    std::fs::remove_file(libvirt.join("qemu/web1.xml")).unwrap();
    vms.delete(&admin(), id, false).await.unwrap();
    assert!(!copies.exists());
}
