//! SSH that is on for a while without being configured so: a note in the run directory, which every apply of the
//! configuration goes by. Gone after a restart of the host. Times are milliseconds since the kernel started.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::durable;
use crate::network::now_ms;

const FILE: &str = "ssh-window.json";

#[derive(Serialize, Deserialize)]
struct Note {
    until_ms: u64,
}

/// How long SSH is still on by this; `None` when it is not, whatever the configuration says.
#[must_use]
pub fn left(run_dir: &Path) -> Option<Duration> {
    let text = fs::read(run_dir.join(FILE)).ok()?;
    let note: Note = serde_json::from_slice(&text).ok()?;
    let left = note.until_ms.checked_sub(now_ms()).filter(|left| *left > 0);
    left.map(Duration::from_millis)
}

/// Whether the note is there, over or not: SSH may be on because of it.
#[must_use]
pub fn is_noted(run_dir: &Path) -> bool {
    run_dir.join(FILE).exists()
}

/// Notes that SSH is on for so long from now on. The next apply puts it into force.
///
/// # Errors
/// What the file system says.
pub fn open(run_dir: &Path, time: Duration) -> io::Result<()> {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let note = Note {
        until_ms: now_ms().saturating_add(millis),
    };
    durable::replace(&run_dir.join(FILE), &serde_json::to_vec(&note)?, 0o644)
}

/// Ends it; fine if it is over. The next apply puts it into force.
///
/// # Errors
/// What the file system says.
pub fn close(run_dir: &Path) -> io::Result<()> {
    match fs::remove_file(run_dir.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_until_its_time_is_up_or_somebody_closes_it() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(left(run.path()), None);
        open(run.path(), Duration::from_secs(60)).unwrap();
        assert!(left(run.path()).is_some_and(|left| left > Duration::from_secs(50)));
        open(run.path(), Duration::ZERO).unwrap();
        assert!(left(run.path()).is_none() && is_noted(run.path()));
        open(run.path(), Duration::from_secs(60)).unwrap();
        close(run.path()).unwrap();
        assert!(left(run.path()).is_none() && !is_noted(run.path()));
        close(run.path()).unwrap();
    }
}
