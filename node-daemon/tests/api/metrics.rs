//! Figures: live, of the past, and as Prometheus reads them.

use std::time::Duration;

use qx_api::client::Messages;
use qx_api::rest::{MetricsSample, MetricsSeries, MetricsValues, Role, Vm};
use qx_hypervisor::VmUsage;
use qx_model::metrics::{DiskIo, NetIo};
use qx_model::vm::VmId;

use crate::support::{Daemon, ask};

async fn next(live: &mut Messages<MetricsSample>) -> MetricsSample {
    let next = tokio::time::timeout(Duration::from_secs(20), live.next());
    next.await.unwrap().unwrap().unwrap()
}

/// Figures of the first second in which `wanted` holds for the VM.
async fn until(
    live: &mut Messages<MetricsSample>,
    vm: &Vm,
    mut wanted: impl FnMut(&MetricsValues) -> bool,
) -> MetricsValues {
    for _ in 0..30 {
        let sample = next(live).await;
        let found = sample.vms.iter().find(|found| found.id == vm.id);
        if let Some(found) = found.filter(|found| wanted(&found.values)) {
            return found.values;
        }
    }
    panic!("it was not so for 30 seconds");
}

async fn running(daemon: &Daemon, name: &str) -> Vm {
    let vm = daemon.vm(name).await;
    daemon.local().start_vm(vm.id).await.unwrap()
}

fn used(cpu_s: u64) -> (VmUsage, DiskIo) {
    let usage = VmUsage {
        cpu: Some(Duration::from_secs(cpu_s)),
        memory_bytes: Some(1 << 20),
        net: Some(NetIo {
            rx_bytes: cpu_s * 10,
            tx_bytes: 0,
        }),
    };
    let disks = DiskIo {
        write_bytes: cpu_s * 1000,
        ..DiskIo::default()
    };
    (usage, disks)
}

#[tokio::test]
async fn what_a_vm_uses_is_seen_within_a_second_and_in_the_past() {
    let daemon = Daemon::start().await;
    let vm = running(&daemon, "a").await;
    let off = daemon.vm("off").await;
    let (usage, disks) = used(0);
    daemon.fake.uses(VmId(vm.id), usage, disks);
    let mut live = daemon.local().live_metrics().await.unwrap();
    let idle = until(&mut live, &vm, |values| values.cpu_cores == Some(0.0)).await;
    assert_eq!(idle.memory_bytes, Some(1_048_576.0));
    let (usage, disks) = used(100);
    daemon.fake.uses(VmId(vm.id), usage, disks);
    // QEMU's word on the disks may come a second later.
    let (mut busy, mut writes) = (false, false);
    until(&mut live, &vm, |values| {
        let now = values.cpu_cores > Some(1.0);
        assert_eq!(now, values.net_rx_bytes_per_s > Some(1.0), "{values:?}");
        busy |= now;
        writes |= values.disk_write_bytes_per_s > Some(1.0);
        busy && writes
    })
    .await;
    let sample = next(&mut live).await;
    assert!(sample.host.cpu_cores.is_some() && sample.host.memory_bytes > Some(0.0));
    assert!(sample.vms.iter().all(|found| found.id != off.id));
    let past = daemon.local().metrics(Some(vm.id), 60, None).await.unwrap();
    assert_eq!((past.step_s, past.cpu_cores.len()), (1, 60));
    assert!(past.cpu_cores.iter().flatten().any(|cores| *cores > 1.0));
    let past = daemon.local().metrics(None, 60, None).await.unwrap();
    assert!(past.memory_bytes.iter().flatten().count() >= 2);
}

