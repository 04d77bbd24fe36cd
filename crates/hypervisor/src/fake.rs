//! A hypervisor in memory: no guest runs, but every rule of the trait holds, and faults can be caused.
//! It lives beside the trait so that the engine's tests need no libvirt. The product never uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use qx_model::edit::VmEdit;
use qx_model::metrics::DiskIo;
use qx_model::network::NetworkId;
use qx_model::storage::PoolId;
use qx_model::vm::{Accelerator, HypervisorInfo, PowerAction, PowerState, Vm, VmId};

use self::machine::Machine;
use crate::{
    CloneDefinition, Definition, Device, DiskRequest, Error, Hypervisor, Limits, Result,
    SerialPort, Signal, Sink, VmUsage, judge, judge_edit,
};

mod agent;
mod line;
mod machine;
mod networks;
mod screen;
mod snapshots;
mod storage;

pub use agent::Agent;

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
    networks: BTreeMap<NetworkId, networks::Kept>,
    pools: BTreeMap<PoolId, storage::Kept>,
    stuck: BTreeSet<VmId>,
    used: BTreeMap<VmId, (VmUsage, DiskIo)>,
    holding: BTreeSet<String>,
    lingering: Vec<Arc<line::Line>>,
    agents: BTreeMap<VmId, agent::Agent>,
    unreachable: Option<String>,
}

impl World {
    fn refuse_taken(&self, id: VmId, name: &str) -> Result<()> {
        let mut vms = self.vms.values();
        if vms.any(|machine| machine.vm.id == id || machine.vm.name == name) {
            return Err(Error::Exists {
                what: format!("a VM with the id {id} or the name {name}"),
            });
        }
        Ok(())
    }
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

    /// Makes guests keep the device with this name when they are asked to let it go.
    pub fn hold(&self, device: &str) {
        self.world().holding.insert(device.to_owned());
    }

    /// Makes who reads this VM's serial line learn of its end only at [`Fake::end_lines`], as a slow stream would.
    pub fn linger(&self, id: VmId) {
        let mut world = self.world();
        let line = world.vms.get(&id).and_then(|machine| machine.line.clone());
        if let Some(line) = line {
            line.linger(true);
            world.lingering.push(line);
        }
    }

    /// Ends [`Fake::linger`]; how many lines it held.
    pub fn end_lines(&self) -> usize {
        let lines = std::mem::take(&mut self.world().lingering);
        lines.iter().for_each(|line| line.linger(false));
        lines.len()
    }

    /// Changes a VM's configuration.
    fn change(&self, id: VmId, change: impl FnOnce(&mut Machine) -> Result<()>) -> Result<()> {
        let mut world = self.of(id)?;
        let machine = Self::machine(&mut world, id)?;
        change(machine)?;
        machine.edits += 1;
        drop(world);
        self.signal(&Signal::Changed(id));
        Ok(())
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
            .map(|machine| machine.observe(&world.disks))
            .ok_or(Error::NoSuchVm(id))
    }

    fn creation_mark(&self, id: VmId) -> Result<Option<String>> {
        let world = self.of(id)?;
        Ok(world.vms.get(&id).map(|machine| machine.mark.clone()))
    }

    fn define(&self, definition: &Definition) -> Result<()> {
        let mut world = self.reachable()?;
        let (id, name) = (definition.spec.id, definition.spec.name.as_str());
        world.refuse_taken(id, name)?;
        let machine = Machine::new(definition);
        world.vms.insert(id, machine);
        drop(world);
        self.signal(&Signal::Changed(id));
        Ok(())
    }

    fn define_clone(&self, source: VmId, clone: &CloneDefinition) -> Result<()> {
        let mut world = self.of(source)?;
        let (id, name) = (clone.id, clone.name.as_str());
        world.refuse_taken(id, name)?;
        let machine = Self::machine(&mut world, source)?.cloned(clone)?;
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
        self.change(id, |machine| {
            judge_edit(id, machine.vm.state, edit)?;
            machine.edit(edit);
            Ok(())
        })
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
            (true, false) => machine.cut(),
            (false, true) => machine.line = Some(Arc::default()),
            _ => {}
        }
        drop(world);
        self.signal(&Signal::Changed(id));
        Ok(())
    }

    fn attach(&self, id: VmId, device: &Device) -> Result<()> {
        self.change(id, |machine| machine.attach(device))
    }

    fn detach(&self, id: VmId, device: &str, _patience: Duration) -> Result<()> {
        let holds = self.world().holding.contains(device);
        self.change(id, |machine| {
            machine.find(id, device)?;
            if holds && machine.vm.state.is_on() {
                return Err(Error::WrongState {
                    reason: format!("the guest of VM {id} has not let {device} go"),
                });
            }
            machine.each(|vm| {
                vm.disks.retain(|disk| disk.target != device);
                vm.nics.retain(|nic| nic.mac != device);
                vm.boot_order.retain(|name| name != device);
            });
            Ok(())
        })
    }

    fn set_cd(&self, id: VmId, iso: Option<&Path>, _force: bool) -> Result<()> {
        self.change(id, |machine| {
            machine.set_cd(iso);
            Ok(())
        })
    }

    fn grow_disk(&self, id: VmId, target: &str, file: &Path, bytes: u64) -> Result<()> {
        drop(self.of(id)?);
        let mut world = self.world();
        Self::machine(&mut world, id)?.find(id, target)?;
        world.disks.insert(file.to_owned(), bytes);
        drop(world);
        self.signal(&Signal::Changed(id));
        Ok(())
    }

    fn limit(&self, id: VmId, device: &str, limits: Limits) -> Result<()> {
        self.change(id, |machine| {
            machine.find(id, device)?;
            machine.each(|vm| match limits {
                Limits::Disk(limits) => {
                    let disks = vm.disks.iter_mut();
                    disks
                        .filter(|disk| disk.target == device)
                        .for_each(|disk| disk.limits = limits);
                }
                Limits::Nic(limits) => {
                    let nics = vm.nics.iter_mut();
                    nics.filter(|nic| nic.mac == device)
                        .for_each(|nic| nic.limits = limits);
                }
            });
            Ok(())
        })
    }

    fn delete_disk(&self, file: &Path) -> Result<()> {
        self.reachable()?.disks.remove(file);
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
