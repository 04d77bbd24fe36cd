//! The course of a task: work that takes its time, from the moment it was asked for until it ended. Pure: what
//! happens goes in, the next course comes out.
//!
//! ```text
//!              begin              ended well
//!  Waiting ───────────▶ Running ──────────────▶ Done
//!     │                  │   │  ended badly
//!     │                  │   └────────────────▶ Failed
//!     │ cancel           │ cancel
//!     │                  ▼          gave up
//!     └─────────────▶ Cancelling ─────────────▶ Cancelled
//!                        └─ too late ─────────▶ Done, or Failed
//!
//!  Waiting, Running, Cancelling ── the daemon ended ──▶ Interrupted
//! ```
//! Steps come one after the other and never go back; neither does the percentage, which is 100 only for `Done`.

use serde::{Deserialize, Serialize};

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Its turn has not come.
    Waiting,
    /// Under way.
    Running,
    /// Somebody asked it to stop, and it has not yet.
    Cancelling,
    /// Everything was done.
    Done,
    /// It could not be done.
    Failed,
    /// It stopped because somebody asked for that.
    Cancelled,
    /// The daemon ended while it was under way.
    Interrupted,
}

impl TaskState {
    /// Whether nothing happens any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running | Self::Cancelling)
    }
}

/// Where a step of a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Waiting,
    /// Under way.
    Running,
    /// Complete.
    Done,
    /// The task ended in the middle of it.
    Stopped,
}

/// A part of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it does, such as `copy the disks`.
    pub name: String,
    /// How far it is.
    pub state: StepState,
    /// How much of the task it is, beside the other steps.
    weight: u32,
    /// How much of it is done.
    percent: u8,
}

/// Whether a task can be cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancel {
    /// It stops when it is asked to.
    Possible,
    /// It goes on to its end; why.
    Impossible(String),
}

/// What happens to a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEvent {
    /// Its turn has come.
    Begin,
    /// The step with this number begins, and those before it are complete.
    Step(usize),
    /// So much of the present step is done.
    Progress {
        /// In whatever unit.
        done: u64,
        /// In the same unit.
        of: u64,
    },
    /// From now on it can, or can't, be cancelled.
    Cancellable(Cancel),
    /// Somebody wants it to stop.
    Cancel,
    /// It is over.
    End(TaskEnd),
    /// The daemon that ran it is gone.
    DaemonEnded,
}

/// How work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnd {
    /// All of it was done.
    Done,
    /// It could not be done.
    Failed,
    /// It stopped before its end because it was asked to.
    GaveUp,
}

/// Why a task can't be cancelled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCancellable {
    /// It is over.
    #[error("the task is over")]
    Over,
    /// What it does can't be stopped.
    #[error("{0}")]
    Never(String),
}

/// The course of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Where it is.
    pub state: TaskState,
    /// Its parts, in order.
    pub steps: Vec<Step>,
    /// Whether it can be cancelled.
    pub cancel: Cancel,
}

impl Course {
    /// A task that has not begun; `steps` are names and how much of the whole each is.
    #[must_use]
    pub fn new(steps: &[(&str, u32)], cancel: Cancel) -> Self {
        let steps = steps.iter().map(|(name, weight)| Step {
            name: (*name).to_owned(),
            state: StepState::Waiting,
            weight: (*weight).max(1),
            percent: 0,
        });
        Self {
            state: TaskState::Waiting,
            steps: steps.collect(),
            cancel,
        }
    }

    /// What comes of `event`; an event that does not fit changes nothing.
    #[must_use]
    pub fn next(mut self, event: TaskEvent) -> Self {
        if self.state.is_over() {
            return self;
        }
        match event {
            TaskEvent::Begin if self.state == TaskState::Waiting => self.state = TaskState::Running,
            TaskEvent::Begin => {}
            TaskEvent::Step(number) => self.begin_step(number),
            TaskEvent::Progress { done, of } => self.progress(done, of),
            TaskEvent::Cancellable(cancel) => self.cancel = cancel,
            TaskEvent::Cancel => {
                if self.cancel == Cancel::Possible {
                    self.state = TaskState::Cancelling;
                }
            }
            TaskEvent::End(end) => self.end(end),
            TaskEvent::DaemonEnded => self.stop(TaskState::Interrupted),
        }
        self
    }

    /// Whether [`TaskEvent::Cancel`] would have an effect; fine if it had one already.
    ///
    /// # Errors
    /// Why it would not.
    pub fn may_cancel(&self) -> Result<(), NotCancellable> {
        match &self.cancel {
            _ if self.state == TaskState::Cancelling => Ok(()),
            _ if self.state.is_over() => Err(NotCancellable::Over),
            Cancel::Possible => Ok(()),
            Cancel::Impossible(reason) => Err(NotCancellable::Never(reason.clone())),
        }
    }

    /// How much is done: 100 only when all is.
    #[must_use]
    pub fn percent(&self) -> u8 {
        if self.state == TaskState::Done {
            return 100;
        }
        let all: u64 = self.steps.iter().map(|step| u64::from(step.weight)).sum();
        let done = self.steps.iter().map(|step| {
            let percent = match step.state {
                StepState::Done => 100,
                _ => step.percent,
            };
            u64::from(step.weight) * u64::from(percent)
        });
        let percent = done.sum::<u64>() / all.max(1);
        u8::try_from(percent).unwrap_or(99).min(99)
    }

    fn begin_step(&mut self, number: usize) {
        let present = self
            .steps
            .iter()
            .position(|step| step.state == StepState::Running);
        let back = self
            .steps
            .get(number)
            .is_none_or(|step| step.state != StepState::Waiting);
        if self.state == TaskState::Waiting || back || present >= Some(number) {
            return;
        }
        for step in self.steps.iter_mut().take(number) {
            step.state = StepState::Done;
        }
        self.steps[number].state = StepState::Running;
    }

