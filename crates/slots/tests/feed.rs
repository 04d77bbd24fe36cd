//! The index of a feed: what is believed, and which release is the one to take.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use qx_slots::{
    FeedError, FeedIndex, Floors, Hash, Keyring, Limits, Manifest, PART_NAMES, Part, Release,
    SigningKey, verify_index,
};

const NOW: u64 = 1_800_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn keyring() -> Keyring {
    let revoked = vec![key(9).public().id().clone()];
    Keyring::new(3, vec![key(1).public(), key(2).public()], revoked).unwrap()
}

fn manifest(version: &str, channel: &str, seed: u8, limits: Limits) -> Manifest {
    let parts = PART_NAMES.map(|name| Part {
        name: name.to_owned(),
        size: 1,
        blake3: Hash::of(b"x"),
    });
    Manifest::new(
        version,
        channel,
        key(seed).public().id(),
        limits,
        parts.to_vec(),
    )
    .unwrap()
}

fn numbered(sequence: u64) -> Limits {
    Limits {
        sequence,
        ..Limits::default()
    }
}

fn release(version: &str, channel: &str, seed: u8, limits: Limits) -> Release {
    let manifest = manifest(version, channel, seed, limits);
    Release::of(&manifest, &format!("quantix-os-{version}.qxu"), 1000)
}

fn index(seed: u8, sequence: u64, releases: Vec<Release>) -> FeedIndex {
    FeedIndex::new(key(seed).public().id(), sequence, NOW + 1, releases).unwrap()
}

fn signed(seed: u8, bytes: &[u8]) -> Result<FeedIndex, FeedError> {
    verify_index(bytes, &key(seed).sign(bytes), &keyring())
}

#[test]
fn an_index_is_believed_by_its_signature_alone_and_every_changed_byte_is_noticed() {
    let listed = vec![release("2.0.0", "stable", 1, numbered(5))];
    let bytes = index(1, 7, listed.clone()).to_bytes().unwrap();
    assert_eq!(signed(1, &bytes).unwrap().releases(), listed);
    let signature = key(1).sign(&bytes);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let error = verify_index(&changed, &signature, &keyring()).unwrap_err();
        assert_eq!(error, FeedError::NotSigned, "byte {at}");
    }
    let error = verify_index(&bytes, &signature[..63], &keyring()).unwrap_err();
    assert_eq!(error, FeedError::SignatureLength(63));
    let long = vec![b' '; qx_slots::MAX_INDEX_BYTES + 1];
    assert!(matches!(signed(1, &long), Err(FeedError::TooLong(_))));
}

#[test]
fn foreign_revoked_and_borrowed_keys_are_told_apart() {
    let bytes = index(3, 7, vec![]).to_bytes().unwrap();
    assert_eq!(signed(3, &bytes).unwrap_err(), FeedError::NotSigned);
    let bytes = index(9, 7, vec![]).to_bytes().unwrap();
    assert!(matches!(signed(9, &bytes), Err(FeedError::Revoked(_))));
    // Signed by a trusted key in the name of another.
    let bytes = index(1, 7, vec![]).to_bytes().unwrap();
    let error = signed(2, &bytes).unwrap_err().to_string();
    assert!(error.contains("signed it"), "{error}");
}

#[test]
fn a_name_that_leaves_the_directory_or_an_impossible_size_is_refused() {
    for (file, size) in [
        ("../quantix.qxu", 1000),
        ("a/b.qxu", 1000),
        ("https:evil.qxu", 1000),
        ("a%2fb.qxu", 1000),
        (".qxu", 1000),
        ("quantix.iso", 1000),
        ("a\n.qxu", 1000),
        ("good.qxu", 0),
        ("good.qxu", u64::MAX),
    ] {
        let mut bad = release("2.0.0", "stable", 1, numbered(5));
        bad.file = file.to_owned();
        bad.size = size;
        let made = FeedIndex::new(key(1).public().id(), 1, NOW, vec![bad]);
        assert!(matches!(made, Err(FeedError::Unreadable(_))), "{file}");
    }
}

