//! Debian's kernel as a guest, started as an installed Debian starts it: signed shim, signed GRUB, signed
//! kernel. So it also proves that a VM's firmware has Microsoft's keys and enforces them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::disk::run;
use crate::image;

/// What the guest's only program writes to the serial console once a second, before the kernel's release.
pub const MARKER: &str = "DEBIAN-GUEST-OK";

/// What the kernel writes when its firmware enforced Secure Boot.
pub const SECURE_BOOT: &str = "secureboot: Secure boot enabled";

/// Its first and only program.
fn init() -> String {
    format!(
        "#!/bin/busybox sh
while :; do
    /bin/busybox echo \"{MARKER} $(/bin/busybox uname -r)\"
    /bin/busybox sleep 1
done
"
    )
}

const GRUB: &str = "linux /vmlinuz console=ttyS0 panic=-1
initrd /initrd.img
boot
";

/// Makes the guest's disk in `dir`: one FAT file system without a partition table, which UEFI firmware takes
/// as removable media.
///
/// # Errors
/// When a program that makes it fails, with what it said.
pub fn image(dir: &Path) -> Result<PathBuf> {
    let tree = dir.join("debian");
    let boot = tree.join("EFI/BOOT");
    let grub = tree.join("EFI/debian");
    let root = dir.join("debian-root");
    for directory in [&boot, &grub, &root.join("bin"), &root.join("dev")] {
        fs::create_dir_all(directory).context("cannot make the guest's directories")?;
    }
    fs::write(root.join("init"), init()).context("cannot write the guest's program")?;
    fs::write(grub.join("grub.cfg"), GRUB).context("cannot write the guest's boot menu")?;
    for (from, to) in [
        ("/usr/lib/shim/shimx64.efi.signed", boot.join("BOOTX64.EFI")),
        (
            "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
            boot.join("grubx64.efi"),
        ),
        ("/usr/bin/busybox", root.join("bin/busybox")),
    ] {
        fs::copy(from, &to).with_context(|| format!("cannot copy {from}"))?;
    }
    let kernel = image::output().join("vmlinuz");
    fs::copy(&kernel, tree.join("vmlinuz"))
        .with_context(|| format!("cannot copy {}", kernel.display()))?;
    // The kernel gives its first program no console unless the archive has the device.
    let pack = "chmod 755 init && mknod -m 600 dev/console c 5 1 && \
                find . | cpio --quiet -o -H newc -R 0:0 | gzip >../debian/initrd.img";
    run(
        Command::new("sh").args(["-ec", pack]).current_dir(&root),
        &[0],
    )?;

    let disk = dir.join("debian.img");
    run(
        Command::new("mkfs.vfat")
            .args(["-C", "-F", "32"])
            .arg(&disk)
            .arg((64 * 1024).to_string()),
        &[0],
    )?;
    let copy = "mcopy -s -i ../debian.img * ::";
    run(
        Command::new("sh").args(["-ec", copy]).current_dir(&tree),
        &[0],
    )?;
    Ok(disk)
}
