//! Who may sign an image: the recovery key and keyring that the image carries, and the newest keyring that this
//! host accepted since, in `trust` among the configuration.
//!
//! A keyring is two files, and power may fail between them. So the new signature is written beside the old one
//! first, then the keyring is replaced, then the signature; of each state in between one pair is whole.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use qx_slots::{
    KEYRING_FILE, KEYRING_SIGNATURE_FILE, KeyError, KeyringError, MAX_KEYRING_BYTES, PublicKey,
    RECOVERY_FILE, Trust,
};

use crate::durable;

/// Where the image keeps them.
pub const KEYS: &str = "/usr/lib/quantix/keys";
/// The signature of a keyring that is about to be kept.
const NEXT_SIGNATURE_FILE: &str = "keyring.sig.next";

/// Why a keyring cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The recovery key's file holds something else.
    #[error("{path} holds no public key")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// The keyring is not to be trusted.
    #[error("{path} is not to be trusted")]
    Keyring {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyringError,
    },
}

/// What is trusted.
#[derive(Debug)]
pub struct Loaded {
    /// The trust in force.
    pub trust: Trust,
    /// Why the keyring that this host kept is not used, when there is one that cannot be.
    pub ignored: Option<TrustError>,
}

/// The trust in force: what the image carries in `image`, and the keyring kept in `state_dir` when it is newer and
/// the image's recovery key signed it.
///
/// # Errors
/// When what the image carries is not whole.
pub fn load(image: &Path, state_dir: Option<&Path>) -> Result<Loaded, TrustError> {
    let path = image.join(RECOVERY_FILE);
    let text = read(&path)?;
    let recovery = PublicKey::from_hex(&String::from_utf8_lossy(&text))
        .map_err(|source| TrustError::Key { path, source })?;
    let path = image.join(KEYRING_FILE);
    let (keyring, signature) = (read(&path)?, read(&image.join(KEYRING_SIGNATURE_FILE))?);
    let mut trust = Trust::new(recovery, keyring, signature)
        .map_err(|source| TrustError::Keyring { path, source })?;
    let ignored = state_dir.and_then(|dir| offer_kept(&mut trust, &directory(dir)).err());
    Ok(Loaded { trust, ignored })
}

/// Keeps the keyring in force for the next start.
///
/// # Errors
/// What the file system says. The keyring that was kept before is whole then.
pub fn keep(state_dir: &Path, trust: &Trust) -> io::Result<()> {
    let directory = make_directory(state_dir)?;
    let (next, signature) = (
        directory.join(NEXT_SIGNATURE_FILE),
        directory.join(KEYRING_SIGNATURE_FILE),
    );
    durable::replace(&next, trust.keyring_signature(), 0o644)?;
    durable::replace(&directory.join(KEYRING_FILE), trust.keyring_bytes(), 0o644)?;
    fs::rename(&next, &signature)?;
    durable::sync_parent(&signature)
}

/// Takes over a keyring that another host kept, if it is newer than the one in force here.
///
/// # Errors
/// When the image's recovery key did not sign it, or a file cannot be read or written.
pub(crate) fn adopt(
    image: &Path,
    state_dir: &Path,
    keyring: &[u8],
    signature: &[u8],
) -> io::Result<()> {
    let mut trust = load(image, Some(state_dir))
        .map_err(io::Error::other)?
        .trust;
    let newer = trust
        .offer(keyring.to_vec(), signature.to_vec())
        .map_err(io::Error::other)?;
    if newer {
        keep(state_dir, &trust)
    } else {
        Ok(())
    }
}

/// Where a host keeps what it accepted.
pub(crate) fn directory(state_dir: &Path) -> PathBuf {
    state_dir.join("trust")
}

