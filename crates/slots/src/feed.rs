//! The index of an update feed: which releases lie in a directory of a web server, told by a release key.
//!
//! Server and network are not trusted. The signature says who wrote the index; its sequence number, which rises
//! with every index of a key, keeps an older one from being shown again; its expiry limits for how long the
//! present one can be held back. What a release really is, its bundle says: the index only points to it.
//!
//! Members that this version does not know are passed over, so that an older host can follow a newer feed.

use ed25519_dalek::Signature;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::floors::{Floors, date};
use crate::keyring::Keyring;
use crate::keys::KeyId;
use crate::manifest::{ARCHITECTURE, BuildId, Manifest};

/// The one format this version reads and writes.
const FORMAT: u32 = 1;
/// Room for hundreds of releases; keeps a hostile file out of memory.
pub const MAX_INDEX_BYTES: usize = 256 * 1024;
/// No bundle is as long as this: three parts of a slot, and some headers.
const MAX_BUNDLE_BYTES: u64 = 16 << 30;
const BUNDLE_SUFFIX: &str = ".qxu";

/// The content of `index.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedIndex {
    format: u32,
    /// The key that signs this index.
    pub key_id: KeyId,
    /// Rises with every index of this key.
    pub sequence: u64,
    /// Until when it may be believed, in seconds since 1970.
    pub expires: u64,
    /// Newest first.
    releases: Vec<Release>,
}

/// A release that lies in the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// As people name it.
    pub version: String,
    /// Names the build.
    pub build_id: BuildId,
    /// What it runs on.
    pub arch: String,
    /// Which stream of releases it belongs to.
    pub channel: String,
    /// The key that signed its manifest.
    pub key_id: KeyId,
    /// The manifest's sequence number.
    pub sequence: u64,
    /// The manifest's floor.
    pub floor: u64,
    /// The manifest's expiry, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// Its bundle, in the directory of the index.
    pub file: String,
    /// Bytes of the bundle.
    pub size: u64,
}

impl Release {
    /// What a feed says of a release whose bundle is `size` bytes long and called `file`.
    #[must_use]
    pub fn of(manifest: &Manifest, file: &str, size: u64) -> Self {
        Self {
            version: manifest.version.clone(),
            build_id: manifest.build_id.clone(),
            arch: ARCHITECTURE.to_owned(),
            channel: manifest.channel.clone(),
            key_id: manifest.key_id.clone(),
            sequence: manifest.sequence,
            floor: manifest.floor,
            expires: manifest.expires,
            file: file.to_owned(),
            size,
        }
    }
}

/// Why an index was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FeedError {
    /// `index.sig` has a wrong length.
    #[error("the signature of the feed's index is {0} bytes long instead of 64")]
    SignatureLength(usize),
    /// No trusted key made the signature over these bytes.
    #[error(
        "no trusted key signed the feed's index: it was changed, or made with a key unknown here"
    )]
    NotSigned,
    /// As [`Self::NotSigned`], and it names a key that may no longer sign.
    #[error("key {0} was revoked, and the feed's index names it as its signer")]
    Revoked(KeyId),
    /// Longer than any index is.
    #[error("the feed's index is {0} bytes long, more than any index is")]
    TooLong(usize),
    /// Signed, but not in a form that this version knows.
    #[error("the feed's index is signed but this version cannot read it: {0}")]
    Unreadable(String),
    /// A newer one was seen before.
    #[error(
        "the feed's index is an older one: its sequence number is {sequence}, and {seen} of key {key} was seen before"
    )]
    Replayed {
        /// Whose.
        key: KeyId,
        /// Its number.
        sequence: u64,
        /// The highest that was seen.
        seen: u64,
    },
    /// Its time is over.
    #[error(
        "the feed's index expired on {}, and this host's clock says {}: check the clock; if it is right, the feed is \
         not looked after, or somebody holds newer ones back",
        date(*.expired),
        date(*.now)
    )]
    Expired {
        /// When, in seconds since 1970.
        expired: u64,
        /// The clock.
        now: u64,
    },
}

impl FeedIndex {
    /// An index of these releases, to be signed by `key_id`. They are put in order, newest first.
    ///
    /// # Errors
    /// When a release cannot be listed.
    pub fn new(
        key_id: &KeyId,
        sequence: u64,
        expires: u64,
        mut releases: Vec<Release>,
    ) -> Result<Self, FeedError> {
        releases.sort_by_key(|release| std::cmp::Reverse(release.sequence));
        let index = Self {
            format: FORMAT,
            key_id: key_id.clone(),
            sequence,
            expires,
            releases,
        };
        index.check()?;
        Ok(index)
    }

