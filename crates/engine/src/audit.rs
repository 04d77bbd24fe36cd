//! The audit log: who did what, from where, and how it went. Every use case that changes something runs
//! inside `Audit::change`, which is also where it is authorised: neither can be forgotten alone.

use std::fmt::Display;
use std::future::Future;

use jiff::Timestamp;
use qx_model::access::{Actor, Operation};

use crate::authorize::authorize;
use crate::error::Result;
use crate::store::Store;

/// Entries kept; the oldest go first.
const KEPT: i64 = 100_000;
/// Longest text kept of one column, in characters.
const LONGEST: usize = 300;

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Rises by one with each entry.
    pub id: u64,
    /// When it was over.
    pub time: Timestamp,
    /// User or token.
    pub actor: String,
    /// IP address, or `local`.
    pub origin: String,
    /// [`Operation::name`], or `session_create`.
    pub operation: String,
    /// What it was done to.
    pub target: String,
    /// `ok`, or why it failed.
    pub outcome: String,
}

/// The audit log. Clones share it.
#[derive(Clone)]
pub struct Audit {
    store: Store,
}

impl Audit {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Authorises `operation`, runs it and records how it went, a refusal too.
    pub(crate) async fn change<T>(
        &self,
        actor: &Actor,
        operation: Operation,
        target: impl Display,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut pending = Pending {
            audit: self,
            actor,
            operation,
            target: target.to_string(),
            outcome: "given up: the caller went away".to_owned(),
        };
        let result = match authorize(actor, operation) {
            Ok(()) => work.await,
            Err(refused) => Err(refused),
        };
        pending.outcome = match &result {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        result
    }

    /// Checks whether `actor` may do `operation` at all, before what they sent is looked at; a refusal is recorded,
    /// with `target` as what they asked for.
    pub fn permit(&self, actor: &Actor, operation: Operation, target: &str) -> Result<()> {
        let permitted = authorize(actor, operation);
        if let Err(refused) = &permitted {
            self.record(actor, operation.name(), target, &refused.to_string());
        }
        permitted
    }

    /// Adds an entry; a disk that takes none stops nobody.
    pub(crate) fn record(
        &self,
        actor: &Actor,
        operation: &'static str,
        target: &str,
        outcome: &str,
    ) {
        let now = Timestamp::now().as_millisecond();
        let texts = [&actor.name, &actor.origin, target, outcome].map(clipped);
        tracing::info!(
            actor = texts[0],
            origin = texts[1],
            operation,
            target = texts[2],
            outcome = texts[3]
        );
        self.store.post(move |connection| {
            let [actor, origin, target, outcome] = texts;
            let inserted = connection.execute(
                "INSERT INTO audit (time, actor, origin, operation, target, outcome)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (now, actor, origin, operation, target, outcome),
            );
            let id = connection.last_insert_rowid();
            let pruned = match inserted {
                Ok(_) if id % 1000 == 0 => {
                    connection.execute("DELETE FROM audit WHERE id <= ?1", [id - KEPT])
                }
                other => other,
            };
            if let Err(error) = pruned {
                tracing::error!(%error, "the audit log could not be written");
            }
        });
    }

    /// Newest first: at most `limit` (1 to 1,000) entries, those before `before`; and what to pass as
    /// `before` for more.
    pub async fn list(
        &self,
        actor: &Actor,
        before: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Option<u64>)> {
        authorize(actor, Operation::AuditRead)?;
        let before = before
            .and_then(|id| i64::try_from(id).ok())
            .unwrap_or(i64::MAX);
        let limit = limit.clamp(1, 1000);
        let wanted = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let mut entries = self
            .store
            .run("reading the audit log", move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT id, time, actor, origin, operation, target, outcome
                     FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
                )?;
                let rows = statement.query_map((before, wanted), entry)?;
                rows.collect::<rusqlite::Result<Vec<Entry>>>()
            })
            .await?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().map(|entry| entry.id).filter(|_| more);
        Ok((entries, next))
    }

    /// Waits until everything recorded so far is in the file.
    pub(crate) async fn flush(&self) -> Result<()> {
        self.store
            .run_durably("closing the database", |c| {
                c.execute_batch("PRAGMA wal_checkpoint")
            })
            .await
    }
}

/// Recorded when dropped, so that work which is given up half-way leaves its line too.
struct Pending<'a> {
    audit: &'a Audit,
    actor: &'a Actor,
    operation: Operation,
    target: String,
    outcome: String,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.audit.record(
            self.actor,
            self.operation.name(),
            &self.target,
            &self.outcome,
        );
    }
}

fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get::<_, i64>(0)?.unsigned_abs(),
        time: Timestamp::from_millisecond(row.get(1)?).unwrap_or_default(),
        actor: row.get(2)?,
        origin: row.get(3)?,
        operation: row.get(4)?,
        target: row.get(5)?,
        outcome: row.get(6)?,
    })
}

fn clipped(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect()
}
