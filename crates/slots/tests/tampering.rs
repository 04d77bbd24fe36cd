//! What a verifier must refuse: every changed byte, wrong key, missing or foreign part.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may panic like the tests"
)]

use proptest::prelude::*;
use qx_slots::{
    Hash, Keyring, Limits, Manifest, ManifestError, PART_NAMES, Part, PartError, SigningKey,
    verify_manifest, verify_part,
};

const FLIPS: usize = 50;
const LIMITS: Limits = Limits {
    sequence: 9000,
    floor: 8000,
    expires: Some(2_000_000_000),
};

/// A keyring with this key alone.
fn trusting(key: &SigningKey) -> Keyring {
    Keyring::new(1, vec![key.public()], vec![]).unwrap()
}

/// Bytes that are not constant and not the same for two parts.
fn content(seed: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| (i.wrapping_mul(31) ^ (i >> 8) ^ seed) as u8)
        .collect()
}

struct Slot {
    key: SigningKey,
    manifest: Vec<u8>,
    signature: [u8; 64],
    files: Vec<Vec<u8>>,
}

impl Slot {
    fn new() -> Self {
        let key = SigningKey::from_seed(&[7; 32]);
        let files: Vec<_> = [70_001, 300_000, 1_500_007]
            .iter()
            .enumerate()
            .map(|(seed, len)| content(seed, *len))
            .collect();
        let parts = PART_NAMES
            .iter()
            .zip(&files)
            .map(|(name, bytes)| Part {
                name: (*name).to_owned(),
                size: bytes.len() as u64,
                blake3: Hash::of(bytes),
            })
            .collect();
        let manifest = Manifest::new("0.1.0", "dev", key.public().id(), LIMITS, parts).unwrap();
        let manifest = manifest.to_bytes().unwrap();
        let signature = key.sign(&manifest);
        Self {
            key,
            manifest,
            signature,
            files,
        }
    }

    fn trusted(&self) -> Keyring {
        trusting(&self.key)
    }

    fn verified(&self) -> Manifest {
        verify_manifest(&self.manifest, &self.signature, &self.trusted()).unwrap()
    }

    /// Resigns a manifest after an edit of its text.
    fn edited(&self, from: &str, to: &str) -> Result<Manifest, ManifestError> {
        let text = String::from_utf8(self.manifest.clone()).unwrap();
        assert!(text.contains(from), "the edit must change something");
        let text = text.replacen(from, to, 1);
        verify_manifest(
            text.as_bytes(),
            &self.key.sign(text.as_bytes()),
            &self.trusted(),
        )
    }
}

/// Offsets over the whole length, first and last byte included.
fn spread(len: usize) -> impl Iterator<Item = usize> {
    (0..FLIPS).map(move |i| i * (len - 1) / (FLIPS - 1))
}

#[test]
fn an_untouched_slot_is_accepted() {
    let slot = Slot::new();
    let manifest = slot.verified();
    for (part, bytes) in manifest.parts().iter().zip(&slot.files) {
        verify_part(part, bytes.as_slice()).unwrap();
    }
}

#[test]
fn fifty_byte_flips_in_each_part_are_refused() {
    let slot = Slot::new();
    let manifest = slot.verified();
    let mut refused = 0;
    for (part, bytes) in manifest.parts().iter().zip(&slot.files) {
        for offset in spread(bytes.len()) {
            let mut changed = bytes.clone();
            changed[offset] ^= 1 << (offset % 8);
            let verdict = verify_part(part, changed.as_slice());
            assert!(
                matches!(verdict, Err(PartError::Hash { .. })),
                "{} at {offset}",
                part.name
            );
            refused += 1;
        }
    }
    assert_eq!(refused, 3 * FLIPS);
}

