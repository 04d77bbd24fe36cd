//! Work that takes its time.

use jiff::Timestamp;
use qx_model::task as model;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Problem;

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Its turn has not come: something else is done to the same thing.
    Waiting,
    /// Under way.
    Running,
    /// Somebody asked it to stop, and it has not yet.
    Cancelling,
    /// Everything was done.
    Done,
    /// It could not be done; `problem` says why.
    Failed,
    /// It stopped because somebody asked for that.
    Cancelled,
    /// The daemon stopped while it was under way.
    Interrupted,
}

impl TaskState {
    /// Whether nothing happens any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running | Self::Cancelling)
    }
}

impl From<model::TaskState> for TaskState {
    fn from(state: model::TaskState) -> Self {
        match state {
            model::TaskState::Waiting => Self::Waiting,
            model::TaskState::Running => Self::Running,
            model::TaskState::Cancelling => Self::Cancelling,
            model::TaskState::Done => Self::Done,
            model::TaskState::Failed => Self::Failed,
            model::TaskState::Cancelled => Self::Cancelled,
            model::TaskState::Interrupted => Self::Interrupted,
        }
    }
}

/// Where a step of a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskStepState {
    /// Not begun.
    Waiting,
    /// Under way.
    Running,
    /// Complete.
    Done,
    /// The task ended in the middle of it.
    Stopped,
}

impl From<model::StepState> for TaskStepState {
    fn from(state: model::StepState) -> Self {
        match state {
            model::StepState::Waiting => Self::Waiting,
            model::StepState::Running => Self::Running,
            model::StepState::Done => Self::Done,
            model::StepState::Stopped => Self::Stopped,
        }
    }
}

/// A part of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskStep {
    /// What it does.
    pub name: String,
    /// How far it is.
    pub state: TaskStepState,
}

/// What a task is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskTarget {
    /// `vm`, `image`, or `system` for the host's own.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of a VM its id, of an image its name; empty for the system.
    pub id: String,
    /// As people call it.
    pub name: String,
}

/// Something that was noted while a task ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskLogLine {
    /// When.
    pub time: Timestamp,
    /// What.
    pub text: String,
}

/// Work that takes its time: it goes on when nobody waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Task {
    /// Its name for life.
    pub id: Uuid,
    /// What is done, as the audit log names it, such as `vm_create`.
    pub operation: String,
    /// To what.
    pub target: TaskTarget,
    /// User or token that asked.
    pub actor: String,
    /// How far it is.
    pub state: TaskState,
    /// How much is done; 100 only when all is.
    pub percent: u8,
    /// Its parts, in order; none where it has a single one.
    pub steps: Vec<TaskStep>,
    /// Why it can't be cancelled; `null` where it can.
    pub not_cancellable: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its turn came.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// What a request that failed with it would have been answered; its `request_id` is the task's id.
    pub problem: Option<Problem>,
    /// What was noted, oldest first, at most 100 lines; `null` in lists and events.
    pub log: Option<Vec<TaskLogLine>>,
}

/// Some of the tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskPage {
    /// Newest first.
    pub items: Vec<Task>,
    /// Pass as `cursor` for more; `null` at the end.
    pub next: Option<String>,
}
