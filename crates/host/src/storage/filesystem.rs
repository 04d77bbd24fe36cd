//! Making file systems and mounting them for a moment.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::{StorageError, run};
use crate::config::{Config, Source, Store};

const MKE2FS: &str = "/usr/sbin/mke2fs";
const MKFS_XFS: &str = "/usr/sbin/mkfs.xfs";
/// udev and blkid open new file systems to look at them, which keeps an unmount waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// A file system that is mounted until this is dropped or closed.
#[derive(Debug)]
pub struct Mounted {
    place: PathBuf,
    open: bool,
}

impl Mounted {
    /// Mounts `device` on the directory `place`, which is made.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new(device: &Path, place: &Path, kind: &str, read_only: bool) -> io::Result<Self> {
        std::fs::create_dir_all(place)?;
        let mut flags =
            MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::NOATIME;
        if read_only {
            flags |= MountFlags::RDONLY;
        }
        mount(device, place, kind, flags, None)?;
        Ok(Self {
            place: place.to_owned(),
            open: true,
        })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Unmounts: everything that was written is on the device, and nothing of it is left in memory.
    ///
    /// # Errors
    /// When somebody keeps it busy.
    pub fn close(mut self) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            match unmount(&self.place, UnmountFlags::empty()) {
                Err(Errno::BUSY) if Instant::now() < end => {
                    thread::sleep(Duration::from_millis(20));
                }
                outcome => {
                    self.open = outcome.is_err();
                    return Ok(outcome?);
                }
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.open {
            // Something failed before, and that is what is told.
            let _ = unmount(&self.place, UnmountFlags::DETACH);
        }
    }
}

/// An ext4 without journal, reserved blocks or spare inodes: it is written once and then only read.
pub(super) fn make_slot(partition: &Path) -> io::Result<()> {
    let options = [
        "-q",
        "-F",
        "-t",
        "ext4",
        "-b",
        "4096",
        "-m",
        "0",
        "-N",
        "64",
        "-O",
        "^has_journal,^resize_inode,^huge_file",
        "-E",
        "lazy_itable_init=0,nodiscard",
    ];
    make(MKE2FS, &options, partition)
}

/// Makes the configuration's file system, stores `config` in it and reads it back.
///
/// # Errors
/// When the partition cannot be written or says something else afterwards.
pub fn make_config(partition: &Path, scratch: &Path, config: &Config) -> Result<(), StorageError> {
    let write = || -> io::Result<()> {
        let options = [
            "-q",
            "-F",
            "-t",
            "ext4",
            "-m",
            "0",
            "-E",
            "lazy_itable_init=0,nodiscard",
        ];
        make(MKE2FS, &options, partition)?;
        let mounted = Mounted::new(partition, scratch, "ext4", false)?;
        Store::new(mounted.place())
            .save(config)
            .map_err(io::Error::other)?;
        mounted.close()?;
        let mounted = Mounted::new(partition, scratch, "ext4", true)?;
        let found = Store::new(mounted.place()).peek();
        mounted.close()?;
        if found.config == *config && found.status.source == Source::Current {
            Ok(())
        } else {
            Err(io::Error::other("it does not keep what is written to it"))
        }
    };
    write().map_err(StorageError::doing(format!(
        "write the configuration partition {}",
        partition.display()
    )))
}

/// Makes the file system of VM disks: XFS, which copies large files without copying their blocks.
///
/// # Errors
/// When the partition cannot be written, or the result cannot be mounted.
pub fn make_data(partition: &Path, scratch: &Path) -> Result<(), StorageError> {
    let write = || -> io::Result<()> {
        make(MKFS_XFS, &["-q", "-f", "-m", "reflink=1"], partition)?;
        Mounted::new(partition, scratch, "xfs", false)?.close()
    };
    write().map_err(StorageError::doing(format!(
        "make the file system of the data partition {}",
        partition.display()
    )))
}

/// Whether the data partition holds a file system that could be kept: it is mounted for a moment, read-only.
///
/// # Errors
/// When it can't be mounted.
pub fn check_data(partition: &Path, scratch: &Path) -> Result<(), StorageError> {
    let mounted = Mounted::new(partition, scratch, "xfs", true).and_then(Mounted::close);
    mounted.map_err(StorageError::doing(format!(
        "use the data partition {} as it is",
        partition.display()
    )))
}

fn make(program: &str, options: &[&str], partition: &Path) -> io::Result<()> {
    let partition = partition.as_os_str();
    let arguments = options.iter().map(std::ffi::OsStr::new);
    run(program, arguments.chain([partition])).map(drop)
}
