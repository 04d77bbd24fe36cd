//! Figures of the host and of its VMs: as they are now, second by second, and in the past. Owns the sampler
//! and the file of the past; knows no wire format.
//!
//! ```text
//! every second:  procfs ─ host, VMs' processes ─┐
//!                QEMU ─── disks, each VM apart ─┴▶ counters ─▶ figures ─▶ live, last 2 minutes
//!                                                                 └─ means of 10 s and 5 min ─▶ file
//! ```
//! CPU, memory and traffic never wait for a guest. The disks of a VM are asked for on a thread of its own, and
//! not again before it has answered: a VM that hangs lacks these figures, and no other VM notices.

mod history;
mod plan;
mod rates;
mod sampler;
mod subject;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use qx_hypervisor::VmUsage;
use qx_model::access::{Actor, Operation};
use qx_model::metrics::{DiskIo, Mean, Values};
use qx_model::vm::{Vm, VmId};
use tokio::sync::broadcast;

use crate::authorize::authorize;
use crate::error::Result;
use crate::inventory::Inventory;
use plan::Plan;
use sampler::Sampler;

pub use qx_host::inventory::Usage as HostUsage;

/// Figures of one second.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When.
    pub time: Timestamp,
    /// Of the host.
    pub host: Values,
    /// Of the VMs that are not off, in id order.
    pub vms: Vec<(VmId, Values)>,
}

/// What was counted so far.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Of the host, since it started.
    pub host: HostUsage,
    /// All VMs, in id order; `None` when the hypervisor does not answer.
    pub vms: Option<Vec<VmCounters>>,
}

/// What was counted of one VM since it started.
#[derive(Debug, Clone)]
pub struct VmCounters {
    /// The VM.
    pub vm: Arc<Vm>,
    /// Nothing while it is off.
    pub usage: VmUsage,
    /// `None` while it is off or does not answer.
    pub disks: Option<DiskIo>,
}

/// Figures of the past: point `n` begins at `start` plus `n` steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Where the first point begins.
    pub start: Timestamp,
    /// Seconds of which each point is the mean.
    pub step_s: u64,
    /// The points, those without any figure too.
    pub points: Vec<Values>,
}

/// The figures. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    inventory: Inventory,
    sampler: Arc<Sampler>,
}

impl Metrics {
    pub(crate) fn start(inventory: Inventory, file: &Path) -> Result<Self> {
        let sampler = Sampler::start(inventory.clone(), file)?;
        Ok(Self { inventory, sampler })
    }

    /// The host's last `range_s` seconds (an hour), in points of `step_s` seconds (what fits the range).
    pub async fn of_host(
        &self,
        actor: &Actor,
        range_s: Option<u64>,
        step_s: Option<u64>,
    ) -> Result<Series> {
        authorize(actor, Operation::MetricsRead)?;
        self.series(None, range_s, step_s).await
    }

    /// A VM's, as [`Metrics::of_host`].
    pub async fn of_vm(
        &self,
        actor: &Actor,
        id: VmId,
        range_s: Option<u64>,
        step_s: Option<u64>,
    ) -> Result<Series> {
        authorize(actor, Operation::MetricsRead)?;
        self.inventory.get(id)?;
        self.series(Some(id), range_s, step_s).await
    }

    /// Each second's figures from now on. A receiver that lags behind has lost some, which is no harm.
    pub fn live(&self, actor: &Actor) -> Result<broadcast::Receiver<Arc<Sample>>> {
        authorize(actor, Operation::MetricsRead)?;
        Ok(self.sampler.live.subscribe())
    }

    /// What was counted so far, as of the last second.
    pub fn counters(&self, actor: &Actor) -> Result<Arc<Counters>> {
        authorize(actor, Operation::MetricsRead)?;
        Ok(self.sampler.counters())
    }

    async fn series(
        &self,
        vm: Option<VmId>,
        range_s: Option<u64>,
        step_s: Option<u64>,
    ) -> Result<Series> {
        let plan = Plan::new(range_s, step_s)?;
        let start = plan.start(Timestamp::now().as_second());
        let found = match plan.tier {
            None => self.sampler.recent(vm),
            Some(tier) => {
                let subject = vm.map(|id| id.to_string()).unwrap_or_default();
                self.sampler.history.read(tier, subject, start).await?
            }
        };
        let mut means = vec![Mean::default(); usize::try_from(plan.points).unwrap_or_default()];
        for (time, values) in found {
            let at = (time - start).div_euclid(plan.step_s.cast_signed());
            if let Some(mean) = usize::try_from(at).ok().and_then(|at| means.get_mut(at)) {
                mean.add(&values);
            }
        }
        Ok(Series {
            start: Timestamp::from_second(start).unwrap_or_default(),
            step_s: plan.step_s,
            points: means.iter().map(Mean::values).collect(),
        })
    }

    /// Ends the sampling and waits until what was measured is in the file.
    pub(crate) async fn close(&self) -> Result<()> {
        self.sampler.close().await
    }
}
