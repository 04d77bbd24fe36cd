//! `make bench`: figures of this image beside its peer's, each measured in the same run, in the same QEMU,
//! on the same machine. Owns what is measured and how; the limits are the product's promises.

mod cockpit;
mod console;
mod host;
mod install;
mod plain;
mod race;
mod report;
mod slot;

use anyhow::Result;

use crate::image::{self, Image};
use crate::lab::Lab;

pub use report::Report;

/// Boots per figure, unless asked otherwise; the median counts.
pub const RUNS: usize = 3;

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Boot until an authenticated call lists the VMs, beside Debian with libvirt and cockpit.
    Race,
    /// Kernel start until ready, in virtual seconds.
    Virtual,
    /// Power-on until ready in real seconds, and memory in use a minute later.
    Host,
    /// The console by itself: first frame, keys, memory, and what it takes while nobody looks.
    Console,
    /// An installation and an update on its disk, beside `dd` and `sha256sum` of the same bytes on the same disk, and
    /// their memory.
    Install,
}

/// Measures everything, or the parts asked for; writes `output/bench.json`.
///
/// # Errors
/// When something can't be measured.
pub fn run(parts: &[Part], runs: usize) -> Result<Report> {
    let asked = |part| parts.is_empty() || parts.contains(&part);
    let image = Image::latest()?;
    let lab = Lab::open("Bench")?;
    let mut report = Report::new(&image);
    if asked(Part::Console) {
        console::run(&lab, &mut report)?;
    }
    if asked(Part::Virtual) {
        host::virtual_boot(&lab, &image, runs, &mut report)?;
    }
    if asked(Part::Host) {
        host::power_on_and_memory(&lab, &image, &mut report)?;
    }
    if asked(Part::Install) {
        let (disk, key) = install::run(&lab, &image, runs, &mut report)?;
        slot::run(&lab, &disk, &key, runs, &mut report)?;
    }
    if asked(Part::Race) {
        race::run(&lab, &image, runs, &mut report)?;
    }
    report.save(&image::output().join("bench.json"))?;
    Ok(report)
}
