//! Long work as tasks: what is told of it, and what a cancel does.

use futures_util::StreamExt;
use qx_engine::events::EventKind;
use qx_engine::tasks::Task;
use qx_model::task::{StepState, TaskState};
use qx_model::vm::PowerAction;

use super::*;

async fn task(bench: &Bench, id: uuid::Uuid) -> Task {
    bench.engine.tasks.get(&viewer(), id).await.unwrap().0
}

async fn over(bench: &Bench, id: uuid::Uuid) -> Task {
    eventually("the task's end", async || {
        task(bench, id).await.course.state.is_over()
    })
    .await;
    task(bench, id).await
}

async fn newest(bench: &Bench) -> Task {
    let page = bench.engine.tasks.list(&viewer(), None, 1).await.unwrap();
    page.items.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_a_vm_is_told_from_the_wish_to_the_end() {
    let bench = Bench::new().await;
    let (_, mut live) = bench.engine.events.subscribe(&viewer(), None).unwrap();
    let mut wish = spec("web1");
    wish.disks = vec![blank(1 << 30), blank(1 << 30)];
    bench.engine.vms.create(&admin(), wish).await.unwrap();
    let mut told: Vec<Arc<Task>> = Vec::new();
    while let Ok(event) = live.try_recv() {
        if let EventKind::TaskChanged(task) = event.kind {
            told.push(task);
        }
    }
    let first = told.first().unwrap();
    assert_eq!(first.course.state, TaskState::Waiting);
    assert_eq!(
        (first.target.kind.as_str(), first.target.name.as_str()),
        ("vm", "web1")
    );
    let percents: Vec<u8> = told.iter().map(|task| task.course.percent()).collect();
    assert!(percents.is_sorted(), "{percents:?}");
    assert_eq!((percents[0], percents.last()), (0, Some(&100)));
    let (kept, log) = bench.engine.tasks.get(&viewer(), first.id).await.unwrap();
    assert_eq!(&kept, told.last().unwrap().as_ref());
    assert_eq!(kept.actor, "admin");
    assert!(kept.created_at <= kept.started_at.unwrap() && kept.started_at <= kept.ended_at);
    let texts: Vec<&str> = log.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["disk 1 of 2 is there", "disk 2 of 2 is there"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_is_cancelled_leaves_nothing_behind() {
    let bench = Bench::new().await;
    let mut wish = spec("web1");
    wish.disks = vec![blank(1 << 30)];
    // Its first call hangs until it is freed.
    bench.fake.stick(wish.id);
    let id = wish.id;
    let started = bench.engine.vms.begin_create(&admin(), wish).await.unwrap();
    eventually("its turn", async || {
        task(&bench, started.task.id).await.course.state == TaskState::Running
    })
    .await;
    bench
        .engine
        .tasks
        .cancel(&admin(), started.task.id)
        .await
        .unwrap();
    let now = task(&bench, started.task.id).await;
    assert_eq!(now.course.state, TaskState::Cancelling);
    bench.fake.free(id);
    let ended = over(&bench, started.task.id).await;
    assert_eq!(
        (ended.course.state, ended.problem),
        (TaskState::Cancelled, None)
    );
    assert!(matches!(started.outcome().await, Err(Error::Cancelled)));
    assert!(bench.fake.disks().is_empty());
    assert!(matches!(
        bench.engine.vms.get(&admin(), id).await,
        Err(Error::NotFound { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_waits_for_its_turn_ends_at_once_when_it_is_cancelled() {
    let bench = Bench::new().await;
    let wish = spec("web1");
    let id = wish.id;
    bench
        .engine
        .vms
        .create(&admin(), wish.clone())
        .await
        .unwrap();
    bench.fake.stick(id);
    let vms = &bench.engine.vms;
    let first = vms
        .begin_power(&admin(), id, PowerAction::Start)
        .await
        .unwrap();
    eventually("the first one's turn", async || {
        task(&bench, first.task.id).await.course.state == TaskState::Running
    })
    .await;
    let refused = bench.engine.tasks.cancel(&admin(), first.task.id).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );
    let second = vms.begin_create(&admin(), wish).await.unwrap();
    assert_eq!(
        task(&bench, second.task.id).await.course.state,
        TaskState::Waiting
    );
    bench
        .engine
        .tasks
        .cancel(&admin(), second.task.id)
        .await
        .unwrap();
    let ended = over(&bench, second.task.id).await;
    assert_eq!(ended.course.state, TaskState::Cancelled);
    assert_eq!(ended.started_at, None);
    // Not because the first one was over.
    assert_eq!(
        task(&bench, first.task.id).await.course.state,
        TaskState::Running
    );
    bench.fake.free(id);
    first.outcome().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_failed_says_what_the_request_would_have_been_told() {
    let bench = Bench::new().await;
    let wish = spec("web1");
    let id = wish.id;
    let vms = &bench.engine.vms;
    vms.create(&admin(), wish).await.unwrap();
    vms.start(&admin(), id).await.unwrap();
    let started = vms.begin_delete(&admin(), id, true).await.unwrap();
    let ended = over(&bench, started.task.id).await;
    let error = started.outcome().await.unwrap_err();
    assert_eq!(ended.problem, Some(error.told()));
    let states: Vec<StepState> = ended.course.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Stopped, StepState::Waiting]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_is_wrong_is_refused_before_it_becomes_a_task() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let mut wish = spec("web1");
    wish.disks = vec![copy_of("absent.qcow2")];
    let refused = vms.begin_create(&admin(), wish).await.map(drop);
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let refused = vms
        .begin_delete(&admin(), VmId::random(), true)
        .await
        .map(drop);
    assert!(
        matches!(refused, Err(Error::NotFound { .. })),
        "{refused:?}"
    );
    let page = bench.engine.tasks.list(&viewer(), None, 10).await.unwrap();
    assert!(page.items.is_empty());
    let recorded = bench.engine.audit.list(&admin(), None, 10).await.unwrap().0;
    assert_eq!(recorded.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_plugged_in_and_out_is_two_tasks() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let wish = spec("web1");
    let id = wish.id;
    vms.create(&admin(), wish).await.unwrap();
    let limits = qx_model::device::DiskLimits::default();
    let attached = vms
        .begin_attach_disk(&admin(), id, blank(1 << 20), limits)
        .await;
    let vm = attached.unwrap().outcome().await.unwrap();
    assert_eq!(vm.disks.len(), 1);
    let detached = vms
        .begin_detach_disk(&admin(), id, "vdz".into(), false)
        .await
        .unwrap();
    let ended = over(&bench, detached.task.id).await;
    assert_eq!(ended.operation, "vm_disk");
    assert_eq!(ended.course.state, TaskState::Failed);
    assert!(ended.problem.unwrap().detail.contains("vdz"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_shows_how_far_it_is_and_can_be_cancelled_by_others() {
    let bench = Bench::new().await;
    let (sender, pieces) = tokio::sync::mpsc::channel(1);
    let body = stream::unfold(pieces, |mut pieces| async {
        let piece: Option<Bytes> = pieces.recv().await;
        piece.map(|piece| (Ok(piece), pieces))
    })
    .boxed();
    let images = bench.engine.images.clone();
    let announced = Announced {
        size: Some(2000),
        ..Announced::default()
    };
    let uploading = tokio::spawn(async move {
        images
            .upload(&admin(), "a.img".parse().unwrap(), body, announced)
            .await
    });
    sender.send(Bytes::from(vec![0; 1000])).await.unwrap();
    eventually("half of it", async || {
        let page = bench.engine.tasks.list(&viewer(), None, 1).await.unwrap();
        page.items
            .first()
            .is_some_and(|task| task.course.percent() == 45)
    })
    .await;
    let id = newest(&bench).await.id;
    bench.engine.tasks.cancel(&admin(), id).await.unwrap();
    assert!(matches!(uploading.await.unwrap(), Err(Error::Cancelled)));
    assert_eq!(task(&bench, id).await.course.state, TaskState::Cancelled);
    assert!(
        bench
            .engine
            .images
            .list(&viewer())
            .await
            .unwrap()
            .is_empty()
    );
    let left = std::fs::read_dir(bench.data.path().join("uploads")).unwrap();
    assert_eq!(left.count(), 0);
}
