//! The phases of an update, and how each is reached: everything before it is done, and then the disk goes dark
//! at a byte of the phase, or a random time passes. What the host acknowledges on the way is promised.

use std::ops::Range;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use qx_e2e::api::Reply;
use qx_e2e::deadline::Look;
use qx_e2e::installed::{BOOT, CONFIG_OFFSET, PASSWORD, SLOT_A_OFFSET};
use qx_e2e::volatile::Seen;
use qx_e2e::{Api, minutes, poll};
use serde_json::json;

use crate::host::{Host, Up, slots, updates};

const MIB: u64 = 1 << 20;
const SLOT: u64 = 300 * MIB;
const EFI: Range<u64> = MIB..SLOT_A_OFFSET;
const CONFIGURATION: Range<u64> = CONFIG_OFFSET..CONFIG_OFFSET + 100 * MIB;
/// One copy of the boot environment.
const COPY: u64 = 512;
/// A trial boot takes about so long under software emulation.
const BOOT_TAKES: Duration = Duration::from_secs(60);
const GRUB_LOADS: &str = "Loading slot ";

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A bundle is uploaded and written to the slot.
    Write,
    /// The slot is read back.
    ReadBack,
    /// The slot is put on trial.
    Apply,
    /// The machine restarts into it.
    Trial,
    /// It is healthy, and is confirmed.
    Confirm,
    /// A person goes back to the other slot.
    RollBack,
}

impl Phase {
    /// In an order in which little has to be done again for the next one.
    pub(crate) const ALL: [Self; 6] = [
        Self::Write,
        Self::ReadBack,
        Self::Apply,
        Self::Trial,
        Self::Confirm,
        Self::RollBack,
    ];

    /// As the report names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Write => "upload and writing",
            Self::ReadBack => "reading back",
            Self::Apply => "putting on trial",
            Self::Trial => "restart and trial",
            Self::Confirm => "confirmation",
            Self::RollBack => "rollback",
        }
    }

    /// Whether another slot than before may run when the power comes back.
    pub(crate) const fn changes_slots(self) -> bool {
        !matches!(self, Self::Write | Self::ReadBack)
    }
}

/// Brings the host to a random place in the phase, and says which.
pub(crate) fn reach(host: &mut Host<'_>, up: &mut Up, phase: Phase) -> Result<String> {
    match phase {
        Phase::Write => uploads(host, up, 0.0..0.9, None),
        Phase::ReadBack => uploads(host, up, 0.9..0.9, Some(0.05..0.8)),
        Phase::Apply => applies(host, up),
        Phase::Trial => tries(host, up),
        Phase::Confirm => confirms(host, up),
        Phase::RollBack => rolls_back(host, up),
    }
}

/// Uploads; the disk goes dark when this part of the bundle was written, and this part was read back.
fn uploads(
    host: &mut Host<'_>,
    up: &Up,
    written: Range<f64>,
    read: Option<Range<f64>>,
) -> Result<String> {
    let (_, bundle) = host.bundle()?;
    let bytes = bundle.metadata()?.len();
    let share = |range: &Range<f64>, random: f64| {
        let share = range.start + (range.end - range.start) * random;
        (bytes as f64 * share) as u64
    };
    let limit = Seen {
        written: share(&written, host.rng.f64()).max(COPY),
        read: read.map_or(0, |range| share(&range, host.rng.f64())),
    };
    let slot = host.promised.other();
    let start = if slot == "A" {
        SLOT_A_OFFSET
    } else {
        SLOT_A_OFFSET + SLOT
    };
    host.promised.versions.remove(slot);
    host.disk.dark_at(start..start + SLOT, limit);
    let bundle = bundle.clone();
    let upload = ask(up, move |api| api.put_bundle(&bundle, 0, None))?;
    goes_dark(host, &upload)?;
    Ok(match limit.read {
        0 => format!("{} MiB written", limit.written / MIB),
        read => format!("{} MiB read back", read / MIB),
    })
}

/// Asks in a thread and a session of its own, so that the machine can be killed under it.
fn ask(
    up: &Up,
    what: impl FnOnce(&Api) -> Result<Reply> + Send + 'static,
) -> Result<Receiver<Result<Reply>>> {
    let mut api = up.machine.api()?;
    api.log_in("root", PASSWORD)?;
    let (sender, answer) = channel();
    // Nobody listens once the machine is gone.
    thread::spawn(move || sender.send(what(&api)).unwrap_or_default());
    Ok(answer)
}

fn goes_dark(host: &Host<'_>, asked: &Receiver<Result<Reply>>) -> Result<()> {
    poll("the disk to go dark", minutes(10), || {
        if host.disk.is_dark() {
            return Ok(Look::Done(()));
        }
        if let Ok(answer) = asked.try_recv() {
            bail!("it was over before the power went: {answer:?}");
        }
        Ok(Look::NotYet(format!("{:?}", host.disk.seen())))
    })
}

