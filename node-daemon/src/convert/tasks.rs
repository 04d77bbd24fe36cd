//! Tasks, for the wire.

use qx_api::rest;
use qx_engine::tasks::{LogLine, Task};
use qx_model::task::Cancel;

use crate::problem::Failure;

/// A task; `log` where it is told.
pub(crate) fn task(task: Task, log: Option<Vec<LogLine>>) -> rest::Task {
    let percent = task.course.percent();
    let id = task.id.to_string();
    let steps = task.course.steps.into_iter().map(|step| rest::TaskStep {
        name: step.name,
        state: step.state.into(),
    });
    rest::Task {
        id: task.id,
        operation: task.operation,
        target: rest::TaskTarget {
            kind: task.target.kind,
            id: task.target.id,
            name: task.target.name,
        },
        actor: task.actor,
        state: task.course.state.into(),
        percent,
        steps: steps.collect(),
        not_cancellable: match task.course.cancel {
            Cancel::Possible => None,
            Cancel::Impossible(reason) => Some(reason),
        },
        created_at: task.created_at,
        started_at: task.started_at,
        ended_at: task.ended_at,
        problem: task
            .problem
            .map(|told| Failure::told(told).into_problem(id)),
        log: log.map(|lines| {
            let lines = lines.into_iter().map(|line| rest::TaskLogLine {
                time: line.time,
                text: line.text,
            });
            lines.collect()
        }),
    }
}
