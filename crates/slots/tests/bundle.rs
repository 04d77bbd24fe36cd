//! Bundles as they arrive: good ones, and everything that somebody could hand in instead.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::Read;

use qx_slots::{
    Bundle, BundleError, Hash, Keyring, KeyringError, Limits, Manifest, ManifestError, Part,
    SigningKey, Trust, verify_part,
};
use tar::{Archive, Builder, EntryType, Header};

const PARTS: [(&str, &[u8]); 3] = [
    ("vmlinuz", b"kernel"),
    ("initramfs.img", b"init"),
    ("rootfs.squashfs", b"root file system"),
];

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

fn recovery() -> SigningKey {
    SigningKey::from_seed(&[100; 32])
}

/// Keyring and its signature.
fn keyring() -> (Vec<u8>, Vec<u8>) {
    let keyring = Keyring::new(1, vec![key().public()], vec![]).unwrap();
    let bytes = keyring.to_bytes().unwrap();
    let signature = recovery().sign(&bytes).to_vec();
    (bytes, signature)
}

fn trusted() -> Trust {
    let (bytes, signature) = keyring();
    Trust::new(recovery().public(), bytes, signature).unwrap()
}

fn manifest() -> Vec<u8> {
    let parts = PARTS.map(|(name, content)| Part {
        name: name.to_owned(),
        size: content.len() as u64,
        blake3: Hash::of(content),
    });
    let limits = Limits::default();
    let key = key().public();
    let manifest = Manifest::new("1.2.3", "stable", key.id(), limits, parts.to_vec()).unwrap();
    manifest.to_bytes().unwrap()
}

/// All files of a good bundle.
fn files() -> Vec<(String, Vec<u8>)> {
    let manifest = manifest();
    let signature = key().sign(&manifest).to_vec();
    let (keyring, keyring_signature) = keyring();
    let mut files = vec![
        ("keyring.json".to_owned(), keyring),
        ("keyring.sig".to_owned(), keyring_signature),
        ("manifest.json".to_owned(), manifest),
        ("manifest.sig".to_owned(), signature),
    ];
    files.extend(PARTS.map(|(name, content)| (name.to_owned(), content.to_vec())));
    files
}

