//! Use cases for VMs. Owns their order: operations on one VM happen one after the other, in the order
//! they were asked for, and go on when the one who asked goes away. VMs never wait for each other.

use std::future::Future;
use std::sync::Arc;

use qx_hypervisor::Error as HypervisorError;
use qx_model::access::{Actor, Operation};
use qx_model::edit::VmEdit;
use qx_model::task::Cancel;
use qx_model::vm::{Fit, HypervisorInfo, PowerAction, Vm, VmId, VmSpec};

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::cloud_init;
use crate::console::{Consoles, SerialConsole};
use crate::create;
use crate::error::{Error, Result};
use crate::guest::Talks;
use crate::images::Images;
use crate::inventory::Inventory;
use crate::layout::Layout;
use crate::queue::Queues;
use crate::tasks::{Plan, Running, Started, Target, Tasks};
use crate::volumes::Volumes;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// In id order.
    pub items: Vec<T>,
    /// Pass as `after` to get the next part; `None` at the end.
    pub next: Option<VmId>,
}

/// The VMs of this host. Clones share them.
#[derive(Clone)]
pub struct Vms {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) inventory: Inventory,
    consoles: Consoles,
    pub(crate) images: Images,
    pub(crate) volumes: Volumes,
    pub(crate) layout: Layout,
    operations: Queues<VmId>,
    pub(crate) talks: Talks,
    pub(crate) tasks: Tasks,
    pub(crate) audit: Audit,
}

impl Vms {
    pub(crate) fn new(
        inventory: Inventory,
        consoles: Consoles,
        images: Images,
        volumes: Volumes,
        layout: Layout,
        tasks: Tasks,
        audit: Audit,
    ) -> Self {
        let operations = Queues::new();
        Self {
            inner: Arc::new(Inner {
                inventory,
                consoles,
                images,
                volumes,
                layout,
                operations,
                talks: Talks::new(),
                tasks,
                audit,
            }),
        }
    }

    /// VMs in id order: at most `limit` (1 to 1,000) of them, those after `after`.
    pub async fn list(
        &self,
        actor: &Actor,
        after: Option<VmId>,
        limit: usize,
    ) -> Result<Page<Arc<Vm>>> {
        authorize(actor, Operation::VmList)?;
        let (items, more) = self.inner.inventory.list(after, limit.clamp(1, 1000))?;
        let next = if more {
            items.last().map(|vm| vm.id)
        } else {
            None
        };
        Ok(Page { items, next })
    }

    /// One VM.
    pub async fn get(&self, actor: &Actor, id: VmId) -> Result<Arc<Vm>> {
        authorize(actor, Operation::VmGet)?;
        self.inner.inventory.get(id)
    }

    /// Makes a VM and its disks, powered off. Asking again with the same id and the same wish answers
    /// with the VM that is there.
    pub async fn create(&self, actor: &Actor, spec: VmSpec) -> Result<Arc<Vm>> {
        self.begin_create(actor, spec).await?.outcome().await
    }

    /// The same, as a task that goes on by itself.
    pub async fn begin_create(&self, actor: &Actor, spec: VmSpec) -> Result<Started<Arc<Vm>>> {
        let id = spec.id;
        if let Err(broken) = self.refuse(actor, &spec).await {
            let refused = async { Err(broken) };
            let audit = &self.inner.audit;
            return audit.change(actor, Operation::VmCreate, id, refused).await;
        }
        let target = Target::new("vm", id, &spec.name);
        let disks = u32::try_from(spec.disks.len()).unwrap_or(u32::MAX);
        let plan = Plan {
            operation: Operation::VmCreate,
            target,
            steps: &[
                ("make the disks", disks.saturating_mul(9)),
                ("define the VM", 1),
            ],
            cancel: Cancel::Possible,
        };
        self.as_task(actor, id, plan, async move |inner, task| {
            let _guards = create::create(&inner, &task, spec).await?;
            inner.inventory.observe(id).await
        })
        .await
    }

    /// Powers on; fine if it is on.
    pub async fn start(&self, actor: &Actor, id: VmId) -> Result<Arc<Vm>> {
        self.power(actor, id, PowerAction::Start).await
    }

    /// Presses the power button; the VM that is answered may still run. Fine if it is off.
    pub async fn shutdown(&self, actor: &Actor, id: VmId) -> Result<Arc<Vm>> {
        self.power(actor, id, PowerAction::Shutdown).await
    }

