//! `trust/ratchet.json` among the configuration: what this host never goes back below.

use std::fs;
use std::io;
use std::path::Path;

use qx_slots::{Floors, Manifest};

use crate::{durable, trust};

/// The file's name.
pub(crate) const RATCHET_FILE: &str = "ratchet.json";

/// Why no floors are known: an older version would be accepted.
#[derive(Debug, thiserror::Error)]
pub enum FloorsLost {
    /// There is no file, or it cannot be read.
    #[error("the record of the oldest version that this host accepts cannot be read")]
    Read(#[source] io::Error),
    /// It is not whole.
    #[error("the record of the oldest version that this host accepts is damaged")]
    Torn(#[source] serde_json::Error),
}

/// The floors of this host.
///
/// # Errors
/// When they are lost; a host takes them as 0 then, and says so.
pub fn floors(state_dir: &Path) -> Result<Floors, FloorsLost> {
    let bytes =
        fs::read(trust::directory(state_dir).join(RATCHET_FILE)).map_err(FloorsLost::Read)?;
    Floors::from_bytes(&bytes).map_err(FloorsLost::Torn)
}

/// To be called when a version was confirmed: raises the floor of its key. Floors that were lost begin with this
/// version's, and are told.
///
/// # Errors
/// What the file system says.
pub fn confirmed(state_dir: &Path, manifest: &Manifest) -> io::Result<Option<FloorsLost>> {
    let (before, lost) = match floors(state_dir) {
        Ok(floors) => (floors, None),
        Err(lost) => (Floors::default(), Some(lost)),
    };
    let mut floors = before.clone();
    floors.confirmed(manifest);
    if floors != before || lost.is_some() {
        let path = trust::make_directory(state_dir)?.join(RATCHET_FILE);
        durable::replace(&path, &floors.to_bytes()?, 0o644)?;
    }
    Ok(lost)
}

/// Takes over the floors that another host recorded; none is lowered.
///
/// # Errors
/// When they are not whole, or what the file system says.
pub(crate) fn raise_floors(state_dir: &Path, other: &[u8]) -> io::Result<()> {
    let before = floors(state_dir).unwrap_or_default();
    let mut raised = before.clone();
    raised.raise_to(&Floors::from_bytes(other)?);
    if raised != before {
        let path = trust::make_directory(state_dir)?.join(RATCHET_FILE);
        durable::replace(&path, &raised.to_bytes()?, 0o644)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use qx_slots::{Hash, Limits, PART_NAMES, Part};

    use crate::trust::tests::release;

    fn manifest(key: u8, floor: u64) -> Manifest {
        let parts = PART_NAMES.map(|name| Part {
            name: name.to_owned(),
            size: 1,
            blake3: Hash::of(b"x"),
        });
        let limits = Limits {
            sequence: 1000,
            floor,
            expires: None,
        };
        let key = release(key).public();
        Manifest::new("1.0.0", "dev", key.id(), limits, parts.to_vec()).unwrap()
    }

    fn floor(state: &Path, key: u8) -> u64 {
        floors(state).unwrap().of(release(key).public().id())
    }

    #[test]
    fn the_floor_of_each_key_rises_and_never_falls() {
        let state = tempfile::tempdir().unwrap();
        assert!(matches!(floors(state.path()), Err(FloorsLost::Read(_))));
        for (key, said, first, second) in
            [(1, 10, 10, 0), (1, 5, 10, 0), (2, 3, 10, 3), (1, 11, 11, 3)]
        {
            confirmed(state.path(), &manifest(key, said)).unwrap();
            assert_eq!(floor(state.path(), 1), first);
            assert_eq!(floor(state.path(), 2), second);
        }
    }

    #[test]
    fn a_torn_record_is_told_and_begins_again() {
        let state = tempfile::tempdir().unwrap();
        confirmed(state.path(), &manifest(1, 10)).unwrap();
        let file = trust::directory(state.path()).join(RATCHET_FILE);
        let whole = fs::read(&file).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            assert!(matches!(floors(state.path()), Err(FloorsLost::Torn(_))));
        }
        let lost = confirmed(state.path(), &manifest(1, 4)).unwrap();
        assert!(matches!(lost, Some(FloorsLost::Torn(_))));
        assert_eq!(floor(state.path(), 1), 4);
        assert!(confirmed(state.path(), &manifest(1, 4)).unwrap().is_none());
    }
}
