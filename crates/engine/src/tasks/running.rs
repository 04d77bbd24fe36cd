//! A task from the side of the work: what it reports, and how it learns that it is to stop.

use std::time::Instant;

use qx_model::access::{Actor, Operation};
use qx_model::task::{Cancel, Course, TaskEnd, TaskEvent, TaskState};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{Live, LogLine, PERCENT_EVERY, Stop, Target, Task, Tasks, kept, timestamp};
use crate::error::{Error, Result};
use crate::told::{Told, ToldKind};

/// Notes kept of one task; later ones fall away.
const MOST_NOTES: usize = 100;
/// Longest note, in characters.
const LONGEST_NOTE: usize = 300;

/// What is going to be done.
pub(crate) struct Plan<'a> {
    /// What was asked for.
    pub(crate) operation: Operation,
    /// What it is about.
    pub(crate) target: Target,
    /// Names of the steps, and how much of the whole each is.
    pub(crate) steps: &'a [(&'a str, u32)],
    /// Whether it can be cancelled at first.
    pub(crate) cancel: Cancel,
}

impl Plan<'_> {
    /// For work that can't be cancelled.
    pub(crate) fn never(reason: &str) -> Cancel {
        Cancel::Impossible(reason.to_owned())
    }
}

/// Work that goes on whether or not its outcome is waited for.
pub struct Started<T> {
    /// As it was when it began.
    pub task: Task,
    outcome: JoinHandle<Result<T>>,
}

impl<T> Started<T> {
    pub(crate) const fn new(task: Task, outcome: JoinHandle<Result<T>>) -> Self {
        Self { task, outcome }
    }

    /// Waits for its end. The work goes on when nobody does.
    ///
    /// # Errors
    /// What the work failed with.
    pub async fn outcome(self) -> Result<T> {
        let outcome = self.outcome.await;
        outcome.map_err(|error| Error::internal("a task did not come back", error))?
    }
}

/// A task under way, held by its work. Dropped without an end, the task has failed.
pub(crate) struct Running {
    tasks: Tasks,
    id: Uuid,
    stop: watch::Receiver<Stop>,
}

impl Tasks {
    /// A new task, which waits for its turn.
    pub(crate) fn open(&self, actor: &Actor, plan: Plan<'_>) -> (Running, Task) {
        let task = Task {
            id: Uuid::new_v4(),
            operation: plan.operation.name().to_owned(),
            target: plan.target,
            actor: actor.name.clone(),
            course: Course::new(plan.steps, plan.cancel),
            created_at: timestamp(),
            started_at: None,
            ended_at: None,
            problem: None,
        };
        let (sender, stop) = watch::channel(Stop::No);
        let mut now = Live {
            told: (task.course.clone(), Instant::now()),
            task: task.clone(),
            log: Vec::new(),
            stop: sender,
        };
        self.say(&mut now);
        self.live().insert(task.id, now);
        let running = Running {
            tasks: self.clone(),
            id: task.id,
            stop,
        };
        (running, task)
    }
}

impl Running {
    /// Its turn has come.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if somebody cancelled it meanwhile.
    pub(crate) fn begin(&self) -> Result<()> {
        self.check()?;
        self.change(|now| {
            now.task.started_at = Some(timestamp());
            now.apply(TaskEvent::Begin);
        });
        Ok(())
    }

    /// The step with this number begins.
    pub(crate) fn step(&self, number: usize) {
        self.change(|now| now.apply(TaskEvent::Step(number)));
    }

    /// So much of the present step is done. Told now and then only.
    pub(crate) fn progress(&self, done: u64, of: u64) {
        let mut live = self.tasks.live();
        let Some(now) = live.get_mut(&self.id) else {
            return;
        };
        now.apply(TaskEvent::Progress { done, of });
        let (told, when) = &now.told;
        if told.percent() != now.task.course.percent() && when.elapsed() >= PERCENT_EVERY {
            self.tasks.tell(now);
        }
    }

