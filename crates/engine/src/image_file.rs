//! Files of the image library on disk: receiving, describing, listing. All calls block.

use std::fmt::Display;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use qx_model::name::ImageName;
use qx_model::vm::Image;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::error::{Error, Result};
use crate::{image_format, partial};

/// Makes the directories and removes what uploads left behind when the last run ended, but for what may be gone on with.
pub(crate) fn prepare(images: &Path, uploads: &Path, vms: &Path) -> Result<()> {
    // QEMU runs as another user: it may reach its own files, but not list others'.
    for (directory, mode) in [(images, 0o755), (vms, 0o711), (uploads, 0o700)] {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(directory);
        made.map_err(|error| Error::file(format!("making {}", directory.display()), error))?;
    }
    let context = || format!("clearing {}", uploads.display());
    let entries = fs::read_dir(uploads).map_err(|error| Error::file(context(), error))?;
    for entry in entries {
        let path = entry.map_err(|error| Error::file(context(), error))?.path();
        if !partial::is_kept(&path) {
            fs::remove_file(path).map_err(|error| Error::file(context(), error))?;
        }
    }
    Ok(())
}

/// Writes the pieces of an upload to a file of its own.
pub(crate) struct Receiver {
    /// Where; it is not there yet, unless `offset` says so.
    pub(crate) path: PathBuf,
    pub(crate) pieces: mpsc::Receiver<io::Result<Bytes>>,
    pub(crate) sha256: Option<[u8; 32]>,
    /// Bytes that are in the file already.
    pub(crate) offset: u64,
    /// Bytes that the whole has, if it is to be kept when it breaks off.
    pub(crate) total: Option<u64>,
    /// Let go when the file has its place, or none.
    pub(crate) held: Box<dyn Send>,
}

impl Receiver {
    /// Takes pieces until they end. The file is gone again unless it is kept, or can be gone on with.
    pub(crate) fn receive(mut self) -> Result<Upload> {
        let failed = |error| Error::file("writing the upload to the data disk", error);
        let mut digest = match (self.sha256, self.offset) {
            (Some(_), 1..) => digest_of(&self.path, self.offset).map_err(failed)?,
            _ => Sha256::new(),
        };
        let mut options = OpenOptions::new();
        match self.offset {
            0 => options.write(true).create_new(true).mode(0o644),
            _ => options.append(true),
        };
        let mut file = options.open(&self.path).map_err(failed)?;
        let upload = Upload {
            path: Some(self.path),
            _held: self.held,
        };
        let mut written = self.offset;
        while let Some(piece) = self.pieces.blocking_recv() {
            let piece = match (piece, self.total) {
                (Ok(piece), _) => piece,
                (Err(error), None) => return Err(cut_off(error)),
                (Err(error), Some(_)) => return upload.leave(&file, cut_off(error)),
            };
            if self.sha256.is_some() {
                digest.update(&piece);
            }
            file.write_all(&piece).map_err(failed)?;
            written += piece.len() as u64;
        }
        match self.total {
            Some(total) if written < total => {
                return upload.leave(&file, cut_off("the connection ended"));
            }
            Some(total) if written > total => {
                return Err(Error::field("body", "is longer than was announced"));
            }
            _ => {}
        }
        file.sync_all().map_err(failed)?;
        if self
            .sha256
            .is_some_and(|expected| expected[..] != digest.finalize()[..])
        {
            return Err(Error::field(
                "body",
                "does not have the SHA-256 that was announced",
            ));
        }
        Ok(upload)
    }
}

fn cut_off(reason: impl Display) -> Error {
    Error::field("body", format!("was cut off: {reason}"))
}

/// Of the first bytes of a file.
fn digest_of(path: &Path, bytes: u64) -> io::Result<Sha256> {
    let mut file = File::open(path)?.take(bytes);
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digest),
            length => digest.update(&buffer[..length]),
        }
    }
}

/// A received file that is not in the library yet; removed when dropped.
pub(crate) struct Upload {
    /// `None` once it is somebody else's.
    path: Option<PathBuf>,
    _held: Box<dyn Send>,
}

impl Upload {
    /// Moves it into the library if its content is acceptable.
    pub(crate) fn keep(mut self, path: &Path, name: ImageName) -> Result<Image> {
        let failed = |error| Error::file(format!("storing the image {name}"), error);
        let Some(own) = self.path.as_ref() else {
            return Err(failed(io::ErrorKind::NotFound.into()));
        };
        let mut file = File::open(own).map_err(failed)?;
        let content = image_format::examine(&mut file)
            .map_err(failed)?
            .map_err(|refusal| Error::field("body", refusal))?;
        fs::rename(own, path).map_err(failed)?;
        self.path = None;
        if let Some(directory) = path.parent() {
            File::open(directory)
                .and_then(|directory| directory.sync_all())
                .map_err(failed)?;
        }
        Ok(image(name, content))
    }

    /// Leaves what is written of it, for whoever goes on.
    fn leave(mut self, file: &File, reason: Error) -> Result<Self> {
        match file.sync_all() {
            Ok(()) => self.path = None,
            Err(error) => tracing::warn!(%error, "a part of an upload is not kept"),
        }
        Err(reason)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Gone already when somebody discarded it.
            let _ = fs::remove_file(path);
        }
    }
}

/// What a file of the library is; `None` if it is not there or not acceptable.
pub(crate) fn describe(path: &Path, name: ImageName) -> Result<Option<Image>> {
    let examined = File::open(path).and_then(|mut file| image_format::examine(&mut file));
    match examined {
        Ok(Ok(content)) => Ok(Some(image(name, content))),
        Ok(Err(refusal)) => {
            tracing::warn!(path = %path.display(), refusal, "not an image that can be used");
            Ok(None)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(format!("reading the image {name}"), error)),
    }
}

/// All acceptable files of the library, by name.
pub(crate) fn list(directory: &Path) -> Result<Vec<Image>> {
    let context = || "reading the image library".to_owned();
    let mut images = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| Error::file(context(), error))? {
        let entry = entry.map_err(|error| Error::file(context(), error))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let name = entry
            .file_name()
            .into_string()
            .ok()
            .and_then(|name| name.parse().ok());
        if let (true, Some(name)) = (is_file, name) {
            images.extend(describe(&entry.path(), name)?);
        }
    }
    images.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(images)
}

fn image(name: ImageName, content: image_format::Content) -> Image {
    let image_format::Content {
        format,
        size_bytes,
        virtual_bytes,
    } = content;
    Image {
        name,
        size_bytes,
        virtual_bytes,
        format,
    }
}