/// The same, made when it is absent.
pub(crate) fn make_directory(state_dir: &Path) -> io::Result<PathBuf> {
    let directory = directory(state_dir);
    match fs::create_dir(&directory) {
        Ok(()) => durable::sync_parent(&directory)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(directory)
}

fn offer_kept(trust: &mut Trust, directory: &Path) -> Result<(), TrustError> {
    let path = directory.join(KEYRING_FILE);
    if !path.exists() {
        return Ok(());
    }
    let keyring = read(&path)?;
    let mut refused = Ok(());
    for name in [KEYRING_SIGNATURE_FILE, NEXT_SIGNATURE_FILE] {
        let verdict = read(&directory.join(name)).and_then(|signature| {
            trust
                .offer(keyring.clone(), signature)
                .map_err(|source| TrustError::Keyring {
                    path: path.clone(),
                    source,
                })
        });
        match verdict {
            Ok(_) => return Ok(()),
            // What is wrong with the usual signature says more than that there is no other.
            Err(error) => refused = refused.and(Err(error)),
        }
    }
    refused
}

/// One byte more than a keyring may have at most: a longer file is found to be one.
fn read(path: &Path) -> Result<Vec<u8>, TrustError> {
    let unreadable = |source| TrustError::Read {
        path: path.to_owned(),
        source,
    };
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| {
            let most = MAX_KEYRING_BYTES as u64 + 1;
            file.take(most).read_to_end(&mut content)
        })
        .map_err(unreadable)?;
    Ok(content)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use qx_slots::{Keyring, SigningKey};

    pub(crate) fn recovery() -> SigningKey {
        SigningKey::from_seed(&[100; 32])
    }

    pub(crate) fn release(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32])
    }

    /// Keyring and signature: version `n` has release key `n`, and revokes all before it.
    pub(crate) fn keyring(n: u8) -> (Vec<u8>, Vec<u8>) {
        let revoked = (1..n).map(|older| release(older).public().id().clone());
        let keyring =
            Keyring::new(u64::from(n), vec![release(n).public()], revoked.collect()).unwrap();
        let bytes = keyring.to_bytes().unwrap();
        let signature = recovery().sign(&bytes).to_vec();
        (bytes, signature)
    }

    fn trust(n: u8) -> Trust {
        let (bytes, signature) = keyring(n);
        Trust::new(recovery().public(), bytes, signature).unwrap()
    }

    /// What an image with keyring `n` carries.
    pub(crate) fn image(dir: &Path, n: u8) {
        let (bytes, signature) = keyring(n);
        fs::write(dir.join(RECOVERY_FILE), recovery().public().to_hex()).unwrap();
        fs::write(dir.join(KEYRING_FILE), bytes).unwrap();
        fs::write(dir.join(KEYRING_SIGNATURE_FILE), signature).unwrap();
    }

    fn loaded(image: &Path, state: &Path) -> (u64, Option<String>) {
        let loaded = load(image, Some(state)).unwrap();
        let ignored = loaded.ignored.map(|error| error.to_string());
        (loaded.trust.keyring().version(), ignored)
    }

    #[test]
    fn all_that_an_image_carries_must_be_whole() {
        let dir = tempfile::tempdir().unwrap();
        for file in [RECOVERY_FILE, KEYRING_FILE, KEYRING_SIGNATURE_FILE] {
            image(dir.path(), 1);
            load(dir.path(), None).unwrap();
            fs::write(dir.path().join(file), "something else").unwrap();
            load(dir.path(), None).unwrap_err();
            fs::remove_file(dir.path().join(file)).unwrap();
            let error = load(dir.path(), None).unwrap_err().to_string();
            assert!(error.ends_with(file), "{error}");
        }
    }

    #[test]
    fn the_newer_of_the_images_keyring_and_the_kept_one_is_in_force() {
        let (carried, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        image(carried.path(), 2);
        assert_eq!(loaded(carried.path(), state.path()), (2, None));
        for (kept, in_force) in [(1, 2), (2, 2), (3, 3)] {
            keep(state.path(), &trust(kept)).unwrap();
            assert_eq!(loaded(carried.path(), state.path()), (in_force, None));
        }
        image(carried.path(), 4);
        assert_eq!(loaded(carried.path(), state.path()), (4, None));
    }

    #[test]
    fn a_kept_keyring_is_believed_only_if_the_images_recovery_key_signed_it() {
        let (carried, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        image(carried.path(), 1);
        keep(state.path(), &trust(3)).unwrap();
        let kept = directory(state.path());
        let (bytes, _) = keyring(3);
        let foreign = release(3).sign(&bytes);
        fs::write(kept.join(KEYRING_SIGNATURE_FILE), foreign).unwrap();
        let (version, ignored) = loaded(carried.path(), state.path());
        assert_eq!(version, 1);
        let ignored = ignored.unwrap();
        assert!(
            ignored.ends_with("trust/keyring.json is not to be trusted"),
            "{ignored}"
        );
        for length in 0..bytes.len() {
            keep(state.path(), &trust(3)).unwrap();
            fs::write(kept.join(KEYRING_FILE), &bytes[..length]).unwrap();
            let (version, ignored) = loaded(carried.path(), state.path());
            assert_eq!(version, 1, "{length} bytes");
            ignored.unwrap();
        }
    }

    #[test]
    fn power_may_fail_between_any_two_steps_of_keeping() {
        let (carried, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        image(carried.path(), 1);
        keep(state.path(), &trust(2)).unwrap();
        let kept = directory(state.path());
        let (bytes, signature) = keyring(3);
        fs::write(kept.join(NEXT_SIGNATURE_FILE), &signature).unwrap();
        assert_eq!(loaded(carried.path(), state.path()), (2, None));
        fs::write(kept.join(KEYRING_FILE), &bytes).unwrap();
        assert_eq!(loaded(carried.path(), state.path()), (3, None));
        keep(state.path(), &trust(3)).unwrap();
        assert_eq!(loaded(carried.path(), state.path()), (3, None));
        assert!(!kept.join(NEXT_SIGNATURE_FILE).exists());
    }
}
