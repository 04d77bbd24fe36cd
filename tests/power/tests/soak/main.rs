//! Real recordings: what the product writes in QEMU, replayed with a power cut after every write; and real
//! machines that start from such states, beside the model.

mod boots;
mod record;
mod steps;

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use qx_e2e::Lab;
use qx_power_tests::model::Model;
use qx_power_tests::phase::{Phase, Report};
use qx_power_tests::replay::{Cut, Cuts};

const MIB: u64 = 1 << 20;
/// Where the EFI partition ends.
const EFI_END: u64 = (1 + 100) * MIB;
const CUTS: Cuts = Cuts {
    seed: 3,
    losses: 14,
    tears: 3,
    torn_sectors: MIB..EFI_END,
};
const LEAST_STATES: usize = 20_000;

/// An installation from nothing, the first start, a change of the configuration, an update and its trial, a
/// rollback by hand, and an update that the host leaves by itself: each is recorded. No power cut in any of
/// them leaves a machine that does not start, or has lost what was confirmed before; and real machines do with
/// these disks what the model says.
#[test]
#[ignore = "records in QEMU, judges 20,000 states and starts 300 machines: hours"]
fn soak_power_cuts() {
    Lab::run("Power cuts", |lab| {
        let recordings = record::everything(lab)?;
        let mut model = Model::new(record::keys()?, recordings.images, recordings.files);
        let mut reports = Vec::new();
        for (phase, class) in &recordings.phases {
            let report = phase.run(&mut model, CUTS)?;
            lab.step(&report.to_string());
            comes_up_in_every_way(&report, class)?;
            reports.push(report);
        }
        let states: usize = reports.iter().map(|report| report.outcomes.len()).sum();
        let failures: usize = reports.iter().map(|report| report.failures.len()).sum();
        lab.step(&format!("{states} states, {failures} failures"));
        ensure!(states >= LEAST_STATES, "only {states} states");
        ensure!(failures == 0, "{failures} states must never be");
        let phases: Vec<&Phase> = recordings.phases.iter().map(|(phase, _)| phase).collect();
        boots::agree(lab, &mut model, &phases, &reports)
    });
}

/// The class that the phase is about must be there for every way that the power can be cut.
fn comes_up_in_every_way(report: &Report, class: &str) -> Result<()> {
    let all = report.classes.get(class);
    let all: BTreeSet<Cut> = all.into_iter().flat_map(|by| by.keys().copied()).collect();
    ensure!(all.len() == 4, "{class}: only {all:?}");
    Ok(())
}
