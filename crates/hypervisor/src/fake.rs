//! A hypervisor in memory: no guest runs, but every rule of the trait holds, and faults can be caused.
//! It lives beside the trait so that the engine's tests need no libvirt. The product never uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use qx_model::edit::{VmEdit, pending};
use qx_model::metrics::DiskIo;
use qx_model::vm::{
    Accelerator, Disk, HypervisorInfo, Nic, NicSpec, PowerAction, PowerState, Vm, VmId,
};

use self::line::Line;
use crate::{
    Definition, DiskRequest, Error, Hypervisor, Result, SerialPort, Signal, Sink, VmUsage, judge,
    judge_edit,
};

mod line;

/// VMs in memory. Its guests shut down when asked and echo what they read on the serial line.
#[derive(Default)]
pub struct Fake {
    world: Mutex<World>,
    /// Told when a stuck VM is freed.
    freed: Condvar,
    sinks: Mutex<Vec<Sink>>,
}

#[derive(Default)]
struct World {
    vms: BTreeMap<VmId, Machine>,
    disks: BTreeMap<PathBuf, u64>,
    stuck: BTreeSet<VmId>,
    used: BTreeMap<VmId, (VmUsage, DiskIo)>,
    unreachable: Option<String>,
}

struct Machine {
    /// As configured.
    vm: Vm,
    /// As it was when it was powered on; of interest only while it is.
    running: Vm,
    edits: u64,
    mark: String,
    line: Option<Arc<Line>>,
}

impl Fake {
    /// Makes every call on this VM hang until [`Fake::free`], as a QEMU that does not answer would.
    pub fn stick(&self, id: VmId) {
        self.world().stuck.insert(id);
    }

    /// Ends [`Fake::stick`].
    pub fn free(&self, id: VmId) {
        self.world().stuck.remove(&id);
        self.freed.notify_all();
    }

    /// Sets what a VM has used so far.
    pub fn uses(&self, id: VmId, usage: VmUsage, disks: DiskIo) {
        self.world().used.insert(id, (usage, disks));
    }

    /// Makes every call fail until [`Fake::reconnect`].
    pub fn disconnect(&self, reason: &str) {
        self.world().unreachable = Some(reason.to_owned());
        self.signal(&Signal::Disconnected(reason.to_owned()));
    }

    /// Ends [`Fake::disconnect`].
    pub fn reconnect(&self) {
        self.world().unreachable = None;
        self.signal(&Signal::Connected);
    }

    /// The disk files that were made and not removed, with their virtual sizes.
    pub fn disks(&self) -> BTreeMap<PathBuf, u64> {
        self.world().disks.clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reachable(&self) -> Result<MutexGuard<'_, World>> {
        let world = self.world();
        match &world.unreachable {
            None => Ok(world),
            Some(reason) => Err(Error::Unreachable {
                uri: "fake:///".into(),
                reason: reason.clone(),
            }),
        }
    }

    /// Waits while the VM is stuck.
    fn of(&self, id: VmId) -> Result<MutexGuard<'_, World>> {
        let world = self.reachable()?;
        let stuck = |world: &mut World| world.stuck.contains(&id);
        let world = self
            .freed
            .wait_while(world, stuck)
            .unwrap_or_else(PoisonError::into_inner);
        if world.vms.contains_key(&id) {
            Ok(world)
        } else {
            Err(Error::NoSuchVm(id))
        }
    }

    fn signal(&self, signal: &Signal) {
        for sink in self
            .sinks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            sink(signal.clone());
        }
    }

    /// The machine that `world` holds under this id.
    fn machine(world: &mut World, id: VmId) -> Result<&mut Machine> {
        world.vms.get_mut(&id).ok_or(Error::NoSuchVm(id))
    }
}

impl Hypervisor for Fake {
    fn info(&self) -> Result<HypervisorInfo> {
        drop(self.reachable()?);
        Ok(HypervisorInfo {
            accelerator: Accelerator::Test,
            libvirt_version: "0.0.0".into(),
            qemu_version: None,
            note: Some("VMs are held in memory: no guest runs".into()),
        })
    }

