//! The update bundle (`.qxu`): a plain ustar archive (POSIX.1-1988) of keyring, manifest, their signatures and
//! the parts, in this order and nothing else, so that it can be judged while it arrives.
//!
//! ```text
//! keyring.json  keyring.sig  manifest.json  manifest.sig  vmlinuz  initramfs.img  rootfs.squashfs
//! ```

use std::cell::RefCell;
use std::io::{self, Read};

use tar::{Archive, Entries, Entry, EntryType};
use thiserror::Error;

use crate::keyring::KeyringError;
use crate::manifest::{MAX_BYTES, Manifest, ManifestError, verify_manifest};
use crate::trust::Trust;
use crate::{KEYRING_FILE, KEYRING_SIGNATURE_FILE, MANIFEST_FILE, SIGNATURE_FILE};

/// What surrounds each file of the archive: a header, and padding to whole blocks.
const BLOCK: u64 = 512;
const RECORD: u64 = 20 * BLOCK;
const SIGNATURE_BYTES: u64 = 64;

/// Why a bundle was refused.
#[derive(Debug, Error)]
pub enum BundleError {
    /// It is no archive, or ends early.
    #[error("the bundle is no update bundle, or ends too early")]
    Read(#[source] io::Error),
    /// Something else is where a file of the bundle must be.
    #[error("the bundle has {found} where {expected} must be")]
    Order {
        /// The file that comes next in a bundle.
        expected: String,
        /// What is there, as printable ASCII.
        found: String,
    },
    /// A file is longer than it may be.
    #[error("{name} of the bundle is {bytes} bytes long, more than it may be")]
    TooLong {
        /// The file.
        name: String,
        /// Its length.
        bytes: u64,
    },
    /// Its keyring is not to be trusted.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Its manifest is not to be trusted.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// A bundle whose manifest was verified, with its parts still to be read, in their order.
pub struct Bundle<'a, R: Read> {
    entries: RefCell<Entries<'a, R>>,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    signature: Vec<u8>,
    keyring_bytes: u64,
}

impl<'a, R: Read> Bundle<'a, R> {
    /// Reads and verifies keyring and manifest at the start of `archive`, which nobody has read from. A newer
    /// keyring is in force from then on, whatever becomes of the rest: `trust` holds it, to be kept.
    ///
    /// # Errors
    /// When they are not the first things there, or are not to be trusted.
    pub fn open(archive: &'a mut Archive<R>, trust: &mut Trust) -> Result<Self, BundleError> {
        // Raw: extensions of the format, which could ask for any amount of memory, are entries like others,
        // and as such refused.
        let mut entries = archive.entries().map_err(BundleError::Read)?.raw(true);
        let keyring = small(&mut entries, KEYRING_FILE)?;
        let keyring_signature = small(&mut entries, KEYRING_SIGNATURE_FILE)?;
        let keyring_bytes = keyring.len() as u64;
        trust.offer(keyring, keyring_signature)?;
        let manifest_bytes = small(&mut entries, MANIFEST_FILE)?;
        let signature = small(&mut entries, SIGNATURE_FILE)?;
        let manifest = verify_manifest(&manifest_bytes, &signature, trust.keyring())?;
        Ok(Self {
            entries: RefCell::new(entries),
            manifest,
            manifest_bytes,
            signature,
            keyring_bytes,
        })
    }

    /// The manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest's bytes, as they were signed.
    #[must_use]
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// The signature over them.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Bytes of the whole archive as tar writes it, in records of 10 KiB.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let small = [
            self.keyring_bytes,
            SIGNATURE_BYTES,
            self.manifest_bytes.len() as u64,
            SIGNATURE_BYTES,
        ];
        let parts = self.manifest.parts().iter().map(|part| part.size);
        let files: u64 = small
            .into_iter()
            .chain(parts)
            .map(|size| BLOCK + size.next_multiple_of(BLOCK))
            .sum();
        (files + 2 * BLOCK).next_multiple_of(RECORD)
    }

    /// To be called after the last part was read.
    ///
    /// # Errors
    /// When the archive goes on.
    pub fn finish(self) -> Result<(), BundleError> {
        match self.entries.into_inner().next() {
            None => Ok(()),
            Some(Err(error)) => Err(BundleError::Read(error)),
            Some(Ok(entry)) => Err(BundleError::Order {
                expected: "its end".to_owned(),
                found: entry.path_bytes().escape_ascii().to_string(),
            }),
        }
    }

    /// The next part, which must have this name. Its length may be anything: whoever reads it holds it
    /// against the manifest.
    ///
    /// # Errors
    /// When something else comes next.
    pub fn next_part(&self, name: &str) -> Result<Entry<'a, R>, BundleError> {
        next(&mut self.entries.borrow_mut(), name)
    }
}

fn small<R: Read>(entries: &mut Entries<'_, R>, name: &str) -> Result<Vec<u8>, BundleError> {
    let mut entry = next(entries, name)?;
    let bytes = entry.size();
    if bytes > MAX_BYTES as u64 {
        let name = name.to_owned();
        return Err(BundleError::TooLong { name, bytes });
    }
    let mut content = Vec::new();
    entry.read_to_end(&mut content).map_err(BundleError::Read)?;
    if content.len() as u64 == bytes {
        Ok(content)
    } else {
        Err(BundleError::Read(io::ErrorKind::UnexpectedEof.into()))
    }
}

fn next<'a, R: Read>(
    entries: &mut Entries<'a, R>,
    expected: &str,
) -> Result<Entry<'a, R>, BundleError> {
    let entry = entries
        .next()
        .unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))
        .map_err(BundleError::Read)?;
    let name = entry.path_bytes();
    if entry.header().entry_type() == EntryType::Regular && *name == *expected.as_bytes() {
        return Ok(entry);
    }
    Err(BundleError::Order {
        expected: expected.to_owned(),
        found: name.escape_ascii().to_string(),
    })
}
