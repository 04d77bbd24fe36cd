//! Figures of the past in a file of their own, which a full or broken one of never costs a user or a
//! token. Owns its tables and its bound: the file never grows beyond [`MOST_BYTES`].

use std::path::Path;

use qx_model::metrics::Values;
use rusqlite::Connection;

use super::plan::{COARSE, FINE, Tier};
use crate::error::Result;
use crate::store::{Schema, Store};

/// Room for some 300 VMs with all that is kept of each; with more, less far back.
const MOST_BYTES: u64 = 256 << 20;

const SCHEMA: Schema = Schema {
    upgrades: UPGRADES,
    checked: false,
    loss: "figures of the past begin anew",
};

const UPGRADES: &[&str] = &["
    CREATE TABLE subject (
        number INTEGER PRIMARY KEY,
        id     TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE sample (
        step    INTEGER NOT NULL,
        subject INTEGER NOT NULL,
        time    INTEGER NOT NULL,
        figures BLOB NOT NULL,
        PRIMARY KEY (step, subject, time)
    ) STRICT, WITHOUT ROWID;
"];

/// One point of one subject: Unix time of its begin, and the mean of its step.
pub(super) type Point = (i64, Values);

/// The file. Clones share it.
#[derive(Clone)]
pub(super) struct History {
    store: Store,
    most_bytes: u64,
}

impl History {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::bounded(path, MOST_BYTES)
    }

    fn bounded(path: &Path, most_bytes: u64) -> Result<Self> {
        Ok(Self {
            store: Store::open_with(path, &SCHEMA)?,
            most_bytes,
        })
    }

    /// Adds the points of one moment: subjects are VM ids, or empty for the host.
    pub(super) fn add(&self, tier: Tier, time: i64, points: Vec<(String, Values)>) {
        self.store.post(move |connection| {
            if let Err(error) = insert(connection, tier, time, &points) {
                tracing::warn!(%error, "figures could not be kept");
            }
        });
    }

    /// Drops what is older than `now` allows, and more when the file would be too large.
    pub(super) fn prune(&self, now: i64) {
        let most_bytes = self.most_bytes;
        self.store.post(move |connection| {
            if let Err(error) = prune(connection, now, most_bytes) {
                tracing::warn!(%error, "old figures could not be dropped");
            }
        });
    }

    /// Points of a subject from `start` on, in order.
    pub(super) async fn read(&self, tier: Tier, subject: String, start: i64) -> Result<Vec<Point>> {
        self.store
            .run("reading figures", move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT time, figures FROM sample
                     WHERE step = ?1 AND subject = (SELECT number FROM subject WHERE id = ?2) AND time >= ?3
                     ORDER BY time",
                )?;
                let rows = statement.query_map((tier.step(), subject, start), |row| {
                    let figures: Vec<u8> = row.get(1)?;
                    Ok((row.get(0)?, Values::from_bytes(&figures)))
                })?;
                rows.collect()
            })
            .await
    }

    /// Waits until all that was added is in the file.
    pub(super) async fn flush(&self) -> Result<()> {
        self.store.run("keeping figures", |_| Ok(())).await
    }
}

fn insert(
    connection: &mut Connection,
    tier: Tier,
    time: i64,
    points: &[(String, Values)],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut subject =
            transaction.prepare_cached("INSERT OR IGNORE INTO subject (id) VALUES (?1)")?;
        let mut sample = transaction.prepare_cached(
            "INSERT OR REPLACE INTO sample
             SELECT ?1, number, ?2, ?3 FROM subject WHERE id = ?4",
        )?;
        for (id, values) in points {
            subject.execute([id])?;
            sample.execute((tier.step(), time, values.to_bytes(), id))?;
        }
    }
    transaction.commit()
}

