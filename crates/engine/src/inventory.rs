//! Every VM as last observed. Owns the copy that lists and reads are answered from, and keeps it true
//! by the hypervisor's signals instead of polling. Each difference becomes exactly one event.
//!
//! ```text
//!            Connected: list, observe each            Disconnected
//! Waiting ───────────────────────────────▶ Current ───────────────▶ Waiting
//! ```
//! Only `Current` answers; the rest of the time what we knew may be wrong, and nobody is told it.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use qx_host::vm_files::VmFiles;
use qx_hypervisor::{Error as HypervisorError, Hypervisor, Signal};
use qx_model::vm::{PowerState, Vm, VmId};
use tokio::sync::mpsc;

use crate::blocking::blocking;
use crate::console::Consoles;
use crate::error::{Error, Result};
use crate::events::{EventKind, Events};
use crate::queue::Queues;

/// Pause after the list of VMs could not be read although the hypervisor answers.
const RETRY: Duration = Duration::from_secs(1);

/// VMs that are observed at the same time after a (re)connection.
const OBSERVERS: usize = 8;

/// The observed VMs. Clones share them.
#[derive(Clone)]
pub(crate) struct Inventory {
    inner: Arc<Inner>,
}

struct Inner {
    hypervisor: Arc<dyn Hypervisor>,
    events: Events,
    consoles: Consoles,
    /// Copies beside the VMs' disks.
    files: VmFiles,
    known: Mutex<Known>,
    /// Observations of one VM happen one after the other, so that an old one never wins.
    observing: Queues<VmId>,
    /// VMs that are about to be observed anyway.
    due: Mutex<HashSet<VmId>>,
}

struct Known {
    vms: BTreeMap<VmId, Arc<Vm>>,
    /// Counts connections and disconnections: what was begun in an earlier era has no say any more.
    era: u64,
    /// Why the copy can't be trusted; `None` is `Current`.
    waiting: Option<String>,
}

impl Inventory {
    /// Tells what no signal of the hypervisor tells.
    pub(crate) fn tell(&self, kind: EventKind) {
        self.inner.events.publish(kind);
    }

    /// Starts observing.
    pub(crate) fn start(
        hypervisor: Arc<dyn Hypervisor>,
        events: Events,
        consoles: Consoles,
        files: VmFiles,
    ) -> Self {
        let waiting = Some("the hypervisor has not been asked yet".to_owned());
        let inventory = Self {
            inner: Arc::new(Inner {
                hypervisor: Arc::clone(&hypervisor),
                events,
                consoles,
                files,
                known: Mutex::new(Known {
                    vms: BTreeMap::new(),
                    era: 0,
                    waiting,
                }),
                observing: Queues::new(),
                due: Mutex::new(HashSet::new()),
            }),
        };
        let (sender, signals) = mpsc::unbounded_channel();
        tokio::spawn(inventory.clone().follow(signals));
        // A closed channel means that the runtime is going down.
        hypervisor.subscribe(Box::new(move |signal| drop(sender.send(signal))));
        inventory
    }

    async fn follow(self, mut signals: mpsc::UnboundedReceiver<Signal>) {
        while let Some(signal) = signals.recv().await {
            match signal {
                Signal::Changed(id) | Signal::Removed(id) => self.observe_soon(id),
                Signal::NetworksChanged => {
                    self.inner.events.publish(EventKind::NetworksChanged);
                }
                Signal::PoolsChanged => {
                    self.inner.events.publish(EventKind::PoolsChanged);
                }
                Signal::Connected => {
                    let era = self.next_era(None);
                    tokio::spawn(self.clone().read_all(era));
                }
                Signal::Disconnected(reason) => {
                    tracing::warn!(%reason, "the hypervisor does not answer");
                    self.next_era(Some(reason));
                    self.inner.events.publish(EventKind::HostChanged);
                }
            }
        }
    }