    fn list(&self) -> Result<Vec<VmId>> {
        Ok(self.reachable()?.vms.keys().copied().collect())
    }

    fn get(&self, id: VmId) -> Result<Vm> {
        let world = self.of(id)?;
        world
            .vms
            .get(&id)
            .map(Machine::observe)
            .ok_or(Error::NoSuchVm(id))
    }

    fn creation_mark(&self, id: VmId) -> Result<Option<String>> {
        let world = self.of(id)?;
        Ok(world.vms.get(&id).map(|machine| machine.mark.clone()))
    }

    fn define(&self, definition: &Definition) -> Result<()> {
        let mut world = self.reachable()?;
        let (id, name) = (definition.spec.id, definition.spec.name.as_str());
        let taken = world
            .vms
            .values()
            .any(|machine| machine.vm.id == id || machine.vm.name == name);
        if taken {
            return Err(Error::Exists {
                what: format!("a VM with the id {id} or the name {name}"),
            });
        }
        let machine = Machine {
            vm: observed(definition),
            running: observed(definition),
            edits: 0,
            mark: definition.mark.clone(),
            line: None,
        };
        world.vms.insert(id, machine);
        drop(world);
        self.signal(&Signal::Changed(id));
        Ok(())
    }

    fn undefine(&self, id: VmId) -> Result<()> {
        let mut world = self.of(id)?;
        if world
            .vms
            .get(&id)
            .is_some_and(|machine| machine.vm.state.is_on())
        {
            return Err(Error::WrongState {
                reason: format!("VM {id} is running: stop it first"),
            });
        }
        world.vms.remove(&id);
        drop(world);
        self.signal(&Signal::Removed(id));
        Ok(())
    }

    fn edit(&self, id: VmId, edit: &VmEdit) -> Result<()> {
        let mut world = self.of(id)?;
        let machine = Self::machine(&mut world, id)?;
        judge_edit(id, machine.vm.state, edit)?;
        machine.edit(edit);
        drop(world);
        self.signal(&Signal::Changed(id));
        Ok(())
    }

    fn power(&self, id: VmId, action: PowerAction) -> Result<()> {
        let mut world = self.of(id)?;
        let machine = Self::machine(&mut world, id)?;
        judge(id, machine.vm.state, action)?;
        let was_on = machine.vm.state.is_on();
        if action == PowerAction::Start && machine.vm.state != PowerState::Saved {
            machine.running = machine.vm.clone();
        }
        machine.vm.state = match action {
            PowerAction::Start | PowerAction::Resume => PowerState::Running,
            PowerAction::Reboot | PowerAction::Reset => machine.vm.state,
            PowerAction::Shutdown | PowerAction::Stop => PowerState::Off,
            PowerAction::Pause => PowerState::Paused,
            PowerAction::Suspend => PowerState::Saved,
        };
        match (was_on, machine.vm.state.is_on()) {
            (true, false) => drop(machine.line.take().inspect(|line| line.hang_up())),
            (false, true) => machine.line = Some(Arc::default()),
            _ => {}
        }
        drop(world);
        self.signal(&Signal::Changed(id));
        Ok(())
    }

    fn create_disk(&self, disk: &DiskRequest) -> Result<()> {
        let mut world = self.reachable()?;
        if world.disks.contains_key(&disk.path) {
            return Err(Error::Exists {
                what: format!("the disk {}", disk.path.display()),
            });
        }
        world.disks.insert(disk.path.clone(), disk.size_bytes);
        Ok(())
    }

    fn delete_disks(&self, directory: &Path) -> Result<()> {
        self.reachable()?
            .disks
            .retain(|path, _| !path.starts_with(directory));
        Ok(())
    }

    fn open_serial(&self, id: VmId) -> Result<SerialPort> {
        let world = self.of(id)?;
        let line = world.vms.get(&id).and_then(|machine| machine.line.clone());
        let line = line.ok_or_else(|| Error::WrongState {
            reason: format!("VM {id} is not running"),
        })?;
        Ok(line::open(&line))
    }

