//! A host on a disk that forgets: killed, started again, and asked whether everything is there.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use qx_e2e::deadline::Look;
use qx_e2e::installed::{BOOT, PASSWORD};
use qx_e2e::volatile::{Flush, Lost, VolatileDisk};
use qx_e2e::{Api, Bus, Lab, Machine, poll, tls};
use serde_json::Value;

use crate::phases::{self, Phase};

/// What the host has acknowledged, and must have for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Promised {
    hostname: String,
    certificate: String,
    vm: String,
    /// The version in each slot that holds one that was read back.
    pub(crate) versions: BTreeMap<String, String>,
    /// The slot that was confirmed last.
    pub(crate) confirmed: String,
    /// The slot that the host goes on to by itself, as it said that it would.
    pub(crate) trial: Option<String>,
}

impl Promised {
    pub(crate) fn of(machine: &Machine, api: &Api, vm: &Value) -> Result<Self> {
        let host = api.get("/api/v1/host")?.expect(200)?;
        let updates = api.get("/api/v1/updates")?.expect(200)?;
        Ok(Self {
            hostname: text(&host["hostname"]),
            certificate: tls::fingerprint(machine.port(8443)?)?,
            vm: text(&vm["id"]),
            versions: versions(&updates),
            confirmed: "A".to_owned(),
            trial: None,
        })
    }

    /// The slot that was not confirmed last.
    pub(crate) fn other(&self) -> &'static str {
        if self.confirmed == "A" { "B" } else { "A" }
    }
}

/// A kill, and what it took.
#[derive(Debug)]
pub(crate) struct Killed {
    /// The phase, and where in it.
    pub(crate) place: String,
    pub(crate) lost: Lost,
}

/// A machine that is on, and a session of root's.
pub(crate) struct Up {
    pub(crate) machine: Machine,
    pub(crate) api: Api,
}

/// See the module.
pub(crate) struct Host<'a> {
    lab: &'a Lab,
    number: usize,
    starts: usize,
    pub(crate) disk: VolatileDisk<File>,
    pub(crate) promised: Promised,
    /// Version and file of what is uploaded, in turns.
    bundles: &'a [(String, PathBuf)],
    pub(crate) rng: Rng,
    up: Option<Up>,
}

impl<'a> Host<'a> {
    pub(crate) fn new(
        lab: &'a Lab,
        number: usize,
        disk: File,
        flush: Flush,
        promised: Promised,
        bundles: &'a [(String, PathBuf)],
        rng: Rng,
    ) -> Result<Self> {
        let socket = lab.dir().join(format!("host-{number}.sock"));
        Ok(Self {
            lab,
            number,
            starts: 0,
            disk: VolatileDisk::serve(disk, flush, &socket)?,
            promised,
            bundles,
            rng,
            up: None,
        })
    }