    /// Powers off at once; fine if it is off.
    pub async fn stop(&self, actor: &Actor, id: VmId) -> Result<Arc<Vm>> {
        self.power(actor, id, PowerAction::Stop).await
    }

    /// Does what fits the VM's state; fine if it is in the state that was asked for.
    pub async fn power(&self, actor: &Actor, id: VmId, action: PowerAction) -> Result<Arc<Vm>> {
        self.begin_power(actor, id, action).await?.outcome().await
    }

    /// What is wrong with a wish, before anything is done for it.
    async fn refuse(&self, actor: &Actor, spec: &VmSpec) -> Result<()> {
        authorize(actor, Operation::VmCreate)?;
        let broken = spec.check();
        if !broken.is_empty() {
            return Err(Error::Invalid(broken));
        }
        create::refuse(&self.inner, spec).await
    }

    /// The same, as a task that goes on by itself.
    pub async fn begin_power(
        &self,
        actor: &Actor,
        id: VmId,
        action: PowerAction,
    ) -> Result<Started<Arc<Vm>>> {
        let plan = Plan {
            operation: action.operation(),
            target: self.target(actor, action.operation(), id).await?,
            steps: &[],
            cancel: Plan::never("a change of a VM's power cannot be stopped half-way"),
        };
        self.as_task(actor, id, plan, async move |inner, _| {
            let called = inner
                .inventory
                .blocking(move |hypervisor| match hypervisor.power(id, action) {
                    Err(HypervisorError::WrongState { reason }) => Ok(Some(reason)),
                    other => other.map(|()| None),
                })
                .await;
            let vm = inner.inventory.observe(id).await;
            let Some(reason) = called? else { return vm };
            let vm = vm?;
            match action.fits(vm.state) {
                Fit::Already => Ok(vm),
                Fit::Never { is, instead } => Err(Error::Conflict {
                    reason: format!("the VM {} {is}", vm.name),
                    hint: instead.into(),
                }),
                Fit::Now => Err(HypervisorError::WrongState { reason }.into()),
            }
        })
        .await
    }

    /// Changes a VM; with `revision`, only if it still is the one that the caller saw.
    pub async fn edit(
        &self,
        actor: &Actor,
        id: VmId,
        revision: Option<Vec<String>>,
        edit: VmEdit,
    ) -> Result<Arc<Vm>> {
        self.queued(actor, Operation::VmEdit, id, async move |inner| {
            let inventory = &inner.inventory;
            let vm = inventory.observe(id).await?;
            if revision.is_some_and(|known| !known.contains(&vm.revision)) {
                return Err(Error::Stale {
                    what: format!("the VM {}", vm.name),
                });
            }
            let broken = edit.check(&vm);
            if !broken.is_empty() {
                return Err(Error::Invalid(broken));
            }
            if let Some(name) = &edit.name {
                let taken = |other: &Vm| other.id != id && other.name == name.as_str();
                if inventory.find(taken)?.is_some() {
                    return Err(HypervisorError::Exists {
                        what: format!("a VM named {name}"),
                    }
                    .into());
                }
            }
            let edited = inventory
                .blocking(move |hypervisor| hypervisor.edit(id, &edit))
                .await;
            // A part of it may have been done.
            let vm = inventory.observe(id).await;
            edited?;
            vm
        })
        .await
    }

    /// Removes a VM that is off; with `disks`, those that were made for it too.
    pub async fn delete(&self, actor: &Actor, id: VmId, disks: bool) -> Result<()> {
        self.begin_delete(actor, id, disks).await?.outcome().await
    }