    /// Something that is worth knowing later.
    pub(crate) fn note(&self, text: impl Into<String>) {
        self.change(|now| now.note(text.into()));
    }

    /// From now on it goes to its end, whoever asks it to stop.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if somebody did before.
    pub(crate) fn no_way_back(&self, reason: &str) -> Result<()> {
        let mut live = self.tasks.live();
        // Looked at under the lock that a cancel takes.
        self.check()?;
        if let Some(now) = live.get_mut(&self.id) {
            now.apply(TaskEvent::Cancellable(Cancel::Impossible(
                reason.to_owned(),
            )));
            self.tasks.say(now);
        }
        Ok(())
    }

    /// # Errors
    /// [`Error::Cancelled`] if somebody asked it to stop.
    pub(crate) fn check(&self) -> Result<()> {
        match *self.stop.borrow() {
            Stop::No => Ok(()),
            Stop::Asked | Stop::Withdrawn => Err(Error::Cancelled),
        }
    }

    /// True when somebody asks it to stop, false when it is over.
    pub(crate) fn stopped(&self) -> impl Future<Output = bool> + Send + use<> {
        let mut stop = self.stop.clone();
        async move { stop.wait_for(|stop| *stop == Stop::Asked).await.is_ok() }
    }

    /// It is to stop because what it works for was withdrawn.
    pub(crate) fn withdraw(&self) {
        let mut live = self.tasks.live();
        if let Some(now) = live.get_mut(&self.id) {
            now.apply(TaskEvent::Cancel);
            now.stop.send_replace(Stop::Withdrawn);
            self.tasks.say(now);
        }
    }

    /// Its name for life.
    pub(crate) const fn id(&self) -> Uuid {
        self.id
    }

    /// It is over.
    pub(crate) fn end<T>(&self, outcome: &Result<T>) {
        match outcome {
            Ok(_) => self.finish(TaskEnd::Done, None),
            Err(Error::Cancelled) => self.finish(TaskEnd::GaveUp, None),
            Err(error) => self.fail(error),
        }
    }

    /// It failed.
    pub(crate) fn fail(&self, error: &Error) {
        if let Error::Internal { context, source } = error {
            tracing::error!(request_id = %self.id, cause = %source, context, "a task failed");
        }
        self.finish(TaskEnd::Failed, Some(error.told()));
    }

    fn change(&self, change: impl FnOnce(&mut Live)) {
        let mut live = self.tasks.live();
        if let Some(now) = live.get_mut(&self.id) {
            change(now);
            self.tasks.say(now);
        }
    }

    fn finish(&self, end: TaskEnd, problem: Option<Told>) {
        let mut live = self.tasks.live();
        let Some(mut now) = live.remove(&self.id) else {
            return;
        };
        now.task.ended_at = Some(timestamp());
        now.apply(TaskEvent::End(end));
        let failed = now.task.course.state == TaskState::Failed;
        // What was withdrawn when it could no longer be cancelled has failed for that reason.
        let withdrawn = || Error::Cancelled.told();
        now.task.problem = problem.or_else(|| failed.then(withdrawn));
        // Under the lock: whoever asks finds it there or in the store, whose jobs come in order.
        self.tasks.say(&mut now);
        kept::prune(&self.tasks.inner.store);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let detail = "its work was given up half-way: whoever sent the data went away, or the daemon is stopping; \
                      look at what is there, and ask again";
        self.finish(
            TaskEnd::Failed,
            Some(Told::new(ToldKind::Unavailable, detail)),
        );
    }
}

impl Live {
    pub(super) fn apply(&mut self, event: TaskEvent) {
        self.task.course = self.task.course.clone().next(event);
    }

    pub(super) fn note(&mut self, text: String) {
        if self.log.len() < MOST_NOTES {
            self.log.push(LogLine {
                time: timestamp(),
                text: text.chars().take(LONGEST_NOTE).collect(),
            });
        }
    }
}
