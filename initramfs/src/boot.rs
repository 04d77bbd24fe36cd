//! The boot, step by step, from the kernel's hand-over to the system's own init.
//!
//! ```text
//! /proc /sys /dev ─► command line ─► modules ─► watchdog ─► medium ─► manifest, parts ─► RAM
//!                                                                                        │
//!              /sbin/init ◄─ switch ◄─ boot.json ◄─ /quantix, /data ◄─ squashfs + overlay
//! ```

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use qx_host::boot::{BootInfo, Mode};
use qx_host::watchdog::Watchdog;
use qx_slots::Stage;
use rustix::time::{ClockId, clock_gettime};

use crate::block::BlockDevice;
use crate::cmdline::{self, BreakPoint, Options, Source};
use crate::drivers::Drivers;
use crate::failure::{self, Failure};
use crate::image::Image;
use crate::persist::Persistence;
use crate::{image, log, medium, mounts, persist, recovery, root, trial, watchdog};

const RECORD_DIRECTORY: &str = "/run/quantix";
const GO_ON: &str = "go on with the boot";

/// What is known of the boot so far; a failure is handled by it.
#[derive(Default)]
pub(crate) struct Boot {
    pub(crate) source: Option<Source>,
    pub(crate) watchdog: Option<Watchdog>,
    pub(crate) last_resort: bool,
    pub(crate) env_lost: bool,
    drivers: Option<Drivers>,
}

impl Boot {
    /// Goes through all steps. Returns only when one failed.
    pub(crate) fn run(&mut self) -> Failure {
        match self.prepare() {
            Ok(()) => {
                stage("switching to the system");
                Failure::System {
                    doing: "start the system",
                    source: root::switch(),
                }
            }
            Err(failure) => failure,
        }
    }

    fn prepare(&mut self) -> Result<(), Failure> {
        mounts::base().map_err(Failure::system("mount /proc, /sys, /dev and /run"))?;
        stage("init");
        let text = read("/proc/cmdline", "read the kernel command line")?;
        let Options {
            source,
            break_at,
            on_trial,
            last_resort,
            env_lost,
        } = cmdline::parse(&text)?;
        self.source = Some(source.clone());
        self.last_resort = last_resort;
        self.env_lost = env_lost;
        let reached = |stage| {
            if on_trial {
                trial::reached(&source, stage);
            }
        };
        failure::check_memory(&read("/proc/meminfo", "read the memory's size")?)?;

        let drivers = self.drivers.insert(Drivers::load(&source)?);
        self.watchdog = watchdog::arm(drivers, on_trial);
        stage("drivers are loaded");
        pause(break_at, BreakPoint::Init, drivers, &mut self.watchdog);

        let medium = medium::find(&source, drivers, &mut self.watchdog)?;
        reached(Stage::Init);
        stage("medium is found");
        let image = image::load(&medium, &mut self.watchdog)?;
        reached(Stage::Verified);
        stage("image is verified and in memory");
        root::build(&image.root).map_err(Failure::system("mount the image"))?;
        let slot = matches!(source, Source::Slot { .. }).then_some(&medium.device);
        let mut persistence =
            persist::mount(slot, drivers).map_err(Failure::system("mount /quantix and /data"))?;
        persistence.warnings.extend(medium.warnings.iter().cloned());
        let device = medium.device.clone();
        medium
            .release()
            .map_err(Failure::system("let go of the medium"))?;
        let watched_by = self
            .watchdog
            .as_ref()
            .map(|watchdog| watchdog.identity.clone());
        record(&source, &device, image, persistence, watched_by)?;
        stage("root is mounted");
        pause(break_at, BreakPoint::Switch, drivers, &mut self.watchdog);
        reached(Stage::System);
        if let Some(watchdog) = self.watchdog.take()
            && let Err(error) = watchdog.hand_over()
        {
            log::warning(&format!("the watchdog does not listen: {error}"));
        }
        Ok(())
    }

    /// Somebody is about to read.
    pub(crate) fn disarm_watchdog(&mut self) {
        watchdog::disarm(&mut self.watchdog);
    }

    /// Somebody is about to type.
    pub(crate) fn load_for_a_person(&mut self) {
        if let Some(drivers) = &mut self.drivers {
            drivers.load_for_a_person();
        }
    }
}

/// Writes `boot.json` for the programs of the system.
fn record(
    source: &Source,
    device: &BlockDevice,
    image: Image,
    persistence: Persistence,
    watchdog: Option<String>,
) -> Result<(), Failure> {
    let (mode, slot) = match source {
        Source::Media(_) => (Mode::Live, None),
        Source::Slot { slot, .. } => (Mode::Slot, Some(slot.name().to_owned())),
    };
    let record = BootInfo {
        mode,
        slot,
        version: image.manifest.version,
        build_id: image.manifest.build_id.into(),
        key_id: image.manifest.key_id.into(),
        source: device.node().display().to_string(),
        copy_ms: u64::try_from(image.took.as_millis()).unwrap_or(u64::MAX),
        copy_bytes: image.bytes,
        watchdog,
        config: persistence.config,
        data: persistence.data,
        warnings: persistence.warnings,
    };
    let write = || -> io::Result<()> {
        fs::create_dir_all(RECORD_DIRECTORY)?;
        let text = serde_json::to_vec(&record).map_err(io::Error::other)?;
        fs::write(Path::new(RECORD_DIRECTORY).join("boot.json"), text)
    };
    write().map_err(Failure::system("write boot.json"))
}

/// Offers a shell when the command line asks for one here.
fn pause(
    asked: Option<BreakPoint>,
    here: BreakPoint,
    drivers: &mut Drivers,
    watchdog: &mut Option<Watchdog>,
) {
    if asked == Some(here) {
        watchdog::disarm(watchdog);
        drivers.load_for_a_person();
        recovery::offer(GO_ON);
    }
}

fn read(path: &str, doing: &'static str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(Failure::system(doing))
}

/// Notes in the kernel log when a stage was reached, on the clock that starts with the kernel.
fn stage(name: &str) {
    let now = clock_gettime(ClockId::Boottime);
    let now = Duration::try_from(now).unwrap_or_default();
    log::info(&format!("{name} at {} ms", now.as_millis()));
}