fn prune(connection: &mut Connection, now: i64, most_bytes: u64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let subjects: Vec<i64> = transaction
        .prepare_cached("SELECT number FROM subject")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for tier in [FINE, COARSE] {
        drop_before(
            &transaction,
            tier,
            &subjects,
            now - tier.kept_s.cast_signed(),
        )?;
    }
    // Of what there is too much of, the oldest tenth goes, until it fits.
    while used_bytes(&transaction)? > most_bytes {
        let before: Vec<(Tier, i64)> = [FINE, COARSE]
            .into_iter()
            .filter_map(|tier| Some((tier, tenth(&transaction, tier).ok()??)))
            .collect();
        if before.is_empty() {
            break;
        }
        for (tier, time) in before {
            drop_before(&transaction, tier, &subjects, time)?;
        }
    }
    transaction.execute(
        "DELETE FROM subject WHERE NOT EXISTS
         (SELECT 1 FROM sample WHERE step = ?1 AND subject = number)
         AND NOT EXISTS (SELECT 1 FROM sample WHERE step = ?2 AND subject = number)",
        (FINE.step(), COARSE.step()),
    )?;
    transaction.commit()
}

fn drop_before(
    connection: &Connection,
    tier: Tier,
    subjects: &[i64],
    time: i64,
) -> rusqlite::Result<()> {
    let mut delete = connection
        .prepare_cached("DELETE FROM sample WHERE step = ?1 AND subject = ?2 AND time < ?3")?;
    for subject in subjects {
        delete.execute((tier.step(), subject, time))?;
    }
    Ok(())
}

/// The end of the oldest tenth of the time that a tier holds; `None` when it holds nothing.
fn tenth(connection: &Connection, tier: Tier) -> rusqlite::Result<Option<i64>> {
    let ends: (Option<i64>, Option<i64>) = connection.query_row(
        "SELECT min(time), max(time) FROM sample WHERE step = ?1",
        [tier.step()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (Some(first), Some(last)) = ends else {
        return Ok(None);
    };
    Ok(Some(first + (last - first) / 10 + 1))
}

/// Bytes of the file that hold something: free pages are used again before it grows.
fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = number("page_count")? - number("freelist_count")?;
    Ok((pages * number("page_size")?).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use qx_model::metrics::Metric;

    use super::*;

    fn values(value: f64) -> Values {
        let mut values = Values::default();
        values.set(Metric::CpuCores, value);
        values
    }

    #[tokio::test]
    async fn what_was_kept_is_read_back_until_it_is_too_old() {
        let directory = tempfile::tempdir().unwrap();
        let history = History::open(&directory.path().join("metrics.db")).unwrap();
        let day = 86_400;
        for (tier, time) in [(FINE, 0), (FINE, 10), (COARSE, 0), (FINE, day)] {
            history.add(tier, time, vec![("a".into(), values(time as f64))]);
        }
        let times = async |tier, subject: &str| {
            let points = history.read(tier, subject.into(), 0).await.unwrap();
            points.iter().map(|point| point.0).collect::<Vec<_>>()
        };
        history.prune(day + 10);
        assert_eq!(times(FINE, "a").await, [10, day]);
        assert_eq!(times(COARSE, "a").await, [0]);
        assert!(times(FINE, "b").await.is_empty());
        let point = history.read(FINE, "a".into(), 10).await.unwrap()[0];
        assert_eq!(point.1.get(Metric::CpuCores), Some(10.0));
        history.prune(100 * day);
        assert!(times(FINE, "a").await.is_empty());
    }

    #[tokio::test]
    async fn the_file_stays_within_its_bound_and_the_newest_is_what_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.db");
        let most = 1 << 20;
        let history = History::bounded(&path, most).unwrap();
        let mut largest = 0;
        // Far more than fits: 200 subjects, 400 moments of 50 bytes and more each.
        for moment in 0..400_i64 {
            let points = (0..200).map(|n| (format!("vm{n}"), values(1.0))).collect();
            history.add(FINE, moment * 10, points);
            if moment % 10 == 0 {
                history.prune(moment * 10);
                history.flush().await.unwrap();
                largest = largest.max(std::fs::metadata(&path).unwrap().len());
            }
        }
        // What was added between two looks comes on top.
        assert!(largest < most + (most / 2), "{largest} bytes");
        let kept = history.read(FINE, "vm7".into(), 0).await.unwrap();
        assert_eq!(kept.last().unwrap().0, 3990);
        assert!(
            kept.len() < 400 && kept.len() > 20,
            "{} are left",
            kept.len()
        );
    }
}
