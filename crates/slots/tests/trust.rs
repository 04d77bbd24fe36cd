//! Who may sign what, and what a host never goes back below: rotation, revocation, replay, and the keyrings that
//! somebody could hand in.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use proptest::prelude::*;
use qx_slots::{
    AdmissionError, Bundle, BundleError, Floors, Hash, KeyId, Keyring, KeyringError, Limits,
    MAX_KEYRING_BYTES, Manifest, ManifestError, PART_NAMES, Part, PublicKey, SigningKey, Trust,
    verify_keyring, verify_manifest,
};
use tar::{Archive, Builder, Header};

const NOW: u64 = 1_800_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn public(seed: u8) -> PublicKey {
    key(seed).public()
}

fn id(seed: u8) -> KeyId {
    public(seed).id().clone()
}

fn recovery() -> SigningKey {
    key(100)
}

/// A keyring file and its signature.
#[derive(Clone)]
struct Signed {
    bytes: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    fn by(signer: &SigningKey, bytes: Vec<u8>) -> Self {
        let signature = signer.sign(&bytes).to_vec();
        Self { bytes, signature }
    }

    fn keyring(version: u64, keys: &[u8], revoked: &[u8]) -> Self {
        let keys = keys.iter().map(|&seed| public(seed)).collect();
        let revoked = revoked.iter().map(|&seed| id(seed)).collect();
        let keyring = Keyring::new(version, keys, revoked).unwrap();
        Self::by(&recovery(), keyring.to_bytes().unwrap())
    }

    fn read(&self) -> Result<Keyring, KeyringError> {
        verify_keyring(&self.bytes, &self.signature, &recovery().public())
    }

    fn trust(&self) -> Trust {
        Trust::new(
            recovery().public(),
            self.bytes.clone(),
            self.signature.clone(),
        )
        .unwrap()
    }
}

/// A release of this key.
fn release(signer: u8, limits: Limits) -> Manifest {
    let parts = PART_NAMES.map(|name| Part {
        name: name.to_owned(),
        size: 1,
        blake3: Hash::of(b"x"),
    });
    Manifest::new("1.0.0", "dev", &id(signer), limits, parts.to_vec()).unwrap()
}

fn numbered(sequence: u64, floor: u64) -> Limits {
    Limits {
        sequence,
        floor,
        expires: None,
    }
}

/// Keyring and release as they come, up to where the parts begin.
fn bundle(keyring: &Signed, signer: u8, limits: Limits) -> Vec<u8> {
    let manifest = release(signer, limits).to_bytes().unwrap();
    let signature = key(signer).sign(&manifest);
    let mut builder = Builder::new(Vec::new());
    for (name, content) in [
        ("keyring.json", keyring.bytes.as_slice()),
        ("keyring.sig", keyring.signature.as_slice()),
        ("manifest.json", manifest.as_slice()),
        ("manifest.sig", signature.as_slice()),
    ] {
        let mut header = Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// What a host with this trust makes of a bundle.
fn open(trust: &mut Trust, bundle: &[u8]) -> Result<Manifest, BundleError> {
    let mut archive = Archive::new(bundle);
    Bundle::open(&mut archive, trust).map(|bundle| bundle.manifest().clone())
}

#[test]
fn a_host_with_the_old_keyring_follows_a_rotation_that_the_bundle_brings() {
    let old = Signed::keyring(1, &[1], &[]);
    let rotated = old.read().unwrap().rotated(public(2)).unwrap();
    assert_eq!(rotated.version(), 2);
    assert_eq!(rotated.keys(), [public(2)]);
    assert_eq!(rotated.revoked(), [id(1)]);
    let new = Signed::by(&recovery(), rotated.to_bytes().unwrap());

    let mut host = old.trust();
    open(&mut host, &bundle(&old, 1, numbered(1, 0))).unwrap();
    // The new key is unknown until its keyring comes along.
    let error = open(&mut host, &bundle(&old, 2, numbered(2, 0))).unwrap_err();
    assert!(matches!(
        error,
        BundleError::Manifest(ManifestError::NotSigned)
    ));
    open(&mut host, &bundle(&new, 2, numbered(2, 0))).unwrap();
    assert_eq!(host.keyring().version(), 2);
    assert_eq!(host.keyring_bytes(), new.bytes);
    assert_eq!(host.keyring_signature(), new.signature);
    // Whoever has the old key cannot bring the old keyring back.
    let error = open(&mut host, &bundle(&old, 1, numbered(3, 0))).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&format!("key {} was revoked", id(1))),
        "{text}"
    );
    assert_eq!(host.keyring().version(), 2);
}

