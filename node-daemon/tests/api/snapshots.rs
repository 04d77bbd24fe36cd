//! Snapshots over REST and gRPC.

use qx_api::client::Client;
use qx_api::grpc::v1;
use qx_api::grpc::v1::snapshot_service_client::SnapshotServiceClient;
use qx_api::rest::{
    EventType, Problem, RevertTo, Role, SnapshotCreate, SnapshotRevert, Task, TaskState, VmState,
};
use tonic::Code;

use crate::grpc::{authorized, channel};
use crate::support::{Daemon, ask, eventually, not_of_tasks};

async fn done(client: &Client, task: Task) -> Task {
    eventually("the task's end", async || {
        let task = client.task(task.id).await.unwrap();
        task.state.is_over().then_some(task)
    })
    .await
}

fn wish(name: &str, memory: bool) -> SnapshotCreate {
    SnapshotCreate {
        name: name.into(),
        description: "before".into(),
        memory,
    }
}

#[tokio::test]
async fn a_snapshot_is_taken_reverted_to_and_forgotten_as_tasks() {
    let daemon = Daemon::start().await;
    let client = daemon.remote(&daemon.token(Role::Operator).await);
    let vm = daemon.vm("web1").await;
    client.start_vm(vm.id).await.unwrap();
    let mut events = client.events(None).await.unwrap();
    let begun = client.take_snapshot(vm.id, &wish("m", true)).await.unwrap();
    let taken = done(&client, begun).await;
    assert_eq!(
        (taken.state, taken.operation.as_str()),
        (TaskState::Done, "snapshot_create")
    );
    let event = not_of_tasks(&mut events).await;
    assert_eq!(
        (event.kind, event.vm_id),
        (EventType::SnapshotsChanged, Some(vm.id))
    );
    let seen = client.snapshots(vm.id).await.unwrap().remove(0);
    assert_eq!(
        (seen.name.as_str(), seen.description.as_str()),
        ("m", "before")
    );
    assert!(seen.memory && seen.current && seen.parent.is_none());

    let to = SnapshotRevert { to: RevertTo::Off };
    let begun = client.revert_snapshot(vm.id, "m", &to).await.unwrap();
    assert_eq!(done(&client, begun).await.state, TaskState::Done);
    assert_eq!(client.vm(vm.id).await.unwrap().state, VmState::Off);
    let begun = client.delete_snapshot(vm.id, "m", false).await.unwrap();
    assert_eq!(done(&client, begun).await.state, TaskState::Done);
    assert!(client.snapshots(vm.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_wrong_is_refused_at_once_and_what_does_not_fit_in_the_task() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let vm = daemon.vm("web1").await;
    let path = format!("/api/v1/vms/{}/snapshots", vm.id);
    for (body, field) in [
        (r#"{"name":"a/b","memory":false}"#, "name"),
        (r#"{"name":"","memory":false}"#, "name"),
        (r#"{"name":"a"}"#, "memory"),
        (r#"{"name":"a","memory":false,"disk":"vda"}"#, "disk"),
    ] {
        let answer = daemon.send_local(ask("POST", &path).json(body)).await;
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(answer.problem().errors[0].field, field);
    }
    let nobody = "/api/v1/vms/00000000-0000-4000-8000-000000000000/snapshots";
    let body = r#"{"name":"a","memory":false}"#;
    let answer = daemon.send_local(ask("POST", nobody).json(body)).await;
    assert_eq!(answer.status, 404);
    let listed = daemon.send_local(ask("GET", nobody)).await;
    assert_eq!(listed.status, 404);

    let begun = client.take_snapshot(vm.id, &wish("m", true)).await.unwrap();
    let problem: Problem = done(&client, begun).await.problem.unwrap();
    assert_eq!(problem.status, 409);
    assert!(
        problem.detail.contains("has no memory to keep"),
        "{}",
        problem.detail
    );
    let revert = SnapshotRevert::default();
    let begun = client.revert_snapshot(vm.id, "a b", &revert).await.unwrap();
    let problem = done(&client, begun).await.problem.unwrap();
    assert_eq!(
        (problem.status, problem.detail.as_str()),
        (404, "snapshot a b does not exist")
    );
}

#[tokio::test]
async fn a_list_of_vms_says_nothing_of_snapshots() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let vm = daemon.vm("web1").await;
    let begun = client
        .take_snapshot(vm.id, &wish("only-here", false))
        .await
        .unwrap();
    done(&client, begun).await;
    let listed = daemon.send_local(ask("GET", "/api/v1/vms")).await;
    let text = String::from_utf8(listed.body.to_vec()).unwrap();
    assert!(
        text.contains("web1") && !text.contains("only-here"),
        "{text}"
    );
}

#[tokio::test]
async fn snapshots_are_taken_listed_and_deleted_over_grpc() {
    let daemon = Daemon::start().await;
    let operator = daemon.token(Role::Operator).await;
    let mut client = SnapshotServiceClient::new(channel(&daemon).await);
    let vm = daemon.vm("web1").await.id.to_string();
    let create = v1::CreateSnapshotRequest {
        vm: vm.clone(),
        name: "a".into(),
        description: String::new(),
        memory: false,
    };
    let refused = authorized(&daemon.token(Role::Viewer).await, create.clone());
    let refused = client.create(refused).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let begun = client.create(authorized(&operator, create)).await.unwrap();
    assert_eq!(begun.into_inner().operation, "snapshot_create");
    let list = v1::ListSnapshotsRequest { vm: vm.clone() };
    eventually("the snapshot", async || {
        let listed = client
            .clone()
            .list(authorized(&operator, list.clone()))
            .await;
        let listed = listed.unwrap().into_inner().snapshots;
        (listed.len() == 1 && listed[0].name == "a").then_some(())
    })
    .await;
    let revert = v1::RevertSnapshotRequest {
        vm: vm.clone(),
        name: "a".into(),
        to: v1::RevertTo::Running.into(),
    };
    client.revert(authorized(&operator, revert)).await.unwrap();
    let delete = v1::DeleteSnapshotRequest {
        vm: vm.clone(),
        name: "a".into(),
        children: false,
    };
    client.delete(authorized(&operator, delete)).await.unwrap();
    eventually("its end", async || {
        let listed = client
            .clone()
            .list(authorized(&operator, list.clone()))
            .await;
        listed
            .unwrap()
            .into_inner()
            .snapshots
            .is_empty()
            .then_some(())
    })
    .await;
    let id = vm.parse().unwrap();
    assert_eq!(daemon.local().vm(id).await.unwrap().state, VmState::Running);
}
