//! Which files of a configuration belong into a backup, read from the disk.
//!
//! Left out: what says how this machine's system is (`update.json`), earlier generations of the configuration, and
//! everything on `/data`: API tokens, audit log, VM disks. A token that was revoked since does not come back with
//! an old backup.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::index::{Entry, Kind, ROOTS};
use super::{BackupError, MOST_BYTES};
use crate::config::{Source, Store};

/// Unfinished files of programs that replace theirs in one step.
const UNFINISHED: [&str; 3] = [".new", ".scratch", ".next"];

/// Contents of files by path, in the order of paths.
type Contents = Vec<(String, Vec<u8>)>;

/// All entries below `state` and the contents of the files among them.
pub(super) fn collect(state: &Path) -> Result<(Vec<Entry>, Contents), BackupError> {
    let mut walk = Walk {
        state,
        entries: Vec::new(),
        contents: Vec::new(),
        bytes: 0,
    };
    for (root, _) in ROOTS {
        if root == "config.toml" {
            walk.configuration()?;
        } else {
            walk.add(root)?;
        }
    }
    let Walk {
        mut entries,
        mut contents,
        ..
    } = walk;
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    contents.sort_by(|one, other| one.0.cmp(&other.0));
    Ok((entries, contents))
}

struct Walk<'a> {
    state: &'a Path,
    entries: Vec<Entry>,
    contents: Contents,
    bytes: usize,
}

impl Walk<'_> {
    /// The file as somebody wrote it, if it is the one in force, else what is in force.
    fn configuration(&mut self) -> Result<(), BackupError> {
        let path = self.state.join("config.toml");
        let loaded = Store::new(self.state).peek();
        let text = match loaded.status.source {
            Source::Current => {
                fs::read_to_string(&path).map_err(|source| BackupError::Read { path, source })?
            }
            Source::Generation | Source::Defaults => loaded.config.to_toml(),
        };
        self.file("config.toml", (0, 0, 0o600), text.into_bytes())
    }

    /// What lies at `path`, and all that is in it. What went away since its directory was read, and what is no
    /// file (a socket), is passed over.
    fn add(&mut self, path: &str) -> Result<(), BackupError> {
        let full = self.state.join(path);
        let unreadable = |source| BackupError::Read {
            path: full.clone(),
            source,
        };
        let Some(facts) = present(fs::symlink_metadata(&full)).map_err(unreadable)? else {
            return Ok(());
        };
        let owner = owner(&facts);
        if facts.is_dir() {
            self.entry(path, owner, Kind::Directory)?;
            let Some(list) = present(fs::read_dir(&full)).map_err(unreadable)? else {
                return Ok(());
            };
            for found in list {
                let name = found.map_err(unreadable)?.file_name();
                let Some(name) = name.to_str() else {
                    return Err(BackupError::Name {
                        path: full.join(name),
                        reason: "it is not UTF-8".to_owned(),
                    });
                };
                if !UNFINISHED.iter().any(|ending| name.ends_with(ending)) {
                    self.add(&format!("{path}/{name}"))?;
                }
            }
        } else if facts.is_symlink() {
            if let Some(target) = present(fs::read_link(&full)).map_err(unreadable)? {
                let target = target.to_string_lossy().into_owned();
                self.entry(path, owner, Kind::Link { target })?;
            }
        } else if facts.is_file()
            && let Some(content) = present(fs::read(&full)).map_err(unreadable)?
        {
            self.file(path, owner, content)?;
        }
        Ok(())
    }

    fn file(
        &mut self,
        path: &str,
        owner: (u32, u32, u32),
        content: Vec<u8>,
    ) -> Result<(), BackupError> {
        self.bytes = self.bytes.saturating_add(content.len());
        // Room for headers, gaps, the index and what encryption adds.
        if self.bytes > MOST_BYTES / 8 * 7 {
            return Err(BackupError::TooLarge);
        }
        let kind = Kind::File {
            bytes: content.len() as u64,
            blake3: blake3::hash(&content).to_hex().to_string(),
        };
        self.entry(path, owner, kind)?;
        self.contents.push((path.to_owned(), content));
        Ok(())
    }

    fn entry(
        &mut self,
        path: &str,
        (uid, gid, mode): (u32, u32, u32),
        kind: Kind,
    ) -> Result<(), BackupError> {
        let entry = Entry {
            path: path.to_owned(),
            uid,
            gid,
            mode,
            kind,
        };
        entry.check().map_err(|reason| BackupError::Name {
            path: self.state.join(path),
            reason: reason.to_owned(),
        })?;
        self.entries.push(entry);
        Ok(())
    }
}

fn owner(facts: &Metadata) -> (u32, u32, u32) {
    (facts.uid(), facts.gid(), facts.mode() & 0o777)
}

fn present<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
