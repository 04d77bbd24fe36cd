//! The mounts that qx-init makes: thin wrappers that name what failed. Decides nothing.

use std::ffi::CString;
use std::fs;
use std::io;
use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_move, unmount};

/// Options for a file system that holds data, never programs that gain rights.
pub(crate) const PLAIN: MountFlags = MountFlags::NOSUID
    .union(MountFlags::NODEV)
    .union(MountFlags::NOATIME);

/// What to mount, where and how.
pub(crate) struct Mount<'a> {
    /// The device, or a name for what has none.
    pub(crate) source: &'a Path,
    pub(crate) target: &'a Path,
    pub(crate) kind: &'a str,
    pub(crate) flags: MountFlags,
    pub(crate) options: &'a str,
}

impl Mount<'_> {
    /// Makes the mount point if need be, and mounts.
    pub(crate) fn make(&self) -> io::Result<()> {
        fs::create_dir_all(self.target)?;
        let options = CString::new(self.options)?;
        mount(
            self.source,
            self.target,
            self.kind,
            self.flags,
            options.as_c_str(),
        )?;
        Ok(())
    }
}

/// A file system in RAM, limited by `options` (see tmpfs(5)).
pub(crate) fn tmpfs(target: &Path, flags: MountFlags, options: &str) -> io::Result<()> {
    Mount {
        source: Path::new("tmpfs"),
        target,
        kind: "tmpfs",
        flags,
        options,
    }
    .make()
}

/// What every later step needs: `/proc`, `/sys`, `/dev` and `/run`.
pub(crate) fn base() -> io::Result<()> {
    let secure = MountFlags::NOSUID
        .union(MountFlags::NODEV)
        .union(MountFlags::NOEXEC);
    for (kind, target, flags, options) in [
        ("proc", "/proc", secure, ""),
        ("sysfs", "/sys", secure, ""),
        ("devtmpfs", "/dev", MountFlags::NOSUID, "mode=0755"),
    ] {
        Mount {
            source: Path::new(kind),
            target: Path::new(target),
            kind,
            flags,
            options,
        }
        .make()?;
    }
    tmpfs(
        Path::new("/run"),
        MountFlags::NOSUID.union(MountFlags::NODEV),
        "mode=0755,size=20%",
    )
}

/// Moves a mount below the new root.
pub(crate) fn move_below(mounted: &Path, root: &Path) -> io::Result<()> {
    let target = root.join(mounted.strip_prefix("/").unwrap_or(mounted));
    fs::create_dir_all(&target)?;
    mount_move(mounted, &target)?;
    Ok(())
}

/// Takes a mount out of sight; it ends when its last user does.
pub(crate) fn detach(target: &Path) -> io::Result<()> {
    unmount(target, UnmountFlags::DETACH)?;
    Ok(())
}
