//! The file system entries that a plan consists of, and writing them under a root.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use crate::durable;

/// One entry to bring about. Paths are absolute, as seen from the root that they are written under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file with exactly this content.
    File {
        /// Where.
        path: &'static str,
        /// Permission bits.
        mode: u32,
        /// What.
        content: String,
    },
    /// A symbolic link.
    Link {
        /// Where.
        path: &'static str,
        /// What it points to.
        target: String,
    },
    /// Nothing may be here.
    Absent {
        /// Where.
        path: &'static str,
    },
}

impl Entry {
    /// Where the entry is.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        match self {
            Self::File { path, .. } | Self::Link { path, .. } | Self::Absent { path } => path,
        }
    }
}

/// Brings every entry about under `root`; what cannot be is skipped and returned as a sentence.
#[must_use]
pub fn write_all(root: &Path, entries: &[Entry]) -> Vec<String> {
    entries
        .iter()
        .filter_map(|entry| {
            let error = write_one(root, entry).err()?;
            Some(format!("cannot write {}: {error}", entry.path()))
        })
        .collect()
}

fn write_one(root: &Path, entry: &Entry) -> io::Result<()> {
    let path = under(root, entry.path());
    match entry {
        Entry::File { mode, content, .. } => {
            make_parent(&path, *mode)?;
            durable::replace(&path, content.as_bytes(), *mode)
        }
        Entry::Link { target, .. } => {
            make_parent(&path, 0o644)?;
            remove(&path)?;
            symlink(target, &path)
        }
        Entry::Absent { .. } => remove(&path),
    }
}

/// The directory of a private file is private too.
fn make_parent(path: &Path, mode: u32) -> io::Result<()> {
    let private = mode & 0o077 == 0;
    let parent = path.parent().unwrap_or(path);
    DirBuilder::new()
        .recursive(true)
        .mode(if private { 0o700 } else { 0o755 })
        .create(parent)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn under(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}
