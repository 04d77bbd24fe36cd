//! `qx task`, and waiting for what other commands began.

use std::time::Duration;

use anyhow::{Result, bail};
use qx_api::client::Client;
use qx_api::rest::{Task, TaskState, TaskStepState};
use uuid::Uuid;

use crate::args::Format;
use crate::args::task::TaskCommand;
use crate::files::percent_bar;
use crate::output::{fields, json, line, list, plain, word};

/// Between two looks at how far it is: at first, and at most.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LOOK: Duration = Duration::from_millis(250);

pub(crate) async fn run(client: &Client, format: Format, command: TaskCommand) -> Result<()> {
    match command {
        TaskCommand::List { limit } => {
            let tasks = client.tasks(limit).await?.items;
            let header = ["TASK", "TARGET", "STATE", "DONE", "BY", "SINCE", "ID"];
            list(format, &tasks, &header, tasks.iter().map(row))
        }
        TaskCommand::Show { id } => show(format, &client.task(id).await?),
        TaskCommand::Wait { id } => show(format, &wait(client, id).await?),
        TaskCommand::Cancel { id } => show(format, &client.cancel_task(id).await?),
    }
}

/// Waits for the end of `task` with a progress bar; or prints its id, and `None` says that nobody waits.
pub(crate) async fn finish(
    client: &Client,
    format: Format,
    no_wait: bool,
    task: Task,
) -> Result<Option<Task>> {
    if !no_wait {
        return wait(client, task.id).await.map(Some);
    }
    if format == Format::Json {
        json(&task)?;
    } else {
        line(task.id)?;
    }
    Ok(None)
}

/// Follows a task to its end; one that was not done is an error.
async fn wait(client: &Client, id: Uuid) -> Result<Task> {
    let bar = percent_bar();
    let mut pause = FIRST_LOOK;
    let task = loop {
        let task = client.task(id).await?;
        bar.set_position(task.percent.into());
        if task.state.is_over() {
            break task;
        }
        tokio::time::sleep(pause).await;
        pause = LOOK.min(pause * 2);
    };
    bar.finish_and_clear();
    match task.state {
        TaskState::Done => Ok(task),
        TaskState::Cancelled => bail!("it was cancelled; `qx task show {id}` has its log"),
        _ => bail!("{}", problem(&task)),
    }
}

fn problem(task: &Task) -> String {
    let Some(problem) = &task.problem else {
        return format!("the task {} ended without a reason", task.id);
    };
    let mut text = plain(&problem.detail);
    // A single one is what the detail says.
    for error in problem.errors.iter().filter(|_| problem.errors.len() > 1) {
        text.push_str(&format!(
            "\n  {}: {}",
            plain(&error.field),
            plain(&error.reason)
        ));
    }
    text
}

fn target(task: &Task) -> String {
    match task.target.kind.as_str() {
        "system" => "the system".to_owned(),
        kind => format!("{} {}", plain(kind), plain(&task.target.name)),
    }
}

fn row(task: &Task) -> Vec<String> {
    vec![
        plain(&task.operation),
        target(task),
        word(&task.state),
        format!("{}%", task.percent),
        plain(&task.actor),
        task.created_at.to_string(),
        task.id.to_string(),
    ]
}

fn show(format: Format, task: &Task) -> Result<()> {
    let mut lines = vec![
        ("Task", plain(&task.operation)),
        ("ID", task.id.to_string()),
        ("Target", target(task)),
        ("State", format!("{}, {}%", word(&task.state), task.percent)),
        ("Asked by", plain(&task.actor)),
        ("Asked at", task.created_at.to_string()),
    ];
    if let Some(time) = task.started_at {
        lines.push(("Begun at", time.to_string()));
    }
    if let Some(time) = task.ended_at {
        lines.push(("Ended at", time.to_string()));
    }
    for step in &task.steps {
        let state = match step.state {
            TaskStepState::Waiting => "not begun",
            TaskStepState::Running => "under way",
            TaskStepState::Done => "done",
            TaskStepState::Stopped => "stopped in it",
        };
        lines.push(("Step", format!("{}: {state}", plain(&step.name))));
    }
    if let (false, Some(reason)) = (task.state.is_over(), &task.not_cancellable) {
        lines.push(("No cancel", plain(reason)));
    }
    if task.problem.is_some() {
        lines.push(("Problem", problem(task)));
    }
    for line in task.log.iter().flatten() {
        lines.push(("Log", format!("{} {}", line.time, plain(&line.text))));
    }
    fields(format, task, &lines)
}
