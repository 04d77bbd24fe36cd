//! What a volume is made of, looked at before QEMU is: its format by its own bytes, never by a name, and no other file
//! that it would need.

use std::io::ErrorKind;
use std::path::PathBuf;

use qx_host::volumes::{VolumeError, facts, open};
use qx_model::storage::{Volume, VolumeRef};

use super::{Inner, VolumeSource, refuse_running};
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::foreign_format::{Format, identify};
use crate::volumes::busy::Guard;

/// The kernel's `ELOOP`: a link where none may be.
const TOO_MANY_LINKS: i32 = 40;

/// Bytes to make a volume of.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    pub(super) virtual_bytes: u64,
    pub(super) block: bool,
    /// Keeps others from changing it.
    pub(super) guard: Option<Guard>,
}

impl Inner {
    /// The source, if it can be used now; `None` for nothing.
    pub(super) async fn source(&self, source: &VolumeSource) -> Result<Option<Source>> {
        match source {
            VolumeSource::Blank => Ok(None),
            VolumeSource::Image(name) => {
                let Some(path) = self.images.path(name).await? else {
                    return Err(Error::field("source.image", crate::create::missing(name)));
                };
                look(path, false, "source.image").await.map(Some)
            }
            VolumeSource::Volume(volume) => {
                let guard = self.busy.shared(volume)?;
                let mut source = self.readable(volume).await?;
                source.guard = Some(guard);
                Ok(Some(source))
            }
        }
    }

    /// A volume that nobody writes to.
    pub(super) async fn readable(&self, volume: &VolumeRef) -> Result<Source> {
        let seen = self.get(volume).await?;
        refuse_running(
            &seen,
            "power that VM off first: what it writes meanwhile would be torn",
        )?;
        self.examine(seen.volume).await
    }

    /// What a volume's own bytes say.
    pub(super) async fn examine(&self, volume: Volume) -> Result<Source> {
        if let Some(other) = &volume.backing {
            return Err(Error::Conflict {
                reason: format!("the volume {} needs another file, {other}", volume.name),
                hint: "flatten it first (qemu-img convert)".into(),
            });
        }
        look(volume.path, volume.block, "volume").await
    }
}

/// Looks at a file or block device.
pub(super) async fn look(path: PathBuf, block: bool, field: &'static str) -> Result<Source> {
    blocking(move || {
        let context = || format!("reading {}", path.display());
        let opened = open(&path).map_err(|error| {
            // The test driver holds volumes in memory, and a link is refused.
            let elsewhere = error.raw_os_error() == Some(TOO_MANY_LINKS);
            match error.kind() {
                ErrorKind::InvalidInput => Error::field(field, format!("can't be read: {error}")),
                kind if elsewhere || kind == ErrorKind::NotFound => Error::Conflict {
                    reason: format!("{} can't be opened: {error}", path.display()),
                    hint: "only files and disks of this host can be used, and no links".into(),
                },
                _ => Error::file(context(), error),
            }
        });
        let (mut file, length) = opened?;
        // A guest writes what it likes to a block device: it may look like any format, and is none.
        let format = if block {
            Format::Raw
        } else {
            identify(&mut file)
                .map_err(|error| Error::file(context(), error))?
                .map_err(|reason| Error::field(field, reason))?
        };
        let virtual_bytes = match format {
            Format::Raw => length,
            _ => {
                let found =
                    facts(&path, format.name()).map_err(|error| unreadable(field, error))?;
                if let Some(other) = found.needs {
                    return Err(Error::field(field, format!("needs another file, {other}")));
                }
                found.virtual_bytes
            }
        };
        Ok(Source {
            path,
            format,
            virtual_bytes,
            block,
            guard: None,
        })
    })
    .await
}

fn unreadable(field: &str, error: VolumeError) -> Error {
    match error {
        VolumeError::Program { .. } => Error::field(field, format!("is damaged: {error}")),
        other => failed(other),
    }
}

/// What could not be done with files, in the engine's words.
pub(super) fn failed(error: VolumeError) -> Error {
    if error.is_full() {
        return Error::NoSpace {
            what: "the volume, of which nothing is left".into(),
        };
    }
    match error {
        VolumeError::Cancelled => Error::Cancelled,
        VolumeError::Exists(path) => Error::Conflict {
            reason: format!("{} exists already", path.display()),
            hint: "choose another name, or delete the other one first".into(),
        },
        VolumeError::Program { doing, said } => Error::Refused {
            action: doing,
            message: said,
        },
        VolumeError::File { doing, source } => Error::file(doing, source),
    }
}