/// Has the other slot hold another version, that was read back.
fn is_filled(host: &mut Host<'_>, up: &Up) -> Result<()> {
    let slot = host.promised.other();
    let version = |slot: &str| host.promised.versions.get(slot);
    let holds = version(slot);
    if holds.is_none() || holds == version(&host.promised.confirmed) {
        let (version, bundle) = host.bundle()?;
        up.api.put_bundle(bundle, 0, None)?.expect(200)?;
        let version = version.clone();
        host.promised.versions.insert(slot.to_owned(), version);
    }
    Ok(())
}

fn applies(host: &mut Host<'_>, up: &mut Up) -> Result<String> {
    is_filled(host, up)?;
    changes_the_environment(host, up, "apply")
}

/// Asks for a change without a restart. The disk goes dark at a copy of the environment, or a moment passes.
fn changes_the_environment(host: &mut Host<'_>, up: &Up, what: &str) -> Result<String> {
    let path = format!("/api/v1/updates/{what}");
    let ask = || ask(up, move |api| api.post(&path, &json!({"restart": false})));
    if host.rng.bool() {
        let copies = host.rng.u64(1..=2);
        let written = copies * COPY;
        host.disk.dark_at(EFI, Seen { read: 0, written });
        goes_dark(host, &ask()?)?;
        return Ok(format!("at copy {copies} of the environment"));
    }
    let moment = Duration::from_millis(host.rng.u64(0..400));
    let asked = ask()?;
    thread::sleep(moment);
    match asked.try_recv() {
        Ok(answer) => {
            answer?.expect(200)?;
            host.promised.trial = Some(host.promised.other().to_owned());
            Ok("right after it".to_owned())
        }
        Err(_) => Ok("in a moment of it".to_owned()),
    }
}

/// Restarts into the other slot, up to the boot loader.
fn restarts(host: &mut Host<'_>, up: &mut Up, what: &str) -> Result<()> {
    let slot = host.promised.other();
    let before = up.machine.serial().text().matches(GRUB_LOADS).count();
    let path = format!("/api/v1/updates/{what}");
    up.api.post(&path, &json!({"restart": true}))?.expect(200)?;
    host.promised.trial = Some(slot.to_owned());
    up.machine
        .serial()
        .wait_text("the boot loader", BOOT, |text| {
            (text.matches(GRUB_LOADS).count() > before).then_some(())
        })
}

/// Lets a random part of a boot pass, and says how far it came.
fn boots_a_while(host: &mut Host<'_>, up: &Up) -> String {
    let before = up.machine.serial().text().len();
    thread::sleep(BOOT_TAKES.mul_f64(host.rng.f64()));
    let text = up.machine.serial().text();
    let since = text.get(before..).unwrap_or_default();
    if !since.contains("BOOT_IMAGE=") {
        "boot loader"
    } else if !since.contains("qx-init: switching to the system") {
        "kernel and qx-init"
    } else {
        "the system"
    }
    .to_owned()
}

fn tries(host: &mut Host<'_>, up: &mut Up) -> Result<String> {
    is_filled(host, up)?;
    restarts(host, up, "apply")?;
    Ok(boots_a_while(host, up))
}

fn confirms(host: &mut Host<'_>, up: &mut Up) -> Result<String> {
    is_filled(host, up)?;
    restarts(host, up, "apply")?;
    let slot = host.promised.other();
    let written = |copies: u64| Seen {
        read: 0,
        written: copies * COPY,
    };
    poll("the trial to be healthy", BOOT, || {
        // From here on nothing but the confirmation changes the environment.
        let up = match updates(&mut up.api) {
            Ok(updates) => updates,
            Err(error) => return Ok(Look::NotYet(format!("{error:#}"))),
        };
        let mut slots = slots(&up);
        let runs = slots.find(|found| found["name"] == slot && found["running"] == true);
        let runs = runs.context("the trial is over")?;
        ensure!(
            runs["confirmed"] == false,
            "it was confirmed before anybody looked"
        );
        Ok(Look::Done(()))
    })?;
    let place = host.rng.u8(..3);
    match place {
        0 => host.disk.dark_at(EFI, written(1)),
        1 => host.disk.dark_at(EFI, written(2)),
        // The floor and the record of the update.
        _ => host.disk.dark_at(CONFIGURATION, written(8)),
    }
    poll("the disk to go dark", minutes(5), || {
        Ok(match host.disk.is_dark() {
            true => Look::Done(()),
            false => Look::NotYet(format!("{:?}", host.disk.seen())),
        })
    })?;
    Ok(match place {
        0 => "at the first copy of the environment",
        1 => "at the second copy of the environment",
        _ => "at what is recorded afterwards, or before",
    }
    .to_owned())
}

fn rolls_back(host: &mut Host<'_>, up: &mut Up) -> Result<String> {
    is_filled(host, up)?;
    if host.rng.bool() {
        return changes_the_environment(host, up, "rollback");
    }
    restarts(host, up, "rollback")?;
    Ok(boots_a_while(host, up))
}
