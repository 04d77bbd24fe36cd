//! Real recordings: what the product writes in QEMU, replayed with a power cut after every write.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use qx_e2e::deadline::Look;
use qx_e2e::{Bus, Image, Lab, Machine, image, minutes, poll, seed};
use qx_power_tests::log::Log;
use qx_power_tests::model::{BootFiles, Model};
use qx_power_tests::phase::Phase;
use qx_power_tests::replay::{Cut, Cuts, Replay};
use qx_slots::{Keyring, Manifest, PublicKey, verify_manifest};

const INSTALL: std::time::Duration = minutes(30);
const BOOT: std::time::Duration = minutes(15);
const MIB: u64 = 1 << 20;
const DISK: u64 = 2 << 30;
/// Where the EFI partition ends.
const EFI_END: u64 = (1 + 100) * MIB;
/// Everything but VM data: the partitions of the system.
const SYSTEM: u64 = (1 + 100 + 300 + 300 + 100) * MIB;
const ANSWER: &str = "version = 1\n[install]\ndisk = \"auto\"\n[system]\nhostname = \"qx-power\"\n\
    root_password = \"correct horse 42\"\n";
const CUTS: Cuts = Cuts {
    seed: 3,
    losses: 8,
    tears: 2,
    torn_sectors: MIB..EFI_END,
};

/// Installs from nothing, then starts for the first time; each is recorded, and no power cut in either leaves
/// a machine that does not start, or has lost its configuration.
#[test]
#[ignore = "records in QEMU and judges thousands of states, about 10 minutes"]
fn soak_power_install() {
    Lab::run("Power cuts in an installation", |lab| {
        let disk = sparse(&lab.dir().join("disk.img"))?;
        let blank = sparse(&lab.dir().join("blank.img"))?;
        let install = phase("installation", &blank, lab)?;
        let machine = lab
            .machine("install")
            .memory_mib(1024)
            .stop_at_reboot()
            .recorded_drive(&disk, &install.log, Bus::Virtio)
            .cd(Image::latest()?.iso())
            .usb_stick(&seed::volume(lab.dir(), ANSWER)?)
            .start()?;
        machine
            .serial()
            .wait_for("Quantix-OS is installed on", INSTALL)?;
        machine.wait_off(minutes(5))?;
        lab.step("installed");
        is_what_was_recorded(&install, &disk)?;

        let installed = lab.dir().join("installed.img");
        copy(&disk, &installed)?;
        let first = phase("first boot", &installed, lab)?;
        let machine = lab
            .machine("host")
            .memory_mib(1024)
            .recorded_drive(&disk, &first.log, Bus::Virtio)
            .start()?;
        opens(&machine)?;
        machine.shut_down(minutes(5))?;
        lab.step("started for the first time, and shut down");
        is_what_was_recorded(&first, &disk)?;

        let reference =
            Replay::new(File::open(&disk)?, Log::none(File::open(&disk)?), CUTS)?.end()?;
        let mut model = Model::new(keys()?, vec![built()?], BootFiles::of(&reference)?);
        let (mut states, mut failures) = (0, 0);
        for (phase, class) in [(install, "nothing installed"), (first, "boots A (Good)")] {
            let report = phase.run(&mut model, CUTS)?;
            lab.step(&report.to_string());
            let all: BTreeSet<Cut> = report.classes[class].keys().copied().collect();
            ensure!(all.len() == 4, "{class}: only {all:?}");
            states += report.states;
            failures += report.failures.len();
        }
        ensure!(states >= 5000, "only {states} states");
        ensure!(failures == 0, "{failures} states must never be");
        Ok(())
    });
}

fn phase(name: &str, base: &Path, lab: &Lab) -> Result<Phase> {
    let log = lab.dir().join(format!("{name}.log"));
    File::create(&log).context("cannot make the log")?;
    Ok(Phase {
        name: name.to_owned(),
        base: base.to_owned(),
        log,
    })
}

fn sparse(path: &Path) -> Result<PathBuf> {
    let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    file.set_len(DISK)?;
    Ok(path.to_owned())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp")
        .arg("--sparse=always")
        .args([from, to])
        .status()
        .context("cannot run cp")?;
    ensure!(status.success(), "cp ended with {status}");
    Ok(())
}

/// A replay that ends anywhere else than the machine did proves nothing.
fn is_what_was_recorded(phase: &Phase, disk: &Path) -> Result<()> {
    let log = Log::open(File::open(&phase.log)?)?;
    ensure!(!log.entries().is_empty(), "nothing was recorded");
    let state = Replay::new(File::open(&phase.base)?, log, CUTS)?.end()?;
    let disk = File::open(disk)?;
    let (mut replayed, mut found) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    for offset in (0..SYSTEM).step_by(1 << 20).chain([DISK - MIB]) {
        state.read_at(offset, &mut replayed)?;
        disk.read_exact_at(&mut found, offset)?;
        ensure!(
            replayed == found,
            "{}: the replay ends with other bytes in MiB {}",
            phase.name,
            offset / MIB
        );
    }
    Ok(())
}

/// The answer file's password opens the host: it runs from the disk, with its configuration.
fn opens(machine: &Machine) -> Result<()> {
    machine.wait_ready(BOOT)?;
    let mut api = machine.api()?;
    poll("the host to let us in", BOOT, || {
        Ok(match api.log_in("root", "correct horse 42") {
            Ok(_) => Look::Done(()),
            Err(error) => Look::NotYet(format!("{error:#}")),
        })
    })
}

fn keys() -> Result<Keyring> {
    let text = fs::read_to_string(image::output().join("keys/dev.pub"))
        .context("cannot read the build's key")?;
    Ok([PublicKey::from_hex(&text)?].into_iter().collect())
}

fn built() -> Result<Manifest> {
    let read = |name: &str| {
        fs::read(image::output().join(name)).with_context(|| format!("cannot read {name}"))
    };
    let (manifest, signature) = (read("manifest.json")?, read("manifest.sig")?);
    Ok(verify_manifest(&manifest, &signature, &keys()?)?)
}