#[test]
fn a_newer_keyring_is_in_force_even_when_the_manifest_behind_it_is_refused() {
    let mut host = Signed::keyring(1, &[1], &[]).trust();
    let newer = Signed::keyring(2, &[2], &[1]);
    let error = open(&mut host, &bundle(&newer, 1, numbered(1, 0))).unwrap_err();
    assert!(matches!(
        error,
        BundleError::Manifest(ManifestError::Revoked(revoked)) if revoked == id(1)
    ));
    assert_eq!(host.keyring().version(), 2);
}

#[test]
fn an_older_keyring_or_another_of_the_same_version_changes_nothing() {
    let mut host = Signed::keyring(5, &[1], &[]).trust();
    for version in [1, 4, 5] {
        let other = Signed::keyring(version, &[2], &[1]);
        open(&mut host, &bundle(&other, 1, numbered(1, 0))).unwrap();
        let error = open(&mut host, &bundle(&other, 2, numbered(1, 0))).unwrap_err();
        assert!(matches!(
            error,
            BundleError::Manifest(ManifestError::NotSigned)
        ));
        assert_eq!(host.keyring().version(), 5);
    }
}

#[test]
fn a_keyring_of_somebody_else_is_refused_and_changes_nothing() {
    let mut host = Signed::keyring(1, &[1], &[]).trust();
    let keyring = Signed::keyring(9, &[1, 2], &[]).bytes;
    // A release key is no recovery key.
    for signer in [1, 2, 99] {
        let forged = Signed::by(&key(signer), keyring.clone());
        let error = open(&mut host, &bundle(&forged, 1, numbered(1, 0))).unwrap_err();
        assert!(
            matches!(error, BundleError::Keyring(KeyringError::NotSigned)),
            "{error}"
        );
        assert_eq!(host.keyring().version(), 1);
    }
}

#[test]
fn the_recovery_key_signs_no_manifest() {
    let mut host = Signed::keyring(1, &[1], &[]).trust();
    let keyring = Signed::keyring(1, &[1], &[]);
    let error = open(&mut host, &bundle(&keyring, 100, numbered(1, 0))).unwrap_err();
    assert!(matches!(
        error,
        BundleError::Manifest(ManifestError::NotSigned)
    ));
}

#[test]
fn who_only_claims_another_signer_is_refused_as_well() {
    let keyring = Signed::keyring(2, &[2], &[1]).read().unwrap();
    let claims = release(2, numbered(1, 0)).to_bytes().unwrap();
    let verdict = verify_manifest(&claims, &key(1).sign(&claims), &keyring);
    assert_eq!(verdict.unwrap_err(), ManifestError::NotSigned);
    let claims = release(1, numbered(1, 0)).to_bytes().unwrap();
    let verdict = verify_manifest(&claims, &key(9).sign(&claims), &keyring);
    assert_eq!(verdict.unwrap_err(), ManifestError::Revoked(id(1)));
    let verdict = verify_manifest(&claims, &key(2).sign(&claims), &keyring);
    let text = verdict.unwrap_err().to_string();
    assert!(text.contains("names key"), "{text}");
}

