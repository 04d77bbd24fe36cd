//! `feed`: the signed index of a directory of bundles, which any web server may then serve.

use std::fs::{self, File};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use qx_slots::{
    Bundle, FeedIndex, INDEX_FILE, INDEX_SIGNATURE_FILE, KEYRING_FILE, KEYRING_SIGNATURE_FILE,
    Release, Trust, verify_index,
};
use tar::Archive;

use crate::keyring;
use crate::signing::{read_key, write};

const DAY: u64 = 86_400;

/// Writes `index.json`, its signature and the keyring into `directory`, for every bundle in it. `sequence` is the
/// time when it is not given. Every bundle must be one that a host with the keyring in `keys` would believe.
pub(crate) fn make(
    directory: &Path,
    key: &Path,
    keys: &Path,
    days: u64,
    sequence: Option<u64>,
) -> Result<()> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock is before 1970")?
        .as_secs();
    let key = read_key(key)?;
    let trust = keyring::read(keys)?;
    let mut releases = Vec::new();
    for entry in
        fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?
    {
        let path = entry.context("cannot list the bundles")?.path();
        if path.extension().is_some_and(|extension| extension == "qxu") {
            releases.push(release(&path, &trust)?);
        }
    }
    ensure!(
        !releases.is_empty(),
        "{} holds no bundle (*.qxu)",
        directory.display()
    );
    let expires = now + days * DAY;
    let index = FeedIndex::new(
        key.public().id(),
        sequence.unwrap_or(now),
        expires,
        releases,
    )?;
    let bytes = index.to_bytes()?;
    let signature = key.sign(&bytes);
    // What a host would refuse is not written.
    verify_index(&bytes, &signature, trust.keyring())?;
    write(&directory.join(KEYRING_FILE), trust.keyring_bytes())?;
    write(
        &directory.join(KEYRING_SIGNATURE_FILE),
        trust.keyring_signature(),
    )?;
    write(&directory.join(INDEX_FILE), &bytes)?;
    write(&directory.join(INDEX_SIGNATURE_FILE), &signature)?;
    println!("feed {}, good for {days} days", index.sequence);
    for release in index.releases() {
        println!("  {} {} {}", release.channel, release.version, release.file);
    }
    Ok(())
}

fn release(path: &Path, trust: &Trust) -> Result<Release> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let size = file
        .metadata()
        .with_context(|| format!("cannot read {shown}"))?
        .len();
    let mut archive = Archive::new(file);
    let bundle = Bundle::open(&mut archive, &mut trust.clone())
        .with_context(|| format!("{shown} would be refused"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(Release::of(bundle.manifest(), &name, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    use qx_slots::{Limits, PART_NAMES};
    use tar::Builder;

    use crate::signing;

    /// Keys, a keyring of release key `one`, and an empty feed.
    struct Desk(tempfile::TempDir);

    impl Desk {
        fn new() -> Self {
            let desk = Self(tempfile::tempdir().unwrap());
            for name in ["recovery", "one", "two"] {
                signing::keygen(
                    &desk.path(&format!("{name}.key")),
                    &desk.path(&format!("{name}.pub")),
                )
                .unwrap();
            }
            let keys = [desk.path("one.pub")];
            keyring::make(
                &desk.path("recovery.key"),
                1,
                &keys,
                vec![],
                &desk.path("keys"),
            )
            .unwrap();
            fs::create_dir(desk.path("feed")).unwrap();
            desk
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn bundle(&self, version: &str, key: &str, sequence: u64) {
            let slot = self.path(version);
            fs::create_dir(&slot).unwrap();
            for part in PART_NAMES {
                fs::write(slot.join(part), part).unwrap();
            }
            let limits = Limits {
                sequence,
                ..Limits::default()
            };
            signing::sign(
                &slot,
                &self.path(&format!("{key}.key")),
                version,
                "stable",
                limits,
            )
            .unwrap();
            let file = File::create(self.path("feed").join(format!("{version}.qxu"))).unwrap();
            let mut archive = Builder::new(file);
            for (directory, names) in [
                (
                    self.path("keys"),
                    [KEYRING_FILE, KEYRING_SIGNATURE_FILE].as_slice(),
                ),
                (slot.clone(), &["manifest.json", "manifest.sig"]),
                (slot, &PART_NAMES),
            ] {
                for name in names {
                    archive
                        .append_path_with_name(directory.join(name), name)
                        .unwrap();
                }
            }
            archive.finish().unwrap();
        }

        fn make(&self, key: &str) -> Result<()> {
            let key = self.path(&format!("{key}.key"));
            make(&self.path("feed"), &key, &self.path("keys"), 30, Some(7))
        }
    }

    #[test]
    fn a_directory_of_bundles_becomes_a_feed_that_hosts_believe() {
        let desk = Desk::new();
        desk.bundle("1.0.0", "one", 1);
        desk.bundle("1.1.0", "one", 2);
        desk.make("one").unwrap();
        let read = |name: &str| fs::read(desk.path("feed").join(name)).unwrap();
        let trust = keyring::read(&desk.path("keys")).unwrap();
        let index = verify_index(
            &read(INDEX_FILE),
            &read(INDEX_SIGNATURE_FILE),
            trust.keyring(),
        )
        .unwrap();
        let versions: Vec<_> = index
            .releases()
            .iter()
            .map(|release| &*release.version)
            .collect();
        assert_eq!((index.sequence, versions), (7, vec!["1.1.0", "1.0.0"]));
        assert_eq!(index.releases()[0].size, read("1.1.0.qxu").len() as u64);
        assert_eq!(read(KEYRING_FILE), trust.keyring_bytes());
    }

    #[test]
    fn what_hosts_would_refuse_is_not_written() {
        let desk = Desk::new();
        let error = desk.make("one").unwrap_err().to_string();
        assert!(error.contains("holds no bundle"), "{error}");
        desk.bundle("1.0.0", "one", 1);
        let error = desk.make("two").unwrap_err().to_string();
        assert!(error.contains("no trusted key"), "{error}");
        desk.bundle("1.1.0", "two", 2);
        let error = desk.make("one").unwrap_err().to_string();
        assert!(error.contains("1.1.0.qxu would be refused"), "{error}");
        assert!(!desk.path("feed").join(INDEX_FILE).exists());
    }
}
