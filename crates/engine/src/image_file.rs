//! Files of the image library on disk: receiving, describing, listing. All calls block.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use qx_model::name::ImageName;
use qx_model::vm::Image;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::error::{Error, Result};
use crate::image_format;

/// Makes the directories and removes what uploads left behind when the last run ended.
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
        let removed = entry.and_then(|entry| fs::remove_file(entry.path()));
        removed.map_err(|error| Error::file(context(), error))?;
    }
    Ok(())
}

/// Writes the pieces of an upload to a file of its own.
pub(crate) struct Receiver {
    /// Where, which is not there yet.
    pub(crate) path: PathBuf,
    pub(crate) pieces: mpsc::Receiver<io::Result<Bytes>>,
    pub(crate) sha256: Option<[u8; 32]>,
}

impl Receiver {
    /// Takes pieces until they end. The file is gone again unless it is kept.
    pub(crate) fn receive(mut self) -> Result<Upload> {
        let path = self.path;
        let context = || "writing the upload to the data disk".to_owned();
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&path)
            .map_err(|error| Error::file(context(), error))?;
        let upload = Upload { path };
        let mut digest = Sha256::new();
        while let Some(piece) = self.pieces.blocking_recv() {
            let piece =
                piece.map_err(|error| Error::field("body", format!("was cut off: {error}")))?;
            if self.sha256.is_some() {
                digest.update(&piece);
            }
            file.write_all(&piece)
                .map_err(|error| Error::file(context(), error))?;
        }
        file.sync_all()
            .map_err(|error| Error::file(context(), error))?;
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

/// A received file that is not in the library yet; removed when dropped.
pub(crate) struct Upload {
    path: PathBuf,
}

impl Upload {
    /// Moves it into the library if its content is acceptable.
    pub(crate) fn keep(self, path: &Path, name: ImageName) -> Result<Image> {
        let context = || format!("storing the image {name}");
        let mut file = File::open(&self.path).map_err(|error| Error::file(context(), error))?;
        let content = image_format::examine(&mut file)
            .map_err(|error| Error::file(context(), error))?
            .map_err(|refusal| Error::field("body", refusal))?;
        fs::rename(&self.path, path).map_err(|error| Error::file(context(), error))?;
        if let Some(directory) = path.parent() {
            File::open(directory)
                .and_then(|directory| directory.sync_all())
                .map_err(|error| Error::file(context(), error))?;
        }
        Ok(image(name, content))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Gone already when it was kept.
        let _ = fs::remove_file(&self.path);
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
