//! Use cases for snapshots. What can be taken when is the hypervisor's to say; each change is a task in the
//! VM's queue.

use std::sync::Arc;

use qx_model::access::{Actor, Operation};
use qx_model::snapshot::{RevertTo, Snapshot, SnapshotSpec};
use qx_model::vm::VmId;

use crate::authorize::authorize;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::tasks::{Plan, Running, Started};
use crate::vms::{Inner, Vms};

impl Vms {
    /// A VM's snapshots, oldest first.
    pub async fn snapshots(&self, actor: &Actor, id: VmId) -> Result<Vec<Snapshot>> {
        authorize(actor, Operation::SnapshotList)?;
        let listing = self
            .inner
            .inventory
            .blocking(move |hypervisor| hypervisor.snapshots(id));
        let mut snapshots = listing.await?;
        snapshots.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        Ok(snapshots)
    }

    /// Keeps a VM as it is.
    pub async fn begin_snapshot(
        &self,
        actor: &Actor,
        id: VmId,
        spec: SnapshotSpec,
    ) -> Result<Started<()>> {
        let operation = Operation::SnapshotCreate;
        let broken = spec.check();
        self.snapshot_task(actor, id, operation, broken, async move |inner, task| {
            task.note(match spec.memory {
                true => format!("snapshot {}, with memory", spec.name),
                false => format!("snapshot {}, of the disks", spec.name),
            });
            let taking = inner
                .inventory
                .blocking(move |hypervisor| hypervisor.take_snapshot(id, &spec));
            taking.await
        })
        .await
    }

    /// Makes a VM what it was; what it is now is lost.
    pub async fn begin_revert(
        &self,
        actor: &Actor,
        id: VmId,
        name: String,
        to: RevertTo,
    ) -> Result<Started<()>> {
        let operation = Operation::SnapshotRevert;
        self.snapshot_task(
            actor,
            id,
            operation,
            Vec::new(),
            async move |inner, task| {
                task.note(format!("to snapshot {name}"));
                let reverting = inner
                    .inventory
                    .blocking(move |hypervisor| hypervisor.revert_snapshot(id, &name, to));
                reverting.await
            },
        )
        .await
    }

    /// Forgets a snapshot; with `children`, those after it too.
    pub async fn begin_delete_snapshot(
        &self,
        actor: &Actor,
        id: VmId,
        name: String,
        children: bool,
    ) -> Result<Started<()>> {
        let operation = Operation::SnapshotDelete;
        self.snapshot_task(
            actor,
            id,
            operation,
            Vec::new(),
            async move |inner, task| {
                task.note(match children {
                    true => format!("snapshot {name}, and those after it"),
                    false => format!("snapshot {name}"),
                });
                let deleting = inner
                    .inventory
                    .blocking(move |hypervisor| hypervisor.delete_snapshot(id, &name, children));
                deleting.await
            },
        )
        .await
    }

    async fn snapshot_task<F>(
        &self,
        actor: &Actor,
        id: VmId,
        operation: Operation,
        broken: Vec<qx_model::vm::FieldError>,
        work: impl FnOnce(Arc<Inner>, Arc<Running>) -> F + Send + 'static,
    ) -> Result<Started<()>>
    where
        F: Future<Output = Result<()>> + Send,
    {
        let target = self.target(actor, operation, id).await?;
        if !broken.is_empty() {
            return Err(Error::Invalid(broken));
        }
        let plan = Plan {
            operation,
            target,
            steps: &[],
            cancel: Plan::never("a snapshot is made, taken up or merged as a whole"),
        };
        self.as_task(actor, id, plan, async move |inner, task| {
            let done = work(Arc::clone(&inner), task).await;
            // A part of it may have been done, and a revert changes the VM.
            let vm = inner.inventory.observe(id).await;
            inner.inventory.tell(EventKind::SnapshotsChanged(id));
            done.and(vm.map(drop))
        })
        .await
    }
}
