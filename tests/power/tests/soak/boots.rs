//! Real machines beside the model: OVMF with Secure Boot on, shim, GRUB, the kernel and qx-init start from
//! states of the replay, and must do what the model says.
//!
//! A machine is given the state over a socket, so that no disk is copied, and what it writes is thrown away. It
//! runs until qx-init has verified a slot and mounted everything, or firmware has found nothing; then its power
//! is cut, and its configuration is read from the partition that its kernel has mounted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use qx_e2e::installed::{BOOT, CONFIG_OFFSET};
use qx_e2e::volatile::{Flush, Medium, VolatileDisk};
use qx_e2e::{Bus, Lab, environment};
use qx_host::config::Config;
use qx_power_tests::disk::{Sector, Snapshot};
use qx_power_tests::log::SECTOR;
use qx_power_tests::model::{Class, Model, configuration_in};
use qx_power_tests::observed::{Observed, observe};
use qx_power_tests::phase::{Phase, Report};
use qx_power_tests::replay::Moment;

use crate::{CUTS, MIB};

/// States drawn from all; `POWER_BOOTS` changes it.
const BOOTS: usize = 300;
/// Machines at a time: each has one processor.
const MACHINES: usize = 2;
const CONFIGURATION: Range<u64> = CONFIG_OFFSET..CONFIG_OFFSET + 100 * MIB;

/// One state to start from, and what the model says of it.
struct Job {
    name: String,
    moment: Moment,
    class: Class,
    config: Option<Config>,
    snapshot: Snapshot,
}

/// What came of all of them.
#[derive(Default)]
struct Tally {
    agreed: BTreeMap<String, usize>,
    disagreed: Vec<String>,
}

/// Starts machines from one state of every class of every phase, and from states drawn from all with equal
/// chances. Every one must do what the model says.
pub(crate) fn agree(
    lab: &Lab,
    model: &mut Model,
    phases: &[&Phase],
    reports: &[Report],
) -> Result<()> {
    let wanted = choose(reports, environment::number("POWER_BOOTS", BOOTS)?);
    let (start, number) = (
        Instant::now(),
        wanted.values().map(BTreeSet::len).sum::<usize>(),
    );
    let tally = Mutex::new(Tally::default());
    thread::scope(|scope| -> Result<()> {
        let (sender, jobs) = sync_channel(0);
        let jobs = Arc::new(Mutex::new(jobs));
        let tally = &tally;
        let workers: Vec<_> = std::iter::repeat_n(jobs, MACHINES)
            .map(|jobs| scope.spawn(move || work(lab, &jobs, tally)))
            .collect();
        let fed = feed(&sender, model, phases, reports, &wanted);
        drop(sender);
        for worker in workers {
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("a machine's thread panicked"))??;
        }
        fed
    })?;
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let agreed: usize = tally.agreed.values().sum();
    lab.step(&format!(
        "{agreed} of {number} machines did what the model says, {} s each: {:#?}",
        start.elapsed().as_secs() / number.max(1) as u64,
        tally.agreed
    ));
    ensure!(tally.disagreed.is_empty(), "{:#?}", tally.disagreed);
    ensure!(
        agreed == number,
        "only {agreed} of {number} machines were started"
    );
    Ok(())
}

/// Replays the phases once more and hands out the states that are wanted, as fast as machines take them.
fn feed(
    sender: &SyncSender<Job>,
    model: &mut Model,
    phases: &[&Phase],
    reports: &[Report],
    wanted: &BTreeMap<usize, BTreeSet<usize>>,
) -> Result<()> {
    for (index, wanted) in wanted {
        let (phase, report) = (phases[*index], &reports[*index]);
        phase.revisit(CUTS, wanted, |number, moment, state| {
            let verdict = model.judge(state)?;
            ensure!(
                verdict.class == report.outcomes[number],
                "the replay differs"
            );
            let job = Job {
                name: format!("{}-{number}", phase.name.replace(' ', "-")),
                moment,
                class: verdict.class,
                config: verdict.config.as_deref().cloned(),
                snapshot: state.snapshot()?,
            };
            sender.send(job).context("the machines have stopped")
        })?;
    }
    Ok(())
}

