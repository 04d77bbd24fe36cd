//! Tasks over REST and gRPC.

use qx_api::client::PowerAction;
use qx_api::grpc::v1;
use qx_api::grpc::v1::task_service_client::TaskServiceClient;
use qx_api::rest::{EventType, Problem, Role, Task, TaskState, TaskStepState};
use qx_model::vm::VmId;
use tonic::Code;

use crate::grpc::{authorized, channel};
use crate::support::{Daemon, ask, eventually, wish};

async fn over(daemon: &Daemon, id: uuid::Uuid) -> Task {
    eventually("the task's end", async || {
        let task = daemon.local().task(id).await.unwrap();
        task.state.is_over().then_some(task)
    })
    .await
}

#[tokio::test]
async fn who_prefers_a_task_gets_one_at_once_and_its_url() {
    let daemon = Daemon::start().await;
    let body = r#"{"name":"web1","disks":[{"size_bytes":1048576}]}"#;
    let request = ask("POST", "/api/v1/vms")
        .with("prefer", "respond-async")
        .json(body);
    let answer = daemon.send_local(request).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let begun: Task = answer.json();
    assert_eq!(
        (
            begun.operation.as_str(),
            begun.target.name.as_str(),
            begun.log
        ),
        ("vm_create", "web1", None)
    );
    let url = answer.header("location").to_owned();
    assert_eq!(url, format!("/api/v1/tasks/{}", begun.id));
    let ended = over(&daemon, begun.id).await;
    assert_eq!((ended.state, ended.percent), (TaskState::Done, 100));
    assert!(
        ended
            .steps
            .iter()
            .all(|step| step.state == TaskStepState::Done)
    );
    assert_eq!(ended.log.unwrap()[0].text, "disk 1 of 1 is there");
    let vm = daemon
        .local()
        .vm(ended.target.id.parse().unwrap())
        .await
        .unwrap();
    assert_eq!(vm.name, "web1");
}

#[tokio::test]
async fn who_waits_gets_the_outcome_and_the_task_is_there_all_the_same() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("web1").await;
    daemon.local().start_vm(vm.id).await.unwrap();
    assert!(daemon.local().delete_vm(vm.id, false).await.is_err());
    let page = daemon.local().tasks(10).await.unwrap();
    let seen: Vec<(&str, TaskState)> = page
        .items
        .iter()
        .map(|task| (task.operation.as_str(), task.state))
        .collect();
    let expected = [
        ("vm_delete", TaskState::Failed),
        ("vm_start", TaskState::Done),
        ("vm_create", TaskState::Done),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_failed_task_has_the_problem_that_the_request_would_have_had() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("web1").await;
    daemon.local().start_vm(vm.id).await.unwrap();
    let path = format!("/api/v1/vms/{}", vm.id);
    let waited: Problem = daemon.send_local(ask("DELETE", &path)).await.problem();
    let begun = daemon.local().begin_delete_vm(vm.id, false).await.unwrap();
    let problem = over(&daemon, begun.id).await.problem.unwrap();
    assert_eq!(problem.request_id, begun.id.to_string());
    let expected = Problem {
        request_id: problem.request_id.clone(),
        ..waited
    };
    assert_eq!(problem, expected);
}

#[tokio::test]
async fn a_task_under_way_when_the_daemon_ended_is_told_as_interrupted() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("web1").await;
    daemon.fake.stick(VmId(vm.id));
    let begun = daemon
        .local()
        .begin_power_vm(vm.id, PowerAction::Start)
        .await
        .unwrap();
    eventually("its turn", async || {
        let task = daemon.local().task(begun.id).await.unwrap();
        (task.state == TaskState::Running).then_some(())
    })
    .await;
    let (node, files, stuck) = (daemon.node, daemon.files, daemon.fake);
    node.stop().await.unwrap();
    let daemon = Daemon::again(files).await;
    let task = daemon.local().task(begun.id).await.unwrap();
    assert_eq!(task.state, TaskState::Interrupted);
    assert!(task.ended_at.is_some());
    let problem = task.problem.unwrap();
    assert_eq!(problem.status, 503);
    assert!(problem.detail.contains("stopped while this was under way"));
    // The runtime waits for its threads.
    stuck.free(VmId(vm.id));
}

#[tokio::test]
async fn each_change_of_a_task_is_an_event_without_its_log() {
    let daemon = Daemon::start().await;
    let mut events = daemon.local().events(None).await.unwrap();
    let begun = daemon.local().begin_create_vm(&wish("web1")).await.unwrap();
    let mut states = Vec::new();
    while states.last() != Some(&TaskState::Done) {
        let event = events.next().await.unwrap().unwrap();
        if event.kind != EventType::TaskChanged {
            continue;
        }
        let task = event.task.unwrap();
        assert_eq!((task.id, task.log), (begun.id, None));
        states.push(task.state);
    }
    states.dedup();
    assert_eq!(
        states,
        [TaskState::Waiting, TaskState::Running, TaskState::Done]
    );
}

#[tokio::test]
async fn tasks_come_in_pages_newest_first() {
    let daemon = Daemon::start().await;
    for name in ["a", "b", "c"] {
        daemon.vm(name).await;
    }
    let mut names = Vec::new();
    let mut path = "/api/v1/tasks?limit=2".to_owned();
    loop {
        let page: qx_api::rest::TaskPage = daemon.send_local(ask("GET", &path)).await.json();
        names.extend(page.items.into_iter().map(|task| task.target.name));
        match page.next {
            Some(next) => path = format!("/api/v1/tasks?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["c", "b", "a"]);
}

#[tokio::test]
async fn tasks_are_listed_watched_and_cancelled_over_grpc() {
    let daemon = Daemon::start().await;
    let operator = daemon.token(Role::Operator).await;
    let mut client = TaskServiceClient::new(channel(&daemon).await);
    let watch = authorized(&operator, v1::WatchTasksRequest {});
    let mut watched = client.watch(watch).await.unwrap().into_inner();
    let vm = daemon.vm("web1").await;
    let first = watched.message().await.unwrap().unwrap();
    assert_eq!(
        (first.operation.as_str(), first.state()),
        ("vm_create", v1::TaskState::Waiting)
    );
    assert_eq!(first.target.unwrap().id, vm.id.to_string());

    let list = authorized(&operator, v1::ListTasksRequest::default());
    let listed = client.list(list).await.unwrap().into_inner();
    assert_eq!((listed.tasks.len(), listed.next.as_str()), (1, ""));
    assert_eq!(listed.tasks[0].state(), v1::TaskState::Done);

    let id = first.id;
    let get = authorized(&operator, v1::GetTaskRequest { id: id.clone() });
    assert_eq!(client.get(get).await.unwrap().into_inner().percent, 100);
    let cancel = authorized(&operator, v1::CancelTaskRequest { id: id.clone() });
    let refused = client.cancel(cancel).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("the task is over"), "{refused}");
    let viewer = daemon.token(Role::Viewer).await;
    let cancel = authorized(&viewer, v1::CancelTaskRequest { id });
    let refused = client.cancel(cancel).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}
