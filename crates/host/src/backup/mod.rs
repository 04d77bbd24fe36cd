//! The configuration of a host as one file, and such a file taken apart again. Owns the format; what becomes of a
//! backup on a host is `pending`'s.
//!
//! ```text
//! FILE = TAR, or age(TAR)          age with a passphrase (age-encryption.org/v1, scrypt recipient)
//! TAR    backup.json               what is in it: path, owner, mode, length and BLAKE3 of each file
//!        backup.json.sig           over backup.json, by the host's SSH key (sshsig, namespace quantix-backup)
//!        config.toml, libvirt/…    the files, in the order of backup.json
//! ```
//!
//! Everything is checked before any of it is believed: the signature before `backup.json` is parsed, every byte
//! that is neither signed nor hashed against the one that this module would have written.

mod archive;
mod collect;
mod content;
mod index;
mod seal;
mod sign;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

pub use content::ContentError;
pub(crate) use content::configuration;
pub use index::{Entry, FORMAT, Index, IndexError, Kind};
pub use seal::Passphrase;

use crate::identity::{self, IdentityError};

/// Most bytes of a backup: far more than a configuration partition's usual content, and what a restore may take of
/// a host's memory and of that partition.
pub const MOST_BYTES: usize = 64 << 20;

/// Who makes a backup.
#[derive(Debug, Clone)]
pub struct Maker {
    /// The host's name.
    pub hostname: String,
    /// Version of the system that runs.
    pub version: String,
}

/// Why no backup was made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file of the configuration can't be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is too much of it.
    #[error(
        "the configuration has more than {} MiB, most of it NVRAM and TPM state of VMs: remove VMs that are no longer needed",
        MOST_BYTES >> 20
    )]
    TooLarge,
    /// A name that no other host would take.
    #[error("the file name {path:?} can't be part of a backup: {reason}")]
    Name {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The host has no key to sign with.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// It could not be signed, packed or encrypted.
    #[error("cannot {doing}")]
    Make {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        source: io::Error,
    },
}

/// Why a file is not restored.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is something else.
    #[error("this is no configuration backup of a Quantix-OS host")]
    Foreign,
    /// Longer than any backup.
    #[error("the file is longer than {} MiB, which no backup is", MOST_BYTES >> 20)]
    TooLarge,
    /// A passphrase is missing.
    #[error("the backup is encrypted: it needs the passphrase that it was made with")]
    NeedsPassphrase,
    /// The passphrase does not open it.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// A passphrase proves where an encrypted backup comes from; this one could be anybody's.
    #[error(
        "a passphrase was given, but this file is not encrypted: it may not be the one that is meant"
    )]
    NotEncrypted,
    /// Opening it would take too much memory.
    #[error("the backup asks for more work to check its passphrase than any that a host makes")]
    TooMuchWork,
    /// A later release wrote it.
    #[error(
        "the backup has format {0}, and this release reads format {FORMAT}: update this host first"
    )]
    Newer(u64),
    /// Not every byte is as it was written.
    #[error("the backup is damaged or was changed: {0}")]
    Damaged(String),
    /// What it lists is nothing that a host would write.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A file in it makes no sense.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The signature could not be checked.
    #[error("the signature cannot be checked")]
    Verify(#[source] io::Error),
}

/// A backup of which every byte was checked.
#[derive(Debug)]
pub struct Backup {
    index: Index,
    signer: String,
    files: archive::Files,
}

impl Backup {
    /// What it says of itself.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// Fingerprint of the SSH host key that signed it, `SHA256:…`, as that host's console shows it.
    #[must_use]
    pub fn signer(&self) -> &str {
        &self.signer
    }

    /// A file's content.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path)
    }
}

/// Backs up the configuration in `state` (`/quantix` on the product), encrypted if there is a passphrase.
///
/// # Errors
/// When a part can't be read or the whole is too large.
pub fn create(
    state: &Path,
    maker: Maker,
    passphrase: Option<&Passphrase>,
) -> Result<Vec<u8>, BackupError> {
    // A live system makes its SSH key when SSH starts, which may never have happened.
    identity::ensure(state)?;
    let (entries, contents) = collect::collect(state)?;
    let made_at = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let index = Index {
        format: FORMAT,
        made_at: made_at.as_secs(),
        hostname: maker.hostname,
        version: maker.version,
        entries,
    };
    let make = |doing| move |source| BackupError::Make { doing, source };
    let bytes = serde_json::to_vec(&index)
        .map_err(io::Error::other)
        .map_err(make("write the list of files"))?;
    let signature = sign::sign(&state.join(sign::KEY), &bytes).map_err(make("sign the backup"))?;
    let packed = archive::write(&bytes, &signature, &contents).map_err(make("pack the backup"))?;
    match passphrase {
        Some(passphrase) => seal::encrypt(&packed, passphrase).map_err(make("encrypt the backup")),
        None => Ok(packed),
    }
}

/// Checks a backup, all of it. Nothing is written.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn open(bytes: Vec<u8>, passphrase: Option<&Passphrase>) -> Result<Backup, OpenError> {
    if bytes.len() > MOST_BYTES {
        return Err(OpenError::TooLarge);
    }
    let packed = match (seal::is_sealed(&bytes), passphrase) {
        (true, Some(passphrase)) => seal::decrypt(&bytes, passphrase)?,
        (true, None) => return Err(OpenError::NeedsPassphrase),
        (false, Some(_)) if archive::is_one(&bytes) => return Err(OpenError::NotEncrypted),
        (false, _) => bytes,
    };
    let mut reader = archive::Reader::new(packed)?;
    let (index_bytes, signature) = reader.head()?;
    let signer = sign::verify(&index_bytes, &signature)?;
    let index = Index::parse(&index_bytes)?;
    let files = reader.files(&index)?;
    let backup = Backup {
        index,
        signer,
        files,
    };
    content::check(&backup)?;
    Ok(backup)
}