    /// The bytes to write and to sign.
    ///
    /// # Errors
    /// When the index is longer than a reader takes, or cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FeedError> {
        let mut bytes = serde_json::to_vec(self).map_err(unreadable)?;
        bytes.push(b'\n');
        if bytes.len() > MAX_INDEX_BYTES {
            return Err(FeedError::TooLong(bytes.len()));
        }
        Ok(bytes)
    }

    /// Newest first.
    #[must_use]
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// Whether the index may be believed at `now`, in seconds since 1970, by a host that has `seen` indexes with
    /// these sequence numbers.
    ///
    /// # Errors
    /// [`FeedError::Expired`] and [`FeedError::Replayed`].
    pub fn is_fresh(&self, seen: &Floors, now: u64) -> Result<(), FeedError> {
        let before = seen.of(&self.key_id);
        if self.sequence < before {
            return Err(FeedError::Replayed {
                key: self.key_id.clone(),
                sequence: self.sequence,
                seen: before,
            });
        }
        if self.expires <= now {
            return Err(FeedError::Expired {
                expired: self.expires,
                now,
            });
        }
        Ok(())
    }

    /// The newest release of `channel` that is newer than `running` and that this host would take: what follows
    /// the running one in the list is older, whatever key signed it.
    #[must_use]
    pub fn newest(
        &self,
        channel: &str,
        running: &Manifest,
        keyring: &Keyring,
        floors: &Floors,
        now: u64,
    ) -> Option<&Release> {
        let is_older = |release: &Release| {
            release.key_id == running.key_id && release.sequence <= running.sequence
        };
        self.releases
            .iter()
            .take_while(|release| release.build_id != running.build_id)
            .find(|release| {
                release.channel == channel
                    && release.arch == ARCHITECTURE
                    && keyring.keys().iter().any(|key| *key.id() == release.key_id)
                    && !is_older(release)
                    && release.sequence >= floors.of(&release.key_id)
                    && release.expires.is_none_or(|expires| expires > now)
            })
    }

    /// What serde cannot say.
    fn check(&self) -> Result<(), FeedError> {
        if self.format != FORMAT {
            let text = format!("its format is {}, known is {FORMAT}", self.format);
            return Err(FeedError::Unreadable(text));
        }
        for release in &self.releases {
            if !is_bundle_name(&release.file) {
                let name: String = release.file.escape_default().take(80).collect();
                let text = format!("{name:?} is no name of a bundle");
                return Err(FeedError::Unreadable(text));
            }
            if !(1..MAX_BUNDLE_BYTES).contains(&release.size) {
                let text = format!("{} cannot be {} bytes long", release.file, release.size);
                return Err(FeedError::Unreadable(text));
            }
        }
        Ok(())
    }
}

/// A plain file name: it names nothing outside of the feed's directory, and means nothing in a URL.
fn is_bundle_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+');
    name.len() <= 128
        && name.bytes().all(good)
        && name.ends_with(BUNDLE_SUFFIX)
        && !name.starts_with('.')
}

/// Checks the signature over `index`, and only then reads it. Whether it is fresh is another question:
/// [`FeedIndex::is_fresh`].
///
/// # Errors
/// When no key of `trusted` signed these bytes, or when they say nothing this version understands.
pub fn verify_index(
    index: &[u8],
    signature: &[u8],
    trusted: &Keyring,
) -> Result<FeedIndex, FeedError> {
    if index.len() > MAX_INDEX_BYTES {
        return Err(FeedError::TooLong(index.len()));
    }
    let signature = Signature::from_slice(signature)
        .map_err(|_| FeedError::SignatureLength(signature.len()))?;
    let signer =
        trusted
            .signer_of(index, &signature)
            .ok_or_else(|| match trusted.revoked_in(index) {
                Some(key) => FeedError::Revoked(key.clone()),
                None => FeedError::NotSigned,
            })?;
    let parsed: FeedIndex = serde_json::from_slice(index).map_err(unreadable)?;
    parsed.check()?;
    if parsed.key_id != *signer.id() {
        let text = format!("it names key {}, {} signed it", parsed.key_id, signer.id());
        return Err(FeedError::Unreadable(text));
    }
    Ok(parsed)
}

fn unreadable(error: serde_json::Error) -> FeedError {
    FeedError::Unreadable(error.to_string())
}
