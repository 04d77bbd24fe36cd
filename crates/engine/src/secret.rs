//! Secrets that this host gives out: random text, of which only a digest is kept.

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// What is kept of a secret. A fast hash is enough: nobody guesses 256 random bits.
pub(crate) type Fingerprint = [u8; 32];

/// 256 random bits as hex.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::internal("asking the system for random numbers", error))?;
    Ok(hex::encode(bytes))
}

/// What to keep of it, and to find it by. Looking up by digest tells nothing by its timing.
pub(crate) fn fingerprint(secret: &str) -> Fingerprint {
    Sha256::digest(secret).into()
}
