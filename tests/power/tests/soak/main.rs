//! Real recordings: what the product writes in QEMU, replayed with a power cut after every write.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use qx_e2e::bundle::{self, Fault};
use qx_e2e::deadline::Look;
use qx_e2e::installed::{PASSWORD, opens};
use qx_e2e::{Api, Bus, Image, Lab, image, minutes, poll, seed};
use qx_host::trust;
use qx_power_tests::log::Log;
use qx_power_tests::model::{BootFiles, Model};
use qx_power_tests::phase::Phase;
use qx_power_tests::replay::{Cut, Cuts, Replay};
use qx_slots::{Bundle, Keyring, Manifest, Trust, verify_manifest};
use serde_json::json;
use tar::Archive;

const INSTALL: std::time::Duration = minutes(30);
const BOOT: std::time::Duration = minutes(15);
const MIB: u64 = 1 << 20;
const DISK: u64 = 2 << 30;
/// Where the EFI partition ends.
const EFI_END: u64 = (1 + 100) * MIB;
/// Everything but VM data: the partitions of the system.
const SYSTEM: u64 = (1 + 100 + 300 + 300 + 100) * MIB;
const ANSWER: &str = "version = 1\n[install]\ndisk = \"auto\"\n[system]\nhostname = \"qx-power\"\n\
    root_password = \"correct horse 42\"\nkernel_args = [\"quantix.confirm=60\"]\n";
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

        let mut model = Model::new(keys()?, vec![built()?], boot_files(&disk)?);
        let phases = [(install, "nothing installed"), (first, "boots A (Good)")];
        judge(lab, &mut model, &phases, 5000)
    });
}

/// An update and its trial, a rollback by hand, and an update that the host leaves by itself. What was
/// confirmed before each is still there after every power cut.
#[test]
#[ignore = "records in QEMU and judges thousands of states, about 20 minutes"]
fn soak_power_update() {
    Lab::run("Power cuts in updates", |lab| {
        let disk = sparse(&lab.dir().join("disk.img"))?;
        let machine = lab
            .machine("install")
            .memory_mib(1024)
            .stop_at_reboot()
            .drive(&disk, "raw", Bus::Virtio)
            .cd(Image::latest()?.iso())
            .usb_stick(&seed::volume(lab.dir(), ANSWER)?)
            .start()?;
        machine
            .serial()
            .wait_for("Quantix-OS is installed on", INSTALL)?;
        machine.wait_off(minutes(5))?;
        let machine = lab
            .machine("first")
            .memory_mib(1024)
            .drive(&disk, "raw", Bus::Virtio)
            .start()?;
        opens(&machine)?;
        machine.shut_down(minutes(5))?;
        lab.step("installed, and started for the first time");
        let files = boot_files(&disk)?;

        let good = bundle::make(lab.dir(), "0.2.0", Fault::None)?;
        let bad = bundle::make(lab.dir(), "0.3.0", Fault::DaemonCrashes)?;
        let images = vec![built()?, in_bundle(&good)?, in_bundle(&bad)?];
        let update = recorded(lab, &disk, "update", |api| {
            changes(api, "B", "succeeded", |api| start(api, &good))
        })?;
        let rollback = recorded(lab, &disk, "rollback", |api| {
            changes(api, "A", "succeeded", |api| {
                api.post("/api/v1/updates/rollback", &json!({"restart": true}))?
                    .expect(200)
                    .map(drop)
            })
        })?;
        let failed = recorded(lab, &disk, "update that fails", |api| {
            changes(api, "A", "failed", |api| start(api, &bad))
        })?;
        let mut model = Model::new(keys()?, images, files);
        let phases = [
            (update, "boots B (Pending)"),
            (rollback, "boots A (Pending)"),
            (failed, "boots B (Pending)"),
        ];
        judge(lab, &mut model, &phases, 5000)
    });
}

