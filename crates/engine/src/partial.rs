//! Images of which a part has arrived: an upload that broke off goes on where it was, also after a restart of the
//! daemon. Each is a file in the directory of uploads, called `SIZE.NAME`, with SIZE being what the whole will have.
//! All calls block.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use qx_model::name::ImageName;
use sha2::{Digest, Sha256};

/// A part that nobody went on with for so long is given up.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Most of the end of what arrived that is told apart by its hash.
const TAIL: u64 = 1 << 20;

/// What has arrived of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialImage {
    /// What it will be called.
    pub name: ImageName,
    /// Bytes that are here.
    pub received_bytes: u64,
    /// Bytes that the whole has.
    pub total_bytes: u64,
    /// How many of the last bytes that are here the hash is of.
    pub tail_bytes: u64,
    /// SHA-256 of them: whoever goes on sees by it whether their file is the same.
    pub tail_sha256: [u8; 32],
}

/// Where the part of an image lies that will have `total` bytes.
pub(crate) fn path(uploads: &Path, name: &ImageName, total: u64) -> PathBuf {
    uploads.join(format!("{total}.{name}"))
}

/// Size of the whole and name, by the name of a file; `None` for other uploads.
fn named(path: &Path) -> Option<(u64, ImageName)> {
    let (total, name) = path.file_name()?.to_str()?.split_once('.')?;
    Some((total.parse().ok()?, name.parse().ok()?))
}

/// Whether a file is a part that may still be gone on with.
pub(crate) fn is_kept(path: &Path) -> bool {
    let age = || {
        let changed = fs::metadata(path)?.modified()?;
        Ok::<_, io::Error>(
            SystemTime::now()
                .duration_since(changed)
                .unwrap_or_default(),
        )
    };
    named(path).is_some() && age().is_ok_and(|age| age < KEPT)
}

/// Removes the parts that are given up.
pub(crate) fn expire(uploads: &Path) -> io::Result<()> {
    for entry in fs::read_dir(uploads)? {
        let path = entry?.path();
        if named(&path).is_some() && !is_kept(&path) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// All parts, by name.
pub(crate) fn list(uploads: &Path) -> io::Result<Vec<PartialImage>> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(uploads)? {
        let path = entry?.path();
        let Some((total_bytes, name)) = named(&path) else {
            continue;
        };
        match tail(&path) {
            Ok((received_bytes, tail_bytes, tail_sha256)) => parts.push(PartialImage {
                name,
                received_bytes,
                total_bytes,
                tail_bytes,
                tail_sha256,
            }),
            // It has become an image meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    parts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(parts)
}

/// Length of a file, and length and hash of its end.
fn tail(path: &Path) -> io::Result<(u64, u64, [u8; 32])> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let wanted = length.min(TAIL);
    file.seek(SeekFrom::Start(length - wanted))?;
    let mut bytes = Vec::new();
    // It may be growing.
    file.take(wanted).read_to_end(&mut bytes)?;
    Ok((length, wanted, Sha256::digest(&bytes).into()))
}

/// Removes what there is of an image, whatever size it was to have; tells whether there was anything.
pub(crate) fn forget(uploads: &Path, name: &ImageName) -> io::Result<bool> {
    let mut any = false;
    for entry in fs::read_dir(uploads)? {
        let path = entry?.path();
        if named(&path).is_some_and(|(_, known)| known == *name) {
            match fs::remove_file(&path) {
                Ok(()) => any = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart_from_other_uploads_and_by_their_names() {
        let directory = tempfile::tempdir().unwrap();
        let uploads = directory.path();
        let name: ImageName = "debian.13.iso".parse().unwrap();
        fs::write(path(uploads, &name, 5000), "some").unwrap();
        fs::write(path(uploads, &"b.iso".parse().unwrap(), 7), "").unwrap();
        fs::write(uploads.join("0a1b2c3d-0000-4000-8000-000000000000"), "x").unwrap();
        let parts = list(uploads).unwrap();
        assert_eq!(parts.len(), 2);
        let found = &parts[1];
        assert_eq!((&found.name, found.total_bytes), (&name, 5000));
        assert_eq!((found.received_bytes, found.tail_bytes), (4, 4));
        assert_eq!(found.tail_sha256[..], Sha256::digest("some")[..]);
        assert!(is_kept(&path(uploads, &name, 5000)));
        assert!(!is_kept(
            &uploads.join("0a1b2c3d-0000-4000-8000-000000000000")
        ));
        assert!(forget(uploads, &name).unwrap() && !forget(uploads, &name).unwrap());
        assert_eq!(list(uploads).unwrap().len(), 1);
    }

    #[test]
    fn the_end_of_a_long_part_is_hashed_alone() {
        let directory = tempfile::tempdir().unwrap();
        let name: ImageName = "a.img".parse().unwrap();
        let mut content = vec![1; 3 << 20];
        content[2 << 20..].fill(2);
        fs::write(path(directory.path(), &name, 9 << 20), &content).unwrap();
        let found = &list(directory.path()).unwrap()[0];
        assert_eq!((found.received_bytes, found.tail_bytes), (3 << 20, 1 << 20));
        assert_eq!(
            found.tail_sha256[..],
            Sha256::digest(&content[2 << 20..])[..]
        );
    }

    #[test]
    fn a_part_that_is_a_day_old_is_given_up_and_no_other_upload() {
        let directory = tempfile::tempdir().unwrap();
        let uploads = directory.path();
        let other = uploads.join("0a1b2c3d-0000-4000-8000-000000000000");
        for (path, age) in [
            (path(uploads, &"old.img".parse().unwrap(), 9), KEPT),
            (path(uploads, &"new.img".parse().unwrap(), 9), KEPT / 2),
            (other.clone(), KEPT),
        ] {
            let file = File::create(&path).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        expire(uploads).unwrap();
        let left = list(uploads).unwrap();
        assert_eq!((left.len(), left[0].name.as_str()), (1, "new.img"));
        assert!(other.exists());
    }
}
