//! Tasks in the store: what a restart of the daemon finds again. One row each, the newest last.

use jiff::Timestamp;
use qx_model::task::TaskEvent;
use rusqlite::{Connection, OptionalExtension, Row, types};
use uuid::Uuid;

use super::{LogLine, Task, TaskPage, timestamp};
use crate::error::Result;
use crate::store::Store;
use crate::told::{Told, ToldKind};

/// Its table. `task` and `log` are JSON; `ended_at`, in milliseconds, is NULL while it is under way.
pub(crate) const TABLE: &str = "
    CREATE TABLE task (
        number   INTEGER PRIMARY KEY AUTOINCREMENT,
        id       TEXT NOT NULL UNIQUE,
        ended_at INTEGER,
        task     TEXT NOT NULL,
        log      TEXT NOT NULL
    ) STRICT;
    CREATE INDEX task_ended_at ON task (ended_at);
";

/// Tasks that are over and kept: at most so many, and for so many days.
const MOST: i64 = 1000;
const DAYS: i64 = 30;

/// Writes a task down; a disk that takes nothing stops no work.
pub(super) fn keep(store: &Store, task: &Task, log: &[LogLine]) {
    let (task, log) = (task.clone(), log.to_vec());
    store.post(move |connection| {
        if let Err(error) = write(connection, &task, &log) {
            tracing::error!(task = %task.id, %error, "a task could not be written down");
        }
    });
}

fn write(connection: &Connection, task: &Task, log: &[LogLine]) -> rusqlite::Result<()> {
    let ended_at = task.ended_at.map(Timestamp::as_millisecond);
    let texts = (json(task)?, json(log)?);
    connection
        .prepare_cached(
            "INSERT INTO task (id, ended_at, task, log) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET ended_at = ?2, task = ?3, log = ?4",
        )?
        .execute((task.id.to_string(), ended_at, texts.0, texts.1))
        .map(drop)
}

/// Forgets what is too old, or too much.
pub(super) fn prune(store: &Store) {
    store.post(|connection| {
        let oldest = Timestamp::now().as_millisecond() - DAYS * 86_400_000;
        let pruned = connection.execute(
            "DELETE FROM task WHERE ended_at < ?1 OR ended_at IS NOT NULL AND number <=
             (SELECT number FROM task WHERE ended_at IS NOT NULL ORDER BY number DESC LIMIT 1 OFFSET ?2)",
            (oldest, MOST),
        );
        if let Err(error) = pruned {
            tracing::error!(%error, "old tasks could not be removed");
        }
    });
}

/// Ends those that were under way in an earlier run of the daemon.
pub(super) async fn interrupt(store: &Store) -> Result<()> {
    prune(store);
    store
        .run("reading tasks", |connection| {
            let mut query =
                connection.prepare("SELECT number, task, log FROM task WHERE ended_at IS NULL")?;
            let found = query.query_map([], |row| Ok((parse::<Task>(row, 1)?, parse(row, 2)?)))?;
            let found: Vec<(Task, Vec<LogLine>)> = found.collect::<rusqlite::Result<_>>()?;
            for (mut task, log) in found {
                let detail = "the daemon, or the whole host, stopped while this was under way, and it was not taken \
                              up again; look at what is there, and ask again if it is needed";
                task.course = task.course.next(TaskEvent::DaemonEnded);
                task.ended_at = Some(timestamp());
                task.problem = Some(Told::new(ToldKind::Unavailable, detail));
                write(connection, &task, &log)?;
            }
            Ok(())
        })
        .await
}

pub(super) async fn list(store: &Store, before: Option<u64>, limit: usize) -> Result<TaskPage> {
    let before = before.and_then(|before| i64::try_from(before).ok());
    let before = before.unwrap_or(i64::MAX);
    store
        .run("reading tasks", move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT number, task FROM task WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
            )?;
            let most = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = query.query_map((before, most), |row| {
                Ok((row.get::<_, i64>(0)?.cast_unsigned(), parse(row, 1)?))
            })?;
            let found: Vec<(u64, Task)> = rows.collect::<rusqlite::Result<_>>()?;
            let more = found.len() == limit;
            let next = found.last().filter(|_| more).map(|(number, _)| *number);
            let items = found.into_iter().map(|(_, task)| task).collect();
            Ok(TaskPage { items, next })
        })
        .await
}

pub(super) async fn get(store: &Store, id: Uuid) -> Result<Option<(Task, Vec<LogLine>)>> {
    store
        .run("reading a task", move |connection| {
            connection
                .prepare_cached("SELECT task, log FROM task WHERE id = ?1")?
                .query_row([id.to_string()], |row| Ok((parse(row, 0)?, parse(row, 1)?)))
                .optional()
        })
        .await
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn parse<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, types::Type::Text, error.into())
    })
}
