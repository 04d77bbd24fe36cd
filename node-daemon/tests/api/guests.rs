//! The agents in guests over REST and gRPC.

use std::sync::{Arc, Mutex};

use qx_api::client::Client;
use qx_api::grpc::v1;
use qx_api::grpc::v1::guest_service_client::GuestServiceClient;
use qx_api::rest::{
    GuestExec, GuestFileWrite, GuestFreeze, GuestPassword, GuestTime, Role, TaskState,
};
use qx_hypervisor::AgentFault;
use qx_model::vm::VmId;
use serde_json::{Value, json};
use tonic::Code;

use crate::grpc::{authorized, channel};
use crate::support::{Daemon, ask, eventually};

/// What the agent was asked.
type Asked = Arc<Mutex<Vec<Value>>>;

/// Puts an agent into the guest that knows every command.
fn agent(daemon: &Daemon, vm: uuid::Uuid) -> Asked {
    let asked = Asked::default();
    let record = Arc::clone(&asked);
    let answer = move |question: &str| {
        let question: Value = serde_json::from_str(question).unwrap();
        let command = question["execute"].as_str().unwrap().to_owned();
        record.lock().unwrap().push(question);
        let answer = match command.as_str() {
            "guest-info" => json!({ "version": "10", "supported_commands":
                [{ "name": "guest-get-time", "enabled": true }] }),
            "guest-get-time" => json!(1_795_563_161_000_000_000_i64),
            "guest-network-get-interfaces" => json!([{ "name": "eth0", "ip-addresses":
                [{ "ip-address-type": "ipv4", "ip-address": "192.0.2.7", "prefix": 24 }] }]),
            "guest-get-fsinfo" => {
                json!([{ "name": "vda1", "mountpoint": "/", "type": "ext4", "disk": [],
                "total-bytes": 10, "used-bytes": 5 }])
            }
            "guest-exec" => json!({ "pid": 42 }),
            "guest-exec-status" => json!({ "exited": true, "exitcode": 3, "out-data": "b3V0" }),
            "guest-file-open" => json!(7),
            "guest-file-read" => json!({ "count": 3, "buf-b64": "YWJj", "eof": true }),
            "guest-file-write" => json!({ "count": 3 }),
            "guest-fsfreeze-freeze" | "guest-fsfreeze-thaw" => json!(2),
            "guest-fstrim" => json!({ "paths": [{ "path": "/", "trimmed": 4096 }] }),
            _ => json!({}),
        };
        Ok::<_, AgentFault>(json!({ "return": answer }).to_string())
    };
    daemon.fake.put_agent(VmId(vm), Some(Arc::new(answer)));
    asked
}

async fn running(daemon: &Daemon, name: &str) -> uuid::Uuid {
    let vm = daemon.vm(name).await;
    daemon.local().start_vm(vm.id).await.unwrap();
    vm.id
}

async fn ended(client: &Client, task: uuid::Uuid) -> qx_api::rest::Task {
    eventually("the task's end", async || {
        let task = client.task(task).await.unwrap();
        task.state.is_over().then_some(task)
    })
    .await
}

