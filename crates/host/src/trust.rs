//! The keys that this system trusts to sign an image: a directory of `ID.pub` files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use qx_slots::{KeyError, Keyring, PublicKey};

/// Where the image keeps them.
pub const KEYS: &str = "/usr/lib/quantix/keys";

/// Why there is no keyring.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A key, or the directory, cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{path} holds no public key")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
}

/// All keys in `directory`.
///
/// # Errors
/// When one of them cannot be read or is none: better no key at all than one less than was meant.
pub fn keyring(directory: &Path) -> Result<Keyring, TrustError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| TrustError::Read { path, source }
    };
    let mut keys = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable(directory))? {
        let path = entry.map_err(unreadable(directory))?.path();
        let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
        keys.push(
            PublicKey::from_hex(&text).map_err(|source| TrustError::Key {
                path: path.clone(),
                source,
            })?,
        );
    }
    Ok(keys.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use qx_slots::SigningKey;

    #[test]
    fn every_file_must_be_a_key() {
        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed(&[1; 32]).public().to_hex();
        fs::write(dir.path().join("1.pub"), key).unwrap();
        assert!(!keyring(dir.path()).unwrap().is_empty());
        fs::write(dir.path().join("2.pub"), "no key").unwrap();
        let error = keyring(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("2.pub holds no public key"), "{error}");
        keyring(&dir.path().join("absent")).unwrap_err();
    }
}
