//! The manifest: which parts make a slot, how long they are and what they hash to.
//!
//! The signature is over the file's bytes, so it is checked first; nothing unsigned is ever parsed.

use std::fmt;

use ed25519_dalek::Signature;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::keyring::Keyring;
use crate::keys::{KeyId, is_short_id};
use crate::{Hash, PART_NAMES};

/// The one format this version reads and writes.
const FORMAT: u32 = 1;
/// The one architecture there is.
pub(crate) const ARCHITECTURE: &str = "x86_64";
/// Far above any real manifest; keeps a hostile file out of memory.
pub(crate) const MAX_BYTES: usize = 64 * 1024;
/// No part is as long as this: a system partition has 300 MiB.
const MAX_PART_BYTES: u64 = 4 << 30;

/// Names one build: 16 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BuildId(String);

impl BuildId {
    /// The id of the build that has these parts and this version.
    #[must_use]
    pub fn of(version: &str, parts: &[Part]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(part.blake3.as_bytes());
        }
        hasher.update(version.as_bytes());
        let mut id = Hash::from(hasher.finalize()).to_string();
        id.truncate(16);
        Self(id)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BuildId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_short_id(&text) {
            Ok(Self(text))
        } else {
            Err("a build id must be 16 lower-case hexadecimal digits")
        }
    }
}

impl From<BuildId> for String {
    fn from(id: BuildId) -> Self {
        id.0
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One file of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The file's name; one of [`PART_NAMES`].
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// BLAKE3 over the whole file.
    pub blake3: Hash,
}

/// The content of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// The release, as people name it.
    pub version: String,
    /// Names the build; equal parts and version give an equal id.
    pub build_id: BuildId,
    arch: String,
    /// Which stream of releases it belongs to.
    pub channel: String,
    /// The key that signs this manifest.
    pub key_id: KeyId,
    /// Rises with every release.
    pub sequence: u64,
    /// A host that confirmed this release accepts no lower sequence number of the same key.
    pub floor: u64,
    /// Until when it may be written to a slot, in seconds since 1970; it starts for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    parts: Vec<Part>,
}

/// How a release stands to others, and to time. See the fields of [`Manifest`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Rises with every release.
    pub sequence: u64,
    /// The least sequence number that a host accepts afterwards.
    pub floor: u64,
    /// Seconds since 1970.
    pub expires: Option<u64>,
}

/// Why a manifest was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ManifestError {
    /// `manifest.sig` has a wrong length.
    #[error("the signature is {0} bytes long instead of 64")]
    SignatureLength(usize),
    /// No trusted key made the signature over these bytes.
    #[error("no trusted key signed this manifest: it was changed, or made with a key unknown here")]
    NotSigned,
    /// As [`Self::NotSigned`], and it names a key that may no longer sign.
    #[error("key {0} was revoked, and this manifest names it as its signer")]
    Revoked(KeyId),
    /// Longer than any manifest is.
    #[error("the manifest is {0} bytes long, more than any manifest is")]
    TooLong(usize),
    /// Signed, but not in a form that this version knows.
    #[error("the manifest is signed but this version cannot read it: {0}")]
    Unreadable(String),
}

impl Manifest {
    /// Describes a slot with these parts, signed by `key_id`.
    ///
    /// # Errors
    /// When the parts are not exactly those of a slot, in their order, or the floor is above the sequence
    /// number: a host could not take the same release again.
    pub fn new(
        version: &str,
        channel: &str,
        key_id: &KeyId,
        limits: Limits,
        parts: Vec<Part>,
    ) -> Result<Self, ManifestError> {
        let manifest = Self {
            format: FORMAT,
            version: version.to_owned(),
            build_id: BuildId::of(version, &parts),
            arch: ARCHITECTURE.to_owned(),
            channel: channel.to_owned(),
            key_id: key_id.clone(),
            sequence: limits.sequence,
            floor: limits.floor,
            expires: limits.expires,
            parts,
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// The bytes to write and to sign.
    ///
    /// # Errors
    /// When the manifest cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        let mut bytes = serde_json::to_vec(self).map_err(unreadable)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// All parts, in the order of [`PART_NAMES`].
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The part of this name.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// What serde cannot say: the format, and that the parts are those of a slot.
    fn check(&self) -> Result<(), ManifestError> {
        let problem = if self.format != FORMAT {
            format!("its format is {}, known is {FORMAT}", self.format)
        } else if self.arch != ARCHITECTURE {
            format!("it is for {}, this is {ARCHITECTURE}", self.arch)
        } else if !self
            .parts
            .iter()
            .map(|part| part.name.as_str())
            .eq(PART_NAMES)
        {
            format!("its parts are not {}", PART_NAMES.join(", "))
        } else if let Some(part) = self
            .parts
            .iter()
            .find(|p| !(1..MAX_PART_BYTES).contains(&p.size))
        {
            format!("{} cannot be {} bytes long", part.name, part.size)
        } else if self.floor > self.sequence {
            format!(
                "its floor {} is above its own sequence number {}",
                self.floor, self.sequence
            )
        } else if self.build_id != BuildId::of(&self.version, &self.parts) {
            "its build id does not belong to its parts".to_owned()
        } else {
            return Ok(());
        };
        Err(ManifestError::Unreadable(problem))
    }
}

/// Checks the signature over `manifest`, and only then reads it.
///
/// # Errors
/// When no key of `trusted` signed these bytes, or when they say nothing this version understands.
pub fn verify_manifest(
    manifest: &[u8],
    signature: &[u8],
    trusted: &Keyring,
) -> Result<Manifest, ManifestError> {
    if manifest.len() > MAX_BYTES {
        return Err(ManifestError::TooLong(manifest.len()));
    }
    let signature = Signature::from_slice(signature)
        .map_err(|_| ManifestError::SignatureLength(signature.len()))?;
    let signer = trusted.signer_of(manifest, &signature).ok_or_else(|| {
        match trusted.revoked_in(manifest) {
            Some(key) => ManifestError::Revoked(key.clone()),
            None => ManifestError::NotSigned,
        }
    })?;
    let parsed: Manifest = serde_json::from_slice(manifest).map_err(unreadable)?;
    parsed.check()?;
    if parsed.key_id != *signer.id() {
        let text = format!("it names key {}, {} signed it", parsed.key_id, signer.id());
        return Err(ManifestError::Unreadable(text));
    }
    Ok(parsed)
}

fn unreadable(error: serde_json::Error) -> ManifestError {
    ManifestError::Unreadable(error.to_string())
}