#[test]
fn every_byte_flip_in_manifest_and_signature_is_refused() {
    let slot = Slot::new();
    for offset in 0..slot.manifest.len() {
        let mut changed = slot.manifest.clone();
        changed[offset] ^= 0x01;
        let verdict = verify_manifest(&changed, &slot.signature, &slot.trusted());
        assert_eq!(
            verdict.unwrap_err(),
            ManifestError::NotSigned,
            "manifest byte {offset}"
        );
    }
    for offset in 0..slot.signature.len() {
        let mut changed = slot.signature;
        changed[offset] ^= 0x80;
        let verdict = verify_manifest(&slot.manifest, &changed, &slot.trusted());
        assert_eq!(
            verdict.unwrap_err(),
            ManifestError::NotSigned,
            "signature byte {offset}"
        );
    }
}

#[test]
fn a_truncated_or_extended_part_is_refused_by_its_length() {
    let slot = Slot::new();
    let manifest = slot.verified();
    let (part, bytes) = (&manifest.parts()[2], &slot.files[2]);
    for len in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        let verdict = verify_part(part, &bytes[..len]);
        assert!(matches!(verdict, Err(PartError::Length { actual, .. }) if actual == len as u64));
    }
    let endless = std::io::Read::chain(bytes.as_slice(), std::io::repeat(0));
    assert!(matches!(
        verify_part(part, endless),
        Err(PartError::Length { .. })
    ));
}

#[test]
fn a_foreign_key_is_refused_even_for_an_unchanged_manifest() {
    let slot = Slot::new();
    let foreign = SigningKey::from_seed(&[8; 32]);
    let verdict = verify_manifest(&slot.manifest, &slot.signature, &trusting(&foreign));
    assert_eq!(verdict.unwrap_err(), ManifestError::NotSigned);
}

#[test]
fn a_signed_manifest_that_makes_no_sense_is_refused() {
    let slot = Slot::new();
    for (from, to, says) in [
        ("\"format\":1", "\"format\":2", "format"),
        ("x86_64", "riscv64", "riscv64"),
        ("vmlinuz", "vmlinux", "parts"),
        (
            "\"channel\"",
            "\"colour\":1,\"channel\"",
            "unknown field `colour`",
        ),
        ("\"size\":70001", "\"size\":0", "0 bytes"),
        ("0.1.0", "0.1.1", "build id"),
        ("\"floor\":8000", "\"floor\":9001", "above its own sequence"),
        ("\"sequence\":9000,", "", "missing field `sequence`"),
        ("\"sequence\":9000", "\"sequence\":-1", "invalid value"),
        ("2000000000", "\"tomorrow\"", "invalid type"),
        ("\"key_id\":\"", "\"key_id\":\"x", "16 lower-case"),
    ] {
        let verdict = slot.edited(from, to);
        let text = verdict.unwrap_err().to_string();
        assert!(text.contains(says), "{from} -> {to}: {text}");
    }
    let id = slot.key.public().id().to_string();
    assert!(
        slot.edited(&id, "0123456789abcdef")
            .unwrap_err()
            .to_string()
            .contains("names key")
    );
}

#[test]
fn a_short_signature_is_refused_by_its_length() {
    let slot = Slot::new();
    let verdict = verify_manifest(&slot.manifest, &slot.signature[..63], &slot.trusted());
    assert_eq!(verdict.unwrap_err(), ManifestError::SignatureLength(63));
}

#[test]
fn keys_survive_their_files() {
    let key = SigningKey::from_seed(&[9; 32]);
    let again = SigningKey::from_pem(&key.to_pem().unwrap()).unwrap();
    assert_eq!(again.public().to_hex(), key.public().to_hex());
    let public = qx_slots::PublicKey::from_hex(&format!("{}\n", key.public().to_hex())).unwrap();
    assert_eq!(public.id(), key.public().id());
}

proptest! {
    #[test]
    fn hostile_manifests_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let key = SigningKey::from_seed(&[7; 32]);
        prop_assert!(verify_manifest(&bytes, &key.sign(&bytes), &trusting(&key)).is_err());
    }
}