    /// The same, as a task that goes on by itself.
    pub async fn begin_delete(&self, actor: &Actor, id: VmId, disks: bool) -> Result<Started<()>> {
        let steps = [("remove the VM", 1), ("delete its disks", 9)];
        let plan = Plan {
            operation: Operation::VmDelete,
            target: self.target(actor, Operation::VmDelete, id).await?,
            steps: &steps[..if disks { 2 } else { 1 }],
            cancel: Plan::never("a VM that is half removed would be of no use"),
        };
        self.as_task(actor, id, plan, async move |inner, task| {
            let inventory = &inner.inventory;
            let files: Vec<_> = match inventory.observe(id).await {
                Ok(vm) => vm
                    .disks
                    .iter()
                    .filter_map(|disk| disk.path.clone())
                    .collect(),
                Err(error) => return Err(error),
            };
            task.step(0);
            inventory
                .blocking(move |hypervisor| hypervisor.undefine(id))
                .await?;
            // It is no disk, and may hold what its guest alone should know.
            let disc = inner.layout.cloud_init(id);
            blocking(move || cloud_init::remove(&disc)).await?;
            if disks {
                task.step(1);
                // The copies first, and no observation that is under way writes them again.
                drop(inventory.observe(id).await);
                let directory = inner.layout.vm(id);
                inventory
                    .blocking(move |hypervisor| hypervisor.delete_disks(&directory))
                    .await?;
                inner.volumes.remove_made_for(id, &files).await?;
            }
            match inventory.observe(id).await {
                Err(Error::NotFound { .. }) => Ok(()),
                Ok(_) => Err(Error::Conflict {
                    reason: format!("VM {id} was defined again while it was being deleted"),
                    hint: "delete it again".into(),
                }),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Opens the first serial port; the VM may be off.
    pub async fn open_serial(&self, actor: &Actor, id: VmId) -> Result<SerialConsole> {
        let inner = &self.inner;
        let open = async {
            let vm = inner.inventory.get(id)?;
            inner.consoles.open(&vm).await
        };
        inner
            .audit
            .change(actor, Operation::VmConsole, id, open)
            .await
    }

    /// How many VMs the hypervisor knows, asked now: whether VMs can be managed.
    pub async fn count(&self) -> Result<usize> {
        let known = self
            .inner
            .inventory
            .blocking(|hypervisor| hypervisor.list());
        Ok(known.await?.len())
    }

    /// What VMs run on.
    pub async fn hypervisor(&self) -> Result<HypervisorInfo> {
        self.inner
            .inventory
            .blocking(|hypervisor| hypervisor.info())
            .await
    }

    /// A VM that is there, for a task about it.
    pub(crate) async fn target(
        &self,
        actor: &Actor,
        operation: Operation,
        id: VmId,
    ) -> Result<Target> {
        let inner = &self.inner;
        match authorize(actor, operation).and_then(|()| inner.inventory.get(id)) {
            Ok(vm) => Ok(Target::new("vm", id, &vm.name)),
            Err(error) => {
                let refused = async { Err(error) };
                inner.audit.change(actor, operation, id, refused).await
            }
        }
    }

    /// Runs `work` as [`Self::queued`] does, as a task.
    pub(crate) async fn as_task<T, F>(
        &self,
        actor: &Actor,
        id: VmId,
        plan: Plan<'_>,
        work: impl FnOnce(Arc<Inner>, Arc<Running>) -> F + Send + 'static,
    ) -> Result<Started<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let inner = Arc::clone(&self.inner);
        let operation = plan.operation;
        if let Err(refused) = authorize(actor, operation) {
            let refused = async { Err(refused) };
            return inner.audit.change(actor, operation, id, refused).await;
        }
        let (running, task) = inner.tasks.open(actor, plan);
        let (running, actor) = (Arc::new(running), actor.clone());
        let outcome = tokio::spawn(async move {
            let queued = async {
                let _turn = tokio::select! {
                    turn = inner.operations.turn(id) => turn,
                    true = running.stopped() => return Err(Error::Cancelled),
                };
                running.begin()?;
                work(Arc::clone(&inner), Arc::clone(&running)).await
            };
            let outcome = inner.audit.change(&actor, operation, id, queued).await;
            running.end(&outcome);
            outcome
        });
        Ok(Started::new(task, outcome))
    }

    /// Runs `work` when the VM's earlier operations are done, to its end even if the caller goes away.
    pub(crate) async fn queued<T, F>(
        &self,
        actor: &Actor,
        operation: Operation,
        id: VmId,
        work: impl FnOnce(Arc<Inner>) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let inner = Arc::clone(&self.inner);
        let actor = actor.clone();
        let running = tokio::spawn(async move {
            let queued = async {
                let _turn = inner.operations.turn(id).await;
                work(Arc::clone(&inner)).await
            };
            inner.audit.change(&actor, operation, id, queued).await
        });
        running
            .await
            .map_err(|error| Error::internal("a VM operation did not come back", error))?
    }
}
