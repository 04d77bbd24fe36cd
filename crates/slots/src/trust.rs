//! The trust in force: the recovery key, and the newest keyring of it that is known here.

use crate::keyring::{Keyring, KeyringError, verify_keyring};
use crate::keys::PublicKey;

/// See the module.
#[derive(Clone, Debug)]
pub struct Trust {
    recovery: PublicKey,
    keyring: Keyring,
    bytes: Vec<u8>,
    signature: Vec<u8>,
}

impl Trust {
    /// Trusts the keyring in `bytes`.
    ///
    /// # Errors
    /// When `recovery` did not sign it, or it makes no sense.
    pub fn new(
        recovery: PublicKey,
        bytes: Vec<u8>,
        signature: Vec<u8>,
    ) -> Result<Self, KeyringError> {
        let keyring = verify_keyring(&bytes, &signature, &recovery)?;
        Ok(Self {
            recovery,
            keyring,
            bytes,
            signature,
        })
    }

    /// Takes another keyring into force when it is newer; says whether it is. An older one, or another of the
    /// same version, changes nothing.
    ///
    /// # Errors
    /// When the recovery key did not sign it, or it makes no sense.
    pub fn offer(&mut self, bytes: Vec<u8>, signature: Vec<u8>) -> Result<bool, KeyringError> {
        let keyring = verify_keyring(&bytes, &signature, &self.recovery)?;
        if keyring.version() <= self.keyring.version() {
            return Ok(false);
        }
        self.keyring = keyring;
        self.bytes = bytes;
        self.signature = signature;
        Ok(true)
    }

    /// The keyring in force.
    #[must_use]
    pub const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The keyring's bytes, as they were signed.
    #[must_use]
    pub fn keyring_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The signature over them.
    #[must_use]
    pub fn keyring_signature(&self) -> &[u8] {
        &self.signature
    }
}