#[test]
fn a_newer_feed_with_more_to_say_is_read_and_another_format_is_not() {
    let bytes = index(1, 7, vec![release("2.0.0", "stable", 1, numbered(5))]);
    let text = String::from_utf8(bytes.to_bytes().unwrap()).unwrap();
    let more = text
        .replacen("{\"format\":1", "{\"format\":1,\"notes\":\"x\"", 1)
        .replacen("{\"version\"", "{\"severity\":\"high\",\"version\"", 1);
    assert_ne!(text, more);
    assert_eq!(signed(1, more.as_bytes()).unwrap(), bytes);
    let other = text.replacen("\"format\":1", "\"format\":2", 1);
    let error = signed(1, other.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("format is 2"), "{error}");
}

#[test]
fn an_older_index_and_an_expired_one_are_refused_and_a_leaked_key_blocks_only_its_own() {
    let mut seen = Floors::default();
    seen.raise(key(1).public().id(), 7);
    index(1, 7, vec![]).is_fresh(&seen, NOW).unwrap();
    index(1, 8, vec![]).is_fresh(&seen, NOW).unwrap();
    let error = index(1, 6, vec![]).is_fresh(&seen, NOW).unwrap_err();
    assert!(
        matches!(error, FeedError::Replayed { seen: 7, .. }),
        "{error}"
    );
    let error = index(1, 8, vec![]).is_fresh(&seen, NOW + 1).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("expired on 2027-01-15T08:00:01Z"),
        "{error}"
    );
    seen.raise(key(1).public().id(), u64::MAX);
    seen.raise(key(1).public().id(), 1);
    index(1, 8, vec![]).is_fresh(&seen, NOW).unwrap_err();
    index(2, 1, vec![]).is_fresh(&seen, NOW).unwrap();
}

/// Version of what is offered to a host that runs 1.0.0, number 10 of key 1.
fn offered(releases: Vec<Release>, floor: u64) -> Option<String> {
    let running = manifest("1.0.0", "stable", 1, numbered(10));
    let mut floors = Floors::default();
    floors.raise(key(1).public().id(), floor);
    index(1, 1, releases)
        .newest("stable", &running, &keyring(), &floors, NOW)
        .map(|release| release.version.clone())
}

#[test]
fn the_newest_release_of_the_channel_that_the_host_would_take_is_offered() {
    let stable = |version, sequence| release(version, "stable", 1, numbered(sequence));
    assert_eq!(offered(vec![], 0), None);
    let all = vec![stable("0.9.0", 9), stable("1.2.0", 12), stable("1.1.0", 11)];
    assert_eq!(offered(all.clone(), 0).as_deref(), Some("1.2.0"));
    assert_eq!(offered(all, 13), None);
    assert_eq!(
        offered(vec![stable("0.9.0", 9), stable("1.0.0", 10)], 0),
        None
    );
    let other = release("2.0.0-rc1", "testing", 1, numbered(20));
    assert_eq!(offered(vec![other], 0), None);
    let expired = Limits {
        expires: Some(NOW),
        ..numbered(20)
    };
    let both = vec![release("2.0.0", "stable", 1, expired), stable("1.1.0", 11)];
    assert_eq!(offered(both, 0).as_deref(), Some("1.1.0"));
    let mut foreign = stable("2.0.0", 20);
    foreign.arch = "riscv64".into();
    assert_eq!(offered(vec![foreign], 0), None);
}

#[test]
fn another_keys_release_is_newer_only_before_the_running_one_in_the_list() {
    let running = release("1.0.0", "stable", 1, numbered(10));
    let next = |sequence| release("1.5.0", "stable", 2, numbered(sequence));
    assert_eq!(
        offered(vec![running.clone(), next(11)], 0).as_deref(),
        Some("1.5.0")
    );
    assert_eq!(offered(vec![running, next(9)], 0), None);
    let untrusted = release("1.5.0", "stable", 3, numbered(11));
    assert_eq!(offered(vec![untrusted], 0), None);
}
