//! QEMU is killed at random moments of real updates, on a disk that forgets what was not flushed. Every time the
//! host comes back by itself, healthy, with everything that it had promised.

mod host;
mod phases;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use fastrand::Rng;
use qx_e2e::bundle::{self, Fault};
use qx_e2e::installed::{blank, installs, make_a_vm, opens};
use qx_e2e::volatile::{Flush, Lost};
use qx_e2e::{Bus, Image, Lab, environment, minutes, seed};

use host::{Host, Promised};
use phases::Phase;

/// Kills in all; `POWER_KILLS` changes it.
const KILLS: usize = 100;
/// Seeds what is chosen; `POWER_SEED` changes it.
const SEED: u64 = 11;
/// Hosts that are killed at the same time.
const HOSTS: usize = 2;
const DISK: u64 = 2 << 30;
const ANSWER: &str = "version = 1\n[install]\ndisk = \"auto\"\n[system]\nhostname = \"qx-kills\"\n\
    root_password = \"correct horse 42\"\nkernel_args = [\"quantix.confirm=300\", \"loglevel=7\"]\n";

/// What came of the kills.
#[derive(Default)]
struct Tally {
    kills: usize,
    by_phase: BTreeMap<String, usize>,
    /// Kills that really took something from the disk.
    lossy: usize,
    lost: Lost,
}

#[test]
#[ignore = "100 kills, each followed by a whole boot: hours"]
fn soak_power_kills() {
    Lab::run("Kills in updates", |lab| {
        let kills = environment::number("POWER_KILLS", KILLS)?;
        let seed = environment::number("POWER_SEED", SEED)?;
        let rounds = kills.div_ceil(Phase::ALL.len());
        let (base, promised) = installed(lab)?;
        let bundles = bundles(lab)?;
        let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
        thread::scope(|scope| -> Result<()> {
            let hosts: Vec<_> = (0..HOSTS)
                .map(|number| {
                    let disk = copy(lab, &base, number)?;
                    let rng = Rng::with_seed(seed + number as u64);
                    let mut host = Host::new(
                        lab,
                        number,
                        disk,
                        Flush::Keeps,
                        promised.clone(),
                        &bundles,
                        rng,
                    )?;
                    let (next, tally) = (&next, &tally);
                    Ok(scope.spawn(move || rounds_of(lab, &mut host, next, rounds, tally)))
                })
                .collect::<Result<_>>()?;
            for host in hosts {
                host.join()
                    .map_err(|_| anyhow!("a host's thread panicked"))??;
            }
            Ok(())
        })?;
        report(
            lab,
            &tally.into_inner().unwrap_or_else(PoisonError::into_inner),
            rounds,
        )
    });
}

/// Takes the next round, as long as there is one.
fn rounds_of(
    lab: &Lab,
    host: &mut Host<'_>,
    next: &AtomicUsize,
    rounds: usize,
    tally: &Mutex<Tally>,
) -> Result<()> {
    while next.fetch_add(1, Ordering::SeqCst) < rounds {
        let round = round(lab, host, tally);
        // The other hosts need not go on.
        round.inspect_err(|_| next.store(rounds, Ordering::SeqCst))?;
    }
    Ok(())
}

/// One kill in every phase.
fn round(lab: &Lab, host: &mut Host<'_>, tally: &Mutex<Tally>) -> Result<()> {
    for phase in Phase::ALL {
        let killed = host.kill_in(phase);
        let killed = killed.with_context(|| format!("before a kill in {phase:?}"))?;
        let took = host.comes_back(phase);
        let took = took.with_context(|| format!("after {killed:?}"))?;
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.kills += 1;
        *tally.by_phase.entry(killed.place.clone()).or_default() += 1;
        tally.lossy += usize::from(killed.lost.gone + killed.lost.torn > 0);
        tally.lost.gone += killed.lost.gone;
        tally.lost.torn += killed.lost.torn;
        tally.lost.kept += killed.lost.kept;
        lab.step(&format!(
            "kill {}: {killed:?}; healthy again after {took} s",
            tally.kills
        ));
    }
    Ok(())
}

fn report(lab: &Lab, tally: &Tally, rounds: usize) -> Result<()> {
    let Tally {
        kills,
        by_phase,
        lossy,
        lost,
    } = tally;
    lab.step(&format!(
        "{kills} kills, {lossy} of them lost writes ({lost:?}); {by_phase:#?}"
    ));
    for phase in Phase::ALL {
        let killed: usize = by_phase
            .iter()
            .filter(|(place, _)| place.starts_with(phase.name()))
            .map(|(_, count)| count)
            .sum();
        ensure!(
            killed >= rounds.min(10),
            "{}: only {killed} kills",
            phase.name()
        );
    }
    ensure!(*lossy > 0, "no kill lost anything");
    Ok(())
}

/// A disk that says that it keeps what was flushed and does not: the host comes back without what it had promised,
/// and that is seen.
#[test]
#[ignore = "an installation and three boots, about 10 minutes"]
fn soak_power_kills_on_a_disk_that_lies_are_told() {
    Lab::run("Kills on a disk that lies", |lab| {
        let (base, promised) = installed(lab)?;
        let bundles = bundles(lab)?;
        let disk = copy(lab, &base, 0)?;
        let rng = Rng::with_seed(SEED);
        let mut host = Host::new(lab, 0, disk, Flush::Lies, promised, &bundles, rng)?;
        let killed = host.kill_in(Phase::Apply)?;
        let told = host.comes_back(Phase::Apply);
        let told = told
            .err()
            .context("nobody saw that a flushed slot was gone")?;
        lab.step(&format!("{killed:?}: {told:#}"));
        ensure!(format!("{told:#}").contains("was promised"), "{told:#}");
        Ok(())
    });
}

/// A host that was started once and has a VM, and what must never be lost of it.
fn installed(lab: &Lab) -> Result<(PathBuf, Promised)> {
    let disk = blank(&lab.dir().join("disk.img"), DISK)?;
    let machine = lab
        .machine("install")
        .memory_mib(1024)
        .stop_at_reboot()
        .drive(&disk, "raw", Bus::Virtio)
        .cd(Image::latest()?.iso())
        .usb_stick(&seed::volume(lab.dir(), ANSWER)?)
        .start()?;
    installs(lab, &machine)?;
    machine.wait_off(minutes(5))?;
    let machine = lab
        .machine("first")
        .memory_mib(1024)
        .drive(&disk, "raw", Bus::Virtio)
        .start()?;
    let api = opens(&machine)?;
    let vm = make_a_vm(&api)?;
    let promised = Promised::of(&machine, &api, &vm)?;
    machine.shut_down(minutes(5))?;
    lab.step("installed, and started for the first time");
    Ok((disk, promised))
}

fn bundles(lab: &Lab) -> Result<Vec<(String, PathBuf)>> {
    let make = |version: &str| {
        let bundle = bundle::make(lab.dir(), version, Fault::None)?;
        Ok((version.to_owned(), bundle))
    };
    ["0.2.0", "0.3.0"].into_iter().map(make).collect()
}

fn copy(lab: &Lab, base: &Path, number: usize) -> Result<File> {
    let copy = lab.dir().join(format!("host-{number}.img"));
    let status = Command::new("cp")
        .arg("--sparse=always")
        .args([base, &copy])
        .status()
        .context("cannot run cp")?;
    ensure!(status.success(), "cp ended with {status}");
    let mut options = File::options();
    let file = options.read(true).write(true).open(&copy);
    file.with_context(|| format!("cannot open {}", copy.display()))
}
