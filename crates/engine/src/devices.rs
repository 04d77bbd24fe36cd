//! Use cases for a VM's devices: disks, NICs and the CD drive, of VMs that are on or off.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use qx_hypervisor::{Device, DiskRequest, Limits};
use qx_model::access::{Actor, Operation};
use qx_model::device::{DiskLimits, NicLimits};
use qx_model::name::ImageName;
use qx_model::vm::{
    Disk, DiskSource, DiskSpec, FieldError, ImageFormat, NicSpec, Vm, VmId, check_disk_size,
};

use crate::create;
use crate::error::{Error, Result};
use crate::tasks::{Plan, Running, Started};
use crate::vms::{Inner, Vms};
use crate::volumes::Guard;

/// How long a guest may take to let a device go.
const PATIENCE: Duration = Duration::from_secs(20);
/// Volumes of disks that were unplugged whose names are passed over.
const MOST_KEPT: usize = 64;

impl Vms {
    /// Makes a disk and plugs it in.
    pub async fn attach_disk(
        &self,
        actor: &Actor,
        id: VmId,
        disk: DiskSpec,
        limits: DiskLimits,
    ) -> Result<Arc<Vm>> {
        let attaching = self.begin_attach_disk(actor, id, disk, limits);
        attaching.await?.outcome().await
    }

    /// The same, as a task that goes on by itself.
    pub async fn begin_attach_disk(
        &self,
        actor: &Actor,
        id: VmId,
        disk: DiskSpec,
        limits: DiskLimits,
    ) -> Result<Started<Arc<Vm>>> {
        let operation = Operation::VmDisk;
        self.device_task(actor, id, operation, async move |inner, task| {
            let mut broken = limits.check();
            let blank = disk.source == DiskSource::Blank;
            check_disk_size(disk.size_bytes, blank, "size_bytes", &mut broken);
            refuse(broken)?;
            task.note("make a disk and plug it in");
            let vm = inner.inventory.observe(id).await?;
            if disk.pool.is_some() || matches!(disk.source, DiskSource::Volume(_)) {
                let plugged = inner.plug_volume_in(&task, &vm, &disk, limits).await;
                let held = plugged.as_ref().ok().cloned();
                let seen = inner.seen(id, plugged.map(drop)).await;
                drop(held);
                return seen;
            }
            let file = inner.free_file(&vm);
            let request = create::own(&inner, &disk, file).await?;
            let plugged = inner
                .inventory
                .blocking(move |hypervisor| plug_in(hypervisor, id, &request, limits))
                .await;
            inner.seen(id, plugged).await
        })
        .await
    }

    /// Makes a disk larger, limits it, or both.
    pub async fn edit_disk(
        &self,
        actor: &Actor,
        id: VmId,
        target: String,
        size_bytes: Option<u64>,
        limits: Option<DiskLimits>,
    ) -> Result<Arc<Vm>> {
        self.queued(actor, Operation::VmDisk, id, async move |inner| {
            let vm = inner.inventory.observe(id).await?;
            let disk = disk_of(&vm, &target)?;
            let mut broken = limits.map(|limits| limits.check()).unwrap_or_default();
            if let Some(size) = size_bytes {
                check_growth(disk, size, &mut broken);
            }
            refuse(broken)?;
            let grow = match (size_bytes, &disk.path) {
                (Some(size), Some(file)) if disk.size_bytes != Some(size) => {
                    inner.refuse_foreign(&vm, file)?;
                    Some((file.clone(), size))
                }
                _ => None,
            };
            let done = inner
                .inventory
                .blocking(move |hypervisor| {
                    if let Some((file, size)) = grow {
                        hypervisor.grow_disk(id, &target, &file, size)?;
                    }
                    match limits {
                        Some(limits) => hypervisor.limit(id, &target, Limits::Disk(limits)),
                        None => Ok(()),
                    }
                })
                .await;
            inner.seen(id, done).await
        })
        .await
    }

    /// Unplugs a disk; with `delete`, its file goes too if it was made for this VM.
    pub async fn detach_disk(
        &self,
        actor: &Actor,
        id: VmId,
        target: String,
        delete: bool,
    ) -> Result<Arc<Vm>> {
        let detaching = self.begin_detach_disk(actor, id, target, delete);
        detaching.await?.outcome().await
    }