/// Replays all phases. `class` of each must have come up in every way that the power can be cut.
fn judge(lab: &Lab, model: &mut Model, phases: &[(Phase, &str)], least: usize) -> Result<()> {
    let (mut states, mut failures) = (0, 0);
    for (phase, class) in phases {
        let report = phase.run(model, CUTS)?;
        lab.step(&report.to_string());
        let all = report.classes.get(*class);
        let all: BTreeSet<Cut> = all.into_iter().flat_map(|by| by.keys().copied()).collect();
        ensure!(all.len() == 4, "{class}: only {all:?}");
        states += report.states;
        failures += report.failures.len();
    }
    ensure!(states >= least, "only {states} states");
    ensure!(failures == 0, "{failures} states must never be");
    Ok(())
}

/// Does `act` on the host, with everything that is written to its disk recorded.
fn recorded(
    lab: &Lab,
    disk: &Path,
    name: &str,
    act: impl FnOnce(&mut Api) -> Result<()>,
) -> Result<Phase> {
    let base = lab.dir().join(format!("before {name}.img"));
    copy(disk, &base)?;
    let phase = phase(name, &base, lab)?;
    let machine = lab
        .machine(name)
        .memory_mib(1024)
        .recorded_drive(disk, &phase.log, Bus::Virtio)
        .start()?;
    let mut api = opens(&machine)?;
    api.wait_ready(BOOT)?;
    act(&mut api)?;
    machine.shut_down(minutes(5))?;
    is_what_was_recorded(&phase, disk)?;
    lab.step(&format!("{name}: recorded"));
    Ok(phase)
}

/// Uploads a bundle and restarts into it.
fn start(api: &Api, bundle: &Path) -> Result<()> {
    api.put_bundle(bundle, 0, None)?.expect(200)?;
    api.post("/api/v1/updates/apply", &json!({"restart": true}))?
        .expect(200)
        .map(drop)
}

/// Waits until a change of the running version has ended with `outcome`, and `slot` runs and is confirmed.
fn changes(
    api: &mut Api,
    slot: &str,
    outcome: &str,
    act: impl FnOnce(&Api) -> Result<()>,
) -> Result<()> {
    let before = api.get("/api/v1/updates")?.expect(200)?["last"]["started_at"].clone();
    act(api)?;
    let look = |api: &mut Api| -> Result<bool> {
        // Sessions end with the daemon.
        api.log_in("root", PASSWORD)?;
        let now = api.get("/api/v1/updates")?.expect(200)?;
        let slots = now["slots"].as_array().into_iter().flatten();
        let runs = slots.into_iter().any(|found| {
            found["name"] == slot && found["running"] == true && found["confirmed"] == true
        });
        let last = &now["last"];
        Ok(runs && last["outcome"] == outcome && last["started_at"] != before)
    };
    poll("the change to end", BOOT, || {
        Ok(match look(api) {
            Ok(true) => Look::Done(()),
            Ok(false) => Look::NotYet("not yet".to_owned()),
            Err(error) => Look::NotYet(format!("{error:#}")),
        })
    })
}

/// The manifest in a bundle.
fn in_bundle(bundle: &Path) -> Result<Manifest> {
    let mut archive = Archive::new(File::open(bundle)?);
    Ok(Bundle::open(&mut archive, &mut trust()?)?
        .manifest()
        .clone())
}

fn boot_files(disk: &Path) -> Result<BootFiles> {
    let state = Replay::new(File::open(disk)?, Log::none(File::open(disk)?), CUTS)?.end()?;
    Ok(BootFiles::of(&state)?)
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

fn trust() -> Result<Trust> {
    let loaded = trust::load(&image::output().join("keys/trust"), None)
        .context("cannot read the build's keyring")?;
    Ok(loaded.trust)
}

fn keys() -> Result<Keyring> {
    Ok(trust()?.keyring().clone())
}

fn built() -> Result<Manifest> {
    let read = |name: &str| {
        fs::read(image::output().join(name)).with_context(|| format!("cannot read {name}"))
    };
    let (manifest, signature) = (read("manifest.json")?, read("manifest.sig")?);
    Ok(verify_manifest(&manifest, &signature, &keys()?)?)
}
