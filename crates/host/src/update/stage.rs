//! Writing a bundle to the slot that does not run, while it arrives.

use std::error::Error;
use std::io::{self, Read};
use std::time::{SystemTime, UNIX_EPOCH};

use qx_slots::{AdmissionError, BuildId, Bundle, BundleError, Manifest, SlotName};
use tar::Archive;

use super::pair::Count;
use super::{Installed, floors};
use crate::mirror;
use crate::storage::{PartSource, SlotContent, SlotError, write_slot};
use crate::system_disk::SystemDisk;
use crate::trust::{self, TrustError};

/// Is told how far it is.
pub trait Progress {
    /// Something of this host is not as it should be, and the update goes on without it.
    fn warns(&mut self, problem: &dyn Error);

    /// The manifest is verified: this is what comes, in a bundle of so many bytes.
    fn begins(&mut self, manifest: &Manifest, bytes: u64);

    /// So many bytes were written to the slot, and then read back, of so many in all; of a mirror, on both disks.
    fn at(&mut self, written: u64, read_back: u64, of: u64);
}

/// Where a bundle comes from, and so what is asked of it besides its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Somebody sent it.
    Sent,
    /// A feed that lists this build.
    Feed(BuildId),
    /// The slot that runs. Its version was accepted once, so neither its age nor its expiry counts.
    RunningSlot,
}