    /// The same, as a task that goes on by itself.
    pub async fn begin_detach_disk(
        &self,
        actor: &Actor,
        id: VmId,
        target: String,
        delete: bool,
    ) -> Result<Started<Arc<Vm>>> {
        let operation = Operation::VmDisk;
        self.device_task(actor, id, operation, async move |inner, task| {
            task.note(format!("unplug {target}"));
            let vm = inner.inventory.observe(id).await?;
            let file = disk_of(&vm, &target)?.path.clone();
            let file = file.filter(|_| delete);
            let volume: Vec<PathBuf> = file.iter().cloned().collect();
            let own = file.filter(|file| file.starts_with(inner.layout.vm(id)));
            let done = inner
                .inventory
                .blocking(move |hypervisor| {
                    hypervisor.detach(id, &target, PATIENCE)?;
                    match own {
                        Some(file) => hypervisor.delete_disk(&file),
                        None => Ok(()),
                    }
                })
                .await;
            let vm = inner.seen(id, done).await?;
            inner.volumes.remove_made_for(id, &volume).await?;
            Ok(vm)
        })
        .await
    }

    /// Plugs a NIC in.
    pub async fn attach_nic(
        &self,
        actor: &Actor,
        id: VmId,
        nic: NicSpec,
        limits: NicLimits,
    ) -> Result<Arc<Vm>> {
        self.queued(actor, Operation::VmNic, id, async move |inner| {
            refuse(limits.check())?;
            if inner.inventory.observe(id).await?.nics.len() >= 8 {
                return Err(Error::Conflict {
                    reason: format!("VM {id} has 8 NICs already"),
                    hint: "remove one first".into(),
                });
            }
            let device = Device::Nic { nic, limits };
            let done = inner
                .inventory
                .blocking(move |hypervisor| hypervisor.attach(id, &device))
                .await;
            inner.seen(id, done).await
        })
        .await
    }

    /// Limits a NIC.
    pub async fn limit_nic(
        &self,
        actor: &Actor,
        id: VmId,
        mac: String,
        limits: NicLimits,
    ) -> Result<Arc<Vm>> {
        self.queued(actor, Operation::VmNic, id, async move |inner| {
            refuse(limits.check())?;
            let done = inner
                .inventory
                .blocking(move |hypervisor| hypervisor.limit(id, &mac, Limits::Nic(limits)))
                .await;
            inner.seen(id, done).await
        })
        .await
    }

    /// Unplugs a NIC.
    pub async fn detach_nic(&self, actor: &Actor, id: VmId, mac: String) -> Result<Arc<Vm>> {
        let detaching = self.begin_detach_nic(actor, id, mac);
        detaching.await?.outcome().await
    }

    /// The same, as a task that goes on by itself.
    pub async fn begin_detach_nic(
        &self,
        actor: &Actor,
        id: VmId,
        mac: String,
    ) -> Result<Started<Arc<Vm>>> {
        let operation = Operation::VmNic;
        self.device_task(actor, id, operation, async move |inner, task| {
            task.note(format!("unplug {mac}"));
            let done = inner
                .inventory
                .blocking(move |hypervisor| hypervisor.detach(id, &mac, PATIENCE))
                .await;
            inner.seen(id, done).await
        })
        .await
    }

    /// What makes a disk, or waits for a guest.
    async fn device_task<F>(
        &self,
        actor: &Actor,
        id: VmId,
        operation: Operation,
        work: impl FnOnce(Arc<Inner>, Arc<Running>) -> F + Send + 'static,
    ) -> Result<Started<Arc<Vm>>>
    where
        F: Future<Output = Result<Arc<Vm>>> + Send,
    {
        let plan = Plan {
            operation,
            target: self.target(actor, operation, id).await?,
            steps: &[],
            cancel: Plan::never("a device is plugged in or not: there is no way back half-way"),
        };
        self.as_task(actor, id, plan, work).await
    }

    /// Puts an image of the library into the CD drive, or takes the disc out.
    pub async fn set_cd(
        &self,
        actor: &Actor,
        id: VmId,
        image: Option<ImageName>,
        force: bool,
    ) -> Result<Arc<Vm>> {
        self.queued(actor, Operation::VmCdrom, id, async move |inner| {
            let iso = match &image {
                None => None,
                Some(name) => Some(inner.iso(name).await?),
            };
            let done = inner
                .inventory
                .blocking(move |hypervisor| hypervisor.set_cd(id, iso.as_deref(), force))
                .await;
            inner.seen(id, done).await
        })
        .await
    }
}

impl Inner {
    /// The VM after a call that may have failed half-way: the call's error comes first.
    async fn seen(&self, id: VmId, done: Result<()>) -> Result<Arc<Vm>> {
        let vm = self.inventory.observe(id).await;
        done?;
        vm
    }