    fn usage(&self, vms: &[Arc<Vm>]) -> Vec<VmUsage> {
        let world = self.world();
        vms.iter()
            .map(|vm| {
                world
                    .used
                    .get(&vm.id)
                    .map(|used| used.0)
                    .unwrap_or_default()
            })
            .collect()
    }

    fn disk_io(&self, id: VmId) -> Result<DiskIo> {
        let world = self.of(id)?;
        Ok(world.used.get(&id).map(|used| used.1).unwrap_or_default())
    }

    fn subscribe(&self, sink: Sink) {
        let unreachable = self.world().unreachable.clone();
        sink(unreachable.map_or(Signal::Connected, Signal::Disconnected));
        self.sinks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sink);
    }
}

impl Machine {
    fn observe(&self) -> Vm {
        let mut vm = self.vm.clone();
        if vm.state.is_on() {
            vm.pending_restart = pending(&self.running, &self.vm);
        }
        vm.revision = self.edits.to_string();
        vm
    }

    fn edit(&mut self, edit: &VmEdit) {
        let (vcpus, max) = edit.vcpus_of(&self.vm);
        let vm = &mut self.vm;
        (vm.vcpus, vm.vcpus_max) = (vcpus, max);
        if let Some(name) = &edit.name {
            vm.name = name.to_string();
        }
        if let Some(description) = &edit.description {
            vm.description.clone_from(description);
        }
        if let Some(tags) = &edit.tags {
            vm.tags = tags.iter().map(ToString::to_string).collect();
        }
        if let Some(memory) = edit.memory_mib {
            vm.memory_mib = memory;
        }
        if let Some(model) = &edit.cpu_model {
            vm.cpu_model = model.to_string();
        }
        if let Some(order) = &edit.boot_order {
            vm.boot_order.clone_from(order);
        }
        // As many as were made room for when it was powered on can be plugged in.
        if vcpus <= self.running.vcpus_max {
            self.running.vcpus = vcpus;
        }
        self.edits += 1;
    }
}

/// What a VM defined like this looks like, powered off.
fn observed(definition: &Definition) -> Vm {
    let spec = &definition.spec;
    let disks = definition
        .disks
        .iter()
        .zip(b'a'..=b'z')
        .map(|(path, letter)| Disk {
            target: format!("vd{}", char::from(letter)),
            path: Some(path.clone()),
            cdrom: false,
        });
    let cdrom = definition.cdrom.iter().map(|path| Disk {
        target: "sda".into(),
        path: Some(path.clone()),
        cdrom: true,
    });
    let nics = spec.nics.iter().enumerate().map(|(index, nic)| {
        let (NicSpec::Network(source) | NicSpec::Bridge(source)) = nic;
        Nic {
            mac: format!("52:54:00:00:00:{index:02x}"),
            source: source.to_string(),
            device: None,
        }
    });
    let disks: Vec<Disk> = disks.chain(cdrom).collect();
    let nics: Vec<Nic> = nics.collect();
    // The CD drive is booted first.
    let mut booted: Vec<&Disk> = disks.iter().collect();
    booted.sort_by_key(|disk| !disk.cdrom);
    let devices: Vec<String> = booted.iter().map(|disk| disk.target.clone()).collect();
    Vm {
        id: spec.id,
        name: spec.name.to_string(),
        description: spec.description.clone(),
        state: PowerState::Off,
        tags: Vec::new(),
        vcpus: spec.vcpus,
        vcpus_max: spec.vcpus_max.unwrap_or(spec.vcpus),
        memory_mib: spec.memory_mib,
        cpu_model: "host".into(),
        boot_order: devices
            .into_iter()
            .chain(nics.iter().map(|nic| nic.mac.clone()))
            .collect(),
        firmware: spec.firmware,
        accelerator: Accelerator::Test,
        disks,
        nics,
        pending_restart: Vec::new(),
        revision: String::new(),
    }
}
