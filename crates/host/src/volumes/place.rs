//! The directory of a pool: how much space it has, opening what is in it, and files that are not complete.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags, RenameFlags, renameat_with, statat, statvfs};

use super::VolumeError;

/// How names of files begin that are not complete. They are hidden, so they are no volumes.
const PART: &str = ".qx-part-";

/// Space of a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// In all.
    pub capacity: u64,
    /// Free for everybody.
    pub available: u64,
}

/// How much space the directory has.
///
/// # Errors
/// A clause that completes "its directory PLACE …" when it is gone, or when it should be the place of a mount
/// (`mounted`) and is none.
pub fn space(place: &Path, mounted: bool) -> Result<Space, String> {
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "is gone".to_owned(),
        _ => format!("can't be used: {error}"),
    };
    let facts = fs::metadata(place).map_err(gone)?;
    if !facts.is_dir() {
        return Err("is no directory".to_owned());
    }
    if mounted {
        let above = fs::metadata(place.join("..")).map_err(gone)?;
        if above.dev() == facts.dev() {
            return Err("is not mounted any more".to_owned());
        }
    }
    let found = statvfs(place).map_err(|error| gone(error.into()))?;
    Ok(Space {
        capacity: found.f_blocks.saturating_mul(found.f_frsize),
        available: found.f_bavail.saturating_mul(found.f_frsize),
    })
}

/// Opens a volume to read it: a file or a block device, never through a link, and never something that waits.
///
/// # Errors
/// When it is something else, or can't be opened.
pub fn open(path: &Path) -> io::Result<(File, u64)> {
    // A block device is named by udev's link, and only root makes these.
    let device = path.starts_with("/dev");
    let mut flags = OFlags::NONBLOCK;
    if !device {
        flags |= OFlags::NOFOLLOW;
    }
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    let kind = file.metadata()?.file_type();
    let fine = kind.is_file() || (device && kind.is_block_device());
    if !fine {
        let text = format!("{} is neither a file nor a disk", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let length = io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
    io::Seek::seek(&mut file, io::SeekFrom::Start(0))?;
    Ok((file, length))
}

/// A hidden file in the directory of what it is to become; removed when dropped.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    kept: bool,
}

impl Part {
    /// A file that is not there yet, for one that is to be at `target`.
    ///
    /// # Errors
    /// [`VolumeError::Exists`] if something is at `target`.
    pub fn of(target: &Path) -> Result<Self, VolumeError> {
        if target.symlink_metadata().is_ok() {
            return Err(VolumeError::Exists(target.to_owned()));
        }
        let mut random = [0; 8];
        let filled = getrandom::fill(&mut random);
        filled.map_err(|error| VolumeError::file("choosing a name")(io::Error::other(error)))?;
        let name = format!("{PART}{}", hex::encode(random));
        Ok(Self {
            path: target.with_file_name(name),
            kept: false,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(&self) -> Result<File, VolumeError> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(VolumeError::file(format!("making {}", self.path.display())))
    }

    /// Complete: it gets its name, whole and on the disk.
    ///
    /// # Errors
    /// [`VolumeError::Exists`] if something has the name meanwhile.
    pub fn keep(mut self, target: &Path) -> Result<(), VolumeError> {
        let doing = || VolumeError::file(format!("keeping {}", target.display()));
        let file = File::open(&self.path).and_then(|file| file.sync_all());
        file.map_err(doing())?;
        let renamed = renameat_with(CWD, &self.path, CWD, target, RenameFlags::NOREPLACE);
        match renamed.map_err(io::Error::from) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(VolumeError::Exists(target.to_owned()));
            }
            // A server's file system that knows no such rename: a link is refused in the same case.
            Err(error) if error.raw_os_error() == Some(22) => {
                fs::hard_link(&self.path, target).map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => VolumeError::Exists(target.to_owned()),
                    _ => doing()(error),
                })?;
            }
            Err(error) => return Err(doing()(error)),
            Ok(()) => self.kept = true,
        }
        let directory = target.parent().unwrap_or(Path::new("/"));
        let synced = File::open(directory).and_then(|directory| directory.sync_all());
        synced.map_err(doing())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            // It may never have been made.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes what a program that ended left half-made in a directory that no other host uses.
///
/// # Errors
/// When it can't be read.
pub fn sweep(place: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with(PART);
        let is_file = statat(CWD, entry.path(), AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|facts| rustix::fs::FileType::from_raw_mode(facts.st_mode).is_file());
        if ours && is_file {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_directory_that_is_gone_or_not_mounted_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let found = space(dir.path(), false).unwrap();
        assert!(found.capacity > 0 && found.available <= found.capacity);
        assert_eq!(
            space(dir.path(), true).unwrap_err(),
            "is not mounted any more"
        );
        assert_eq!(space(&dir.path().join("no"), false).unwrap_err(), "is gone");
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(space(&file, false).unwrap_err(), "is no directory");
    }

    #[test]
    fn only_files_are_opened_and_never_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&file, "four").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(open(&file).unwrap().1, 4);
        open(&link).unwrap_err();
        open(dir.path()).unwrap_err();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(
            CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        open(&fifo).unwrap_err();
    }

    #[test]
    fn what_is_not_kept_is_gone_and_nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        let files = || fs::read_dir(dir.path()).unwrap().count();
        let part = Part::of(&target).unwrap();
        part.create().unwrap().write_all(b"x").unwrap();
        assert_eq!(files(), 1);
        drop(part);
        assert_eq!(files(), 0);
        let (first, second) = (Part::of(&target).unwrap(), Part::of(&target).unwrap());
        first.create().unwrap();
        second.create().unwrap();
        first.keep(&target).unwrap();
        let refused = second.keep(&target).unwrap_err();
        assert!(matches!(refused, VolumeError::Exists(_)), "{refused}");
        assert!(matches!(Part::of(&target), Err(VolumeError::Exists(_))));
        assert_eq!(files(), 1);
    }

    #[test]
    fn what_a_killed_program_left_is_swept_away_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".qx-part-0123", ".other", "a.qcow2"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(sweep(dir.path()).unwrap(), 1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
