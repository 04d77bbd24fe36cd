//! What a host never goes back below: a floor under the sequence numbers of each key. One per key, so that a
//! leaked key that signed an enormous number blocks its own releases and no other key's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::keys::KeyId;
use crate::manifest::Manifest;

/// The content of `ratchet.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Floors(BTreeMap<KeyId, u64>);

/// Why a signed version is not to be written to a slot.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AdmissionError {
    /// Its sequence number is below what this host accepts of its key.
    #[error(
        "{version} is too old for this host: its sequence number is {sequence}, and since a version that ran here \
         nothing below {floor} of key {key} is accepted"
    )]
    BelowFloor {
        /// The release.
        version: String,
        /// Its number.
        sequence: u64,
        /// The least that is accepted.
        floor: u64,
        /// Whose.
        key: KeyId,
    },
    /// Its time is over.
    #[error(
        "{version} expired on {}, and this host's clock says {}: check the clock, or get a newer version",
        date(*.expired),
        date(*.now)
    )]
    Expired {
        /// The release.
        version: String,
        /// When, in seconds since 1970.
        expired: u64,
        /// The clock.
        now: u64,
    },
}

impl Floors {
    /// Reads `ratchet.json`.
    ///
    /// # Errors
    /// When it is not whole.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The content of `ratchet.json`.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// The least sequence number of this key that is accepted.
    #[must_use]
    pub fn of(&self, key: &KeyId) -> u64 {
        self.0.get(key).copied().unwrap_or(0)
    }

    /// Takes in the floor of a version that was confirmed. Nothing is ever lowered.
    pub fn confirmed(&mut self, manifest: &Manifest) {
        self.raise(&manifest.key_id, manifest.floor);
    }

    /// Raises the floor of this key to `to`, unless it is there already.
    pub fn raise(&mut self, key: &KeyId, to: u64) {
        let floor = self.0.entry(key.clone()).or_default();
        *floor = to.max(*floor);
    }

    /// Takes in the floors of another host. Nothing is ever lowered.
    pub fn raise_to(&mut self, other: &Self) {
        for (key, floor) in &other.0 {
            self.raise(key, *floor);
        }
    }

    /// Whether a verified version may be written to a slot at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// When it is below its key's floor, or expired.
    pub fn admit(&self, manifest: &Manifest, now: u64) -> Result<(), AdmissionError> {
        let floor = self.of(&manifest.key_id);
        if manifest.sequence < floor {
            return Err(AdmissionError::BelowFloor {
                version: manifest.version.clone(),
                sequence: manifest.sequence,
                floor,
                key: manifest.key_id.clone(),
            });
        }
        match manifest.expires {
            Some(expired) if expired <= now => Err(AdmissionError::Expired {
                version: manifest.version.clone(),
                expired,
                now,
            }),
            _ => Ok(()),
        }
    }
}

/// As people write it, or the bare number when it is beyond year 9999.
pub(crate) fn date(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| format!("second {seconds}"), |time| time.to_string())
}
