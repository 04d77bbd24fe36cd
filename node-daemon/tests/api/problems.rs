//! Whatever is wrong with a request, the answer is a problem document that says what.

use qx_api::rest::Readiness;

use crate::support::{Daemon, ask};

#[tokio::test]
async fn a_wrong_field_of_a_vm_is_named() {
    let daemon = Daemon::start().await;
    for (body, field) in [
        (r"{}", "name"),
        (r#"{"name":"-a"}"#, "name"),
        (r#"{"name":"a","cpus":2}"#, "cpus"),
        (r#"{"name":"a","vcpus":0}"#, "vcpus"),
        (r#"{"name":"a","vcpus":-1}"#, "vcpus"),
        (r#"{"name":"a","memory_mib":"1G"}"#, "memory_mib"),
        (r#"{"name":"a","firmware":"coreboot"}"#, "firmware"),
        (r#"{"name":"a","disks":[{}]}"#, "disks[0].size_bytes"),
        (
            r#"{"name":"a","disks":[{"size_bytes":513}]}"#,
            "disks[0].size_bytes",
        ),
        (
            r#"{"name":"a","disks":[{"image":"../shadow"}]}"#,
            "disks[0].image",
        ),
        (
            r#"{"name":"a","disks":[{"image":"none.qcow2"}]}"#,
            "disks[0].image",
        ),
        (r#"{"name":"a","cdrom":"/etc/passwd"}"#, "cdrom"),
        (
            r#"{"name":"a","nics":[{"bridge":"br0;reboot"}]}"#,
            "nics[0].bridge",
        ),
        (r#"{"name":"a","description":"\u0000"}"#, "description"),
        (r#"{"name":"a","id":"42"}"#, "id"),
    ] {
        let answer = daemon
            .send_local(ask("POST", "/api/v1/vms").json(body))
            .await;
        assert_eq!(answer.status, 422, "{body}");
        let problem = answer.problem();
        assert_eq!(problem.errors[0].field, field, "{body}: {problem:?}");
    }
    assert!(daemon.local().vms().await.unwrap().is_empty());
}

#[tokio::test]
async fn all_wrong_fields_are_named_at_once() {
    let daemon = Daemon::start().await;
    let body = r#"{"name":"","vcpus":0,"disks":[{}],"cdrom":"../x"}"#;
    let answer = daemon
        .send_local(ask("POST", "/api/v1/vms").json(body))
        .await;
    assert_eq!(answer.status, 422);
    let problem = answer.problem();
    let named: Vec<_> = problem.errors.iter().map(|e| e.field.as_str()).collect();
    assert_eq!(named, ["vcpus", "disks[0].size_bytes", "name", "cdrom"]);
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused_each_in_its_way() {
    let daemon = Daemon::start().await;
    let post = || ask("POST", "/api/v1/vms");
    for (request, status) in [
        (post().json(r#"{"name":"#), 400),
        (post().json(""), 400),
        (post().json(r#"{"name":"a"}{"name":"b"}"#), 400),
        (post().json(vec![0xff, 0xfe]), 400),
        (post().body(r#"{"name":"a"}"#), 415),
        (
            post()
                .with("content-type", "text/plain")
                .body(r#"{"name":"a"}"#),
            415,
        ),
        (post().json(vec![b' '; (1 << 20) + 1]), 413),
        (post().json("[".repeat(100_000)), 400),
    ] {
        let answer = daemon.send_local(request).await;
        assert_eq!(answer.status, status);
        answer.problem();
    }
    assert!(daemon.local().vms().await.unwrap().is_empty());
}

#[tokio::test]
async fn paths_and_methods_that_dont_exist_are_problems_too() {
    let daemon = Daemon::start().await;
    let none = daemon.send_local(ask("GET", "/api/v1/nothing")).await;
    assert_eq!(none.status, 404);
    none.problem();
    let wrong = daemon.send_local(ask("PATCH", "/api/v1/vms")).await;
    assert_eq!(wrong.status, 405);
    assert!(wrong.header("allow").contains("POST"), "{wrong:?}");
    wrong.problem();
    let post_ui = daemon.send_local(ask("POST", "/index.html")).await;
    assert_eq!(post_ui.status, 404);
    post_ui.problem();
}

#[tokio::test]
async fn a_wrong_query_or_path_parameter_is_named() {
    let daemon = Daemon::start().await;
    for (path, field) in [
        ("/api/v1/vms?limit=0", "limit"),
        ("/api/v1/vms?limit=1001", "limit"),
        ("/api/v1/vms?limit=many", "limit"),
        ("/api/v1/vms?cursor=x", "cursor"),
        ("/api/v1/vms?page=2", "page"),
        ("/api/v1/vms?limit=1&limit=2", "limit"),
        ("/api/v1/vms/42", "id"),
        ("/api/v1/audit?cursor=-1", "cursor"),
        ("/api/v1/events?since=soon", "since"),
    ] {
        let answer = daemon.send_local(ask("GET", path)).await;
        assert_eq!(answer.status, 422, "{path}");
        assert_eq!(answer.problem().errors[0].field, field, "{path}");
    }
}

#[tokio::test]
async fn a_hypervisor_that_is_gone_is_said_to_be_gone() {
    let daemon = Daemon::start().await;
    assert!(hypervisor_answers(&daemon).await);
    daemon.fake.disconnect("somebody pulled the plug");
    let answer = crate::support::eventually("the loss is noticed", async || {
        let answer = daemon.send_local(ask("GET", "/api/v1/vms")).await;
        (answer.status == 503).then_some(answer)
    })
    .await;
    assert!(answer.problem().detail.contains("somebody pulled the plug"));
    assert!(!hypervisor_answers(&daemon).await);
    // What else there is to say about the host is said, then most of all.
    let host = daemon.local().host().await.unwrap();
    assert_eq!(host.hypervisor.accelerator, None);
    let note = host.hypervisor.note.unwrap();
    assert!(note.contains("somebody pulled the plug"), "{note}");
    assert!(note.contains("look at the libvirtd service"), "{note}");
    assert_ne!(host.hostname, "");
    assert_eq!(daemon.send(ask("GET", "/readyz")).await.status, 503);
    daemon.fake.reconnect();
    crate::support::eventually("it is back", async || {
        hypervisor_answers(&daemon).await.then_some(())
    })
    .await;
}

async fn hypervisor_answers(daemon: &Daemon) -> bool {
    let document: Readiness = daemon.send(ask("GET", "/readyz")).await.json();
    assert_eq!(document.ready, document.checks.iter().all(|check| check.ok));
    document
        .checks
        .iter()
        .any(|check| check.name == "hypervisor" && check.ok)
}

#[tokio::test]
async fn a_data_directory_that_is_gone_makes_the_host_not_ready() {
    let daemon = Daemon::start().await;
    std::fs::rename(
        daemon.files.path().join("data"),
        daemon.files.path().join("gone"),
    )
    .unwrap();
    let ready = daemon.send(ask("GET", "/readyz")).await;
    assert_eq!(ready.status, 503);
    let document: Readiness = ready.json();
    let data = document
        .checks
        .iter()
        .find(|check| check.name == "data")
        .unwrap();
    assert!(
        !data.ok && data.detail.contains("can't be written to"),
        "{data:?}"
    );
}
