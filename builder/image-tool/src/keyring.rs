//! `keyring` and `rotate`: which keys may sign images, in the recovery key's words.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use qx_slots::{
    KEYRING_FILE, KEYRING_SIGNATURE_FILE, KeyId, Keyring, PublicKey, RECOVERY_FILE, SigningKey,
    Trust, verify_keyring,
};

use crate::signing::{self, read_key, read_public};

/// Writes a keyring of these keys.
pub(crate) fn make(
    recovery: &Path,
    version: u64,
    keys: &[PathBuf],
    revoked: Vec<KeyId>,
    out: &Path,
) -> Result<()> {
    let recovery = read_key(recovery)?;
    let keys: Vec<PublicKey> = keys
        .iter()
        .map(|path| read_public(path))
        .collect::<Result<_>>()?;
    write(&recovery, &Keyring::new(version, keys, revoked)?, out)
}

/// Writes the keyring after the one in `directory`: `new` may sign, and no key before it.
pub(crate) fn rotate(recovery: &Path, directory: &Path, new: &Path, out: &Path) -> Result<()> {
    let recovery = read_key(recovery)?;
    let anchor = read_public(&directory.join(RECOVERY_FILE))?;
    ensure!(
        anchor == recovery.public(),
        "the keyring in {} is of recovery key {}, this one is {}: hosts would refuse what it signs",
        directory.display(),
        anchor.id(),
        recovery.public().id()
    );
    let next = read(directory)?.keyring().rotated(read_public(new)?)?;
    write(&recovery, &next, out)
}

/// The trust that an image with the files of this directory has.
pub(crate) fn read(directory: &Path) -> Result<Trust> {
    Trust::new(
        read_public(&directory.join(RECOVERY_FILE))?,
        signing::read(&directory.join(KEYRING_FILE))?,
        signing::read(&directory.join(KEYRING_SIGNATURE_FILE))?,
    )
    .with_context(|| format!("the keyring in {} is refused", directory.display()))
}

