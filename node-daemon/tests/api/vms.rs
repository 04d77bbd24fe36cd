//! VMs through the typed client, on the hypervisor in memory.

use std::time::Duration;

use qx_api::client::{Client, Error, Trust};
use qx_api::rest::{DiskCreate, NicCreate, Role, Vm, VmPatch, VmState};
use qx_hypervisor::Hypervisor;
use qx_model::vm::VmId;

use crate::support::{Daemon, ask, wish};

#[tokio::test]
async fn a_vm_lives_and_dies_over_https() {
    let daemon = Daemon::start().await;
    let client = daemon.remote(&daemon.token(Role::Operator).await);
    let mut wish = wish("web");
    wish.disks = vec![DiskCreate {
        size_bytes: Some(1 << 30),
        image: None,
        pool: None,
        volume: None,
    }];
    wish.nics = vec![
        NicCreate::Network("default".into()),
        NicCreate::Bridge("br0".into()),
    ];
    let vm = client.create_vm(&wish).await.unwrap();
    assert_eq!(
        (vm.state, vm.disks.len(), vm.nics.len()),
        (VmState::Off, 1, 2)
    );
    assert_eq!(
        client.start_vm(vm.id).await.unwrap().state,
        VmState::Running
    );
    assert_eq!(client.vm(vm.id).await.unwrap().state, VmState::Running);
    client.shutdown_vm(vm.id).await.unwrap();
    client.start_vm(vm.id).await.unwrap();
    assert_eq!(client.stop_vm(vm.id).await.unwrap().state, VmState::Off);
    client.delete_vm(vm.id, true).await.unwrap();
    assert!(daemon.fake.disks().is_empty());
    let Err(Error::Refused(problem)) = client.vm(vm.id).await else {
        panic!("it is still there")
    };
    assert_eq!(problem.status, 404);
}