#[tokio::test]
async fn a_vm_that_hangs_lacks_its_disks_and_delays_nobody() {
    let daemon = Daemon::start().await;
    let (stuck, other) = (
        running(&daemon, "stuck").await,
        running(&daemon, "other").await,
    );
    for vm in [&stuck, &other] {
        let (usage, disks) = used(1);
        daemon.fake.uses(VmId(vm.id), usage, disks);
    }
    let mut live = daemon.local().live_metrics().await.unwrap();
    let measured = |values: &MetricsValues| values.disk_write_bytes_per_s.is_some();
    until(&mut live, &stuck, measured).await;
    daemon.fake.stick(VmId(stuck.id));
    let hung = until(&mut live, &stuck, |values| !measured(values)).await;
    assert_eq!(
        (hung.cpu_cores, hung.net_rx_bytes_per_s),
        (Some(0.0), Some(0.0))
    );
    // The fault holds: the other one is measured again and again meanwhile.
    for _ in 0..3 {
        until(&mut live, &other, measured).await;
        until(&mut live, &stuck, |values| !measured(values)).await;
    }
    daemon.fake.free(VmId(stuck.id));
    until(&mut live, &stuck, measured).await;
}

#[tokio::test]
async fn figures_of_the_past_survive_a_restart() {
    let daemon = Daemon::start().await;
    let mut live = daemon.local().live_metrics().await.unwrap();
    next(&mut live).await;
    let (node, files) = (daemon.node, daemon.files);
    node.stop().await.unwrap();
    let daemon = Daemon::again(files).await;
    let past = daemon.local().metrics(None, 3600, None).await.unwrap();
    assert_eq!((past.step_s, past.memory_bytes.len()), (10, 360));
    assert!(past.memory_bytes.iter().any(Option::is_some), "{past:?}");
}

#[tokio::test]
async fn a_range_or_step_that_is_not_kept_is_refused_by_name() {
    let daemon = Daemon::start().await;
    for (query, field) in [
        ("range_s=9", "range_s"),
        ("range_s=2592001", "range_s"),
        ("range_s=3600&step_s=15", "step_s"),
        ("range_s=604800&step_s=10", "step_s"),
        ("range_s=-1", "range_s"),
        ("steps=1", "steps"),
    ] {
        let path = format!("/api/v1/host/metrics?{query}");
        let answer = daemon.send_local(ask("GET", &path)).await;
        assert_eq!(answer.status, 422, "{query}");
        assert_eq!(answer.problem().errors[0].field, field);
    }
    let path = "/api/v1/vms/00000000-0000-4000-8000-000000000000/metrics";
    assert_eq!(daemon.send_local(ask("GET", path)).await.status, 404);
    let month = "/api/v1/host/metrics?range_s=2592000";
    let series: MetricsSeries = daemon.send_local(ask("GET", month)).await.json();
    assert_eq!((series.step_s, series.cpu_cores.len()), (3600, 720));
}

#[tokio::test]
async fn prometheus_scrapes_with_a_token_and_nobody_without_one() {
    let daemon = Daemon::start().await;
    let vm = running(&daemon, "web1").await;
    let (usage, disks) = used(7);
    daemon.fake.uses(VmId(vm.id), usage, disks);
    let mut live = daemon.local().live_metrics().await.unwrap();
    until(&mut live, &vm, |values| {
        values.disk_write_bytes_per_s.is_some()
    })
    .await;
    assert_eq!(daemon.send(ask("GET", "/metrics")).await.status, 401);
    let bearer = format!("Bearer {}", daemon.token(Role::Viewer).await);
    let scrape = ask("GET", "/metrics").with("authorization", &bearer);
    let answer = daemon.send(scrape).await;
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    for line in [
        format!(
            r#"quantix_vm_cpu_seconds_total{{id="{}",name="web1"}} 7"#,
            vm.id
        ),
        format!(
            r#"quantix_vm_state{{id="{}",name="web1",state="running"}} 1"#,
            vm.id
        ),
        format!(
            r#"quantix_vm_disk_written_bytes_total{{id="{}",name="web1"}} 7000"#,
            vm.id
        ),
        "quantix_hypervisor_up 1".to_owned(),
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in {text}"
        );
    }
    assert!(text.contains("\nquantix_host_cpu_seconds_total "));
}