#[test]
fn a_replayed_release_below_the_floor_is_refused() {
    let mut floors = Floors::default();
    floors.admit(&release(1, numbered(10, 0)), NOW).unwrap();
    floors.confirmed(&release(1, numbered(20, 15)));
    for sequence in [0, 10, 14] {
        let error = floors
            .admit(&release(1, numbered(sequence, 0)), NOW)
            .unwrap_err();
        assert_eq!(
            error,
            AdmissionError::BelowFloor {
                version: "1.0.0".into(),
                sequence,
                floor: 15,
                key: id(1)
            }
        );
        let text = error.to_string();
        assert!(text.contains("too old for this host"), "{text}");
    }
    // Back to what is not below the floor is allowed.
    for sequence in [15, 19, 20, u64::MAX] {
        floors
            .admit(&release(1, numbered(sequence, 0)), NOW)
            .unwrap();
    }
}

#[test]
fn a_leaked_key_that_ran_ahead_blocks_its_own_releases_only() {
    let old = Signed::keyring(1, &[1], &[]);
    let mut host = old.trust();
    let mut floors = Floors::default();
    let leaked = bundle(&old, 1, numbered(u64::MAX, u64::MAX));
    let manifest = open(&mut host, &leaked).unwrap();
    floors.admit(&manifest, NOW).unwrap();
    floors.confirmed(&manifest);
    // What the rightful owner of this key makes cannot be installed any more.
    let manifest = open(&mut host, &bundle(&old, 1, numbered(30, 0))).unwrap();
    floors.admit(&manifest, NOW).unwrap_err();
    // The next key's can.
    let rotated = Signed::keyring(2, &[2], &[1]);
    let manifest = open(&mut host, &bundle(&rotated, 2, numbered(31, 30))).unwrap();
    floors.admit(&manifest, NOW).unwrap();
    floors.confirmed(&manifest);
    assert_eq!((floors.of(&id(1)), floors.of(&id(2))), (u64::MAX, 30));
    let error = open(&mut host, &leaked).unwrap_err().to_string();
    assert!(error.contains("was revoked"), "{error}");
}

#[test]
fn an_expired_release_says_when_and_to_check_the_clock() {
    let until = |expires| {
        let limits = Limits {
            expires: Some(expires),
            ..Limits::default()
        };
        Floors::default().admit(&release(1, limits), NOW)
    };
    until(NOW + 1).unwrap();
    until(u64::MAX).unwrap();
    for (expires, says) in [
        (NOW, "expired on 2027-01-15T08:00:00Z"),
        (0, "expired on 1970-01-01T00:00:00Z"),
    ] {
        let text = until(expires).unwrap_err().to_string();
        assert!(text.contains(says), "{text}");
        assert!(
            text.contains("clock says 2027-01-15T08:00:00Z") && text.contains("check the clock"),
            "{text}"
        );
    }
    let limits = Limits {
        expires: Some(u64::MAX - 1),
        ..Limits::default()
    };
    let text = Floors::default().admit(&release(1, limits), u64::MAX);
    let text = text.unwrap_err().to_string();
    assert!(text.contains("expired on second 1844674407"), "{text}");
}

