//! Adding a disk to the mirror of the running system, by hand: in place of one that is lost, or one that comes back.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use qx_host::boot::{BootInfo, Mode};
use qx_host::boot_env::Devices;
use qx_host::config::DiskChoice;
use qx_host::disks::{Disk, Existing, Sources, choose, list};
use qx_host::mirror::{rejoin, source};
use qx_host::storage::set_boot_entries;

/// Adds the disk that `choice` names; with `wipe` it may hold something. The boot record is in `run_dir`.
///
/// # Errors
/// When there is no mirror that lacks a disk, or the disk is not to be had.
pub fn add(run_dir: &Path, choice: &DiskChoice, wipe: bool) -> Result<()> {
    if !matches!(
        choice,
        DiskChoice::Path(_) | DiskChoice::Serial(_) | DiskChoice::Wwn(_)
    ) {
        bail!("name the disk: a path such as /dev/sdb, serial:… or wwn:…");
    }
    let boot = BootInfo::read(run_dir)?;
    if boot.mode != Mode::Slot {
        bail!(
            "the system runs from a medium; disks are added to the mirror of a system that runs from it"
        );
    }
    let devices = Devices::default();
    let current = source(Path::new(&boot.source), &devices)?;
    // The system runs in memory: also the disk that it was started from can be written anew.
    let disks = list(&Sources::default())?;
    let is_current = |disk: &&Disk| disk.path == current.node;
    let mirror = disks
        .iter()
        .find(is_current)
        .context("the mirror's remaining disk is not among the disks of this machine")?;
    let disk = choose(&disks, choice, Existing::Erase, 0)?;
    // What this very mirror left behind is nobody's data.
    if !wipe && !disk.is_mirror_of(mirror) {
        choose(&disks, choice, Existing::Refuse, 0)?;
    }
    println!(
        "Adding {} to the mirror of {}",
        disk.summary(),
        mirror.path.display()
    );
    rejoin(&current, disk, &devices, &mut |step| println!("{step}"))?;
    if let Err(error) = set_boot_entries(&[&current.node, &disk.path]) {
        println!("{error}");
    }
    println!(
        "{} can start the system alone. The data is being copied to it in the background; `cat /proc/mdstat` shows how \
         far it is, and the console until when not to take out the other disk.",
        disk.path.display()
    );
    Ok(())
}