    /// A bundle of another version than the confirmed one.
    pub(crate) fn bundle(&self) -> Result<&'a (String, PathBuf)> {
        let runs = self.promised.versions.get(&self.promised.confirmed);
        let mut bundles = self.bundles.iter();
        let other = bundles.find(|(version, _)| Some(version) != runs);
        other.context("every bundle is the version that runs")
    }

    /// Kills QEMU somewhere in `phase`, and the disk loses what it may.
    pub(crate) fn kill_in(&mut self, phase: Phase) -> Result<Killed> {
        let mut up = match self.up.take() {
            Some(up) => up,
            None => self.start()?,
        };
        let place = phases::reach(self, &mut up, phase)?;
        up.machine.power_cut();
        let lost = self.disk.power_cut(&mut self.rng)?;
        let place = format!("{}: {place}", phase.name());
        Ok(Killed { place, lost })
    }

    /// Turns the machine on and waits until it says that it is healthy, which takes so many seconds. Everything
    /// that was promised must be there.
    pub(crate) fn comes_back(&mut self, phase: Phase) -> Result<u64> {
        let start = Instant::now();
        let mut up = self.start()?;
        let updates = healthy(&mut up)?;
        let took = start.elapsed().as_secs();
        self.keeps_its_promises(&up, &updates, phase)?;
        self.up = Some(up);
        Ok(took)
    }

    fn start(&mut self) -> Result<Up> {
        self.starts += 1;
        let machine = self
            .lab
            .machine(&format!("host-{}-{}", self.number, self.starts))
            .memory_mib(1024)
            .drive(&self.disk.path(), "raw", Bus::Virtio)
            .start()?;
        let mut api = machine.api()?;
        poll("the host to let us in", BOOT, || {
            Ok(match api.log_in("root", PASSWORD) {
                Ok(_) => Look::Done(()),
                Err(error) => Look::NotYet(format!("{error:#}")),
            })
        })?;
        api.wait_ready(BOOT)?;
        Ok(Up { machine, api })
    }

    fn keeps_its_promises(&mut self, up: &Up, updates: &Value, phase: Phase) -> Result<()> {
        let runs = slots(updates).find(|slot| slot["running"] == true);
        let runs = runs.map(|slot| text(&slot["name"])).unwrap_or_default();
        let found = versions(updates);
        if let Some(trial) = self.promised.trial.take() {
            ensure!(
                runs == trial,
                "slot {trial} was promised, and {runs} runs: {updates}"
            );
        }
        ensure!(
            runs == self.promised.confirmed || phase.changes_slots(),
            "slot {} was promised, and {runs} runs: {updates}",
            self.promised.confirmed
        );
        for (slot, version) in &self.promised.versions {
            ensure!(
                found.get(slot) == Some(version),
                "{version} in slot {slot} was promised: {updates}"
            );
        }
        ensure!(
            phase.changes_slots() || !found.contains_key(self.promised.other()),
            "a slot is called good that was not read back: {updates}"
        );
        let host = up.api.get("/api/v1/host")?.expect(200)?;
        let vms = up.api.get("/api/v1/vms")?.expect(200)?;
        ensure!(
            host["hostname"] == *self.promised.hostname,
            "the name was promised: {host}"
        );
        ensure!(
            vms["items"][0]["id"] == *self.promised.vm,
            "a VM was promised: {vms}"
        );
        ensure!(
            host["boot"]["config"] == "partition" && host["config"]["source"] == "current",
            "the configuration was promised: {host}"
        );
        let certificate = tls::fingerprint(up.machine.port(8443)?)?;
        ensure!(
            certificate == self.promised.certificate,
            "the certificate was promised"
        );
        self.promised.confirmed = runs;
        self.promised.versions = found;
        Ok(())
    }
}

/// Waits until the slot that runs is confirmed.
fn healthy(up: &mut Up) -> Result<Value> {
    poll("the slot that runs to be confirmed", BOOT, || {
        let updates = match updates(&mut up.api) {
            Ok(updates) => updates,
            Err(error) => return Ok(Look::NotYet(format!("{error:#}"))),
        };
        let is_confirmed = |slot: &Value| slot["running"] == true && slot["confirmed"] == true;
        Ok(if slots(&updates).any(is_confirmed) {
            Look::Done(updates)
        } else {
            Look::NotYet(updates.to_string())
        })
    })
}

/// Where updates stand. Sessions end with the daemon.
pub(crate) fn updates(api: &mut Api) -> Result<Value> {
    let mut reply = api.get("/api/v1/updates")?;
    if reply.status == 401 {
        api.log_in("root", PASSWORD)?;
        reply = api.get("/api/v1/updates")?;
    }
    reply.expect(200)
}

pub(crate) fn slots(updates: &Value) -> impl Iterator<Item = &Value> {
    updates["slots"].as_array().into_iter().flatten()
}

fn versions(updates: &Value) -> BTreeMap<String, String> {
    let good = slots(updates).filter(|slot| slot["state"] == "good");
    good.map(|slot| (text(&slot["name"]), text(&slot["version"])))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
