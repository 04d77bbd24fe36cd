//! A disk of the system: its partition table, the file systems on it and what an installation or an update
//! writes there. Says how to write, not when: the sequence is the installer's and the updater's.

mod blocks;
mod boot_entry;
mod efi;
mod filesystem;
mod partitions;
mod raw;
mod slot;

pub use boot_entry::{BootEntryError, set_boot_entries};
pub use efi::{BootLoader, write_efi};
pub use filesystem::{Mounted, check_data, make_config, make_data};
pub use partitions::{
    DiskShape, Partition, Sizes, TooSmallError, erase_system, least_bytes, node, plan, write_table,
};
pub use raw::RawPartition;
pub use slot::{PartSource, SlotContent, SlotError, write_slot};

use std::ffi::OsStr;
use std::io;
use std::process::{Command, Stdio};

/// Why a disk could not be prepared.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}")]
pub struct StorageError {
    doing: String,
    source: io::Error,
}

impl StorageError {
    /// For `map_err`: what was about to be done.
    pub fn doing<E: Into<io::Error>>(doing: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |source| Self {
            doing: doing.into(),
            source: source.into(),
        }
    }
}

/// Runs a program that makes something; what it complains about becomes the error.
pub(crate) fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
    program: &str,
    arguments: I,
) -> io::Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            io::Error::new(error.kind(), format!("cannot start {program}: {error}"))
        })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    Err(io::Error::other(format!(
        "{program} failed ({}): {said}",
        output.status
    )))
}
