//! Snapshots on the fake: order, events, roles, refusals.

use qx_engine::events::EventKind;
use qx_model::snapshot::{RevertTo, SnapshotSpec};
use qx_model::vm::PowerState;

use super::*;

fn wish(name: &str, memory: bool) -> SnapshotSpec {
    SnapshotSpec {
        name: name.parse().unwrap(),
        description: String::new(),
        memory,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_goes_back_to_what_it_was_and_everybody_is_told() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let spec = spec("web1");
    let id = spec.id;
    vms.create(&admin(), spec).await.unwrap();
    vms.start(&admin(), id).await.unwrap();
    let (_, mut live) = bench.engine.events.subscribe(&viewer(), None).unwrap();
    let taken = vms.begin_snapshot(&admin(), id, wish("m", true)).await;
    taken.unwrap().outcome().await.unwrap();
    vms.stop(&admin(), id).await.unwrap();
    let reverted = vms
        .begin_revert(&admin(), id, "m".into(), RevertTo::AsTaken)
        .await;
    reverted.unwrap().outcome().await.unwrap();
    assert_eq!(
        vms.get(&viewer(), id).await.unwrap().state,
        PowerState::Running
    );
    let listed = vms.snapshots(&viewer(), id).await.unwrap();
    assert_eq!((listed.len(), listed[0].current), (1, true));
    let mut told = 0;
    while let Ok(event) = live.try_recv() {
        told += usize::from(event.kind == EventKind::SnapshotsChanged(id));
    }
    assert_eq!(told, 2);
    let deleted = vms
        .begin_delete_snapshot(&admin(), id, "m".into(), false)
        .await;
    deleted.unwrap().outcome().await.unwrap();
    assert!(vms.snapshots(&viewer(), id).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_takes_and_reverts_nothing() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    // Nor learns whether there is such a VM.
    let id = VmId::random();
    let answers = [
        vms.begin_snapshot(&viewer(), id, wish("a", false))
            .await
            .map(drop),
        vms.begin_revert(&viewer(), id, "a".into(), RevertTo::Off)
            .await
            .map(drop),
        vms.begin_delete_snapshot(&viewer(), id, "a".into(), true)
            .await
            .map(drop),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(Error::Forbidden { .. })), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_says_what_to_do() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let spec = spec("web1");
    let id = spec.id;
    vms.create(&admin(), spec).await.unwrap();
    let refused = vms.begin_snapshot(&admin(), id, wish("a", true)).await;
    let Err(Error::Conflict { reason, .. }) = refused.unwrap().outcome().await else {
        panic!("memory of a VM that is off was kept")
    };
    assert!(reason.contains("take it without memory"), "{reason}");
    let missing = vms
        .begin_revert(&admin(), id, "x".into(), RevertTo::AsTaken)
        .await;
    let error = missing.unwrap().outcome().await.unwrap_err();
    assert_eq!(error.to_string(), "snapshot x does not exist");
    let long = SnapshotSpec {
        description: "x".repeat(1001),
        ..wish("a", false)
    };
    let refused = vms.begin_snapshot(&admin(), id, long).await.map(drop);
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}
