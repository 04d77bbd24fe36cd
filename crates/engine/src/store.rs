//! The SQLite file of this host. Owns the connection (on a thread of its own, so that callers never wait
//! for a disk unless they want the answer), the schema and its upgrades; knows no table's meaning.

use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use rusqlite::{Connection, ErrorCode, params};
use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// What a file holds.
pub(crate) struct Schema {
    /// Upgrades, in order; `user_version` counts those that were applied.
    pub(crate) upgrades: &'static [&'static str],
    /// Look for damage before it is used; takes as long as the file is large.
    pub(crate) checked: bool,
    /// What it means when the file is damaged.
    pub(crate) loss: &'static str,
}

const HOST: Schema = Schema {
    upgrades: UPGRADES,
    checked: true,
    loss: "users and API tokens must be made anew, and what tasks did is forgotten",
};

const UPGRADES: &[&str] = &[
    "
    CREATE TABLE token (
        id           TEXT PRIMARY KEY,
        name         TEXT NOT NULL,
        role         TEXT NOT NULL,
        hash         BLOB NOT NULL UNIQUE,
        created_by   TEXT NOT NULL,
        created_at   INTEGER NOT NULL,
        expires_at   INTEGER,
        last_used_at INTEGER
    ) STRICT;
    CREATE TABLE audit (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        time      INTEGER NOT NULL,
        actor     TEXT NOT NULL,
        origin    TEXT NOT NULL,
        operation TEXT NOT NULL,
        target    TEXT NOT NULL,
        outcome   TEXT NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE user (
        name                TEXT PRIMARY KEY COLLATE NOCASE,
        role                TEXT NOT NULL,
        disabled            INTEGER NOT NULL,
        hash                TEXT NOT NULL,
        created_by          TEXT NOT NULL,
        created_at          INTEGER NOT NULL,
        password_changed_at INTEGER NOT NULL,
        last_login_at       INTEGER,
        revision            INTEGER NOT NULL
    ) STRICT;
    ALTER TABLE token ADD COLUMN owner TEXT NOT NULL DEFAULT 'root';
",
    crate::tasks::TABLE,
];

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The store. Clones share it; jobs run one after the other, in the order they were given.
#[derive(Clone)]
pub(crate) struct Store {
    jobs: mpsc::Sender<Job>,
}

impl Store {
    /// Opens the host's own state, see [`Store::open_with`].
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, &HOST)
    }

    /// Opens `path`, made if absent. A file that is not a database is kept aside as `*.damaged`, and an
    /// empty one takes its place: a host that can't be managed would be worse.
    pub(crate) fn open_with(path: &Path, schema: &Schema) -> Result<Self> {
        private(path).map_err(|error| Error::file(format!("making {}", path.display()), error))?;
        let connection = match connect(path, schema) {
            Err(error) if is_damaged(&error) => {
                let aside = set_aside(path)?;
                tracing::error!(
                    kept = %aside.display(),
                    "a database was damaged and is kept aside: {}",
                    schema.loss
                );
                connect(path, schema)
            }
            other => other,
        };
        let connection = connection
            .map_err(|error| Error::internal(format!("opening {}", path.display()), error))?;
        let (jobs, queue) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || serve(connection, &queue))
            .map_err(|error| Error::internal("starting the store's thread", error))?;
        Ok(Self { jobs })
    }

    /// Runs `job` after those before it and waits for its answer.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        context: &'static str,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.post(move |connection| {
            // Nobody to answer: the asker has gone away.
            let _ = answer.send(job(connection));
        });
        let answer = answered
            .await
            .map_err(|error| Error::internal(context, error))?;
        answer.map_err(|error| failed(context, error))
    }

    /// Runs `job`, which survives a power cut once this returns.
    pub(crate) async fn run_durably<T: Send + 'static>(
        &self,
        context: &'static str,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(context, |connection| {
            connection.pragma_update(None, "synchronous", "FULL")?;
            let result = job(connection);
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            result
        })
        .await
    }

    /// Runs `job` some time soon.
    pub(crate) fn post(&self, job: impl FnOnce(&mut Connection) + Send + 'static) {
        // The thread ends after the last sender only.
        let _ = self.jobs.send(Box::new(job));
    }
}

fn serve(mut connection: Connection, queue: &mpsc::Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        job(&mut connection);
    }
}

fn failed(context: &'static str, error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::NoSpace {
            what: context.to_owned(),
        },
        _ => Error::internal(context, error),
    }
}

fn is_damaged(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
    )
}

fn set_aside(path: &Path) -> Result<PathBuf> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".damaged");
    let aside = PathBuf::from(aside);
    std::fs::rename(path, &aside)
        .map_err(|error| Error::file(format!("moving {} aside", path.display()), error))?;
    for suffix in ["-wal", "-shm"] {
        let mut leftover = path.as_os_str().to_owned();
        leftover.push(suffix);
        // Absent after a clean stop.
        let _ = std::fs::remove_file(leftover);
    }
    Ok(aside)
}

/// Makes the file if it is absent, for this program's user only; SQLite's other files take after it.
fn private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.append(true).create(true).mode(0o600).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

fn connect(path: &Path, schema: &Schema) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -512)?;
    connection.pragma_update(None, "journal_size_limit", 1 << 20)?;
    let applied: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (number, upgrade) in (1_i64..)
        .zip(schema.upgrades)
        .filter(|(number, _)| *number > applied)
    {
        let transaction = connection.transaction()?;
        transaction.execute_batch(upgrade)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    if !schema.checked {
        return Ok(connection);
    }
    // Reads every page's header once, so that damage is found now and not in the middle of a request.
    let verdict: String =
        connection.query_row("PRAGMA quick_check(1)", params![], |row| row.get(0))?;
    if verdict == "ok" {
        Ok(connection)
    } else {
        Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(verdict),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_damaged_file_is_kept_aside_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("quantix.db");
        std::fs::write(&path, vec![0x5a; 8192]).unwrap();
        let store = Store::open(&path).unwrap();
        let tables: i64 = store
            .run("counting", |c| {
                c.query_row("SELECT count(*) FROM token", [], |row| row.get(0))
            })
            .await
            .unwrap();
        assert_eq!(tables, 0);
        assert_eq!(
            std::fs::read(directory.path().join("quantix.db.damaged"))
                .unwrap()
                .len(),
            8192
        );
    }

    #[tokio::test]
    async fn what_was_written_is_there_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("quantix.db");
        for expected in 0..3_i64 {
            let store = Store::open(&path).unwrap();
            let found: i64 = store
                .run_durably("writing", |c| {
                    let found = c.query_row("SELECT count(*) FROM audit", [], |row| row.get(0))?;
                    c.execute("INSERT INTO audit VALUES (NULL, 0, '', '', '', '', '')", [])?;
                    Ok(found)
                })
                .await
                .unwrap();
            assert_eq!(found, expected);
        }
    }
}
