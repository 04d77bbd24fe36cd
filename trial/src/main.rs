//! `qx-trial`: runs while a slot is on trial, from the first second of the system on, and decides: confirmed,
//! or back to the slot before. A program of its own, with as few parts as possible, because what it judges is
//! everything else; it owns the watchdog until then. What ends it otherwise restarts the machine.

mod health;
mod verdict;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use qx_host::power::{self, PowerAction};
use qx_host::update::{Installed, UpdateRecord};
use qx_host::watchdog::Watchdog;
use qx_slots::{Reason, SlotName};
use rustix::time::{ClockId, clock_gettime};

use health::ask;
use verdict::{Judge, Verdict};

const RUN: &str = "/run/quantix";
const STATE: &str = "/quantix";
const SOCKET: &str = "/run/quantix/node.sock";
const PERIOD: Duration = Duration::from_secs(1);
/// For guests and services to stop, before the machine is restarted without them.
const GOODBYE: Duration = Duration::from_secs(45);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("qx-trial: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut watchdog = Watchdog::open().unwrap_or_else(|error| {
        eprintln!("qx-trial: the watchdog cannot be had: {error}");
        None
    });
    let installed = Installed::find(Path::new(RUN), Path::new(STATE))?;
    let record = UpdateRecord::read(Path::new(STATE));
    let required = record.map_or_else(Vec::new, |record| record.required);
    let cmdline = fs::read_to_string("/proc/cmdline").context("cannot read the command line")?;
    let mut judge = Judge::new(required, verdict::deadline(&cmdline));
    loop {
        feed(&mut watchdog);
        if !on_trial(&installed) {
            // Somebody confirmed it or went back by hand.
            break;
        }
        match judge.observe(since_kernel(), &ask(Path::new(SOCKET))) {
            Verdict::Wait => {}
            Verdict::Confirm => match confirm(&installed) {
                Ok(()) => break,
                Err(error) => eprintln!("qx-trial: cannot confirm: {error:#}"),
            },
            Verdict::GiveUp(reason) => {
                // What cannot be noted is counted by the boot loader.
                let noted = give_up(&installed, reason);
                leave(&mut watchdog, reason);
                return noted;
            }
        }
        thread::sleep(PERIOD);
    }
    watchdog.map_or(Ok(()), |watchdog| {
        watchdog.hand_over().context("cannot leave the watchdog")
    })
}

fn feed(watchdog: &mut Option<Watchdog>) {
    if let Some(watchdog) = watchdog
        && let Err(error) = watchdog.keep_alive()
    {
        eprintln!("qx-trial: the watchdog does not listen: {error}");
    }
}

/// A disk that cannot be read now says nothing about that: the trial goes on.
fn on_trial(installed: &Installed) -> bool {
    let pending = |slot: SlotName| {
        let env = installed.env();
        env.map_or(true, |env| env.pending.is_some_and(|on| on.slot == slot))
    };
    pending(installed.running)
}

fn confirm(installed: &Installed) -> Result<()> {
    let env = installed.change(|env| env.confirm(installed.running))?;
    println!("qx-trial: slot {} is confirmed", installed.running);
    match installed.raise_floor() {
        Ok(None) => {}
        Ok(Some(lost)) => eprintln!("qx-trial: {lost}; it begins again"),
        Err(error) => eprintln!("qx-trial: older versions are still accepted: {error}"),
    }
    if let Some(mut record) = UpdateRecord::read(Path::new(STATE))
        && record.settle(&env)
        && let Err(error) = record.write(Path::new(STATE))
    {
        // The next boot records it.
        eprintln!("qx-trial: the end of the update is not recorded yet: {error}");
    }
    Ok(())
}

fn give_up(installed: &Installed, reason: Reason) -> Result<()> {
    let slot = installed.running;
    println!("qx-trial: slot {slot} is given up: {}", reason.because());
    installed.change(|env| {
        env.mark_failed(slot, reason);
        Ok(())
    })?;
    Ok(())
}

/// Restarts the machine: in order, or without waiting when that takes too long.
fn leave(watchdog: &mut Option<Watchdog>, reason: Reason) {
    let told = power::request(PowerAction::Reboot);
    if let Err(error) = &told {
        eprintln!(
            "qx-trial: {error} (going back because of {})",
            reason.word()
        );
    }
    let end = Instant::now() + GOODBYE;
    while told.is_ok() && Instant::now() < end {
        feed(watchdog);
        thread::sleep(PERIOD);
    }
    eprintln!("qx-trial: {}", power::restart_at_once());
}

/// Time since the kernel was started.
fn since_kernel() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}