/// Signs a keyring, writes it with the recovery key's public half, and says what it means.
fn write(recovery: &SigningKey, keyring: &Keyring, out: &Path) -> Result<()> {
    let bytes = keyring.to_bytes()?;
    let signature = recovery.sign(&bytes);
    // What a host would refuse is not written.
    verify_keyring(&bytes, &signature, &recovery.public())?;
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    signing::write_public(&recovery.public(), &out.join(RECOVERY_FILE))?;
    signing::write(&out.join(KEYRING_FILE), &bytes)?;
    signing::write(&out.join(KEYRING_SIGNATURE_FILE), &signature)?;
    println!("keyring version {}", keyring.version());
    for key in keyring.keys() {
        println!("  may sign:  {}", key.id());
    }
    for id in keyring.revoked() {
        println!("  revoked:   {id}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use qx_slots::{Limits, PART_NAMES};

    /// Keys `recovery`, `one`, `two` as `keygen` makes them, and a keyring of `one`.
    struct Desk(tempfile::TempDir);

    impl Desk {
        fn new() -> Self {
            let desk = Self(tempfile::tempdir().unwrap());
            for name in ["recovery", "one", "two"] {
                signing::keygen(&desk.key(name), &desk.public(name)).unwrap();
            }
            desk.keyring(1, &["one"], vec![]).unwrap();
            desk
        }

        fn key(&self, name: &str) -> PathBuf {
            self.0.path().join(format!("{name}.key"))
        }

        fn public(&self, name: &str) -> PathBuf {
            self.0.path().join(format!("{name}.pub"))
        }

        fn id(&self, name: &str) -> KeyId {
            read_public(&self.public(name)).unwrap().id().clone()
        }

        fn dir(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn keyring(&self, version: u64, keys: &[&str], revoked: Vec<KeyId>) -> Result<()> {
            let keys: Vec<_> = keys.iter().map(|name| self.public(name)).collect();
            make(
                &self.key("recovery"),
                version,
                &keys,
                revoked,
                &self.dir("keys"),
            )
        }

        fn rotate(&self, recovery: &str, from: &str, new: &str, to: &str) -> Result<()> {
            rotate(
                &self.key(recovery),
                &self.dir(from),
                &self.public(new),
                &self.dir(to),
            )
        }

        /// A slot that this key signed.
        fn slot(&self, signer: &str) -> PathBuf {
            let slot = self.dir("slot");
            fs::create_dir_all(&slot).unwrap();
            for part in PART_NAMES {
                fs::write(slot.join(part), part).unwrap();
            }
            let limits = Limits {
                sequence: 7,
                floor: 5,
                expires: Some(2_000_000_000),
            };
            signing::sign(&slot, &self.key(signer), "1.0.0", "dev", limits).unwrap();
            slot
        }
    }

    #[test]
    fn rotating_lets_the_new_key_sign_and_the_old_one_no_longer() {
        let desk = Desk::new();
        signing::verify(&desk.slot("one"), &desk.dir("keys")).unwrap();
        signing::verify(&desk.slot("two"), &desk.dir("keys")).unwrap_err();

        desk.rotate("recovery", "keys", "two", "next").unwrap();
        let trust = read(&desk.dir("next")).unwrap();
        assert_eq!(trust.keyring().version(), 2);
        assert_eq!(trust.keyring().revoked(), [desk.id("one")]);
        signing::verify(&desk.slot("two"), &desk.dir("next")).unwrap();
        let error = signing::verify(&desk.slot("one"), &desk.dir("next")).unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("key {} was revoked", desk.id("one"))),
            "{error}"
        );
        // A host with the keyring of before takes this one.
        let mut host = read(&desk.dir("keys")).unwrap();
        let (bytes, signature) = (trust.keyring_bytes(), trust.keyring_signature());
        assert!(host.offer(bytes.to_vec(), signature.to_vec()).unwrap());
    }

    #[test]
    fn rotating_refuses_keys_that_were_used_and_other_recovery_keys() {
        let desk = Desk::new();
        let refused = |recovery: &str, from: &str, new: &str, says: &str| {
            let error = desk.rotate(recovery, from, new, "refused").unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert!(!desk.dir("refused").exists());
        };
        refused("recovery", "keys", "one", "already");
        refused("two", "keys", "two", "hosts would refuse");
        refused("recovery", "keys", "recovery", "nothing but keyrings");
        desk.rotate("recovery", "keys", "two", "next").unwrap();
        refused("recovery", "next", "one", "revoked");
        let signature = desk.dir("keys").join(KEYRING_SIGNATURE_FILE);
        fs::write(signature, [0; 64]).unwrap();
        refused("recovery", "keys", "two", "is refused");
    }

    #[test]
    fn a_keyring_that_makes_no_sense_is_not_written() {
        let desk = Desk::new();
        let before = fs::read(desk.dir("keys").join(KEYRING_FILE)).unwrap();
        for (version, keys, revoked) in [
            (0, vec!["one"], vec![]),
            (2, vec![], vec![]),
            (2, vec!["one", "one"], vec![]),
            (2, vec!["one"], vec![desk.id("one")]),
            (2, vec!["one"], vec![desk.id("two"), desk.id("two")]),
            (2, vec!["recovery"], vec![]),
        ] {
            desk.keyring(version, &keys, revoked).unwrap_err();
        }
        let after = fs::read(desk.dir("keys").join(KEYRING_FILE)).unwrap();
        assert_eq!(before, after);
    }

    #[test]
    fn a_floor_above_the_sequence_number_is_not_signed() {
        let desk = Desk::new();
        let slot = desk.slot("one");
        let limits = Limits {
            sequence: 4,
            floor: 5,
            expires: None,
        };
        let error = signing::sign(&slot, &desk.key("one"), "1.0.0", "dev", limits).unwrap_err();
        assert!(error.to_string().contains("above its own"), "{error}");
    }
}
