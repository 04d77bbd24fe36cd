//! What holds for tasks whatever their work is.

use qx_model::access::Role;
use qx_model::task::{Cancel, TaskState};

use super::*;

fn actor(role: Role) -> Actor {
    Actor {
        name: role.name().into(),
        role,
        origin: "local".into(),
    }
}

async fn load(directory: &std::path::Path) -> Tasks {
    let store = Store::open(&directory.join("quantix.db")).unwrap();
    let audit = Audit::new(store.clone());
    Tasks::load(store, Events::new(), audit).await.unwrap()
}

fn open(tasks: &Tasks, operation: Operation) -> Running {
    let plan = Plan {
        operation,
        target: Target::system(),
        steps: &[("write", 1)],
        cancel: Cancel::Possible,
    };
    tasks.open(&actor(Role::Admin), plan).0
}

#[tokio::test]
async fn a_task_that_the_daemon_left_behind_is_interrupted_and_one_that_was_over_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let admin = actor(Role::Admin);
    let tasks = load(directory.path()).await;
    let done = open(&tasks, Operation::UpdateCheck);
    done.begin().unwrap();
    done.end(&Ok(()));
    let left = open(&tasks, Operation::UpdateFetch);
    left.begin().unwrap();
    left.note("half of it is there");
    // What is kept is what was posted before this.
    assert_eq!(tasks.list(&admin, None, 10).await.unwrap().items.len(), 2);

    let again = load(directory.path()).await;
    let (task, log) = again.get(&admin, left.id()).await.unwrap();
    assert_eq!(task.course.state, TaskState::Interrupted);
    assert!(task.ended_at.is_some());
    let told = task.problem.unwrap().detail;
    assert!(told.contains("stopped while this was under way"), "{told}");
    assert_eq!(log[0].text, "half of it is there");
    let (task, _) = again.get(&admin, done.id()).await.unwrap();
    assert_eq!((task.course.state, task.problem), (TaskState::Done, None));
}

#[tokio::test]
async fn who_may_not_do_a_thing_may_not_cancel_it() {
    let directory = tempfile::tempdir().unwrap();
    let tasks = load(directory.path()).await;
    let update = open(&tasks, Operation::UpdateFetch);
    for role in [Role::Viewer, Role::Operator] {
        let refused = tasks.cancel(&actor(role), update.id()).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{role:?}");
        assert!(update.check().is_ok());
    }
    let image = open(&tasks, Operation::ImageUpload);
    let cancelled = tasks.cancel(&actor(Role::Operator), image.id()).await;
    assert_eq!(cancelled.unwrap().course.state, TaskState::Cancelling);
    assert!(matches!(image.check(), Err(Error::Cancelled)));
    tasks
        .cancel(&actor(Role::Admin), update.id())
        .await
        .unwrap();
    assert!(update.stopped().await);
}

#[tokio::test]
async fn old_tasks_are_forgotten_and_those_under_way_never() {
    let directory = tempfile::tempdir().unwrap();
    let tasks = load(directory.path()).await;
    let first = open(&tasks, Operation::UpdateFetch);
    let oldest = open(&tasks, Operation::UpdateCheck).id();
    for _ in 0..1001 {
        drop(open(&tasks, Operation::UpdateCheck));
    }
    let admin = actor(Role::Admin);
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = tasks.list(&admin, before, 400).await.unwrap();
        seen.extend(page.items);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 1001);
    assert_eq!(seen.last().unwrap().id, first.id());
    let gone = tasks.get(&admin, oldest).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn work_that_vanishes_has_failed_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let tasks = load(directory.path()).await;
    let task = open(&tasks, Operation::ImageUpload);
    let id = task.id();
    drop(task);
    let (task, _) = tasks.get(&actor(Role::Viewer), id).await.unwrap();
    assert_eq!(task.course.state, TaskState::Failed);
    assert!(task.problem.unwrap().detail.contains("given up half-way"));
}

#[tokio::test]
async fn a_cancel_that_comes_after_the_point_of_no_return_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let tasks = load(directory.path()).await;
    let task = open(&tasks, Operation::ImageUpload);
    task.no_way_back("it is being checked").unwrap();
    let refused = tasks.cancel(&actor(Role::Admin), task.id()).await;
    let Err(Error::Conflict { reason, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(reason, "it is being checked");
    assert!(task.check().is_ok());
    task.end(&Ok(()));
    let refused = tasks.cancel(&actor(Role::Admin), task.id()).await;
    assert!(refused.unwrap_err().to_string().contains("is over"));
}

#[tokio::test]
async fn a_log_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let tasks = load(directory.path()).await;
    let task = open(&tasks, Operation::ImageUpload);
    for _ in 0..200 {
        task.note("ä".repeat(1000));
    }
    let (_, log) = tasks.get(&actor(Role::Viewer), task.id()).await.unwrap();
    assert_eq!(log.len(), 100);
    assert_eq!(log[99].text.chars().count(), 300);
}
