//! The race: Quantix-OS against Debian with libvirt and cockpit, from the kernel's start until an
//! authenticated call lists the VMs. An open port proves nothing, because cockpit is started by its socket.
//! QEMU loads both kernels itself, so that neither is charged for firmware or boot loader.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::bench::cockpit;
use crate::bench::report::Report;
use crate::deadline::{Look, minutes, poll};
use crate::image::{self, Image};
use crate::lab::Lab;
use crate::machine::{Bus, DirectKernel, Machine, MachineBuilder};
use crate::run::one_time_password;

/// Longest boot that is waited for; the reference under software emulation is the slow one.
const BOOT: Duration = minutes(15);
const MEMORY_MIB: u32 = 2048;
/// Part of the reference's time that ours may take.
const RATIO: f64 = 0.5;

pub(super) fn run(lab: &Lab, image: &Image, runs: usize, report: &mut Report) -> Result<()> {
    let reference = reference_image()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        lab.step(&format!("race, run {run} of {runs}"));
        ours.push(quantix(lab, image, run)?);
        theirs.push(debian(lab, &reference, run)?);
    }
    let name = "kernel start to an authenticated list of VMs";
    let our_median = report.add(&format!("Quantix-OS: {name}"), "s", ours, None);
    let their_median = report.add(&format!("Debian + cockpit: {name}"), "s", theirs, None);
    report.add(
        "ratio of the two",
        "",
        vec![our_median / their_median],
        Some(RATIO),
    );
    Ok(())
}

/// Boots our kernel and initramfs with the arguments of the boot menu but `quiet`, which would hide the
/// kernel's first words; the image is on a virtio disk, as the
/// reference's root is.
pub(super) fn boot_directly(machine: MachineBuilder, image: &Image) -> MachineBuilder {
    let media = &image.manifest().build_id;
    machine
        .memory_mib(MEMORY_MIB)
        .drive(image.iso(), "raw", Bus::Virtio)
        .kernel(DirectKernel {
            kernel: image::output().join("vmlinuz"),
            initrd: image::output().join("initramfs.img"),
            arguments: format!(
                "quantix.media={media} cryptomgr.notests initcall_blacklist=jent_mod_init panic=10 \
                 oops=panic softlockup_panic=1 console=tty0 console=ttyS0,115200 loglevel=3"
            ),
        })
}

fn quantix(lab: &Lab, image: &Image, run: usize) -> Result<f64> {
    let builder = lab.machine(&format!("quantix-{run}"));
    let machine = boot_directly(builder, image).start()?;
    let start = kernel_start(&machine)?;
    let mut api = machine.api()?;
    poll("the list of VMs", BOOT, || {
        let Some(password) = one_time_password(&machine.serial().screen()) else {
            return Ok(Look::NotYet("no password on the console".into()));
        };
        let listed = api
            .log_in("root", &password)
            .and_then(|_| api.get("/api/v1/vms"))
            .and_then(|reply| reply.expect(200));
        Ok(looked(listed))
    })?;
    Ok(start.elapsed().as_secs_f64())
}

fn debian(lab: &Lab, reference: &Path, run: usize) -> Result<f64> {
    let disk = lab.dir().join(format!("debian-{run}.qcow2"));
    overlay(&reference.join("disk.ext4"), &disk)?;
    let port = crate::ports::free()?;
    let machine = lab
        .machine(&format!("debian-{run}"))
        .memory_mib(MEMORY_MIB)
        .drive(&disk, "qcow2", Bus::Virtio)
        .forward(port, 9090)
        .kernel(DirectKernel {
            kernel: reference.join("vmlinuz"),
            initrd: reference.join("initrd.img"),
            arguments: "root=/dev/vda rw console=tty0 console=ttyS0,115200 loglevel=3".into(),
        })
        .start()?;
    let start = kernel_start(&machine)?;
    poll("cockpit to list the VMs", BOOT, || {
        Ok(looked(cockpit::list_vms(port)))
    })?;
    Ok(start.elapsed().as_secs_f64())
}

/// The kernel's own first words, from its EFI stub, before it decompresses itself.
fn kernel_start(machine: &Machine) -> Result<Instant> {
    machine.serial().wait_for("EFI stub:", minutes(3))?;
    Ok(Instant::now())
}

fn looked<T>(result: Result<T>) -> Look<T> {
    result.map_or_else(|error| Look::NotYet(format!("{error:#}")), Look::Done)
}

/// A throw-away layer over the reference disk, so that every run starts from the same state.
fn overlay(base: &Path, disk: &Path) -> Result<()> {
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"])
        .args([base, disk])
        .status()
        .context("cannot run qemu-img")?;
    ensure!(made.success(), "qemu-img ended with {made}");
    Ok(())
}

/// Builds the reference once and returns its directory.
fn reference_image() -> Result<PathBuf> {
    let cache = std::env::var_os("QUANTIX_CACHE")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            let home = std::env::var_os("HOME").map_or_else(|| "/root".into(), PathBuf::from);
            std::env::var_os("XDG_CACHE_HOME")
                .map_or_else(|| home.join(".cache"), PathBuf::from)
                .join("quantix-os")
        });
    let directory = cache.join("reference");
    let made = Command::new(image::repository().join("builder/reference-image.sh"))
        .arg(&directory)
        .status()
        .context("cannot run builder/reference-image.sh")?;
    ensure!(
        made.success(),
        "builder/reference-image.sh ended with {made}"
    );
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A race against a peer that never answers would be won by nobody.
    #[test]
    #[ignore = "builds and boots the reference, about 10 minutes"]
    fn the_reference_answers_its_client() {
        Lab::run("Reference answers", |lab| {
            let took = debian(lab, &reference_image()?, 1)?;
            lab.step(&format!("the reference listed its VMs after {took:.1} s"));
            Ok(())
        });
    }
}
