//! The keyring: which keys may sign manifests, and which may no longer. The recovery key signs it, and nothing
//! else.
//!
//! As with the manifest, the signature is over the file's bytes and is checked first.

use std::collections::BTreeSet;

use ed25519_dalek::Signature;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::keys::{KeyId, PublicKey};

/// The one format this version reads and writes.
const FORMAT: u32 = 1;
/// Room for hundreds of keys; keeps a hostile file out of memory.
pub const MAX_KEYRING_BYTES: usize = 64 * 1024;

/// The content of `keyring.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyring {
    format: u32,
    version: u64,
    keys: Vec<PublicKey>,
    revoked: Vec<KeyId>,
}

/// Why a keyring was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyringError {
    /// `keyring.sig` has a wrong length.
    #[error("the keyring's signature is {0} bytes long instead of 64")]
    SignatureLength(usize),
    /// The recovery key did not make the signature over these bytes.
    #[error("the recovery key did not sign this keyring: it was changed, or is of another product")]
    NotSigned,
    /// Longer than any keyring is.
    #[error("the keyring is {0} bytes long, more than any keyring is")]
    TooLong(usize),
    /// Signed, but not in a form that this version knows.
    #[error("the keyring is signed but this version cannot read it: {0}")]
    Unreadable(String),
}

impl Keyring {
    /// A keyring with these keys.
    ///
    /// # Errors
    /// When it makes no sense: no key, version 0, a key twice, or a key that is revoked as well.
    pub fn new(
        version: u64,
        keys: Vec<PublicKey>,
        revoked: Vec<KeyId>,
    ) -> Result<Self, KeyringError> {
        let keyring = Self {
            format: FORMAT,
            version,
            keys,
            revoked,
        };
        keyring.check()?;
        Ok(keyring)
    }

    /// The keyring after this one: `new` alone may sign, every key before it is revoked.
    ///
    /// # Errors
    /// When `new` may sign already, or was revoked.
    pub fn rotated(&self, new: PublicKey) -> Result<Self, KeyringError> {
        let version = self
            .version
            .checked_add(1)
            .ok_or_else(|| unreadable("there is no version after its version"))?;
        if self.keys.contains(&new) {
            return Err(unreadable(&format!("it has key {} already", new.id())));
        }
        let older = self.keys.iter().map(|key| key.id().clone());
        let revoked = self.revoked.iter().cloned().chain(older).collect();
        Self::new(version, vec![new], revoked)
    }

    /// The bytes to write and to sign.
    ///
    /// # Errors
    /// When the keyring is longer than a reader takes, or cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, KeyringError> {
        let mut bytes = serde_json::to_vec(self).map_err(|error| unreadable(&error.to_string()))?;
        bytes.push(b'\n');
        if bytes.len() > MAX_KEYRING_BYTES {
            return Err(KeyringError::TooLong(bytes.len()));
        }
        Ok(bytes)
    }

    /// Rises with every keyring.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The keys that may sign manifests.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The keys that may no longer.
    #[must_use]
    pub fn revoked(&self) -> &[KeyId] {
        &self.revoked
    }

    /// The key, if any, that made `signature` over exactly these bytes.
    pub(crate) fn signer_of(&self, message: &[u8], signature: &Signature) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.signed(message, signature))
    }

    /// The revoked key that a manifest names as its signer. Of a revoked key nothing but its id is known, so
    /// this cannot be verified: it only chooses the words of a refusal. Nothing is parsed.
    pub(crate) fn revoked_in(&self, manifest: &[u8]) -> Option<&KeyId> {
        self.revoked.iter().find(|id| {
            let named = format!("\"key_id\":\"{id}\"");
            manifest
                .windows(named.len())
                .any(|window| window == named.as_bytes())
        })
    }

    /// What serde cannot say.
    fn check(&self) -> Result<(), KeyringError> {
        if self.format != FORMAT {
            let text = format!("its format is {}, known is {FORMAT}", self.format);
            return Err(unreadable(&text));
        }
        if self.version == 0 {
            return Err(unreadable("its version is 0"));
        }
        if self.keys.is_empty() {
            return Err(unreadable("it has no key"));
        }
        let mut seen = BTreeSet::new();
        let ids = self.keys.iter().map(PublicKey::id).chain(&self.revoked);
        for id in ids {
            if !seen.insert(id) {
                let text = format!("it has key {id} twice, or both in use and revoked");
                return Err(unreadable(&text));
            }
        }
        Ok(())
    }
}

/// Checks the recovery key's signature over `keyring`, and only then reads it.
///
/// # Errors
/// When `recovery` did not sign these bytes, or when they say nothing this version understands.
pub fn verify_keyring(
    keyring: &[u8],
    signature: &[u8],
    recovery: &PublicKey,
) -> Result<Keyring, KeyringError> {
    if keyring.len() > MAX_KEYRING_BYTES {
        return Err(KeyringError::TooLong(keyring.len()));
    }
    let signature = Signature::from_slice(signature)
        .map_err(|_| KeyringError::SignatureLength(signature.len()))?;
    if !recovery.signed(keyring, &signature) {
        return Err(KeyringError::NotSigned);
    }
    let parsed: Keyring =
        serde_json::from_slice(keyring).map_err(|error| unreadable(&error.to_string()))?;
    parsed.check()?;
    if parsed.keys.contains(recovery) {
        return Err(unreadable("the recovery key may sign nothing but keyrings"));
    }
    Ok(parsed)
}

fn unreadable(text: &str) -> KeyringError {
    KeyringError::Unreadable(text.to_owned())
}
