//! The CD: ISO 9660 with Rock Ridge and Joliet, labelled `cidata`.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind::{DirectoryNotEmpty, NotFound};
use std::io::{Cursor, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use hadris_iso::read::{IsoImage, PathSeparator};
use hadris_iso::write::options::{CreationFeatures, IsoFormatOptions};
use hadris_iso::write::{File as IsoFile, InputFiles, IsoImageWriter};

use super::Documents;
use crate::error::{Error, Result};

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The label that cloud-init looks for.
const LABEL: &str = "cidata";
/// More than any that was written here.
const LARGEST: u64 = 4 << 20;

impl Documents {
    /// Writes the CD in a VM's own directory, which is made if it is not there. Only root can read it, and the VM's QEMU
    /// once libvirt has let it.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let image = self.image()?;
        let failed = |error| Error::file(format!("writing {}", path.display()), error);
        let directory = path.parent().unwrap_or(path);
        let mut builder = DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o711)
            .create(directory)
            .map_err(failed)?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let mut file = file.map_err(failed)?;
        let written = file.write_all(&image).and_then(|()| file.sync_all());
        written.map_err(|error| {
            // Half of it is of no use, and in the way of the next try.
            drop(fs::remove_file(path));
            failed(error)
        })
    }

    /// What the CD says.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let failed = |error| Error::internal(format!("reading {}", path.display()), error);
        let mut files = files(path).map_err(failed)?;
        let mut needed = |name: &str| {
            let file = files.remove(name);
            file.ok_or_else(|| failed(format!("the CD has no file {name}").into()))
        };
        Ok(Self {
            meta_data: needed("meta-data")?,
            user_data: needed("user-data")?,
            network_config: files.remove("network-config"),
        })
    }

    fn image(&self) -> Result<Vec<u8>> {
        let file = |(name, text): (&str, &str)| IsoFile::File {
            name: Arc::new(name.to_owned()),
            contents: text.as_bytes().to_vec(),
        };
        let files = InputFiles {
            path_separator: PathSeparator::ForwardSlash,
            files: self.files().map(file).collect(),
        };
        let options = IsoFormatOptions {
            volume_name: LABEL.into(),
            system_id: None,
            volume_set_id: None,
            publisher_id: None,
            preparer_id: None,
            application_id: None,
            sector_size: 2048,
            path_separator: PathSeparator::ForwardSlash,
            features: CreationFeatures::extensions(),
            strict_charset: false,
        };
        IsoImageWriter::create(Cursor::new(Vec::new()), files, options)
            .map(Cursor::into_inner)
            .map_err(|error| Error::internal("making a CD for cloud-init", error))
    }
}

/// The files of a CD by their names.
fn files(path: &Path) -> std::result::Result<BTreeMap<String, String>, Fault> {
    let mut image = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut image)?;
    let disc = IsoImage::open(Cursor::new(image))?;
    let mut files = BTreeMap::new();
    for entry in disc.root_dir().iter(&disc).entries() {
        let entry = entry?;
        if entry.is_file() {
            let text = String::from_utf8(disc.read_file(&entry)?)?;
            files.insert(entry.display_name().into_owned(), text);
        }
    }
    Ok(files)
}

/// Removes a VM's CD; fine if there is none. Its directory goes too if it has nothing else.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == NotFound => return Ok(()),
        Err(error) => return Err(Error::file(format!("removing {}", path.display()), error)),
    }
    let directory = path.parent().unwrap_or(path);
    match fs::remove_dir(directory) {
        // Disks that are kept, or somebody was quicker.
        Err(error) if !matches!(error.kind(), DirectoryNotEmpty | NotFound) => Err(Error::file(
            format!("removing {}", directory.display()),
            error,
        )),
        _ => Ok(()),
    }
}
