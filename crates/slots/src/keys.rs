//! Public keys, their ids, and the set of keys that a verifier trusts.

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Hash;

/// Names a key: the first 16 hexadecimal digits of the BLAKE3 hash over the 32 raw key bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_short_id(&text) {
            Ok(Self(text))
        } else {
            Err("a key id must be 16 lower-case hexadecimal digits")
        }
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True for 16 lower-case hexadecimal digits, the form of key ids and build ids.
pub(crate) fn is_short_id(text: &str) -> bool {
    text.len() == 16
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Why a public key was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// Not 64 hexadecimal digits.
    #[error("a public key must be 64 hexadecimal digits")]
    NotHex,
    /// Not a point of the curve.
    #[error("these bytes are no ed25519 public key")]
    NotAKey,
}

/// An ed25519 public key with its id.
#[derive(Clone, Debug)]
pub struct PublicKey {
    id: KeyId,
    key: VerifyingKey,
}

impl PublicKey {
    /// Reads a `KEY_ID.pub` file: 64 hexadecimal digits, white space around them ignored.
    ///
    /// # Errors
    /// When the text is no public key.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| KeyError::NotHex)?;
        VerifyingKey::from_bytes(&bytes)
            .map(Self::from)
            .map_err(|_| KeyError::NotAKey)
    }

    /// The content of a `KEY_ID.pub` file, without the line end.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.key.as_bytes())
    }

    /// The key's id.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }
}

impl From<VerifyingKey> for PublicKey {
    fn from(key: VerifyingKey) -> Self {
        let mut id = Hash::of(key.as_bytes()).to_string();
        id.truncate(16);
        Self { id: KeyId(id), key }
    }
}

/// The keys that may sign an image.
#[derive(Clone, Debug, Default)]
pub struct Keyring(Vec<PublicKey>);

impl Keyring {
    /// Trusts one more key.
    pub fn add(&mut self, key: PublicKey) {
        self.0.push(key);
    }

    /// True when nothing is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The trusted key, if any, that made `signature` over exactly these bytes.
    pub(crate) fn signer_of(&self, message: &[u8], signature: &Signature) -> Option<&PublicKey> {
        self.0
            .iter()
            .find(|trusted| trusted.key.verify_strict(message, signature).is_ok())
    }
}

impl FromIterator<PublicKey> for Keyring {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}
