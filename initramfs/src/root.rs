//! Builds the new root and leaves the initramfs for it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::mount::{MountFlags, mount_bind, mount_move};

use crate::mounts::{self, Mount};
use crate::recovery::BUSYBOX;
use crate::{log, loop_device};

/// Where the new root is built.
pub(crate) const NEW_ROOT: &str = "/root";
const LOWER: &str = "/lower";
const UPPER: &str = "/upper";
const SYSTEM_INIT: &str = "/sbin/init";

/// Mounts the image with a layer in memory over it that takes all writes. The layer is limited, so that
/// a program that writes without end cannot take all memory.
pub(crate) fn build(image: &File) -> io::Result<()> {
    let (device, node) = loop_device::attach(image, 0, 0)?;
    let lower = Path::new(LOWER);
    let flags = MountFlags::RDONLY | MountFlags::NODEV;
    Mount {
        source: &node,
        target: lower,
        kind: "squashfs",
        flags,
        options: "",
    }
    .make()?;
    drop(device);
    let upper = Path::new(UPPER);
    mounts::tmpfs(upper, MountFlags::NODEV, "mode=0755,size=25%")?;
    fs::create_dir(upper.join("files"))?;
    fs::create_dir(upper.join("work"))?;
    Mount {
        source: Path::new("quantix"),
        target: Path::new(NEW_ROOT),
        kind: "overlay",
        flags: MountFlags::empty(),
        options: "lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work",
    }
    .make()?;
    // The overlay keeps both for itself.
    mounts::detach(lower)?;
    mounts::detach(upper)
}

/// Runs a program of the image in the new root; `good` are the statuses that it may end with.
pub(crate) fn run<S: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = S>,
    good: &[i32],
) -> io::Result<()> {
    let base = ["/proc", "/sys", "/dev"].map(Path::new);
    for place in base {
        let target = Path::new(NEW_ROOT).join(place.strip_prefix("/").unwrap_or(place));
        mount_bind(place, &target)?;
    }
    let ran = Command::new(BUSYBOX)
        .args(["chroot", NEW_ROOT, program])
        .args(arguments)
        // There is no udev yet that would make nodes and be waited for.
        .env("MDADM_NO_UDEV", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    for place in base {
        let target = Path::new(NEW_ROOT).join(place.strip_prefix("/").unwrap_or(place));
        mounts::detach(&target)?;
    }
    let ran = ran?;
    match ran.status.code() {
        Some(code) if good.contains(&code) => Ok(()),
        _ => {
            let said = String::from_utf8_lossy(&ran.stderr);
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            let status = ran.status;
            Err(io::Error::other(format!(
                "{program} ended with {status}: {said}"
            )))
        }
    }
}

/// Hands the machine over to the system's own init. Returns only what went wrong.
pub(crate) fn switch() -> io::Error {
    match prepare_switch() {
        Ok(()) => Command::new(SYSTEM_INIT)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("TERM", "linux")
            .stdin(console(true))
            .stdout(console(false))
            .stderr(console(false))
            .exec(),
        Err(error) => error,
    }
}

fn prepare_switch() -> io::Result<()> {
    let new_root = Path::new(NEW_ROOT);
    for mounted in ["/run", "/proc", "/sys", "/dev"] {
        mounts::move_below(Path::new(mounted), new_root)?;
    }
    rustix::process::chdir(new_root)?;
    delete_initramfs()?;
    mount_move(".", "/")?;
    rustix::process::chroot(".")?;
    rustix::process::chdir("/")?;
    Ok(())
}

/// Gives the initramfs' memory back. Follows no link and crosses no mount, and does nothing unless this
/// is a running initramfs.
fn delete_initramfs() -> io::Result<()> {
    let device = fs::symlink_metadata("/")?.dev();
    if rustix::process::getpid().as_raw_nonzero().get() != 1 || !Path::new("/init").exists() {
        return Err(io::Error::other("this is not an initramfs"));
    }
    for entry in fs::read_dir("/")? {
        let path = entry?.path();
        if let Err(error) = delete(&path, device) {
            log::info(&format!("{} stays in memory: {error}", path.display()));
        }
    }
    Ok(())
}

fn delete(path: &Path, device: u64) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.dev() != device {
        return Ok(());
    }
    if !metadata.is_dir() {
        return fs::remove_file(path);
    }
    for entry in fs::read_dir(path)? {
        delete(&entry?.path(), device)?;
    }
    fs::remove_dir(path)
}

fn console(read: bool) -> Stdio {
    File::options()
        .read(read)
        .write(!read)
        .open("/dev/console")
        .map_or_else(|_| Stdio::null(), Stdio::from)
}