/// Why the slot does not hold the bundle's version. The running system was not touched.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// It is not to be trusted, or no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It is older than this host accepts, or expired.
    #[error(transparent)]
    Refused(#[from] AdmissionError),
    /// A feed lists another build under this name.
    #[error("the bundle holds build {found}, and the feed lists build {listed} under its name")]
    OtherBuild {
        /// What the feed says.
        listed: BuildId,
        /// What came.
        found: BuildId,
    },
    /// The slot that runs cannot be copied.
    #[error("slot {slot}, which runs, cannot be read")]
    Running {
        /// Which.
        slot: SlotName,
        /// Why.
        source: io::Error,
    },
    /// The keys of this system cannot be had.
    #[error(transparent)]
    Keys(#[from] TrustError),
    /// The newer keyring of the bundle cannot be kept.
    #[error("the bundle's keyring cannot be kept")]
    Keep(#[source] io::Error),
    /// The slot must not be overwritten now.
    #[error("slot {slot} cannot be written now: {source}")]
    Slot {
        /// Which.
        slot: SlotName,
        /// Why.
        source: io::Error,
    },
    /// The disk, or what arrived.
    #[error(transparent)]
    Write(#[from] SlotError),
    /// It was written, and the boot environment cannot be changed.
    #[error("the boot environment cannot be changed")]
    Env(#[source] io::Error),
}

impl Installed {
    /// Writes the bundle in `reader` to the slot that does not run and reads it back. From the check of its
    /// manifest until the last byte was read back, nothing starts that slot.
    ///
    /// # Errors
    /// See [`StageError`].
    pub fn stage(
        &self,
        reader: impl Read,
        origin: &Origin,
        progress: &mut dyn Progress,
    ) -> Result<Manifest, StageError> {
        let mut archive = Archive::new(reader);
        let bundle = self.judge(&mut archive, origin, progress)?;
        let slot = self.running.other();
        let refused = |source| StageError::Slot { slot, source };
        let disk = SystemDisk::of(&self.system, &self.devices).map_err(refused)?;
        let target = disk.partition(slot.partition()).map_err(refused)?;
        let content = SlotContent {
            manifest_bytes: bundle.manifest_bytes(),
            signature: bundle.signature(),
            manifest: bundle.manifest(),
        };
        content.check_room(slot.partition().name(), target.bytes)?;
        // No disk joins the mirror until this is closed.
        let _held = mirror::hold_slots(&disk).map_err(refused)?;
        self.check_is_current(&disk).map_err(refused)?;
        progress.begins(bundle.manifest(), bundle.bytes());
        self.change(|env| env.begin_write(slot)).map_err(refused)?;

        let other = mirror::follower(&disk, &self.devices).map_err(refused)?;
        let mut count = Count::new(1 + u64::from(other.is_some()), content.bytes());
        write_slot(
            &target.node,
            target.bytes,
            &self.scratch,
            content,
            &bundle,
            &mut |bytes| count.add(bytes, progress),
        )?;
        if let Some(other) = other
            && let Err(error) = self.copy_slot(slot, &target.node, &other, content, &mut |bytes| {
                count.add(bytes, progress);
            })
        {
            progress.warns(&error);
            mirror::expel(&other, &self.devices).map_err(refused)?;
        }
        let manifest = bundle.manifest().clone();
        bundle.finish()?;
        self.change(|env| env.written(slot))
            .map_err(StageError::Env)?;
        Ok(manifest)
    }
}

impl Installed {
    /// Everything that speaks against a bundle before one byte of it is written. A newer keyring is kept even when
    /// the manifest behind it is refused: it is the recovery key's word, whoever brings it.
    fn judge<'a, R: Read>(
        &self,
        archive: &'a mut Archive<R>,
        origin: &Origin,
        progress: &mut dyn Progress,
    ) -> Result<Bundle<'a, R>, StageError> {
        let loaded = trust::load(&self.keys, Some(&self.state))?;
        if let Some(problem) = &loaded.ignored {
            progress.warns(problem);
        }
        let mut trust = loaded.trust;
        let before = trust.keyring().version();
        let bundle = Bundle::open(archive, &mut trust);
        if trust.keyring().version() > before {
            trust::keep(&self.state, &trust).map_err(StageError::Keep)?;
        }
        let bundle = bundle?;
        match origin {
            Origin::Feed(listed) if *listed != bundle.manifest().build_id => {
                return Err(StageError::OtherBuild {
                    listed: listed.clone(),
                    found: bundle.manifest().build_id.clone(),
                });
            }
            Origin::RunningSlot => return Ok(bundle),
            Origin::Sent | Origin::Feed(_) => {}
        }
        let floors = floors(&self.state).unwrap_or_else(|lost| {
            progress.warns(&lost);
            Default::default()
        });
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        floors.admit(bundle.manifest(), now.unwrap_or_default().as_secs())?;
        Ok(bundle)
    }
}

impl<R: Read> PartSource for Bundle<'_, R> {
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let part = self.next_part(name).map_err(io::Error::other)?;
        Ok(Box::new(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::{Path, PathBuf};

    use qx_slots::{Hash, KeyringError, Limits, ManifestError, PART_NAMES, Part};
    use tar::{Builder, Header};

    use crate::system_disk::Devices;
    use crate::trust::tests::{image, keyring, release};
    use crate::update::confirmed;

    /// A host whose image carries keyring 1, and whose disk is gone: what comes as far as the disk was believed.
    struct Host {
        dir: tempfile::TempDir,
        warnings: Vec<String>,
    }

    impl Progress for Host {
        fn warns(&mut self, problem: &dyn Error) {
            self.warnings.push(problem.to_string());
        }

        fn begins(&mut self, _: &Manifest, _: u64) {
            panic!("it began to write");
        }

        fn at(&mut self, _: u64, _: u64, _: u64) {
            panic!("it wrote");
        }
    }

    impl Host {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("keys")).unwrap();
            image(&dir.path().join("keys"), 1);
            let host = Self {
                dir,
                warnings: Vec::new(),
            };
            confirmed(host.state(), &manifest(1, Limits::default())).unwrap();
            host
        }

        fn state(&self) -> &Path {
            self.dir.path()
        }

        fn stage(&mut self, bundle: &[u8]) -> StageError {
            self.stage_from(bundle, &Origin::Sent)
        }

        fn stage_from(&mut self, bundle: &[u8], origin: &Origin) -> StageError {
            let installed = self.installed();
            installed.stage(bundle, origin, self).unwrap_err()
        }

        fn installed(&self) -> Installed {
            Installed {
                running: SlotName::A,
                version: "1.0.0".into(),
                system: PathBuf::from("/dev/none1"),
                devices: Devices {
                    dev: self.dir.path().join("dev"),
                    sys: self.dir.path().join("sys"),
                },
                keys: self.dir.path().join("keys"),
                state: self.dir.path().to_owned(),
                scratch: self.dir.path().join("slot"),
            }
        }

        fn believes(&mut self, bundle: &[u8]) {
            let error = self.stage(bundle);
            assert!(matches!(error, StageError::Slot { .. }), "{error}");
        }

        fn refuses(&mut self, bundle: &[u8], says: &str) {
            let error = self.stage(bundle);
            assert!(
                matches!(error, StageError::Bundle(_) | StageError::Refused(_)),
                "{error}"
            );
            assert!(error.to_string().contains(says), "{error}");
        }

        fn keyring_in_force(&self) -> u64 {
            let loaded = trust::load(&self.dir.path().join("keys"), Some(self.state()));
            loaded.unwrap().trust.keyring().version()
        }
    }

    fn manifest(signer: u8, limits: Limits) -> Manifest {
        let parts = PART_NAMES.map(|name| Part {
            name: name.to_owned(),
            size: 1,
            blake3: Hash::of(b"x"),
        });
        let signer = release(signer).public();
        Manifest::new("2.0.0", "dev", signer.id(), limits, parts.to_vec()).unwrap()
    }

    fn bundle_of(keyring: (Vec<u8>, Vec<u8>), manifest: &[u8], signature: &[u8]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, content) in [
            ("keyring.json", keyring.0.as_slice()),
            ("keyring.sig", keyring.1.as_slice()),
            ("manifest.json", manifest),
            ("manifest.sig", signature),
        ] {
            let mut header = Header::new_ustar();
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn bundle(version: u8, signer: u8, limits: Limits) -> Vec<u8> {
        let manifest = manifest(signer, limits).to_bytes().unwrap();
        let signature = release(signer).sign(&manifest);
        bundle_of(keyring(version), &manifest, &signature)
    }

    const fn numbered(sequence: u64, floor: u64) -> Limits {
        Limits {
            sequence,
            floor,
            expires: None,
        }
    }

    #[test]
    fn every_refusal_comes_before_the_disk_and_says_its_own_reason() {
        let mut host = Host::new();
        let limits = numbered(5, 0);
        host.believes(&bundle(1, 1, limits));
        host.refuses(&bundle(1, 2, limits), "no trusted key signed this manifest");
        let good = manifest(1, limits).to_bytes().unwrap();
        let signature = release(1).sign(&good);
        let changed = String::from_utf8(good.clone())
            .unwrap()
            .replace("2.0.0", "2.0.1");
        host.refuses(
            &bundle_of(keyring(1), changed.as_bytes(), &signature),
            "no trusted key signed this manifest",
        );
        let (newer, _) = keyring(2);
        let forged = (newer.clone(), release(1).sign(&newer).to_vec());
        host.refuses(
            &bundle_of(forged, &good, &signature),
            "the recovery key did not sign this keyring",
        );
        let foreign = String::from_utf8(good)
            .unwrap()
            .replace("x86_64", "riscv64");
        host.refuses(
            &bundle_of(
                keyring(1),
                foreign.as_bytes(),
                &release(1).sign(foreign.as_bytes()),
            ),
            "it is for riscv64",
        );
        let expired = Limits {
            expires: Some(1_000_000_000),
            ..limits
        };
        host.refuses(&bundle(1, 1, expired), "expired on 2001-09-09T01:46:40Z");
        confirmed(host.state(), &manifest(1, numbered(6, 6))).unwrap();
        host.refuses(&bundle(1, 1, limits), "2.0.0 is too old for this host");
        assert_eq!(host.keyring_in_force(), 1);
        assert!(host.warnings.is_empty(), "{:?}", host.warnings);
        host.refuses(&bundle(2, 1, numbered(7, 0)), "was revoked");
    }

    #[test]
    fn a_keyring_in_a_bundle_is_kept_before_anything_is_written_and_older_ones_are_ignored() {
        let mut host = Host::new();
        host.believes(&bundle(2, 2, numbered(5, 0)));
        assert_eq!(host.keyring_in_force(), 2);
        // The old key cannot be made to count again.
        host.refuses(&bundle(1, 1, numbered(9, 0)), "was revoked");
        host.believes(&bundle(1, 2, numbered(5, 0)));
        assert_eq!(host.keyring_in_force(), 2);
        // A revocation counts whatever follows it.
        host.refuses(&bundle(3, 2, numbered(5, 0)), "was revoked");
        assert_eq!(host.keyring_in_force(), 3);
    }

    #[test]
    fn the_running_version_may_be_old_and_expired_and_must_be_signed_all_the_same() {
        let mut host = Host::new();
        let expired = Limits {
            expires: Some(1_000_000_000),
            ..numbered(5, 0)
        };
        confirmed(host.state(), &manifest(1, numbered(6, 6))).unwrap();
        let old = bundle(1, 1, expired);
        host.refuses(&old, "too old for this host");
        let error = host.stage_from(&old, &Origin::RunningSlot);
        assert!(matches!(error, StageError::Slot { .. }), "{error}");
        let error = host.stage_from(&bundle(1, 2, expired), &Origin::RunningSlot);
        assert!(matches!(error, StageError::Bundle(_)), "{error}");
    }

    #[test]
    fn a_feed_gets_the_build_that_it_listed_and_no_other() {
        let mut host = Host::new();
        let bundle = bundle(1, 1, numbered(5, 0));
        let listed = manifest(1, numbered(5, 0)).build_id;
        let error = host.stage_from(&bundle, &Origin::Feed(listed));
        assert!(matches!(error, StageError::Slot { .. }), "{error}");
        let other = BuildId::of("2.0.1", &[]);
        let error = host.stage_from(&bundle, &Origin::Feed(other));
        assert!(matches!(error, StageError::OtherBuild { .. }), "{error}");
    }

    #[test]
    fn a_keyring_that_cannot_be_kept_ends_the_update() {
        let mut host = Host::new();
        let trust = host.state().join("trust");
        fs::remove_dir_all(&trust).unwrap();
        fs::write(&trust, "in the way").unwrap();
        let error = host.stage(&bundle(2, 2, numbered(5, 0)));
        assert!(matches!(error, StageError::Keep(_)), "{error}");
    }

    #[test]
    fn a_leaked_key_that_ran_ahead_does_not_block_the_next_one() {
        let mut host = Host::new();
        confirmed(host.state(), &manifest(1, numbered(u64::MAX, u64::MAX))).unwrap();
        host.refuses(&bundle(1, 1, numbered(30, 0)), "too old for this host");
        host.believes(&bundle(2, 2, numbered(30, 0)));
    }

    #[test]
    fn what_was_kept_and_is_damaged_is_told_and_the_update_goes_on() {
        let mut host = Host::new();
        host.believes(&bundle(2, 2, numbered(5, 0)));
        let trust = host.state().join("trust");
        fs::write(trust.join("keyring.json"), "{").unwrap();
        fs::write(trust.join("ratchet.json"), "{").unwrap();
        host.believes(&bundle(1, 1, numbered(5, 0)));
        assert_eq!(host.warnings.len(), 2, "{:?}", host.warnings);
        assert!(host.warnings[0].contains("not to be trusted"));
        assert!(host.warnings[1].contains("is damaged"));
    }

    #[test]
    fn refusals_of_bundles_are_told_from_each_other() {
        let mut host = Host::new();
        let error = host.stage(&bundle(1, 2, numbered(5, 0)));
        assert!(matches!(
            error,
            StageError::Bundle(BundleError::Manifest(ManifestError::NotSigned))
        ));
        let (bytes, _) = keyring(1);
        let error = host.stage(&bundle_of((bytes, vec![0; 64]), b"", b""));
        assert!(matches!(
            error,
            StageError::Bundle(BundleError::Keyring(KeyringError::NotSigned))
        ));
    }
}