/// The states of each phase: `number` of all, and one of every class in every phase.
fn choose(reports: &[Report], number: usize) -> BTreeMap<usize, BTreeSet<usize>> {
    let mut rng = Rng::with_seed(CUTS.seed);
    let all = reports.iter().enumerate().flat_map(|(phase, report)| {
        let states = 0..report.outcomes.len();
        states.map(move |state| (phase, state))
    });
    let mut chosen = rng.choose_multiple(all.clone(), number);
    let mut of_class: BTreeMap<(usize, String), Vec<usize>> = BTreeMap::new();
    for (phase, state) in all {
        let class = reports[phase].outcomes[state].to_string();
        of_class.entry((phase, class)).or_default().push(state);
    }
    for ((phase, _), states) in of_class {
        chosen.extend(rng.choice(states).map(|state| (phase, state)));
    }
    let mut by_phase: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (phase, state) in chosen {
        by_phase.entry(phase).or_default().insert(state);
    }
    by_phase
}

fn work(lab: &Lab, jobs: &Mutex<Receiver<Job>>, tally: &Mutex<Tally>) -> Result<()> {
    let next = || jobs.lock().ok()?.recv().ok();
    while let Some(job) = next() {
        let Job {
            name,
            moment,
            class,
            config,
            snapshot,
        } = job;
        let start = Instant::now();
        let found = boot(lab, &name, snapshot);
        let expected = match class {
            Class::NothingInstalled => None,
            _ => config,
        };
        let same = matches!(&found, Ok((seen, read)) if *seen == class && *read == expected);
        let seconds = start.elapsed().as_secs();
        lab.step(&format!(
            "{name} ({}): {class}, {seconds} s: {}",
            moment.cut,
            if same { "agrees" } else { "DIFFERS" }
        ));
        let mut tally = tally
            .lock()
            .map_err(|_| anyhow::anyhow!("a machine's thread panicked"))?;
        if same {
            *tally.agreed.entry(class.to_string()).or_default() += 1;
        } else {
            let entry = moment.entry;
            tally.disagreed.push(format!(
                "{name}, entry {entry} ({}): {class} with {expected:?}, but {found:?}",
                moment.cut
            ));
        }
    }
    Ok(())
}

/// What a real machine does with this disk, and the configuration that it finds.
fn boot(lab: &Lab, name: &str, snapshot: Snapshot) -> Result<(Class, Option<Config>)> {
    let dir = lab.dir().join(name);
    let socket = lab.dir().join(format!("{name}.sock"));
    let disk = VolatileDisk::serve(Scratch::new(snapshot), Flush::Keeps, &socket)?;
    let machine = lab
        .machine(name)
        .memory_mib(1024)
        .secure_boot()
        .cpus(1)
        .without_network()
        .drive(&disk.path(), "raw", Bus::Virtio)
        .start()?;
    let observed = machine
        .serial()
        .wait_text("the machine's choice", BOOT, observe)?;
    machine.power_cut();
    let Observed {
        class,
        configuration,
    } = observed;
    let config = match configuration {
        true => {
            let copy = dir.join("configuration.img");
            disk.medium(|medium| copy_range(medium, CONFIGURATION, &copy))??;
            configuration_in(&copy)?
        }
        false => None,
    };
    fs::remove_dir_all(&dir).context("cannot remove the machine's files")?;
    Ok((class, config))
}

fn copy_range(medium: &Scratch, range: Range<u64>, to: &Path) -> Result<()> {
    let file = File::create(to).context("cannot copy the configuration")?;
    let mut bytes = vec![0; MIB as usize];
    for offset in range.clone().step_by(MIB as usize) {
        medium.read(offset, &mut bytes)?;
        file.write_all_at(&bytes, offset - range.start)?;
    }
    Ok(())
}

/// A state that a machine may write to, in memory.
struct Scratch {
    snapshot: Snapshot,
    written: HashMap<u64, Sector>,
}

impl Scratch {
    fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            written: HashMap::new(),
        }
    }
}

impl Medium for Scratch {
    fn bytes(&self) -> u64 {
        self.snapshot.bytes()
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.snapshot.read_at(offset, bytes)?;
        for (sector, bytes) in (offset / SECTOR..).zip(bytes.chunks_mut(SECTOR as usize)) {
            if let Some(written) = self.written.get(&sector) {
                bytes.copy_from_slice(written);
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (sectors, _) = bytes.as_chunks();
        self.written
            .extend((offset / SECTOR..).zip(sectors.iter().copied()));
        Ok(())
    }
}
