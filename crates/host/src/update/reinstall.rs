//! The slot that runs, read as a bundle: what writes its version to the other slot once more. So it goes the way
//! of every bundle, with its signature checked, every part hashed, and all of it read back.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use qx_slots::{
    KEYRING_FILE, KEYRING_SIGNATURE_FILE, MANIFEST_FILE, PART_NAMES, SIGNATURE_FILE, Trust,
};
use tar::Header;

use super::{Installed, StageError};
use crate::storage::Mounted;
use crate::trust;

const BLOCK: u64 = 512;
/// Two empty blocks end an archive; more of them fill its last record.
const END: [u8; 10 << 10] = [0; 10 << 10];

/// The slot that runs, as a bundle.
pub struct RunningSlot {
    bundle: Box<dyn Read + Send>,
    // After the files in it were closed.
    _mounted: Mounted,
}

impl Read for RunningSlot {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bundle.read(buffer)
    }
}

impl Installed {
    /// The slot that runs, as a bundle with the keyring in force. It is mounted as long as this is there.
    ///
    /// # Errors
    /// When it cannot be read, or the keys cannot be had.
    pub fn running_slot(&self) -> Result<RunningSlot, StageError> {
        let slot = self.running;
        let unreadable = |source| StageError::Running { slot, source };
        let loaded = trust::load(&self.keys, Some(&self.state))?;
        let mounted = self.mount(slot, "copy").map_err(unreadable)?;
        let bundle = bundle_of(mounted.place(), &loaded.trust).map_err(unreadable)?;
        Ok(RunningSlot {
            bundle,
            _mounted: mounted,
        })
    }
}

/// The files of a slot behind the keyring, as the archive that a bundle is.
fn bundle_of(slot: &Path, trust: &Trust) -> io::Result<Box<dyn Read + Send>> {
    let keyring = trust.keyring_bytes().to_vec();
    let signature = trust.keyring_signature().to_vec();
    let mut bundle: Box<dyn Read + Send> = Box::new(io::empty());
    for (name, content) in [(KEYRING_FILE, keyring), (KEYRING_SIGNATURE_FILE, signature)] {
        let size = content.len() as u64;
        bundle = Box::new(bundle.chain(entry(name, size, Cursor::new(content))?));
    }
    for name in [MANIFEST_FILE, SIGNATURE_FILE]
        .into_iter()
        .chain(PART_NAMES)
    {
        let file = File::open(slot.join(name))?;
        let size = file.metadata()?.len();
        bundle = Box::new(bundle.chain(entry(name, size, file)?));
    }
    Ok(Box::new(bundle.chain(Cursor::new(END))))
}

/// One file of the archive: header, content, and padding to whole blocks.
fn entry(name: &str, size: u64, content: impl Read) -> io::Result<impl Read> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    let padding = size.next_multiple_of(BLOCK) - size;
    Ok(Cursor::new(*header.as_bytes())
        .chain(content.take(size))
        .chain(io::repeat(0).take(padding)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    use qx_slots::{Bundle, Hash, Limits, Manifest, Part};
    use tar::Archive;

    use crate::trust::tests::{image, release};

    /// A slot whose parts have lengths around those of a block.
    fn slot(dir: &Path) -> Vec<(&'static str, Vec<u8>)> {
        let contents: Vec<(&str, Vec<u8>)> = PART_NAMES
            .into_iter()
            .zip([511_usize, 512, 70_001])
            .map(|(name, length)| (name, name.bytes().cycle().take(length).collect()))
            .collect();
        let parts = contents.iter().map(|(name, content)| Part {
            name: (*name).to_owned(),
            size: content.len() as u64,
            blake3: Hash::of(content),
        });
        let key = release(1);
        let manifest = Manifest::new(
            "1.0.0",
            "dev",
            key.public().id(),
            Limits::default(),
            parts.collect(),
        )
        .unwrap()
        .to_bytes()
        .unwrap();
        fs::write(dir.join(SIGNATURE_FILE), key.sign(&manifest)).unwrap();
        fs::write(dir.join(MANIFEST_FILE), manifest).unwrap();
        for (name, content) in &contents {
            fs::write(dir.join(name), content).unwrap();
        }
        contents
    }

    #[test]
    fn a_slot_read_as_a_bundle_is_one_to_the_last_byte() {
        let dir = tempfile::tempdir().unwrap();
        let contents = slot(dir.path());
        image(dir.path(), 1);
        let mut trust = trust::load(dir.path(), None).unwrap().trust;
        let mut archive = Archive::new(bundle_of(dir.path(), &trust).unwrap());
        let bundle = Bundle::open(&mut archive, &mut trust).unwrap();
        assert_eq!(bundle.manifest().version, "1.0.0");
        for (name, content) in contents {
            let mut read = Vec::new();
            bundle
                .next_part(name)
                .unwrap()
                .read_to_end(&mut read)
                .unwrap();
            assert!(read == content, "{name}");
        }
        bundle.finish().unwrap();
    }

    #[test]
    fn a_slot_without_one_of_its_files_is_no_bundle() {
        let dir = tempfile::tempdir().unwrap();
        slot(dir.path());
        image(dir.path(), 1);
        let trust = trust::load(dir.path(), None).unwrap().trust;
        fs::remove_file(dir.path().join(PART_NAMES[1])).unwrap();
        let error = bundle_of(dir.path(), &trust).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
