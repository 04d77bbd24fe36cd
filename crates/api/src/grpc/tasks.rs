//! Tasks, from REST to gRPC.

use super::v1;
use crate::rest;

impl From<rest::TaskState> for v1::TaskState {
    fn from(state: rest::TaskState) -> Self {
        match state {
            rest::TaskState::Waiting => Self::Waiting,
            rest::TaskState::Running => Self::Running,
            rest::TaskState::Cancelling => Self::Cancelling,
            rest::TaskState::Done => Self::Done,
            rest::TaskState::Failed => Self::Failed,
            rest::TaskState::Cancelled => Self::Cancelled,
            rest::TaskState::Interrupted => Self::Interrupted,
        }
    }
}

impl From<rest::TaskStepState> for v1::TaskStepState {
    fn from(state: rest::TaskStepState) -> Self {
        match state {
            rest::TaskStepState::Waiting => Self::Waiting,
            rest::TaskStepState::Running => Self::Running,
            rest::TaskStepState::Done => Self::Done,
            rest::TaskStepState::Stopped => Self::Stopped,
        }
    }
}

impl From<rest::Problem> for v1::TaskProblem {
    fn from(problem: rest::Problem) -> Self {
        let errors = problem.errors.into_iter();
        Self {
            status: problem.status.into(),
            detail: problem.detail,
            errors: errors
                .map(|error| v1::TaskFieldProblem {
                    field: error.field,
                    reason: error.reason,
                })
                .collect(),
        }
    }
}

impl From<rest::Task> for v1::Task {
    fn from(task: rest::Task) -> Self {
        let steps = task.steps.into_iter().map(|step| v1::TaskStep {
            name: step.name,
            state: v1::TaskStepState::from(step.state).into(),
        });
        let log = task.log.into_iter().flatten();
        Self {
            id: task.id.to_string(),
            operation: task.operation,
            target: Some(v1::TaskTarget {
                r#type: task.target.kind,
                id: task.target.id,
                name: task.target.name,
            }),
            actor: task.actor,
            state: v1::TaskState::from(task.state).into(),
            percent: task.percent.into(),
            steps: steps.collect(),
            not_cancellable: task.not_cancellable,
            created_at: task.created_at.to_string(),
            started_at: task.started_at.map(|time| time.to_string()),
            ended_at: task.ended_at.map(|time| time.to_string()),
            problem: task.problem.map(Into::into),
            log: log
                .map(|line| v1::TaskLogLine {
                    time: line.time.to_string(),
                    text: line.text,
                })
                .collect(),
        }
    }
}
