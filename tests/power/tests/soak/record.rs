//! Makes the recordings: a disk of 2 GiB from blank to its third version, phase by phase.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use qx_e2e::bundle::{self, Fault};
use qx_e2e::installed::{self, blank, opens};
use qx_e2e::{Api, Bus, Image, Lab, Machine, MachineBuilder, image, minutes, ports, seed};
use qx_host::trust;
use qx_power_tests::log::Log;
use qx_power_tests::model::BootFiles;
use qx_power_tests::phase::Phase;
use qx_power_tests::replay::Replay;
use qx_slots::{Bundle, Keyring, Manifest, Trust, verify_manifest};
use tar::Archive;

use crate::steps::{SshKey, changes, goes_back, renames, start};
use crate::{CUTS, MIB};

const DISK: u64 = 2 << 30;
/// Everything but VM data: the partitions of the system.
const SYSTEM: u64 = (1 + 100 + 300 + 300 + 100) * MIB;

/// What was recorded, and what the model needs to know of it.
pub(crate) struct Recordings {
    /// In their order, each with the class that it is about.
    pub(crate) phases: Vec<(Phase, &'static str)>,
    pub(crate) images: Vec<Manifest>,
    pub(crate) files: BootFiles,
}

/// `loglevel=7` puts qx-init's notes on the serial line.
fn answer(key: &SshKey) -> String {
    format!(
        "version = 1\n[install]\ndisk = \"auto\"\n[system]\nhostname = \"qx-power\"\n\
         root_password = \"correct horse 42\"\nkernel_args = [\"quantix.confirm=300\", \"loglevel=7\"]\n\
         [ssh]\nenabled = true\nauthorized_keys = [\"{}\"]\n",
        key.public
    )
}

pub(crate) fn everything(lab: &Lab) -> Result<Recordings> {
    let key = SshKey::make(lab.dir())?;
    let disk = blank(&lab.dir().join("disk.img"), DISK)?;
    let mut phases = vec![
        (installs(lab, &disk, &key)?, "nothing installed"),
        (
            recorded(lab, &disk, "first boot", |_, _| Ok(()))?,
            "boots A (Good)",
        ),
    ];
    let files = boot_files(&disk)?;
    let good = bundle::make(lab.dir(), "0.2.0", Fault::None)?;
    let bad = bundle::make(lab.dir(), "0.3.0", Fault::DaemonCrashes)?;
    let rename = recorded(lab, &disk, "configuration", |machine, api| {
        renames(machine, api, &key, "qx-renamed")
    })?;
    phases.push((rename, "boots A (Good)"));
    let update = recorded(lab, &disk, "update", |_, api| {
        changes(api, "B", "succeeded", |api| start(api, &good))
    })?;
    phases.push((update, "boots B (Pending)"));
    let rollback = recorded(lab, &disk, "rollback", |_, api| {
        changes(api, "A", "succeeded", goes_back)
    })?;
    phases.push((rollback, "boots A (Pending)"));
    let failed = recorded(lab, &disk, "update that fails", |_, api| {
        changes(api, "A", "failed", |api| start(api, &bad))
    })?;
    phases.push((failed, "boots B (Pending)"));
    Ok(Recordings {
        phases,
        images: vec![built()?, in_bundle(&good)?, in_bundle(&bad)?],
        files,
    })
}

fn machine(lab: &Lab, name: &str) -> MachineBuilder {
    lab.machine(name).memory_mib(1024)
}

fn installs(lab: &Lab, disk: &Path, key: &SshKey) -> Result<Phase> {
    let phase = begin(lab, disk, "installation")?;
    let machine = machine(lab, "install")
        .stop_at_reboot()
        .recorded_drive(disk, &phase.log, Bus::Virtio)
        .cd(Image::latest()?.iso())
        .usb_stick(&seed::volume(lab.dir(), &answer(key))?)
        .start()?;
    installed::installs(lab, &machine)?;
    machine.wait_off(minutes(5))?;
    end(lab, phase, disk)
}

/// Does `act` on the host, with everything that is written to its disk recorded.
fn recorded(
    lab: &Lab,
    disk: &Path,
    name: &str,
    act: impl FnOnce(&Machine, &mut Api) -> Result<()>,
) -> Result<Phase> {
    let phase = begin(lab, disk, name)?;
    let machine = machine(lab, name)
        .recorded_drive(disk, &phase.log, Bus::Virtio)
        .forward(ports::free()?, 22)
        .start()?;
    let mut api = opens(&machine)?;
    act(&machine, &mut api)?;
    machine.shut_down(minutes(5))?;
    end(lab, phase, disk)
}

fn begin(lab: &Lab, disk: &Path, name: &str) -> Result<Phase> {
    let base = lab.dir().join(format!("before {name}.img"));
    copy(disk, &base)?;
    let log = lab.dir().join(format!("{name}.log"));
    File::create(&log).context("cannot make the log")?;
    Ok(Phase {
        name: name.to_owned(),
        base,
        log,
    })
}

fn end(lab: &Lab, phase: Phase, disk: &Path) -> Result<Phase> {
    is_what_was_recorded(&phase, disk)?;
    lab.step(&format!("{}: recorded", phase.name));
    Ok(phase)
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

fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp")
        .arg("--sparse=always")
        .args([from, to])
        .status()
        .context("cannot run cp")?;
    ensure!(status.success(), "cp ended with {status}");
    Ok(())
}

fn boot_files(disk: &Path) -> Result<BootFiles> {
    let state = Replay::new(File::open(disk)?, Log::none(File::open(disk)?), CUTS)?.end()?;
    Ok(BootFiles::of(&state)?)
}

fn trust() -> Result<Trust> {
    let loaded = trust::load(&image::output().join("keys/trust"), None)
        .context("cannot read the build's keyring")?;
    Ok(loaded.trust)
}

pub(crate) fn keys() -> Result<Keyring> {
    Ok(trust()?.keyring().clone())
}

fn built() -> Result<Manifest> {
    let read = |name: &str| {
        fs::read(image::output().join(name)).with_context(|| format!("cannot read {name}"))
    };
    let (manifest, signature) = (read("manifest.json")?, read("manifest.sig")?);
    Ok(verify_manifest(&manifest, &signature, &keys()?)?)
}

/// The manifest in a bundle.
fn in_bundle(bundle: &Path) -> Result<Manifest> {
    let mut archive = Archive::new(File::open(bundle)?);
    Ok(Bundle::open(&mut archive, &mut trust()?)?
        .manifest()
        .clone())
}
