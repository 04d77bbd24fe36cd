//! Public keys and their ids.

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Hash;

/// Names a key: the first 16 hexadecimal digits of the BLAKE3 hash over the 32 raw key bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    #[error("a public key must be 64 lower-case hexadecimal digits")]
    NotHex,
    /// Not a point of the curve.
    #[error("these bytes are no ed25519 public key")]
    NotAKey,
}

/// An ed25519 public key with its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    id: KeyId,
    key: VerifyingKey,
}

impl PublicKey {
    /// Reads a `.pub` file: 64 lower-case hexadecimal digits, white space around them ignored.
    ///
    /// # Errors
    /// When the text is no public key.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        Self::from_digits(text.trim())
    }

    fn from_digits(text: &str) -> Result<Self, KeyError> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(KeyError::NotHex);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| KeyError::NotHex)?;
        match VerifyingKey::from_bytes(&bytes) {
            // With a weak key one signature fits many messages.
            Ok(key) if !key.is_weak() => Ok(Self::from(key)),
            _ => Err(KeyError::NotAKey),
        }
    }

    /// The content of a `.pub` file, without the line end.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.key.as_bytes())
    }

    /// The key's id.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Whether this key made `signature` over exactly these bytes.
    pub(crate) fn signed(&self, message: &[u8], signature: &Signature) -> bool {
        self.key.verify_strict(message, signature).is_ok()
    }
}

impl From<VerifyingKey> for PublicKey {
    fn from(key: VerifyingKey) -> Self {
        let mut id = Hash::of(key.as_bytes()).to_string();
        id.truncate(16);
        Self { id: KeyId(id), key }
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_digits(&text)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_hex()
    }
}