    fn progress(&mut self, done: u64, of: u64) {
        let percent = u128::from(done) * 100 / u128::from(of.max(1));
        let percent = u8::try_from(percent).unwrap_or(100).min(100);
        let running = |step: &&mut Step| step.state == StepState::Running;
        if let Some(step) = self.steps.iter_mut().find(running) {
            step.percent = step.percent.max(percent);
        }
    }

    fn end(&mut self, end: TaskEnd) {
        match (end, self.state) {
            (TaskEnd::Done, _) => {
                for step in &mut self.steps {
                    step.state = StepState::Done;
                }
                self.state = TaskState::Done;
            }
            (TaskEnd::GaveUp, TaskState::Cancelling) => self.stop(TaskState::Cancelled),
            (TaskEnd::GaveUp | TaskEnd::Failed, _) => self.stop(TaskState::Failed),
        }
    }

    fn stop(&mut self, state: TaskState) {
        self.state = state;
        for step in &mut self.steps {
            if step.state == StepState::Running {
                step.state = StepState::Stopped;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn course() -> Course {
        Course::new(&[("copy", 3), ("define", 1)], Cancel::Possible)
    }

    fn after(events: &[TaskEvent]) -> Course {
        events.iter().cloned().fold(course(), Course::next)
    }

    fn cannot() -> Cancel {
        Cancel::Impossible("it can't be stopped half-way".into())
    }

    fn events() -> impl Strategy<Value = TaskEvent> {
        prop_oneof![
            Just(TaskEvent::Begin),
            (0..3_usize).prop_map(TaskEvent::Step),
            (any::<u64>(), any::<u64>()).prop_map(|(done, of)| TaskEvent::Progress { done, of }),
            any::<bool>().prop_map(|can| {
                TaskEvent::Cancellable(if can { Cancel::Possible } else { cannot() })
            }),
            Just(TaskEvent::Cancel),
            prop_oneof![
                Just(TaskEnd::Done),
                Just(TaskEnd::Failed),
                Just(TaskEnd::GaveUp)
            ]
            .prop_map(TaskEvent::End),
            Just(TaskEvent::DaemonEnded),
        ]
    }

    proptest! {
        #[test]
        fn what_is_over_stays_as_it_is_and_the_rest_only_goes_forward(
            events in prop::collection::vec(events(), 0..40),
        ) {
            let mut course = course();
            for event in events {
                let next = course.clone().next(event.clone());
                if course.state.is_over() {
                    prop_assert_eq!(&next, &course);
                }
                prop_assert!(next.percent() >= course.percent(), "{:?}", event);
                prop_assert_eq!(next.percent() == 100, next.state == TaskState::Done);
                let running = |step: &&Step| step.state == StepState::Running;
                prop_assert!(next.steps.iter().filter(running).count() <= 1);
                if next.state.is_over() {
                    prop_assert_eq!(next.steps.iter().filter(running).count(), 0);
                }
                if next.state == TaskState::Cancelled {
                    prop_assert!(matches!(course.state, TaskState::Cancelling | TaskState::Cancelled));
                }
                if next.state == TaskState::Cancelling && course.state != next.state {
                    prop_assert_eq!(course.may_cancel(), Ok(()));
                }
                course = next;
            }
        }

        #[test]
        fn a_cancel_that_is_refused_changes_nothing(events in prop::collection::vec(events(), 0..20)) {
            let course = events.into_iter().fold(course(), Course::next);
            if course.may_cancel().is_err() {
                prop_assert_eq!(course.clone().next(TaskEvent::Cancel), course);
            }
        }
    }

    #[test]
    fn the_percentage_counts_steps_by_their_weight() {
        let half = TaskEvent::Progress { done: 1, of: 2 };
        assert_eq!(after(&[TaskEvent::Begin]).percent(), 0);
        let copying = after(&[TaskEvent::Begin, TaskEvent::Step(0), half]);
        assert_eq!(copying.percent(), 37);
        let defining = copying.next(TaskEvent::Step(1));
        assert_eq!(defining.percent(), 75);
        assert_eq!(defining.next(TaskEvent::End(TaskEnd::Done)).percent(), 100);
    }

    #[test]
    fn a_task_that_was_cancelled_too_late_is_done() {
        let cancelling = after(&[TaskEvent::Begin, TaskEvent::Cancel]);
        assert_eq!(cancelling.state, TaskState::Cancelling);
        let done = cancelling.clone().next(TaskEvent::End(TaskEnd::Done));
        assert_eq!(done.state, TaskState::Done);
        let gave_up = cancelling.next(TaskEvent::End(TaskEnd::GaveUp));
        assert_eq!(gave_up.state, TaskState::Cancelled);
        assert_eq!(gave_up.may_cancel(), Err(NotCancellable::Over));
    }

    #[test]
    fn what_cannot_be_cancelled_says_why() {
        let course = after(&[TaskEvent::Begin, TaskEvent::Cancellable(cannot())]);
        let refused = course.may_cancel().unwrap_err();
        assert_eq!(refused.to_string(), "it can't be stopped half-way");
    }

    #[test]
    fn a_step_that_the_task_ended_in_is_told_apart_from_those_not_begun() {
        let failed = after(&[
            TaskEvent::Begin,
            TaskEvent::Step(0),
            TaskEvent::End(TaskEnd::Failed),
        ]);
        let states: Vec<StepState> = failed.steps.iter().map(|step| step.state).collect();
        assert_eq!(states, [StepState::Stopped, StepState::Waiting]);
    }
}
