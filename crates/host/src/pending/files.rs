//! Moving and removing on the configuration partition, so that it lasts.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::PendingError;
use crate::durable;

/// Says what was being done when the system refused.
pub(super) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, PendingError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, PendingError> {
        self.map_err(|source| PendingError::Io {
            doing: what(),
            source,
        })
    }
}

/// Whether there is anything at `path`, a dangling link too.
pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Removes what is at `path`, if anything is.
pub(super) fn remove(path: &Path) -> Result<(), PendingError> {
    let outcome = match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    outcome.doing(|| format!("remove {}", path.display()))
}

/// Moves within a file system; durable when it returns.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), PendingError> {
    fs::rename(from, to)
        .and_then(|()| durable::sync_parent(from))
        .and_then(|()| durable::sync_parent(to))
        .doing(|| format!("move {} to {}", from.display(), to.display()))
}

/// Waits until everything on the file system of `path` is on the disk.
pub(super) fn sync(path: &Path) -> Result<(), PendingError> {
    File::open(path)
        .and_then(|dir| Ok(rustix::fs::syncfs(dir)?))
        .doing(|| format!("write {} to the disk", path.display()))
}
