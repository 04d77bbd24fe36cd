//! Where pools may be. Operators read and write what is in pools, so a pool never is a directory that holds something
//! else: it is below one of a few places, and never inside another pool.

use std::path::{Path, PathBuf};

use qx_model::name::PoolName;
use qx_model::storage::{Pool, PoolKind, PoolSource, PoolSpec, is_plain_path};

use crate::error::{Error, Result};

/// Where disks and exports are mounted.
const MOUNTS: &str = "/mnt/pools";
/// Where directories of other disks may be, beside those on the data disk.
const ELSEWHERE: [&str; 2] = ["/mnt", "/srv"];

/// The host's own pool.
pub(crate) fn own(data: &Path) -> PathBuf {
    data.join("volumes")
}

/// Directories that were made for pools on the data disk.
pub(crate) fn made(data: &Path) -> PathBuf {
    data.join("pools")
}

pub(super) fn target(
    data: &Path,
    name: &PoolName,
    source: &PoolSource,
    wished: Option<PathBuf>,
) -> Result<PathBuf> {
    let target = match (source, wished) {
        (PoolSource::Directory, Some(path)) => return directory(data, path),
        (_, Some(_)) => {
            return Err(Error::field(
                "path",
                "is for pools of the type directory only",
            ));
        }
        (PoolSource::Directory, None) => made(data).join(name.as_str()),
        (PoolSource::Disk { .. } | PoolSource::Nfs { .. }, None) => {
            Path::new(MOUNTS).join(name.as_str())
        }
        (PoolSource::Lvm { group, .. }, None) => Path::new("/dev").join(group),
        (PoolSource::Iscsi { .. }, None) => "/dev/disk/by-path".into(),
    };
    Ok(target)
}

fn directory(data: &Path, path: PathBuf) -> Result<PathBuf> {
    let made = made(data);
    let below = |root: &Path| path.starts_with(root) && path != root;
    if !is_plain_path(&path) {
        let reason = "must be an absolute path without '..' or special characters";
        return Err(Error::field("path", reason));
    }
    if !below(&made) && !ELSEWHERE.iter().any(|root| below(Path::new(root))) {
        let reason = format!("must be below {}, /mnt or /srv", made.display());
        return Err(Error::field("path", reason));
    }
    // A link would lead elsewhere. What is not there yet is made, and then is none.
    let mut there = path.as_path();
    while let Some(above) = there.parent()
        && there.symlink_metadata().is_err()
    {
        there = above;
    }
    match there.canonicalize() {
        Ok(real) if real == there => Ok(path),
        Ok(real) => Err(Error::field(
            "path",
            format!("leads through a link to {}", real.display()),
        )),
        Err(error) => Err(Error::field("path", format!("can't be looked at: {error}"))),
    }
}

pub(super) fn refuse_overlap(spec: &PoolSpec, known: &[Pool]) -> Result<()> {
    if !spec.source.kind().has_files() {
        return Ok(());
    }
    let other = known.iter().find(|other| {
        let files = other.kind.has_files() && other.id != spec.id;
        let overlaps =
            |theirs: &PathBuf| theirs.starts_with(&spec.target) || spec.target.starts_with(theirs);
        files && other.target.as_ref().is_some_and(overlaps)
    });
    match other {
        None => Ok(()),
        Some(other) => Err(Error::field(
            "path",
            format!(
                "is the place of the storage pool {}, or in it, or around it",
                other.name
            ),
        )),
    }
}

/// Whether a VM's disk is in this pool.
pub(super) fn holds(pool: &Pool, disk: &Path) -> bool {
    let Some(target) = &pool.target else {
        return false;
    };
    match pool.kind {
        // All targets have their devices in one directory, by names that tell which.
        PoolKind::Iscsi => {
            let source = pool.source.as_deref().unwrap_or_default();
            let name = source.rsplit(' ').next().unwrap_or_default();
            let named = disk
                .to_string_lossy()
                .contains(&format!("-iscsi-{name}-lun-"));
            disk.starts_with(target) && named
        }
        _ => disk.starts_with(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_below_its_places_and_leads_nowhere_else() {
        let data = tempfile::tempdir().unwrap();
        let data = data.path().canonicalize().unwrap();
        std::fs::create_dir(data.join("pools")).unwrap();
        std::os::unix::fs::symlink("/etc", data.join("pools/link")).unwrap();
        let inside = |path: &str| directory(&data, data.join(path)).is_ok();
        assert!(inside("pools/new") && inside("pools/new/deep"));
        for bad in [
            "",
            "vms",
            "volumes",
            "images",
            "pools",
            "pools/../vms",
            "pools/link",
            "pools/link/x",
        ] {
            assert!(!inside(bad), "{bad:?} was accepted");
        }
        for bad in [
            "/",
            "/etc",
            "/quantix",
            "/mnt",
            "/srv/",
            "/mnt/a/../../etc",
            "relative",
        ] {
            assert!(
                directory(&data, bad.into()).is_err(),
                "{bad:?} was accepted"
            );
        }
        assert!(directory(&data, "/srv/vms".into()).is_ok());
    }
}
