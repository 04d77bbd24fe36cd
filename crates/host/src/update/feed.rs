//! What a feed says, as far as this host believes it. How its files are fetched is somebody else's.

use std::fs;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use qx_slots::{FeedError, Floors, KeyringError, Manifest, Release, verify_index};

use super::{Installed, floors};
use crate::durable;
use crate::trust::{self, TrustError};

/// The highest sequence number of each key's indexes that were believed: `trust/feed.json`.
const SEEN_FILE: &str = "feed.json";

/// The files that make a feed believed, as they were fetched.
#[derive(Debug, Clone)]
pub struct FeedFiles {
    /// `keyring.json`.
    pub keyring: Vec<u8>,
    /// `keyring.sig`.
    pub keyring_signature: Vec<u8>,
    /// `index.json`.
    pub index: Vec<u8>,
    /// `index.sig`.
    pub index_signature: Vec<u8>,
}

/// Why a feed is not believed.
#[derive(Debug, thiserror::Error)]
pub enum FeedRefusal {
    /// Its keyring is not to be trusted.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Its index is not, or is not fresh.
    #[error(transparent)]
    Index(#[from] FeedError),
    /// The keys of this system cannot be had.
    #[error(transparent)]
    Keys(#[from] TrustError),
    /// What was seen cannot be kept: an older index could be shown later.
    #[error("what was seen of the feed cannot be kept")]
    Keep(#[source] io::Error),
}

impl Installed {
    /// The newest release of `channel` in a feed that is newer than `running` and that this host would take. A
    /// newer keyring is kept, as one that comes in a bundle.
    ///
    /// # Errors
    /// When the feed is not to be believed, see [`FeedRefusal`].
    pub fn newest_in(
        &self,
        files: FeedFiles,
        channel: &str,
        running: &Manifest,
    ) -> Result<Option<Release>, FeedRefusal> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.newest_at(files, channel, running, now.unwrap_or_default().as_secs())
    }

    fn newest_at(
        &self,
        files: FeedFiles,
        channel: &str,
        running: &Manifest,
        now: u64,
    ) -> Result<Option<Release>, FeedRefusal> {
        let mut trust = trust::load(&self.keys, Some(&self.state))?.trust;
        if trust.offer(files.keyring, files.keyring_signature)? {
            trust::keep(&self.state, &trust).map_err(FeedRefusal::Keep)?;
        }
        let index = verify_index(&files.index, &files.index_signature, trust.keyring())?;
        // Lost ones begin again with this index.
        let mut seen = self.seen().unwrap_or_default();
        index.is_fresh(&seen, now)?;
        if index.sequence > seen.of(&index.key_id) {
            seen.raise(&index.key_id, index.sequence);
            self.keep_seen(&seen).map_err(FeedRefusal::Keep)?;
        }
        // As for a bundle: lost floors are told when it is written to a slot.
        let floors = floors(&self.state).unwrap_or_default();
        let newest = index.newest(channel, running, trust.keyring(), &floors, now);
        Ok(newest.cloned())
    }

    fn seen(&self) -> Option<Floors> {
        let bytes = fs::read(trust::directory(&self.state).join(SEEN_FILE)).ok()?;
        Floors::from_bytes(&bytes).ok()
    }

    fn keep_seen(&self, seen: &Floors) -> io::Result<()> {
        let path = trust::make_directory(&self.state)?.join(SEEN_FILE);
        durable::replace(&path, &seen.to_bytes()?, 0o644)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    use qx_slots::{Hash, Limits, PART_NAMES, Part, SlotName};

    use crate::system_disk::Devices;
    use crate::trust::tests::{image, keyring, release};

    const NOW: u64 = 1_800_000_000;

    /// A host whose image carries keyring 1.
    struct Host {
        dir: tempfile::TempDir,
    }

    impl Host {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("keys")).unwrap();
            image(&dir.path().join("keys"), 1);
            Self { dir }
        }

        fn installed(&self) -> Installed {
            Installed {
                running: SlotName::A,
                version: "1.0.0".into(),
                system: PathBuf::from("/dev/none1"),
                devices: Devices::default(),
                keys: self.dir.path().join("keys"),
                state: self.dir.path().to_owned(),
                scratch: self.dir.path().join("slot"),
            }
        }

        fn look_at(&self, files: FeedFiles, now: u64) -> Result<Option<String>, String> {
            let found = self
                .installed()
                .newest_at(files, "stable", &manifest("1.0.0", 1, 1), now);
            match found {
                Ok(release) => Ok(release.map(|release| release.version)),
                Err(error) => Err(error.to_string()),
            }
        }

        fn look(&self, files: FeedFiles) -> Result<Option<String>, String> {
            self.look_at(files, NOW)
        }
    }

    fn manifest(version: &str, signer: u8, sequence: u64) -> Manifest {
        let parts = PART_NAMES.map(|name| Part {
            name: name.to_owned(),
            size: 1,
            blake3: Hash::of(b"x"),
        });
        let limits = Limits {
            sequence,
            ..Limits::default()
        };
        let signer = release(signer).public();
        Manifest::new(version, "stable", signer.id(), limits, parts.to_vec()).unwrap()
    }

    /// A feed with keyring `version` and release 2.0.0, both release and index signed by key `signer`.
    fn feed(version: u8, signer: u8, sequence: u64) -> FeedFiles {
        let listed = Release::of(&manifest("2.0.0", signer, 2), "2.0.0.qxu", 1000);
        let key = release(signer);
        let index =
            qx_slots::FeedIndex::new(key.public().id(), sequence, NOW + 100, vec![listed]).unwrap();
        let index = index.to_bytes().unwrap();
        let (keyring, keyring_signature) = keyring(version);
        FeedFiles {
            keyring,
            keyring_signature,
            index_signature: key.sign(&index).to_vec(),
            index,
        }
    }

    #[test]
    fn what_a_feed_offers_is_told_and_a_forged_one_offers_nothing() {
        let host = Host::new();
        assert_eq!(host.look(feed(1, 1, 5)).unwrap().as_deref(), Some("2.0.0"));
        let refused = host.look(feed(1, 2, 6)).unwrap_err();
        assert!(refused.contains("no trusted key signed"), "{refused}");
        let mut forged = feed(1, 1, 7);
        let at = forged.index.len() / 2;
        forged.index[at] ^= 1;
        let refused = host.look(forged).unwrap_err();
        assert!(refused.contains("no trusted key signed"), "{refused}");
        let mut forged = feed(2, 2, 8);
        forged.keyring_signature = release(1).sign(&forged.keyring).to_vec();
        let refused = host.look(forged).unwrap_err();
        assert!(
            refused.contains("the recovery key did not sign"),
            "{refused}"
        );
        // None of them left anything behind.
        assert_eq!(host.look(feed(1, 1, 5)).unwrap().as_deref(), Some("2.0.0"));
    }

    #[test]
    fn an_older_index_is_a_replay_also_after_a_restart_and_an_expired_one_is_refused() {
        let host = Host::new();
        host.look(feed(1, 1, 5)).unwrap();
        host.look(feed(1, 1, 6)).unwrap();
        let refused = host.look(feed(1, 1, 5)).unwrap_err();
        assert!(refused.contains("is an older one"), "{refused}");
        host.look(feed(1, 1, 6)).unwrap();
        let refused = host.look_at(feed(1, 1, 7), NOW + 100).unwrap_err();
        assert!(refused.contains("expired on"), "{refused}");
        // What was refused does not count as seen.
        host.look(feed(1, 1, 6)).unwrap();
    }

    #[test]
    fn a_feed_brings_the_keyring_of_the_next_key_and_the_old_key_is_over() {
        let host = Host::new();
        host.look(feed(1, 1, u64::MAX)).unwrap();
        assert_eq!(host.look(feed(2, 2, 1)).unwrap().as_deref(), Some("2.0.0"));
        let refused = host.look(feed(1, 1, u64::MAX)).unwrap_err();
        assert!(refused.contains("was revoked"), "{refused}");
    }

    #[test]
    fn what_was_seen_must_be_kept_before_a_feed_is_followed() {
        let host = Host::new();
        fs::write(host.dir.path().join("trust"), "in the way").unwrap();
        let refused = host.look(feed(1, 1, 5)).unwrap_err();
        assert!(refused.contains("cannot be kept"), "{refused}");
    }
}