    fn observe_soon(&self, id: VmId) {
        let new = self
            .inner
            .due
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id);
        if !new {
            return;
        }
        let inventory = self.clone();
        tokio::spawn(async move {
            if let Err(error) = inventory.observe(id).await
                && !matches!(error, Error::NotFound { .. })
            {
                tracing::warn!(vm = %id, %error, "a change could not be read");
            }
        });
    }

    /// Begins the next era and returns its number. The copy is `Current` only when all was read in it.
    fn next_era(&self, reason: Option<String>) -> u64 {
        let mut known = self.known();
        known.era += 1;
        known.waiting = Some(reason.unwrap_or_else(|| "its VMs are being read".into()));
        known.era
    }

    /// Reads everything, as often as it takes, unless the era ends.
    async fn read_all(self, era: u64) {
        loop {
            let lost = self.read_once().await;
            {
                let mut known = self.known();
                if known.era != era {
                    return;
                }
                known.waiting = lost.as_ref().err().map(ToString::to_string);
            }
            let Err(error) = lost else { break };
            tracing::warn!(%error, "the VMs could not be read");
            tokio::time::sleep(RETRY).await;
        }
        self.inner.events.publish(EventKind::HostChanged);
    }

    async fn read_once(&self) -> Result<()> {
        let listed = self.blocking(|hypervisor| hypervisor.list()).await?;
        let gone: Vec<VmId> = {
            let current: HashSet<VmId> = listed.iter().copied().collect();
            self.known()
                .vms
                .keys()
                .filter(|id| !current.contains(id))
                .copied()
                .collect()
        };
        let limit = Arc::new(tokio::sync::Semaphore::new(OBSERVERS));
        let mut observers = tokio::task::JoinSet::new();
        for id in listed.into_iter().chain(gone) {
            let (inventory, limit) = (self.clone(), Arc::clone(&limit));
            observers.spawn(async move {
                let _permit = limit.acquire_owned().await;
                (id, inventory.observe(id).await)
            });
        }
        for (id, observed) in observers.join_all().await {
            match observed {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error @ Error::Unavailable { .. }) => return Err(error),
                // One VM that can't be read must not hide the others.
                Err(error) => tracing::error!(vm = %id, %error, "a VM can't be read"),
            }
        }
        Ok(())
    }

    /// Looks at one VM now, whatever is known; publishes what is different.
    pub(crate) async fn observe(&self, id: VmId) -> Result<Arc<Vm>> {
        let _turn = self.inner.observing.turn(id).await;
        self.inner
            .due
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        match self.blocking(move |hypervisor| hypervisor.get(id)).await {
            Ok(vm) => {
                let vm = self.store(vm);
                self.keep_files(&vm).await;
                Ok(vm)
            }
            Err(error @ Error::NotFound { .. }) => {
                // A VM that never was here may be waiting to come back.
                if self.forget(id) {
                    self.forget_files(id).await;
                }
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    fn store(&self, vm: Vm) -> Arc<Vm> {
        let vm = Arc::new(vm);
        let changed = {
            let mut known = self.known();
            let before = known.vms.insert(vm.id, Arc::clone(&vm));
            before.as_ref() != Some(&vm)
        };
        self.inner.consoles.observed(&vm);
        if changed {
            self.inner
                .events
                .publish(EventKind::VmChanged(Arc::clone(&vm)));
        }
        vm
    }

    /// Copies what a re-install would lose. A VM works without; the log says why there is none.
    async fn keep_files(&self, vm: &Arc<Vm>) {
        let (files, vm) = (self.inner.files.clone(), Arc::clone(vm));
        let id = vm.id;
        let keep = move || {
            let off = vm.state == PowerState::Off;
            let kept = files.keep(&vm.id.to_string(), &vm.name, off);
            kept.map_err(|error| Error::internal("a VM's files can't be copied", error))
        };
        if let Err(error) = blocking(keep).await {
            tracing::warn!(vm = %id, %error, "the copy of its definition is out of date");
        }
    }

    /// Removes the copies of a VM that was undefined.
    async fn forget_files(&self, id: VmId) {
        let files = self.inner.files.clone();
        let forget = move || {
            let forgotten = files.forget(&id.to_string());
            forgotten.map_err(|error| Error::internal("a VM's files can't be removed", error))
        };
        if let Err(error) = blocking(forget).await {
            tracing::warn!(vm = %id, %error, "the copy of its definition is left behind");
        }
    }

    /// Whether it was known.
    fn forget(&self, id: VmId) -> bool {
        let known = self.known().vms.remove(&id).is_some();
        self.inner.consoles.removed(id);
        if known {
            self.inner.events.publish(EventKind::VmRemoved(id));
        }
        known
    }

    /// One VM as last observed.
    pub(crate) fn get(&self, id: VmId) -> Result<Arc<Vm>> {
        let known = self.current()?;
        known.vms.get(&id).cloned().ok_or(Error::NotFound {
            what: "VM",
            id: id.to_string(),
        })
    }

    /// Up to `limit` VMs in id order, after `after`; and whether there are more.
    pub(crate) fn list(&self, after: Option<VmId>, limit: usize) -> Result<(Vec<Arc<Vm>>, bool)> {
        let known = self.current()?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = known
            .vms
            .range((from, Bound::Unbounded))
            .map(|(_, vm)| Arc::clone(vm));
        let page = rest.by_ref().take(limit).collect();
        Ok((page, rest.next().is_some()))
    }

    /// The first VM that `wanted` holds for.
    pub(crate) fn find(&self, wanted: impl Fn(&Vm) -> bool) -> Result<Option<Arc<Vm>>> {
        Ok(self.current()?.vms.values().find(|vm| wanted(vm)).cloned())
    }

    /// Every VM that `wanted` holds for.
    pub(crate) fn find_all(&self, wanted: impl Fn(&Vm) -> bool) -> Result<Vec<Arc<Vm>>> {
        let known = self.current()?;
        Ok(known
            .vms
            .values()
            .filter(|vm| wanted(vm))
            .cloned()
            .collect())
    }

    /// The VM that has this file in a drive.
    pub(crate) fn user_of(&self, file: &Path) -> Result<Option<Arc<Vm>>> {
        self.find(|vm| {
            vm.disks
                .iter()
                .any(|disk| disk.path.as_deref() == Some(file))
        })
    }

    /// Runs a blocking hypervisor call on a thread of its own.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Hypervisor) -> qx_hypervisor::Result<T> + Send + 'static,
    ) -> Result<T> {
        let hypervisor = Arc::clone(&self.inner.hypervisor);
        match tokio::task::spawn_blocking(move || call(hypervisor.as_ref())).await {
            Ok(result) => Ok(result?),
            Err(error) => Err(Error::internal(
                "a hypervisor call did not come back",
                error,
            )),
        }
    }

    /// Says so in the state if a call found the hypervisor gone before its signal came.
    fn current(&self) -> Result<MutexGuard<'_, Known>> {
        let known = self.known();
        match &known.waiting {
            None => Ok(known),
            Some(reason) => Err(HypervisorUnready(reason.clone()).into()),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.inner
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

struct HypervisorUnready(String);

impl From<HypervisorUnready> for Error {
    fn from(unready: HypervisorUnready) -> Self {
        HypervisorError::Unreachable {
            uri: "this host".into(),
            reason: unready.0,
        }
        .into()
    }
}