fn header(kind: EntryType, name: &str, bytes: u64) -> Header {
    let mut header = Header::new_ustar();
    // Written as bytes: the library would refuse the names that an attacker takes.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(bytes);
    header.set_cksum();
    header
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in files {
        let header = header(EntryType::Regular, name, content.len() as u64);
        builder.append(&header, content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Reads a bundle as the updater does.
fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, BundleError> {
    let mut archive = Archive::new(bytes);
    let bundle = Bundle::open(&mut archive, &mut trusted())?;
    let mut parts = Vec::new();
    for part in bundle.manifest().parts().to_vec() {
        let mut content = Vec::new();
        let mut entry = bundle.next_part(&part.name)?;
        entry.read_to_end(&mut content).map_err(BundleError::Read)?;
        parts.push(content);
    }
    bundle.finish()?;
    Ok(parts)
}

#[test]
fn a_bundle_is_read_part_by_part_and_its_length_is_known_from_its_manifest() {
    let mut bytes = archive(&files());
    assert_eq!(read(&bytes).unwrap(), PARTS.map(|(_, content)| content));
    bytes.resize(bytes.len().next_multiple_of(10240), 0);
    let mut archive = Archive::new(bytes.as_slice());
    let bundle = Bundle::open(&mut archive, &mut trusted()).unwrap();
    assert_eq!(bundle.bytes(), bytes.len() as u64);
    assert_eq!(bundle.manifest().version, "1.2.3");
    assert_eq!(bundle.manifest_bytes(), manifest());
    assert_eq!(bundle.signature(), key().sign(&manifest()));
}

#[test]
fn a_manifest_that_no_trusted_key_signed_is_refused() {
    let stranger = SigningKey::from_seed(&[8; 32]);
    let mut files = files();
    files[3].1 = stranger.sign(&manifest()).to_vec();
    let error = read(&archive(&files)).unwrap_err();
    assert!(matches!(
        error,
        BundleError::Manifest(ManifestError::NotSigned)
    ));
    files[3].1.truncate(63);
    let error = read(&archive(&files)).unwrap_err();
    assert!(matches!(
        error,
        BundleError::Manifest(ManifestError::SignatureLength(63))
    ));
}

#[test]
fn a_keyring_that_the_recovery_key_did_not_sign_is_refused() {
    let mut files = files();
    let (keyring, _) = keyring();
    for (signer, says) in [
        (key(), "release key"),
        (SigningKey::from_seed(&[8; 32]), "stranger"),
    ] {
        files[1].1 = signer.sign(&keyring).to_vec();
        let error = read(&archive(&files)).unwrap_err();
        assert!(
            matches!(error, BundleError::Keyring(KeyringError::NotSigned)),
            "{says}: {error}"
        );
    }
    files[1].1.truncate(63);
    let error = read(&archive(&files)).unwrap_err();
    assert!(matches!(
        error,
        BundleError::Keyring(KeyringError::SignatureLength(63))
    ));
}

#[test]
fn a_bundle_that_ends_anywhere_is_refused() {
    let bytes = archive(&files());
    let end = bytes.len() - 1024;
    for length in (0..end).step_by(100).chain([end - 496]) {
        let result = read(&bytes[..length]);
        // What is short of a part is found by its length; everything else by the archive.
        let short = result.is_ok_and(|parts| {
            parts
                .iter()
                .zip(PARTS)
                .any(|(read, (_, content))| *read != content)
        });
        assert!(short || read(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn parts_that_are_swapped_missing_twice_there_or_too_many_are_refused() {
    let swapped = |a: usize, b: usize| {
        let mut files = files();
        files.swap(a, b);
        files
    };
    let without = |index: usize| {
        let mut files = files();
        files.remove(index);
        files
    };
    let twice = |index: usize| {
        let mut files = files();
        files.insert(index, files[index].clone());
        files
    };
    let mut more = files();
    more.push(("extra".to_owned(), vec![1]));
    let mut wrong: Vec<_> = (0..6).map(|first| swapped(first, first + 1)).collect();
    wrong.extend([swapped(0, 2), swapped(1, 3), more]);
    wrong.extend((0..7).map(without));
    wrong.extend((0..7).map(twice));
    for files in wrong {
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert!(read(&archive(&files)).is_err(), "{names:?}");
    }
}

#[test]
fn names_that_lead_elsewhere_and_files_that_are_none_are_refused() {
    for name in ["../vmlinuz", "/vmlinuz", "./vmlinuz", "vmlinuz/", "Vmlinuz"] {
        let mut files = files();
        files[4].0 = name.to_owned();
        let error = read(&archive(&files)).unwrap_err();
        assert!(
            matches!(&error, BundleError::Order { expected, .. } if expected == "vmlinuz"),
            "{name}: {error}"
        );
    }
    // A control character would reach a terminal.
    let mut named = files();
    named[4].0 = "vm\u{1b}[2J".to_owned();
    let error = read(&archive(&named)).unwrap_err().to_string();
    assert!(error.contains(r"vm\x1b[2J"), "{error}");

    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Directory,
        EntryType::GNULongName,
        EntryType::XHeader,
        EntryType::GNUSparse,
    ] {
        // The first file, and the first that the recovery key did not sign.
        for at in [0, 2] {
            let mut builder = Builder::new(Vec::new());
            for (index, (name, content)) in files().iter().enumerate() {
                let kind = if index == at {
                    kind
                } else {
                    EntryType::Regular
                };
                let header = header(kind, name, content.len() as u64);
                builder.append(&header, content.as_slice()).unwrap();
            }
            let error = read(&builder.into_inner().unwrap()).unwrap_err();
            assert!(
                matches!(error, BundleError::Order { .. }),
                "{kind:?} at {at}: {error}"
            );
        }
    }
}

#[test]
fn lengths_that_would_fill_memory_are_refused_before_anything_is_read() {
    for bytes in [64 * 1024 + 1, 8 << 30] {
        for at in 0..4 {
            let files = files();
            let mut wrong = archive(&files[..at]);
            wrong.truncate(wrong.len() - 1024);
            let header = header(EntryType::Regular, &files[at].0, bytes);
            wrong.extend(header.as_bytes());
            wrong.extend([0; 2048]);
            let error = read(&wrong).unwrap_err();
            assert!(
                matches!(error, BundleError::TooLong { bytes: told, .. } if told == bytes),
                "{error}"
            );
        }
    }
    // A part's length in the archive is held against the manifest.
    let mut files = files();
    files[6].1.extend([0; 100_000]);
    let bytes = archive(&files);
    let mut archive = Archive::new(bytes.as_slice());
    let bundle = Bundle::open(&mut archive, &mut trusted()).unwrap();
    let parts = bundle.manifest().parts().to_vec();
    for part in &parts[..2] {
        verify_part(part, bundle.next_part(&part.name).unwrap()).unwrap();
    }
    verify_part(&parts[2], bundle.next_part(&parts[2].name).unwrap()).unwrap_err();
}
