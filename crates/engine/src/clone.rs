//! Cloning a VM that is off: its disks are copied (blocks shared where the file system can do that), and its definition
//! is taken with what must not be shared made anew. Leaves nothing behind when a step fails.

use std::path::Path;
use std::sync::Arc;

use qx_hypervisor::{CloneDefinition, DiskFile};
use qx_model::access::{Actor, Operation};
use qx_model::clone::VmClone;
use qx_model::storage::DiskFormat;
use qx_model::task::Cancel;
use qx_model::vm::{Vm, VmId};

use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::cloud_init::Documents;
use crate::create::{self, Made, Origin};
use crate::error::{Error, Result};
use crate::tasks::{Plan, Running, Started, Target};
use crate::vms::{Inner, Vms};

impl Vms {
    /// Makes a VM that is what `source` is, which must be off. Asking again with the same id and the same wish answers
    /// with the VM that is there.
    pub async fn begin_clone(
        &self,
        actor: &Actor,
        source: VmId,
        wish: VmClone,
    ) -> Result<Started<Arc<Vm>>> {
        let operation = Operation::VmClone;
        let looked = async {
            authorize(actor, operation)?;
            let broken = wish.check();
            if !broken.is_empty() {
                return Err(Error::Invalid(broken));
            }
            let vm = self.inner.inventory.observe(source).await?;
            if !create::was_made(&self.inner, wish.id, &mark(source, &wish)?).await? {
                create::refuse_name(&self.inner, &wish.name)?;
                origins(&self.inner, &vm, wish.id).await?;
            }
            Ok(vm)
        };
        let vm = match looked.await {
            Ok(vm) => vm,
            Err(error) => {
                let refused = async { Err(error) };
                let audit = &self.inner.audit;
                return audit.change(actor, operation, source, refused).await;
            }
        };
        let disks = u32::try_from(vm.disks.len()).unwrap_or(u32::MAX);
        let plan = Plan {
            operation,
            target: Target::new("vm", wish.id, &wish.name),
            steps: &[
                ("copy the disks", disks.saturating_mul(9)),
                ("define the VM", 1),
            ],
            cancel: Cancel::Possible,
        };
        self.as_task(actor, source, plan, async move |inner, task| {
            clone(&inner, &task, source, &wish).await?;
            inner.inventory.observe(wish.id).await
        })
        .await
    }
}

async fn clone(inner: &Inner, task: &Arc<Running>, source: VmId, wish: &VmClone) -> Result<()> {
    let mark = mark(source, wish)?;
    if create::was_made(inner, wish.id, &mark).await? {
        task.note("it is there already, made by an earlier request for the same");
        return Ok(());
    }
    create::refuse_name(inner, &wish.name)?;
    let vm = inner.inventory.observe(source).await?;
    let (mut targets, origins) = origins(inner, &vm, wish.id).await?;
    task.note(format!("a clone of the VM {}", vm.name));
    let mut made = Made::default();
    task.step(0);
    let done = async {
        create::make(inner, task, wish.id, &origins, &mut made).await?;
        let mut files = made.files.clone();
        if let Some(disc) = cloud_init(inner, &vm) {
            let (from, name) = (inner.layout.cloud_init(source), wish.name.clone());
            let (id, reading) = (wish.id, move || Documents::read(&from));
            let documents = blocking(reading).await?.of_clone(id, &name);
            let path = create::write_cloud_init(inner, id, documents, &mut made).await?;
            targets.push(disc);
            files.push(DiskFile {
                path,
                format: DiskFormat::Raw,
                block: false,
            });
        }
        // Somebody may have started it with other means, and what it writes meanwhile is torn.
        let vm = inner.inventory.observe(source).await?;
        refuse_on(&vm)?;
        task.no_way_back("the VM is being defined, which is over in a moment")?;
        task.step(1);
        let definition = CloneDefinition {
            id: wish.id,
            name: wish.name.clone(),
            description: wish.description.clone(),
            disks: targets.into_iter().zip(files).collect(),
            mark,
        };
        let defining = inner
            .inventory
            .blocking(move |hypervisor| hypervisor.define_clone(source, &definition));
        defining.await
    };
    let done = done.await;
    if done.is_err() {
        create::take_back(inner, made).await;
    }
    done
}

/// The targets of a VM's disks, and how the clone `id` comes to those.
async fn origins(inner: &Inner, vm: &Vm, id: VmId) -> Result<(Vec<String>, Vec<Origin>)> {
    refuse_on(vm)?;
    let own = inner.layout.vm(vm.id);
    let (mut targets, mut origins) = (Vec::new(), Vec::new());
    for disk in vm.disks.iter().filter(|disk| !disk.cdrom) {
        let Some(path) = &disk.path else { continue };
        let origin = if path.parent() == Some(&own) {
            let name = path.file_name().unwrap_or_default();
            Origin::Copied {
                from: path.clone(),
                to: inner.layout.vm(id).join(name),
            }
        } else {
            let wish = inner.volumes.wish_for_clone(id, path, origins.len());
            let found = wish.await?;
            Origin::Made(found.ok_or_else(|| elsewhere(vm, &disk.target, path))?)
        };
        targets.push(disk.target.clone());
        origins.push(origin);
    }
    Ok((targets, origins))
}

/// The target of the CD that the guest's cloud-init reads.
fn cloud_init(inner: &Inner, vm: &Vm) -> Option<String> {
    let path = inner.layout.cloud_init(vm.id);
    let own = vm
        .disks
        .iter()
        .find(|disk| disk.path.as_ref() == Some(&path));
    own.map(|disk| disk.target.clone())
}

fn elsewhere(vm: &Vm, target: &str, path: &Path) -> Error {
    Error::Conflict {
        reason: format!(
            "the disk {target} of the VM {} is {}, which is in no active storage pool",
            vm.name,
            path.display()
        ),
        hint: "make a storage pool of its directory, or start the one that has it".into(),
    }
}

fn refuse_on(vm: &Vm) -> Result<()> {
    if vm.state.is_off() {
        return Ok(());
    }
    Err(Error::Conflict {
        reason: format!("the VM {} is not off, and its disks change", vm.name),
        hint: "shut it down and clone it again".into(),
    })
}

fn mark(source: VmId, wish: &VmClone) -> Result<String> {
    create::digest(&("clone", source, wish))
}
