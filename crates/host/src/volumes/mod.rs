//! Files and devices behind volumes: whether a pool's directory is there, copies, conversion by qemu-img, and making a
//! disk of the host a pool's. Knows paths, and nothing of pools but that. Everything here blocks, on a pool whose
//! server is silent perhaps for ever.

mod convert;
mod copy;
mod disk;
mod place;

use std::io;
use std::path::PathBuf;

pub use convert::{Facts, convert, convert_onto, facts};
pub use copy::{Copied, copy};
pub use disk::{DiskError, choose, free_of, list, make_filesystem};
pub use place::{Part, Space, open, space, sweep};

/// Told how much is done of how much, now and then; to go on, it says true.
pub type Watch<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// Why a volume's bytes are not where they should be. Nothing half-made is left.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// The watch said so.
    #[error("it was cancelled")]
    Cancelled,
    /// Content is never overwritten.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The system said no.
    #[error("{doing}")]
    File {
        /// Such as `copying /data/volumes/a`.
        doing: String,
        /// What it said.
        source: io::Error,
    },
    /// qemu-img said no.
    #[error("qemu-img {doing}: {said}")]
    Program {
        /// Such as `can't convert /data/volumes/a`.
        doing: String,
        /// Its words.
        said: String,
    },
}

impl VolumeError {
    fn file(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::File { doing, source }
    }

    /// What could not be written for want of space.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::File { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ),
            Self::Program { said, .. } => said.contains("No space left on device"),
            Self::Cancelled | Self::Exists(_) => false,
        }
    }
}

#[cfg(test)]
mod real_devices;