#[tokio::test]
async fn everything_an_agent_can_do_is_asked_of_it() {
    let daemon = Daemon::start().await;
    let client = daemon.remote(&daemon.token(Role::Operator).await);
    let vm = running(&daemon, "web1").await;
    let asked = agent(&daemon, vm);
    client.ping_guest(vm).await.unwrap();
    let guest = client.guest(vm).await.unwrap();
    assert_eq!(guest.agent_version, "10");
    assert_eq!(guest.time.unwrap().as_second(), 1_795_563_161);
    let addresses = client.guest_addresses(vm).await.unwrap();
    assert_eq!(addresses[0].addresses, ["192.0.2.7/24"]);
    let filesystems = client.guest_filesystems(vm).await.unwrap();
    assert_eq!(
        (filesystems[0].used_bytes, filesystems[0].total_bytes),
        (Some(5), Some(10))
    );
    let exec = GuestExec {
        path: "sh".into(),
        args: vec!["-c".into(), "a 'b'\n\"c\"".into()],
        env: vec!["A=1".into()],
        input: b"in".to_vec(),
    };
    assert_eq!(client.exec_in_guest(vm, &exec).await.unwrap(), 42);
    let status = client.guest_exec(vm, 42).await.unwrap();
    assert_eq!((status.exit_code, &*status.stdout), (Some(3), &b"out"[..]));
    let piece = client.read_guest_file(vm, "/a b&c", 0).await.unwrap();
    assert_eq!((&*piece.data, piece.eof), (&b"abc"[..], true));
    let file = GuestFileWrite {
        path: "/a".into(),
        data: b"abc".to_vec(),
        append: true,
    };
    client.write_guest_file(vm, &file).await.unwrap();
    assert_eq!(
        client
            .freeze_guest(vm, &GuestFreeze::default())
            .await
            .unwrap(),
        2
    );
    assert_eq!(client.thaw_guest(vm).await.unwrap(), 2);
    let trim = client.trim_guest(vm).await.unwrap();
    let trim = ended(&client, trim.id).await;
    assert_eq!(trim.state, TaskState::Done);
    assert!(
        trim.log
            .unwrap()
            .iter()
            .any(|line| line.text == "/: 4096 bytes given back")
    );
    let password = GuestPassword {
        username: "root".into(),
        password: "secret".into(),
        crypted: false,
    };
    client.set_guest_password(vm, &password).await.unwrap();
    let time = GuestTime {
        time: Some("2026-01-01T00:00:00Z".parse().unwrap()),
    };
    client.set_guest_time(vm, &time).await.unwrap();

    let of = |command: &str| {
        let asked = asked.lock().unwrap();
        let found = asked.iter().find(|question| question["execute"] == command);
        found.unwrap()["arguments"].clone()
    };
    let exec = json!({ "path": "sh", "arg": ["-c", "a 'b'\n\"c\""], "env": ["A=1"],
        "input-data": "aW4=", "capture-output": true });
    assert_eq!(of("guest-exec"), exec);
    assert_eq!(
        of("guest-file-open"),
        json!({ "path": "/a b&c", "mode": "rb" })
    );
    assert_eq!(
        of("guest-file-write"),
        json!({ "handle": 7, "buf-b64": "YWJj" })
    );
    let password = json!({ "username": "root", "password": "c2VjcmV0", "crypted": false });
    assert_eq!(of("guest-set-user-password"), password);
    assert_eq!(
        of("guest-set-time"),
        json!({ "time": 1_767_225_600_000_000_000_i64 })
    );

    let down = client.power_guest(vm, false).await.unwrap();
    assert_eq!(down.operation, "guest_shutdown");
    assert_eq!(ended(&client, down.id).await.state, TaskState::Done);
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_field_before_the_guest_is_asked() {
    let daemon = Daemon::start().await;
    let vm = running(&daemon, "web1").await;
    let asked = agent(&daemon, vm);
    let path = |rest: &str| format!("/api/v1/vms/{vm}/guest{rest}");
    for (rest, body, field) in [
        ("/exec", r#"{"path":""}"#, "path"),
        ("/exec", r#"{"path":"a","env":["x"]}"#, "env[0]"),
        ("/exec", r#"{"path":"a","input":"?"}"#, "input"),
        ("/exec", r#"{"path":"a","shell":true}"#, "shell"),
        (
            "/password",
            r#"{"username":"a","password":"a\nb"}"#,
            "password",
        ),
        ("/time", r#"{"time":"9000-01-01T00:00:00Z"}"#, "time"),
        (
            "/freeze",
            r#"{"mount_points":["\u0000"]}"#,
            "mount_points[0]",
        ),
    ] {
        let answer = daemon.send_local(ask("POST", &path(rest)).json(body)).await;
        assert_eq!(answer.status, 422, "{rest} {body}");
        assert_eq!(answer.problem().errors[0].field, field);
    }
    for (rest, field) in [
        ("/file", "path"),
        ("/file?path=", "path"),
        ("/file?path=/a&offset=-1", "offset"),
        ("/file?path=/a&length=262145", "length"),
        ("/exec/x", "pid"),
    ] {
        let answer = daemon.send_local(ask("GET", &path(rest))).await;
        assert_eq!(answer.status, 422, "{rest}");
        assert_eq!(answer.problem().errors[0].field, field);
    }
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_guest_without_an_agent_is_a_conflict_that_says_what_to_do() {
    let daemon = Daemon::start().await;
    let vm = running(&daemon, "web1").await;
    let path = format!("/api/v1/vms/{vm}/guest");
    let answer = daemon.send_local(ask("GET", &path)).await;
    assert_eq!(answer.status, 409);
    assert!(answer.problem().detail.contains("install qemu-guest-agent"));
    let nobody = "/api/v1/vms/00000000-0000-4000-8000-000000000000/guest";
    assert_eq!(daemon.send_local(ask("GET", nobody)).await.status, 404);
}

#[tokio::test]
async fn a_guest_is_looked_at_and_commanded_over_grpc() {
    let daemon = Daemon::start().await;
    let (operator, viewer) = (
        daemon.token(Role::Operator).await,
        daemon.token(Role::Viewer).await,
    );
    let id = running(&daemon, "web1").await;
    let vm = id.to_string();
    let asked = agent(&daemon, id);
    let mut client = GuestServiceClient::new(channel(&daemon).await);
    let get = v1::GetGuestRequest { vm: vm.clone() };
    let guest = client.get(authorized(&viewer, get)).await.unwrap();
    assert_eq!(guest.into_inner().agent_version, "10");
    let exec = v1::GuestExecRequest {
        vm: vm.clone(),
        path: "true".into(),
        ..v1::GuestExecRequest::default()
    };
    let refused = client.exec(authorized(&viewer, exec.clone())).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let started = client.exec(authorized(&operator, exec)).await.unwrap();
    let pid = started.into_inner().pid;
    let status = v1::GetGuestExecRequest {
        vm: vm.clone(),
        pid,
    };
    let status = client
        .get_exec(authorized(&operator, status))
        .await
        .unwrap();
    assert_eq!(status.into_inner().stdout, "out");
    let read = v1::ReadGuestFileRequest {
        vm: vm.clone(),
        path: "/a".into(),
        offset: 0,
        length: Some(3),
    };
    let read = client.read_file(authorized(&operator, read)).await.unwrap();
    assert_eq!(read.into_inner().data, "abc");
    let write = v1::WriteGuestFileRequest {
        vm: vm.clone(),
        path: "/a".into(),
        data: "abc".into(),
        append: false,
    };
    client
        .write_file(authorized(&operator, write))
        .await
        .unwrap();
    let freeze = v1::FreezeGuestRequest {
        vm: vm.clone(),
        mount_points: Vec::new(),
    };
    let frozen = client.freeze(authorized(&operator, freeze)).await.unwrap();
    assert_eq!(frozen.into_inner().filesystems, 2);
    let thaw = v1::ThawGuestRequest { vm: vm.clone() };
    client.thaw(authorized(&operator, thaw)).await.unwrap();
    let password = v1::SetGuestPasswordRequest {
        vm: vm.clone(),
        username: "root".into(),
        password: "a".into(),
        crypted: false,
    };
    client
        .set_password(authorized(&operator, password))
        .await
        .unwrap();
    let time = |time: &str| v1::SetGuestTimeRequest {
        vm: vm.clone(),
        time: Some(time.into()),
    };
    let wrong = client.set_time(authorized(&operator, time("noon"))).await;
    assert_eq!(wrong.unwrap_err().code(), Code::InvalidArgument);
    client
        .set_time(authorized(&operator, time("2026-01-01T00:00:00Z")))
        .await
        .unwrap();
    let ping = v1::PingGuestRequest { vm: vm.clone() };
    client.ping(authorized(&viewer, ping)).await.unwrap();
    let addresses = v1::ListGuestAddressesRequest { vm: vm.clone() };
    let addresses = client
        .list_addresses(authorized(&viewer, addresses))
        .await
        .unwrap();
    assert_eq!(
        addresses.into_inner().interfaces[0].addresses,
        ["192.0.2.7/24"]
    );
    let filesystems = v1::ListGuestFilesystemsRequest { vm: vm.clone() };
    let found = client
        .list_filesystems(authorized(&viewer, filesystems))
        .await
        .unwrap();
    assert_eq!(found.into_inner().filesystems[0].mount_point, "/");
    let trim = v1::TrimGuestRequest { vm: vm.clone() };
    let trim = client.trim(authorized(&operator, trim)).await.unwrap();
    assert_eq!(trim.into_inner().operation, "guest_trim");
    let reboot = v1::RebootGuestRequest { vm: vm.clone() };
    let reboot = client.reboot(authorized(&operator, reboot)).await.unwrap();
    assert_eq!(reboot.into_inner().operation, "guest_reboot");
    let down = v1::ShutdownGuestRequest { vm };
    let down = client.shutdown(authorized(&operator, down)).await.unwrap();
    assert_eq!(down.into_inner().operation, "guest_shutdown");
    assert!(asked.lock().unwrap().len() > 10);
}
