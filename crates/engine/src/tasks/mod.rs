//! Tasks: work that takes its time, who asked for it, how far it is and how it ended. Owns those that are under
//! way; what is over lies in the store, where a restart of the daemon finds it. Its course is
//! `qx_model::task`'s.

mod kept;
mod running;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use qx_model::access::{Actor, Operation};
use qx_model::task::{Course, NotCancellable, TaskEvent};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::error::{Error, Result};
use crate::events::{EventKind, Events};
use crate::store::Store;
use crate::told::Told;

pub(crate) use kept::TABLE;
pub use running::Started;
pub(crate) use running::{Plan, Running};

/// Between two events that tell of nothing but a percentage.
const PERCENT_EVERY: Duration = Duration::from_millis(500);

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its name for life.
    pub id: Uuid,
    /// What is done: [`Operation::name`].
    pub operation: String,
    /// To what.
    pub target: Target,
    /// User or token that asked.
    pub actor: String,
    /// State, steps, percentage.
    pub course: Course,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its turn came.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Why it was not done.
    pub problem: Option<Told>,
}

/// What a task is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Such as `vm`, `image`, `system`.
    pub kind: String,
    /// Of a VM its id, of an image its name; empty for the system.
    pub id: String,
    /// As people call it.
    pub name: String,
}

impl Target {
    pub(crate) fn new(kind: &str, id: impl ToString, name: impl ToString) -> Self {
        Self {
            kind: kind.to_owned(),
            id: id.to_string(),
            name: name.to_string(),
        }
    }

    /// The host's own system.
    pub(crate) fn system() -> Self {
        Self::new("system", "", "")
    }
}

/// Something that was noted while a task ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub time: Timestamp,
    /// What.
    pub text: String,
}

/// Tasks, newest first, and what to pass as `before` for more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPage {
    /// At most as many as were asked for.
    pub items: Vec<Task>,
    /// `None` at the end.
    pub next: Option<u64>,
}

/// All tasks. Clones share them.
#[derive(Clone)]
pub struct Tasks {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    events: Events,
    audit: Audit,
    live: Mutex<BTreeMap<Uuid, Live>>,
}

/// A task that is under way.
struct Live {
    task: Task,
    log: Vec<LogLine>,
    stop: watch::Sender<Stop>,
    /// What the last event told, and when.
    told: (Course, Instant),
}

/// Whether a task is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// It goes on.
    No,
    /// Somebody asked it to.
    Asked,
    /// What it works for was withdrawn, and is being ended already.
    Withdrawn,
}

impl Tasks {
    /// Those that were under way when the daemon ended are interrupted from now on.
    pub(crate) async fn load(store: Store, events: Events, audit: Audit) -> Result<Self> {
        kept::interrupt(&store).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                events,
                audit,
                live: Mutex::default(),
            }),
        })
    }

    /// Newest first: at most `limit` (1 to 1,000) tasks, those before `before`.
    pub async fn list(&self, actor: &Actor, before: Option<u64>, limit: usize) -> Result<TaskPage> {
        authorize(actor, Operation::TaskList)?;
        let mut page = kept::list(&self.inner.store, before, limit.clamp(1, 1000)).await?;
        // What is kept of those under way lacks the latest percentage.
        let live = self.live();
        for task in &mut page.items {
            if let Some(now) = live.get(&task.id) {
                task.clone_from(&now.task);
            }
        }
        Ok(page)
    }

    /// One task and what was noted of it.
    pub async fn get(&self, actor: &Actor, id: Uuid) -> Result<(Task, Vec<LogLine>)> {
        authorize(actor, Operation::TaskGet)?;
        let now = self
            .live()
            .get(&id)
            .map(|now| (now.task.clone(), now.log.clone()));
        if let Some(now) = now {
            return Ok(now);
        }
        kept::get(&self.inner.store, id)
            .await?
            .ok_or_else(|| unknown(id))
    }

    /// Asks a task to stop. It takes the role that asking for the task itself takes. The answer may still be
    /// under way: it stops where it can do so safely.
    pub async fn cancel(&self, actor: &Actor, id: Uuid) -> Result<Task> {
        let work = async {
            let (task, _) = self.get(actor, id).await?;
            if let Some(operation) = Operation::named(&task.operation) {
                authorize(actor, operation)?;
            }
            self.ask_to_stop(id, &actor.name).map_err(refusal)
        };
        let audit = &self.inner.audit;
        audit.change(actor, Operation::TaskCancel, id, work).await
    }

    fn ask_to_stop(&self, id: Uuid, who: &str) -> std::result::Result<Task, NotCancellable> {
        let mut live = self.live();
        let now = live.get_mut(&id).ok_or(NotCancellable::Over)?;
        now.task.course.may_cancel()?;
        now.apply(TaskEvent::Cancel);
        now.note(format!("{who} asked it to stop"));
        now.stop.send_replace(Stop::Asked);
        self.say(now);
        Ok(now.task.clone())
    }

    fn live(&self) -> MutexGuard<'_, BTreeMap<Uuid, Live>> {
        self.inner
            .live
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps it, and tells that it changed.
    fn say(&self, now: &mut Live) {
        kept::keep(&self.inner.store, &now.task, &now.log);
        self.tell(now);
    }

    fn tell(&self, now: &mut Live) {
        now.told = (now.task.course.clone(), Instant::now());
        let task = Arc::new(now.task.clone());
        self.inner.events.publish(EventKind::TaskChanged(task));
    }
}

/// To the millisecond, as the audit log has it.
fn timestamp() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn unknown(id: Uuid) -> Error {
    Error::NotFound {
        what: "task",
        id: id.to_string(),
    }
}

fn refusal(reason: NotCancellable) -> Error {
    let hint = match reason {
        NotCancellable::Over => "nothing needs to be stopped",
        NotCancellable::Never(_) => "wait for its end",
    };
    Error::Conflict {
        reason: reason.to_string(),
        hint: hint.into(),
    }
}

#[cfg(test)]
mod tests;
