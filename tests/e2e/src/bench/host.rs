//! Our image alone: how long it takes until it is ready, by the guest's own clock and by ours, and how much
//! memory it then takes.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::bench::race::boot_directly;
use crate::bench::report::Report;
use crate::deadline::{Look, minutes, poll, seconds};
use crate::image::Image;
use crate::lab::Lab;
use crate::machine::Machine;
use crate::run::one_time_password;

const BOOT: Duration = minutes(15);
/// Virtual seconds from kernel start to ready.
const VIRTUAL_LIMIT: f64 = 6.0;
/// Real seconds from power-on to ready, where instructions run on the processor.
const POWER_ON_LIMIT: f64 = 10.0;
/// MiB in use while idle, the image in memory included.
const MEMORY_LIMIT: f64 = 350.0;
/// What the console's screen shows once the daemon answers it.
const SERVES: &str = "0 running, 0 defined";

/// One virtual nanosecond an instruction: the figure is the same on every machine, and what is read is the
/// guest's own clock, so that nobody outside has to ask (asking would cost virtual time).
pub(super) fn virtual_boot(
    lab: &Lab,
    image: &Image,
    runs: usize,
    report: &mut Report,
) -> Result<()> {
    let mut samples = Vec::new();
    for run in 1..=runs {
        lab.step(&format!("virtual time, run {run} of {runs}"));
        let builder = lab.machine(&format!("virtual-{run}")).virtual_time();
        let machine = boot_directly(builder, image).start()?;
        samples.push(ready_ms(&machine)? / 1000.0);
    }
    report.add(
        "kernel start to ready, virtual time",
        "s",
        samples,
        Some(VIRTUAL_LIMIT),
    );
    Ok(())
}

/// The host's own note, read after the fact: until the console shows that the host serves, nobody asks.
fn ready_ms(machine: &Machine) -> Result<f64> {
    let serial = machine.serial();
    let password = serial.wait_screen("the host to serve", BOOT, |screen| {
        screen.contains(SERVES).then(|| one_time_password(screen))?
    })?;
    let mut api = machine.api()?;
    poll("the host's note of its readiness", BOOT, || {
        let read = api
            .log_in("root", &password)
            .and_then(|_| api.get("/api/v1/host")?.expect(200));
        Ok(match read {
            Ok(host) => match host["boot"]["ready_ms"].as_f64() {
                Some(ready_ms) => Look::Done(ready_ms),
                None => Look::NotYet(host["boot"].to_string()),
            },
            Err(error) => Look::NotYet(format!("{error:#}")),
        })
    })
}

/// The whole way from the power button, firmware and Secure Boot included; then a minute of rest.
pub(super) fn power_on_and_memory(lab: &Lab, image: &Image, report: &mut Report) -> Result<()> {
    lab.step("power-on to ready, and memory a minute later");
    let machine = lab.machine("idle").secure_boot().cd(image.iso()).start()?;
    let mut api = machine.api()?;
    machine.wait_ready(BOOT)?;
    let limit = machine.accelerator().is_kvm().then_some(POWER_ON_LIMIT);
    report.add(
        "power-on to ready, real time",
        "s",
        vec![machine.age().as_secs_f64()],
        limit,
    );
    // The figure is defined as the memory in use this long after ready.
    thread::sleep(seconds(60));
    let screen = machine.serial().screen();
    let password = one_time_password(&screen).context("the console shows no password")?;
    api.log_in("root", &password)?;
    let host = api.get("/api/v1/host")?.expect(200)?;
    let used = mib(&host, "total_bytes")? - mib(&host, "available_bytes")?;
    report.add(
        "memory in use 60 s after ready",
        "MiB",
        vec![used],
        Some(MEMORY_LIMIT),
    );
    Ok(())
}

fn mib(host: &Value, field: &str) -> Result<f64> {
    let bytes = host["memory"][field].as_f64();
    Ok(bytes.with_context(|| format!("the host does not tell memory.{field}"))? / 1_048_576.0)
}
