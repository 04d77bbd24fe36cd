//! Endpoints of tasks.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Method, Output};
use super::{CURSOR, LIMIT};
use Access::Requires;
use Method::{Get, Post};

/// Tasks.
pub const TASK_LIST: Endpoint = Endpoint::new(
    "listTasks",
    Get,
    "/api/v1/tasks",
    Requires(Operation::TaskList),
    "Work that is under way, and what is over of the last 30 days, 1000 at most; newest first",
)
.query(&[LIMIT, CURSOR])
.answers(200, Output::Json("TaskPage"));
/// One task.
pub const TASK_GET: Endpoint = Endpoint::new(
    "getTask",
    Get,
    "/api/v1/tasks/{id}",
    Requires(Operation::TaskGet),
    "One task with its log",
)
.answers(200, Output::Json("Task"))
.fails(&[404]);
/// Stop a task.
pub const TASK_CANCEL: Endpoint = Endpoint::new(
    "cancelTask",
    Post,
    "/api/v1/tasks/{id}/cancel",
    Requires(Operation::TaskCancel),
    "Ask a task to stop, which takes the role that asking for it takes; it stops where it safely can",
)
.answers(202, Output::Json("Task"))
.fails(&[404, 409]);
