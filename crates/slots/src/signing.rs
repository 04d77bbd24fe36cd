//! The private half: makes keys and signatures. Only build tools call it.

use ed25519_dalek::Signer;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use thiserror::Error;

use crate::PublicKey;

/// Why a signing key could not be used.
#[derive(Debug, Error)]
pub enum SigningError {
    /// Not a PKCS#8 PEM file with an ed25519 key.
    #[error("this is no ed25519 private key in PKCS#8 PEM form")]
    NotAKey,
    /// The key could not be written as PEM.
    #[error("the private key cannot be written as PEM")]
    Encode,
}

/// An ed25519 private key.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Makes the key that belongs to this seed; the caller brings the randomness.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Reads a PKCS#8 PEM file.
    ///
    /// # Errors
    /// When the text is something else.
    pub fn from_pem(text: &str) -> Result<Self, SigningError> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(text)
            .map(Self)
            .map_err(|_| SigningError::NotAKey)
    }

    /// Writes a PKCS#8 PEM file.
    ///
    /// # Errors
    /// When encoding fails.
    pub fn to_pem(&self) -> Result<String, SigningError> {
        let pem = self
            .0
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| SigningError::Encode)?;
        Ok(pem.as_str().to_owned())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::from(self.0.verifying_key())
    }

    /// Signs exactly these bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}