#[test]
fn floors_survive_their_file() {
    let mut floors = Floors::default();
    floors.confirmed(&release(1, numbered(20, 15)));
    floors.confirmed(&release(2, numbered(u64::MAX, u64::MAX)));
    let bytes = floors.to_bytes().unwrap();
    assert_eq!(Floors::from_bytes(&bytes).unwrap(), floors);
    for length in 0..bytes.len() {
        Floors::from_bytes(&bytes[..length]).unwrap_err();
    }
    Floors::from_bytes(br#"{"no key id":1}"#).unwrap_err();
}

#[test]
fn every_truncation_of_a_keyring_is_refused_even_a_signed_one() {
    let whole = Signed::keyring(3, &[1, 2], &[3, 4]);
    whole.read().unwrap();
    for length in 0..whole.bytes.len() {
        let cut = Signed {
            bytes: whole.bytes[..length].to_vec(),
            signature: whole.signature.clone(),
        };
        assert_eq!(cut.read().unwrap_err(), KeyringError::NotSigned, "{length}");
    }
    // Of what the recovery key signed, only the line end is no loss.
    for length in 0..whole.bytes.len() - 1 {
        let signed = Signed::by(&recovery(), whole.bytes[..length].to_vec());
        let error = signed.read().unwrap_err();
        assert!(matches!(error, KeyringError::Unreadable(_)), "{length}");
    }
    for length in 0..64 {
        let cut = Signed {
            signature: whole.signature[..length].to_vec(),
            ..whole.clone()
        };
        assert_eq!(
            cut.read().unwrap_err(),
            KeyringError::SignatureLength(length)
        );
    }
}

#[test]
fn every_changed_byte_of_a_keyring_is_refused() {
    let whole = Signed::keyring(3, &[1, 2], &[3, 4]);
    for at in 0..whole.bytes.len() {
        let mut changed = whole.clone();
        changed.bytes[at] ^= 1;
        assert_eq!(changed.read().unwrap_err(), KeyringError::NotSigned, "{at}");
    }
    for at in 0..64 {
        let mut changed = whole.clone();
        changed.signature[at] ^= 0x80;
        assert_eq!(changed.read().unwrap_err(), KeyringError::NotSigned, "{at}");
    }
}

#[test]
fn a_signed_keyring_that_makes_no_sense_is_refused() {
    let (one, two) = (public(1).to_hex(), public(2).to_hex());
    let text = String::from_utf8(Signed::keyring(3, &[1, 2], &[3]).bytes).unwrap();
    let weak = "00".repeat(32);
    for (from, to, says) in [
        ("\"format\":1", "\"format\":2", "its format is 2"),
        ("\"version\":3", "\"version\":0", "its version is 0"),
        ("\"version\":3", "\"version\":-3", "invalid value"),
        (
            "\"version\":3",
            "\"version\":3,\"note\":\"\"",
            "unknown field `note`",
        ),
        (two.as_str(), one.as_str(), "twice"),
        (id(3).as_str(), id(1).as_str(), "both in use and revoked"),
        (one.as_str(), &one[..62], "64 lower-case"),
        (one.as_str(), &one.to_uppercase(), "64 lower-case"),
        (one.as_str(), &format!(" {one}"), "64 lower-case"),
        (one.as_str(), weak.as_str(), "no ed25519 public key"),
        (id(3).as_str(), "key three", "16 lower-case"),
        ("\"revoked\"", "\"keys\"", "duplicate field"),
    ] {
        assert!(text.contains(from), "the edit must change something");
        let edited = text.replacen(from, to, 1).into_bytes();
        let error = Signed::by(&recovery(), edited).read().unwrap_err();
        assert!(
            matches!(&error, KeyringError::Unreadable(why) if why.contains(says)),
            "{from} -> {to}: {error}"
        );
    }
    let none = format!(
        r#"{{"format":1,"version":1,"keys":[],"revoked":["{}"]}}"#,
        id(1)
    );
    let error = Signed::by(&recovery(), none.into_bytes())
        .read()
        .unwrap_err();
    assert!(error.to_string().contains("it has no key"), "{error}");
    let own = Keyring::new(1, vec![public(1), recovery().public()], vec![]).unwrap();
    let error = Signed::by(&recovery(), own.to_bytes().unwrap())
        .read()
        .unwrap_err();
    assert!(
        error.to_string().contains("nothing but keyrings"),
        "{error}"
    );
}

#[test]
fn what_no_reader_would_take_is_not_written() {
    Keyring::new(1, vec![], vec![id(1)]).unwrap_err();
    Keyring::new(0, vec![public(1)], vec![]).unwrap_err();
    Keyring::new(1, vec![public(1), public(1)], vec![]).unwrap_err();
    Keyring::new(1, vec![public(1)], vec![id(2), id(2)]).unwrap_err();
    Keyring::new(1, vec![public(1)], vec![id(1)]).unwrap_err();
    let keyring = Keyring::new(1, vec![public(1)], vec![id(2)]).unwrap();
    keyring.rotated(public(1)).unwrap_err();
    keyring.rotated(public(2)).unwrap_err();
    let last = Keyring::new(u64::MAX, vec![public(1)], vec![]).unwrap();
    last.rotated(public(2)).unwrap_err();
    let ids = (0..4000u64).map(|n| KeyId::try_from(format!("{n:016x}")).unwrap());
    let long = Keyring::new(1, vec![public(1)], ids.collect()).unwrap();
    assert!(matches!(long.to_bytes(), Err(KeyringError::TooLong(_))));
}

#[test]
fn a_keyring_that_is_too_long_is_refused_before_its_signature_is_looked_at() {
    let long = Signed {
        bytes: vec![b' '; MAX_KEYRING_BYTES + 1],
        signature: vec![],
    };
    assert_eq!(
        long.read().unwrap_err(),
        KeyringError::TooLong(MAX_KEYRING_BYTES + 1)
    );
}

proptest! {
    #[test]
    fn hostile_keyrings_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(Signed::by(&recovery(), bytes).read().is_err());
    }

    #[test]
    fn keyrings_survive_their_file(
        version in 1..=u64::MAX,
        keys in prop::collection::hash_set(0..50u8, 1..5),
        revoked in prop::collection::hash_set(50..99u8, 0..5),
    ) {
        let (keys, revoked): (Vec<_>, Vec<_>) =
            (keys.into_iter().collect(), revoked.into_iter().collect());
        let keyring = Signed::keyring(version, &keys, &revoked).read().unwrap();
        prop_assert_eq!(keyring.version(), version);
        prop_assert_eq!(keyring.keys().len(), keys.len());
        prop_assert_eq!(keyring.revoked().len(), revoked.len());
        for seed in keys {
            let bytes = release(seed, Limits::default()).to_bytes().unwrap();
            prop_assert!(verify_manifest(&bytes, &key(seed).sign(&bytes), &keyring).is_ok());
        }
        for seed in revoked {
            let bytes = release(seed, Limits::default()).to_bytes().unwrap();
            let verdict = verify_manifest(&bytes, &key(seed).sign(&bytes), &keyring);
            prop_assert_eq!(verdict.unwrap_err(), ManifestError::Revoked(id(seed)));
        }
    }

    /// Whatever is offered in whatever order: the version in force never falls.
    #[test]
    fn the_newest_keyring_stays(offers in prop::collection::vec((1..20u64, any::<bool>()), 1..20)) {
        let mut trust = Signed::keyring(5, &[1], &[]).trust();
        let mut newest = 5;
        for (version, rightful) in offers {
            let keyring = Signed::keyring(version, &[2], &[]);
            let signer = if rightful { recovery() } else { key(2) };
            let Signed { bytes, signature } = Signed::by(&signer, keyring.bytes);
            let taken = trust.offer(bytes, signature);
            prop_assert_eq!(taken.is_ok(), rightful);
            prop_assert_eq!(taken.unwrap_or(false), rightful && version > newest);
            if rightful {
                newest = newest.max(version);
            }
            prop_assert_eq!(trust.keyring().version(), newest);
        }
    }

    /// Whatever is confirmed in whatever order: no floor falls, and none moves another key's.
    #[test]
    fn floors_never_fall(confirmed in prop::collection::vec((1..4u8, 0..1000u64), 0..30)) {
        let mut floors = Floors::default();
        let mut highest = [0; 4];
        for (signer, floor) in confirmed {
            floors.confirmed(&release(signer, numbered(1000, floor)));
            let highest_of_it = &mut highest[usize::from(signer)];
            *highest_of_it = floor.max(*highest_of_it);
            for seed in 1..4u8 {
                prop_assert_eq!(floors.of(&id(seed)), highest[usize::from(seed)]);
            }
        }
    }
}