    /// Plugs a volume in: one that is there, or a new one, which is not left behind. What keeps others away from the
    /// first is held until the VM was observed.
    async fn plug_volume_in(
        &self,
        task: &Arc<Running>,
        vm: &Vm,
        disk: &DiskSpec,
        limits: DiskLimits,
    ) -> Result<Option<Arc<Guard>>> {
        let id = vm.id;
        let mut made = None;
        let (file, guard) = if let DiskSource::Volume(volume) = &disk.source {
            refuse(disk.check_place(""))?;
            let (file, guard) = self.volumes.for_vm(id, volume).await?;
            (file, Some(Arc::new(guard)))
        } else {
            let pool = disk
                .pool
                .ok_or_else(|| Error::field("pool", "is required"))?;
            let mut number = vm.disks.len();
            let wish = loop {
                match self.volumes.wish_for_vm(id, disk, pool, number).await {
                    // A disk that was unplugged, and kept.
                    Err(Error::Conflict { .. }) if number < vm.disks.len() + MOST_KEPT => {
                        number += 1
                    }
                    wish => break wish?,
                }
            };
            let volume = wish.volume.clone();
            let file = self.volumes.make(task, wish, (0, 1)).await?;
            made = Some(volume);
            (file, None)
        };
        let device = Device::Disk { file, limits };
        let plugged = self
            .inventory
            .blocking(move |hypervisor| hypervisor.attach(id, &device))
            .await;
        if plugged.is_err()
            && let Some(volume) = made
        {
            self.volumes.unmake(volume).await;
        }
        plugged.map(|()| guard)
    }

    async fn iso(&self, name: &ImageName) -> Result<PathBuf> {
        match self.images.describe(name).await? {
            Some(image) if image.format != ImageFormat::Qcow2 => Ok(self.layout.image(name)),
            Some(_) => Err(Error::field(
                "image",
                format!("must be an ISO image, but {name} is a qcow2 disk"),
            )),
            None => Err(Error::field("image", create::missing(name))),
        }
    }

    /// A path in the VM's directory that no file and no drive has.
    fn free_file(&self, vm: &Vm) -> PathBuf {
        let mut index = 0;
        loop {
            let file = self.layout.disk(vm.id, index);
            let used = vm
                .disks
                .iter()
                .any(|disk| disk.path.as_ref() == Some(&file));
            if !used && !file.exists() {
                return file;
            }
            index += 1;
        }
    }

    /// A file elsewhere belongs to whoever put it there; QEMU, which has it open, may grow it all the same.
    fn refuse_foreign(&self, vm: &Vm, file: &std::path::Path) -> Result<()> {
        if vm.state.is_on() || file.starts_with(self.layout.vm(vm.id)) {
            return Ok(());
        }
        Err(Error::Conflict {
            reason: format!("{} was not made for the VM {}", file.display(), vm.name),
            hint: "start the VM, and grow the disk while it runs".into(),
        })
    }
}

/// A disk that can't be plugged in leaves no file behind.
fn plug_in(
    hypervisor: &dyn qx_hypervisor::Hypervisor,
    id: VmId,
    request: &DiskRequest,
    limits: DiskLimits,
) -> qx_hypervisor::Result<()> {
    hypervisor.create_disk(request)?;
    let device = Device::Disk {
        file: request.path.clone().into(),
        limits,
    };
    hypervisor.attach(id, &device).inspect_err(|_| {
        if let Err(error) = hypervisor.delete_disk(&request.path) {
            tracing::error!(file = %request.path.display(), %error, "a disk was left behind");
        }
    })
}

fn disk_of<'a>(vm: &'a Vm, target: &str) -> Result<&'a Disk> {
    let found = vm.disks.iter().find(|disk| disk.target == target);
    found.filter(|disk| !disk.cdrom).ok_or(Error::NotFound {
        what: "disk",
        id: target.to_owned(),
    })
}

fn check_growth(disk: &Disk, size: u64, broken: &mut Vec<FieldError>) {
    check_disk_size(Some(size), false, "size_bytes", broken);
    let reason = match disk.size_bytes {
        Some(now) if size < now => format!("must be at least {now}, its size now: disks only grow"),
        None => "can't be changed: the size of this disk can't be told".into(),
        Some(_) => return,
    };
    broken.push(FieldError::new("size_bytes", reason));
}

fn refuse(broken: Vec<FieldError>) -> Result<()> {
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(broken))
    }
}
