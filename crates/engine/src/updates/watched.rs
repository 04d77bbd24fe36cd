//! How far the writing of a slot is, told to whoever looks at updates and to whoever looks at tasks.

use std::sync::Arc;

use qx_host::update::{Progress, StageError};
use qx_slots::Manifest;

use super::transfer::{Shown, TransferState, refusal, sentence};
use crate::error::{Error, Result};
use crate::tasks::Running;

/// Steps of the task, see [`Watched::at`].
pub(super) const STEPS: &[(&str, u32)] = &[("write", 1), ("read back", 1)];

/// Where the progress of a transfer goes.
pub(super) struct Watched {
    shown: Shown,
    task: Arc<Running>,
    reading_back: bool,
}

impl Watched {
    pub(super) fn new(shown: Shown, task: Arc<Running>) -> Self {
        // Nobody can have cancelled it: it is not known yet.
        let _ = task.begin();
        task.step(0);
        Self {
            shown,
            task,
            reading_back: false,
        }
    }

    pub(super) fn end(&self, error: Option<&StageError>) {
        self.shown.set(|transfer| match error {
            None => {
                transfer.state = TransferState::Done;
                transfer.percent = 100;
            }
            Some(error) => {
                transfer.state = TransferState::Failed;
                transfer.problem = Some(sentence(error));
            }
        });
        let outcome: Result<()> = match error {
            None => Ok(()),
            // What was cut off ends with an error, which says nothing new.
            Some(_) if self.task.check().is_err() => Err(Error::Cancelled),
            Some(error) => Err(refusal(error)),
        };
        self.task.end(&outcome);
    }
}

impl Progress for Watched {
    fn warns(&mut self, problem: &dyn std::error::Error) {
        let problem = sentence(problem);
        tracing::warn!(problem, "an update goes on without this");
        self.task
            .note(format!("it goes on without this: {problem}"));
    }

    fn begins(&mut self, manifest: &Manifest, bytes: u64) {
        self.shown.set(|transfer| {
            transfer.version = Some(manifest.version.clone());
            transfer.total_bytes = Some(bytes);
        });
        self.task
            .note(format!("version {} of {bytes} bytes", manifest.version));
    }

    fn at(&mut self, written: u64, read_back: u64, of: u64) {
        let percent = (written + read_back) * 50 / of.max(1);
        self.shown.set(|transfer| {
            transfer.percent = u8::try_from(percent).unwrap_or(100).min(99);
            if read_back > 0 {
                transfer.state = TransferState::Verifying;
            }
        });
        if read_back > 0 && !self.reading_back {
            self.reading_back = true;
            self.task.step(1);
            // One that was cancelled just now is read back, and then taken out of the slot.
            let _ = self
                .task
                .no_way_back("it is written, and being read back: discard the update afterwards");
        }
        self.task
            .progress(if read_back > 0 { read_back } else { written }, of);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use qx_model::access::{Actor, Operation, Role};
    use qx_model::task::{Cancel, StepState, TaskState};
    use qx_slots::SlotName;
    use uuid::Uuid;

    use super::*;
    use crate::audit::Audit;
    use crate::events::Events;
    use crate::store::Store;
    use crate::tasks::{Plan, Target, Task, Tasks};
    use crate::updates::transfer::{Transfer, TransferSource};

    struct Bench {
        tasks: Tasks,
        watched: Watched,
        id: Uuid,
        _files: tempfile::TempDir,
    }

    fn admin() -> Actor {
        Actor {
            name: "admin".into(),
            role: Role::Admin,
            origin: "local".into(),
        }
    }

    impl Bench {
        async fn new() -> Self {
            let files = tempfile::tempdir().unwrap();
            let store = Store::open(&files.path().join("quantix.db")).unwrap();
            let events = Events::new();
            let tasks = Tasks::load(store.clone(), events.clone(), Audit::new(store));
            let tasks = tasks.await.unwrap();
            let plan = Plan {
                operation: Operation::UpdateFetch,
                target: Target::system(),
                steps: STEPS,
                cancel: Cancel::Possible,
            };
            let (task, _) = tasks.open(&admin(), plan);
            let id = task.id();
            let now = Some(Transfer::new(TransferSource::Feed, id));
            let shown = Shown {
                now: Arc::new(Mutex::new(now)),
                events,
            };
            Self {
                tasks,
                watched: Watched::new(shown, Arc::new(task)),
                id,
                _files: files,
            }
        }

        async fn task(&self) -> Task {
            self.tasks.get(&admin(), self.id).await.unwrap().0
        }
    }

    fn cut_off() -> StageError {
        StageError::Slot {
            slot: SlotName::B,
            source: io::Error::other("it was cut off"),
        }
    }

    #[tokio::test]
    async fn a_slot_is_written_and_read_back_half_of_the_task_each() {
        let mut bench = Bench::new().await;
        bench.watched.at(50, 0, 100);
        assert_eq!(bench.task().await.course.percent(), 25);
        bench.watched.at(100, 50, 100);
        let reading = bench.task().await;
        assert_eq!(reading.course.percent(), 75);
        assert_eq!(reading.course.steps[0].state, StepState::Done);
        let refused = bench.tasks.cancel(&admin(), bench.id).await.unwrap_err();
        assert!(refused.to_string().contains("being read back"), "{refused}");
        bench.watched.end(None);
        assert_eq!(bench.task().await.course.state, TaskState::Done);
        let shown = bench.watched.shown.lock().clone().unwrap();
        assert_eq!((shown.state, shown.percent), (TransferState::Done, 100));
    }

    #[tokio::test]
    async fn what_was_cut_off_by_a_cancel_is_cancelled_and_by_a_fault_failed() {
        let bench = Bench::new().await;
        bench.tasks.cancel(&admin(), bench.id).await.unwrap();
        bench.watched.end(Some(&cut_off()));
        let task = bench.task().await;
        assert_eq!(
            (task.course.state, task.problem),
            (TaskState::Cancelled, None)
        );

        let bench = Bench::new().await;
        bench.watched.end(Some(&cut_off()));
        let task = bench.task().await;
        assert_eq!(task.course.state, TaskState::Failed);
        let told = task.problem.unwrap().detail;
        assert!(
            told.contains("slot B cannot be written now: it was cut off"),
            "{told}"
        );
    }

    #[tokio::test]
    async fn what_was_discarded_while_it_was_read_back_and_then_failed_says_why() {
        let mut bench = Bench::new().await;
        bench.watched.at(100, 1, 100);
        bench.watched.task.withdraw();
        bench.watched.end(Some(&cut_off()));
        let task = bench.task().await;
        assert_eq!(task.course.state, TaskState::Failed);
        assert!(task.problem.unwrap().detail.contains("was cancelled"));
    }
}