#[tokio::test]
async fn a_clone_is_a_new_vm_with_its_own_place() {
    let daemon = Daemon::start().await;
    let source = daemon.vm("web").await;
    let path = format!("/api/v1/vms/{}/clone", source.id);
    let id = VmId::random();
    let body = format!(r#"{{"id":"{id}","name":"web-2","description":"a copy"}}"#);
    let request = || ask("POST", &path).json(body.clone());
    let answer = daemon.send_local(request()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("location"), format!("/api/v1/vms/{id}"));
    let made = answer.json::<Vm>();
    assert_eq!(
        (&*made.name, &*made.description, made.state),
        ("web-2", "a copy", VmState::Off)
    );
    assert_eq!(
        (made.vcpus, made.memory_mib),
        (source.vcpus, source.memory_mib)
    );
    // Asked again it is the same one, as a task too.
    assert_eq!(daemon.send_local(request()).await.status, 201);
    let task = request().with("prefer", "respond-async");
    assert_eq!(daemon.send_local(task).await.status, 202);

    let refused = ask("POST", &path).json(r#"{"name":"no spaces"}"#);
    let refused = daemon.send_local(refused).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.problem().errors[0].field, "name");
    daemon.local().start_vm(source.id).await.unwrap();
    let running = ask("POST", &path).json(r#"{"name":"web-3"}"#);
    let running = daemon.send_local(running).await.problem();
    assert_eq!(
        (running.status, &*running.detail),
        (
            409,
            "the VM web is not off, and its disks change; shut it down and clone it again"
        )
    );
}

#[tokio::test]
async fn every_power_action_has_a_path_and_says_why_it_does_not_fit() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("web").await;
    let ask_for = async |action: &str| {
        let path = format!("/api/v1/vms/{}/{action}", vm.id);
        daemon.send_local(ask("POST", &path)).await
    };
    let refused = ask_for("pause").await;
    assert_eq!(refused.status, 409);
    assert_eq!(
        refused.problem().detail,
        "the VM web is off; start it first"
    );
    for (action, state) in [
        ("start", VmState::Running),
        ("reboot", VmState::Running),
        ("reset", VmState::Running),
        ("pause", VmState::Paused),
        ("resume", VmState::Running),
        ("suspend", VmState::Saved),
        ("start", VmState::Running),
        ("shutdown", VmState::Off),
        ("stop", VmState::Off),
    ] {
        let answer = ask_for(action).await;
        assert_eq!(answer.status, 200, "{action}: {answer:?}");
        assert_eq!(answer.json::<Vm>().state, state, "{action}");
    }
}

#[tokio::test]
async fn a_change_is_made_to_the_vm_that_was_seen_and_to_no_other() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("web").await;
    let path = format!("/api/v1/vms/{}", vm.id);
    let seen = daemon.send_local(ask("GET", &path)).await;
    let etag = seen.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", seen.json::<Vm>().revision));
    let patch = async |etag: &str, body: &'static str| {
        let request = ask("PATCH", &path).with("if-match", etag).json(body);
        daemon.send_local(request).await
    };
    let first = patch(&etag, r#"{"vcpus":2,"tags":["prod"]}"#).await;
    assert_eq!(first.status, 200, "{first:?}");
    let changed: Vm = first.json();
    assert_eq!(
        (changed.vcpus, &*changed.tags),
        (2, &["prod".to_owned()][..])
    );
    assert_ne!(first.header("etag"), etag);
    let late = patch(&etag, r#"{"memory_mib":1024}"#).await;
    assert_eq!(late.status, 412);
    assert!(late.problem().detail.contains("read it again"));
    let weak = patch(&format!("W/{}", first.header("etag")), "{}").await;
    assert_eq!(weak.status, 412);
    assert_eq!(patch("*", r#"{"memory_mib":1024}"#).await.status, 200);
    let garbled = patch("no quotes", "{}").await;
    assert_eq!(garbled.problem().errors[0].field, "If-Match");
    let client = daemon.local();
    let vm = client.vm(vm.id).await.unwrap();
    assert_eq!(vm.memory_mib, 1024);
    let edit = VmPatch {
        description: Some("d".into()),
        ..VmPatch::default()
    };
    let stale = client.patch_vm(vm.id, Some("0000"), &edit).await;
    assert!(matches!(stale, Err(Error::Refused(problem)) if problem.status == 412));
    let edited = client.patch_vm(vm.id, Some(&vm.revision), &edit).await;
    assert_eq!(edited.unwrap().description, "d");
}

#[tokio::test]
async fn every_field_of_a_change_that_is_wrong_is_named() {
    let daemon = Daemon::start().await;
    daemon.vm("taken").await;
    let vm = daemon.vm("web").await;
    let path = format!("/api/v1/vms/{}", vm.id);
    for (body, field) in [
        (r#"{"name":"a b"}"#, "name"),
        (r#"{"vcpus":0}"#, "vcpus"),
        (r#"{"vcpus":4,"vcpus_max":2}"#, "vcpus_max"),
        (r#"{"memory_mib":0}"#, "memory_mib"),
        (r#"{"tags":["ok","not ok"]}"#, "tags[1]"),
        (r#"{"cpu_model":"<x/>"}"#, "cpu_model"),
        (r#"{"boot_order":[]}"#, "boot_order"),
        (r#"{"boot_order":["vdz"]}"#, "boot_order[0]"),
        (r#"{"autostart_order":10000}"#, "autostart_order"),
        (r#"{"autostart_delay_s":3601}"#, "autostart_delay_s"),
        (r#"{"firmware":"bios"}"#, "firmware"),
    ] {
        let answer = daemon.send_local(ask("PATCH", &path).json(body)).await;
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        assert_eq!(answer.problem().errors[0].field, field, "{body}");
    }
    let request = ask("PATCH", &path).json(r#"{"name":"taken"}"#);
    assert_eq!(daemon.send_local(request).await.status, 409);
}

#[tokio::test]
async fn a_tpm_is_added_and_not_taken_away() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("windows").await;
    assert!(!vm.tpm);
    let path = format!("/api/v1/vms/{}", vm.id);
    let patch = async |body: &'static str| daemon.send_local(ask("PATCH", &path).json(body)).await;
    let added: Vm = patch(r#"{"tpm":true}"#).await.json();
    assert!(added.tpm);
    let refused = patch(r#"{"tpm":false}"#).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.problem().errors[0].field, "tpm");
    let mut wish = wish("with-one");
    wish.tpm = true;
    assert!(daemon.local().create_vm(&wish).await.unwrap().tpm);
}

#[tokio::test]
async fn asking_twice_with_the_same_id_makes_one_vm() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let mut wish = wish("once");
    wish.id = Some(uuid::Uuid::new_v4());
    let first = client.create_vm(&wish).await.unwrap();
    assert_eq!(client.create_vm(&wish).await.unwrap(), first);
    wish.vcpus = 2;
    let Err(Error::Refused(problem)) = client.create_vm(&wish).await else {
        panic!("made")
    };
    assert_eq!(problem.status, 409);
    assert_eq!(client.vms().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_new_vm_tells_where_it_is() {
    let daemon = Daemon::start().await;
    let answer = daemon
        .send_local(ask("POST", "/api/v1/vms").json(r#"{"name":"a"}"#))
        .await;
    assert_eq!(answer.status, 201);
    let location = answer.header("location").to_owned();
    assert_eq!(daemon.send_local(ask("GET", &location)).await.status, 200);
}

#[tokio::test]
async fn lists_come_in_pages_and_no_vm_is_left_out() {
    let daemon = Daemon::start().await;
    for n in 0..7 {
        daemon.vm(&format!("vm{n}")).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/vms?limit=3".to_owned();
    loop {
        let page: qx_api::rest::VmPage = daemon.send_local(ask("GET", &path)).await.json();
        assert!(page.items.len() <= 3);
        seen.extend(page.items.iter().map(|vm| vm.id));
        let Some(next) = page.next else { break };
        path = format!("/api/v1/vms?limit=3&cursor={next}");
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted());
}

#[tokio::test]
async fn a_vm_that_hangs_delays_nobody_else() {
    let daemon = Daemon::start().await;
    let (stuck, other) = (daemon.vm("stuck").await, daemon.vm("other").await);
    daemon.fake.stick(VmId(stuck.id));
    let client = daemon.local();
    let hanging = tokio::spawn(async move { client.start_vm(stuck.id).await });
    let start = daemon.local();
    let answered = tokio::time::timeout(Duration::from_secs(5), start.start_vm(other.id)).await;
    assert_eq!(answered.unwrap().unwrap().state, VmState::Running);
    assert_eq!(daemon.local().vms().await.unwrap().len(), 2);
    assert!(!hanging.is_finished(), "the fault was not there");
    daemon.fake.free(VmId(stuck.id));
    hanging.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_host_says_what_it_is() {
    let daemon = Daemon::start().await;
    let boot = r#"{"mode":"live","slot":null,"version":"0.1.0","build_id":"00112233aabbccdd",
        "key_id":"8899aabbccddeeff","source":"/dev/sr0","copy_ms":412,"copy_bytes":123731968,
        "watchdog":null,"config":"ram","data":"ram","warnings":["no disk"]}"#;
    std::fs::write(daemon.files.path().join("run/boot.json"), boot).unwrap();
    let host = daemon.local().host().await.unwrap();
    assert_eq!(host.product, "Quantix-OS");
    assert_eq!(host.build_id.as_deref(), Some("00112233aabbccdd"));
    assert_eq!(host.boot.unwrap().warnings, ["no disk"]);
    assert_eq!(host.certificate_sha256, daemon.node.fingerprint());
    assert!(host.cpu.threads > 0 && host.memory.total_bytes > 0 && host.data.total_bytes > 0);
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_and_its_fingerprint_told() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Viewer).await;
    let other = "00".repeat(32);
    for trust in [Trust::Unknown, Trust::Fingerprint(other)] {
        let client = Client::https(&daemon.url(), trust)
            .unwrap()
            .with_token(token.clone());
        let Err(Error::Certificate { fingerprint, .. }) = client.vms().await else {
            panic!("it was trusted")
        };
        assert_eq!(fingerprint, daemon.node.fingerprint());
    }
    let authority = Trust::Authority(daemon.files.path().join("state/tls/cert.pem"));
    assert!(
        Client::https(&daemon.url(), authority)
            .map(|client| client.with_token(token))
            .unwrap()
            .vms()
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_guest_is_set_up_by_the_cd_of_its_vm() {
    let daemon = Daemon::start().await;
    let create = async |cloud_init: serde_json::Value| {
        let body = serde_json::json!({
            "name": "web",
            "nics": [{ "network": "default" }],
            "cloud_init": cloud_init,
        });
        let request = ask("POST", "/api/v1/vms").json(body.to_string());
        daemon.send_local(request).await
    };
    let fields = async |cloud_init| {
        let answer = create(cloud_init).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        let fields = answer.problem().errors.into_iter().map(|error| error.field);
        fields.collect::<Vec<_>>()
    };
    let wrong = serde_json::json!({
        "user": "root:x",
        "ssh_keys": ["no key"],
        "network": [{ "addresses": ["192.0.2.5"] }, {}],
    });
    let expected = ["user", "ssh_keys[0]", "network", "network[0].addresses[0]"];
    assert_eq!(
        fields(wrong).await,
        expected.map(|field| format!("cloud_init.{field}"))
    );
    let unknown = create(serde_json::json!({ "pasword": "x" })).await;
    assert_eq!(unknown.status, 422, "{unknown:?}");
    assert!(daemon.fake.list().unwrap().is_empty());

    let made = create(serde_json::json!({
        "user": "ops",
        "password": "correct horse",
        "network": [{ "addresses": ["192.0.2.5/24"], "gateways": ["192.0.2.1"] }],
    }));
    let made = made.await;
    assert_eq!(made.status, 201, "{made:?}");
    let vm = made.json::<Vm>();
    let drive = vm.disks.iter().find(|disk| disk.cdrom).unwrap();
    let disc = std::fs::read(drive.path.as_ref().unwrap()).unwrap();
    let disc = String::from_utf8_lossy(&disc);
    assert!(disc.contains(r#""user":"ops""#) && disc.contains(&vm.nics[0].mac));
    assert!(!disc.contains("correct horse"));
}
