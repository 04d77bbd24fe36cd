//! The firmware's boot entries for the system's disks, through efibootmgr. A convenience: the boot program lies at the
//! removable path too, which firmware starts without an entry.

use std::io;
use std::path::Path;

use qx_slots::PartitionNumber;
use rustix::mount::{MountFlags, mount_remount};

use super::run;

const EFIBOOTMGR: &str = "/usr/bin/efibootmgr";
const VARIABLES: &str = "/sys/firmware/efi/efivars";
/// Of the disk, and of the other one of a mirror.
const LABELS: [&str; 2] = ["Quantix-OS", "Quantix-OS (mirror)"];
const LOADER: &str = r"\EFI\BOOT\BOOTX64.EFI";

/// Why there is no boot entry.
#[derive(Debug, thiserror::Error)]
#[error("the firmware took no boot entry: {0}. Choose the disk in its boot menu")]
pub struct BootEntryError(#[from] io::Error);

/// Makes these disks' EFI partitions the first boot entries, in this order, in place of older entries of the same
/// names.
///
/// # Errors
/// When the firmware's variables cannot be written.
pub fn set_boot_entries(disks: &[&Path]) -> Result<(), BootEntryError> {
    let plain = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    remount(plain)?;
    let outcome = replace_entries(disks);
    remount(plain | MountFlags::RDONLY)?;
    Ok(outcome?)
}

/// The system has them read-only, so that nothing changes them by mistake.
fn remount(flags: MountFlags) -> io::Result<()> {
    let changed = mount_remount(VARIABLES, flags, "");
    changed.map_err(|error| {
        let error = io::Error::from(error);
        io::Error::new(error.kind(), format!("{VARIABLES}: {error}"))
    })
}

fn replace_entries(disks: &[&Path]) -> io::Result<()> {
    let listed = run(EFIBOOTMGR, std::iter::empty::<&str>())?;
    for number in entries(&listed) {
        run(
            EFIBOOTMGR,
            ["--quiet", "--delete-bootnum", "--bootnum", &number],
        )?;
    }
    let partition = (PartitionNumber::Efi as u32).to_string();
    // Each new entry is the first one.
    for (disk, label) in disks.iter().zip(LABELS).rev() {
        let disk = disk.display().to_string();
        run(
            EFIBOOTMGR,
            [
                "--quiet", "--create", "--disk", &disk, "--part", &partition, "--label", label,
                "--loader", LOADER,
            ],
        )?;
    }
    Ok(())
}

/// The numbers of our entries: `Boot0003* Quantix-OS<tab>HD(1,GPT,…)`.
fn entries(listed: &str) -> Vec<String> {
    let ours = |line: &str| {
        let (number, rest) = line.strip_prefix("Boot")?.split_at_checked(4)?;
        let name = rest.strip_prefix(['*', ' '])?.trim_start();
        let name = name.split('\t').next()?.trim_end();
        let hex = number.bytes().all(|byte| byte.is_ascii_hexdigit());
        (hex && LABELS.contains(&name)).then(|| number.to_owned())
    };
    listed.lines().filter_map(ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_entries_are_replaced() {
        let listed = "BootCurrent: 0001\nTimeout: 3 seconds\nBootOrder: 0001,0000,0004\n\
            Boot0000* UiApp\tFvVol(7cb8)\n\
            Boot0001* UEFI QEMU DVD-ROM QM00003 \tPciRoot(0x0)\n\
            Boot0004* Quantix-OS\tHD(1,GPT,9d3a)/File(\\EFI\\BOOT\\BOOTX64.EFI)\n\
            Boot000A  Quantix-OS\tHD(1,GPT,1111)\n\
            Boot000C* Quantix-OS (mirror)\tHD(1,GPT,2222)\n\
            Boot000B* Quantix-OS backup\tHD(1,GPT,1111)\n";
        assert_eq!(entries(listed), ["0004", "000A", "000C"]);
        assert_eq!(
            entries("EFI variables are not supported on this system."),
            Vec::<String>::new()
        );
    }
}
