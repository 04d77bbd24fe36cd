//! Looks every second, and passes on what it sees: to whoever follows, to memory, and to the file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use qx_host::inventory::{Sources, Usage};
use qx_hypervisor::VmUsage;
use qx_model::metrics::DiskIo;
use qx_model::vm::{PowerState, Vm, VmId};
use tokio::sync::broadcast;
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

use super::history::{History, Point};
use super::rates::Reading;
use super::subject::{Subject, TIERS};
use super::{Counters, Sample, VmCounters};
use crate::error::Result;
use crate::inventory::Inventory;

const EVERY: Duration = Duration::from_secs(1);
/// Seconds that a follower may fall behind.
const KEPT: usize = 16;

pub(super) struct Sampler {
    pub(super) live: broadcast::Sender<Arc<Sample>>,
    pub(super) history: History,
    inventory: Inventory,
    sources: Sources,
    state: Mutex<State>,
    disks: Mutex<HashMap<VmId, Disks>>,
    task: Mutex<Option<AbortHandle>>,
}

#[derive(Default)]
struct State {
    /// `None` is the host.
    subjects: BTreeMap<Option<VmId>, Subject>,
    counters: Arc<Counters>,
    /// Begin of each tier's step that is under way.
    begun: [Option<i64>; TIERS.len()],
}

/// What a VM's QEMU last said of its disks.
#[derive(Default)]
struct Disks {
    latest: Option<(Instant, DiskIo)>,
    /// It has been asked and has not answered yet.
    asked: bool,
}

impl Sampler {
    pub(super) fn start(inventory: Inventory, file: &Path) -> Result<Arc<Self>> {
        let sampler = Arc::new(Self {
            live: broadcast::channel(KEPT).0,
            history: History::open(file)?,
            inventory,
            sources: Sources::default(),
            state: Mutex::default(),
            disks: Mutex::default(),
            task: Mutex::default(),
        });
        let task = tokio::spawn(Arc::clone(&sampler).run());
        *lock(&sampler.task) = Some(task.abort_handle());
        Ok(sampler)
    }

    async fn run(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    async fn look(self: &Arc<Self>) {
        let listed = self
            .inventory
            .list(None, usize::MAX)
            .ok()
            .map(|page| page.0);
        let on: Vec<Arc<Vm>> = listed
            .iter()
            .flatten()
            .filter(|vm| vm.state != PowerState::Off)
            .cloned()
            .collect();
        self.ask_disks(&on);
        let (sources, measured) = (self.sources.clone(), on.clone());
        let read = self
            .inventory
            .blocking(move |hypervisor| Ok((Usage::read(&sources), hypervisor.usage(&measured))));
        match read.await {
            Ok((host, usage)) => self.take(&host, listed, on.into_iter().zip(usage)),
            Err(error) => tracing::warn!(%error, "nothing was measured"),
        }
    }

    /// Asks each VM that has answered before; answers are used at the next look.
    fn ask_disks(self: &Arc<Self>, on: &[Arc<Vm>]) {
        let mut disks = lock(&self.disks);
        let ids: HashSet<VmId> = on.iter().map(|vm| vm.id).collect();
        disks.retain(|id, disks| ids.contains(id) || disks.asked);
        for id in ids {
            let of_vm = disks.entry(id).or_default();
            if std::mem::replace(&mut of_vm.asked, true) {
                of_vm.latest = None;
                continue;
            }
            let sampler = Arc::clone(self);
            tokio::spawn(async move {
                let asked = sampler.inventory.blocking(move |h| h.disk_io(id));
                let latest = asked.await.ok().map(|io| (Instant::now(), io));
                let answered = Disks {
                    latest,
                    asked: false,
                };
                lock(&sampler.disks).insert(id, answered);
            });
        }
    }

    fn take(
        &self,
        host: &Usage,
        listed: Option<Vec<Arc<Vm>>>,
        on: impl Iterator<Item = (Arc<Vm>, VmUsage)>,
    ) {
        let (at, time) = (Instant::now(), Timestamp::now());
        let second = time.as_second();
        let mut state = lock(&self.state);
        self.keep(&mut state, second);
        let mut used: HashMap<VmId, (VmUsage, Option<DiskIo>)> = HashMap::new();
        let reading = Reading::of_host(at, host);
        let of_host = state
            .subjects
            .entry(None)
            .or_default()
            .take(second, reading);
        let mut vms = Vec::new();
        for (vm, usage) in on {
            let disks = lock(&self.disks).get(&vm.id).and_then(|disks| disks.latest);
            let reading = Reading::of_vm(at, &usage, disks);
            let subject = state.subjects.entry(Some(vm.id)).or_default();
            vms.push((vm.id, subject.take(second, reading)));
            used.insert(vm.id, (usage, disks.map(|disks| disks.1)));
        }
        state.counters = Arc::new(counters(host, listed, &used));
        let sample = Sample {
            time,
            host: of_host,
            vms,
        };
        // Nobody may be following.
        let _ = self.live.send(Arc::new(sample));
    }

    /// Writes the means whose step is over when `second` begins.
    fn keep(&self, state: &mut State, second: i64) {
        for (number, tier) in TIERS.into_iter().enumerate() {
            let step = tier.step();
            let now = second - second.rem_euclid(step);
            match state.begun[number].replace(now) {
                Some(begun) if begun != now => self.write(state, number, begun, second),
                _ => {}
            }
        }
    }

    fn write(&self, state: &mut State, tier: usize, begun: i64, second: i64) {
        let mut points = Vec::new();
        for (id, subject) in &mut state.subjects {
            let values = subject.finish(tier);
            if values.is_empty() {
                continue;
            }
            points.push((id.map(|id| id.to_string()).unwrap_or_default(), values));
        }
        self.history.add(TIERS[tier], begun, points);
        if tier + 1 == TIERS.len() {
            // What was silent for all of the longest step is over.
            state.subjects.retain(|_, subject| subject.is_alive(second));
            self.history.prune(second);
        }
    }

    pub(super) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&lock(&self.state).counters)
    }

    pub(super) fn recent(&self, vm: Option<VmId>) -> Vec<Point> {
        let state = lock(&self.state);
        state
            .subjects
            .get(&vm)
            .map(Subject::recent)
            .unwrap_or_default()
    }

    pub(super) async fn close(&self) -> Result<()> {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
        {
            let mut state = lock(&self.state);
            let now = Timestamp::now().as_second();
            for tier in 0..TIERS.len() {
                if let Some(begun) = state.begun[tier].take() {
                    self.write(&mut state, tier, begun, now);
                }
            }
        }
        self.history.flush().await
    }
}

fn counters(
    host: &Usage,
    listed: Option<Vec<Arc<Vm>>>,
    used: &HashMap<VmId, (VmUsage, Option<DiskIo>)>,
) -> Counters {
    let of_vm = |vm: Arc<Vm>| {
        let (usage, disks) = used.get(&vm.id).copied().unwrap_or_default();
        VmCounters { vm, usage, disks }
    };
    Counters {
        host: host.clone(),
        vms: listed.map(|vms| vms.into_iter().map(of_vm).collect()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
