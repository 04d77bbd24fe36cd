//! One VM of the fake: its configuration, and what of it runs.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qx_model::device::{DiskLimits, NicLimits};
use qx_model::edit::{VmEdit, pending};
use qx_model::vm::{Accelerator, Disk, Nic, NicSpec, PowerState, Vm, VmId};

use super::line::Line;
use super::snapshots::Kept;
use crate::{CloneDefinition, Definition, Device, Error, Result};

/// Where the drive of [`Definition::cloud_init`] is.
const CLOUD_INIT: &str = "sdb";

pub(super) struct Machine {
    /// As configured.
    pub(super) vm: Vm,
    /// As it was when it was powered on; of interest only while it is.
    pub(super) running: Vm,
    pub(super) edits: u64,
    pub(super) mark: String,
    pub(super) line: Option<Arc<Line>>,
    /// Connections to its screen.
    pub(super) screens: Vec<UnixStream>,
    pub(super) snapshots: Vec<Kept>,
    /// How many snapshots were taken, which is their clock.
    pub(super) taken: i64,
}

impl Machine {
    /// A new one, off.
    pub(super) fn new(definition: &Definition) -> Self {
        Self {
            vm: observed(definition),
            running: observed(definition),
            edits: 0,
            mark: definition.mark.clone(),
            line: None,
            screens: Vec::new(),
            snapshots: Vec::new(),
            taken: 0,
        }
    }

    /// Another one that is configured like this.
    pub(super) fn cloned(&self, clone: &CloneDefinition) -> Result<Self> {
        if !self.vm.state.is_off() {
            return Err(Error::WrongState {
                reason: format!("VM {} is not off: shut it down first", self.vm.id),
            });
        }
        let mut vm = self.vm.clone();
        (vm.id, vm.name) = (clone.id, clone.name.to_string());
        if let Some(description) = &clone.description {
            vm.description.clone_from(description);
        }
        vm.autostart = false;
        for disk in &mut vm.disks {
            let file = clone
                .disks
                .iter()
                .find(|(target, _)| *target == disk.target);
            if let Some((_, file)) = file {
                disk.path = Some(file.path.clone());
            }
        }
        let bytes = clone.id.0.as_bytes();
        for (number, nic) in (0_u8..).zip(&mut vm.nics) {
            let mac = format!("52:54:00:{:02x}:{:02x}:{number:02x}", bytes[0], bytes[1]);
            for name in vm.boot_order.iter_mut().filter(|name| **name == nic.mac) {
                name.clone_from(&mac);
            }
            nic.mac = mac;
        }
        Ok(Self {
            running: vm.clone(),
            vm,
            edits: 0,
            mark: clone.mark.clone(),
            line: None,
            screens: Vec::new(),
            snapshots: Vec::new(),
            taken: 0,
        })
    }

    /// Ends what a VM that is off can't go on with.
    pub(super) fn cut(&mut self) {
        if let Some(line) = self.line.take() {
            line.hang_up();
        }
        for screen in self.screens.drain(..) {
            // Its other end may be gone already.
            let _ = screen.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn observe(&self, files: &BTreeMap<PathBuf, u64>) -> Vm {
        let mut vm = self.vm.clone();
        for disk in &mut vm.disks {
            let file = disk.path.as_ref();
            disk.size_bytes = file.and_then(|file| files.get(file)).copied();
        }
        if vm.state.is_on() {
            vm.pending_restart = pending(&self.running, &self.vm);
        }
        vm.revision = self.edits.to_string();
        vm
    }

    pub(super) fn edit(&mut self, edit: &VmEdit) {
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
        vm.tpm = edit.tpm.unwrap_or(vm.tpm);
        vm.autostart = edit.autostart.unwrap_or(vm.autostart);
        vm.autostart_order = edit.autostart_order.unwrap_or(vm.autostart_order);
        vm.autostart_delay_s = edit.autostart_delay_s.unwrap_or(vm.autostart_delay_s);
        // As many as were made room for when it was powered on can be plugged in.
        if vcpus <= self.running.vcpus_max {
            self.running.vcpus = vcpus;
        }
    }
}

impl Machine {
    /// Changes what is configured and what runs.
    pub(super) fn each(&mut self, change: impl Fn(&mut Vm)) {
        change(&mut self.vm);
        change(&mut self.running);
    }

    pub(super) fn find(&self, vm: VmId, device: &str) -> Result<()> {
        let disk = self.vm.disks.iter().any(|disk| disk.target == device);
        if disk || self.vm.nics.iter().any(|nic| nic.mac == device) {
            return Ok(());
        }
        Err(Error::NoSuchDevice {
            vm,
            device: device.to_owned(),
        })
    }

    pub(super) fn attach(&mut self, device: &Device) -> Result<()> {
        match device {
            Device::Disk { file, limits } => {
                let target = self.free_target("vd");
                let disk = Disk {
                    target,
                    path: Some(file.path.clone()),
                    cdrom: false,
                    size_bytes: None,
                    limits: *limits,
                };
                self.each(|vm| vm.disks.push(disk.clone()));
            }
            Device::Nic { nic, limits } => {
                let (NicSpec::Network(source) | NicSpec::Bridge(source)) = nic;
                let nic = Nic {
                    mac: format!("52:54:00:01:00:{:02x}", self.edits % 256),
                    source: source.to_string(),
                    network: matches!(nic, NicSpec::Network(_)),
                    device: None,
                    limits: *limits,
                };
                self.each(|vm| vm.nics.push(nic.clone()));
            }
        }
        Ok(())
    }

    pub(super) fn set_cd(&mut self, iso: Option<&Path>) {
        let target = self.free_target("sd");
        let own = |disk: &&mut Disk| disk.cdrom && disk.target != CLOUD_INIT;
        let set = |vm: &mut Vm| match vm.disks.iter_mut().find(own) {
            Some(drive) => {
                drive.path = iso.map(Path::to_owned);
                true
            }
            None => false,
        };
        if set(&mut self.vm) {
            set(&mut self.running);
            return;
        }
        // A drive can't be plugged into a running VM.
        self.vm.disks.push(Disk {
            target,
            path: iso.map(Path::to_owned),
            cdrom: true,
            size_bytes: None,
            limits: DiskLimits::default(),
        });
    }

    fn free_target(&self, prefix: &str) -> String {
        ('a'..='z')
            .map(|letter| format!("{prefix}{letter}"))
            .find(|target| !self.vm.disks.iter().any(|disk| disk.target == *target))
            .unwrap_or_default()
    }
}

/// What a VM defined like this looks like, powered off.
fn observed(definition: &Definition) -> Vm {
    let spec = &definition.spec;
    let disks = definition
        .disks
        .iter()
        .zip(b'a'..=b'z')
        .map(|(file, letter)| Disk {
            target: format!("vd{}", char::from(letter)),
            path: Some(file.path.clone()),
            cdrom: false,
            size_bytes: None,
            limits: DiskLimits::default(),
        });
    let cdrom = definition.cdrom.iter().map(|path| Disk {
        target: "sda".into(),
        path: Some(path.clone()),
        cdrom: true,
        size_bytes: None,
        limits: DiskLimits::default(),
    });
    let cloud_init = definition.cloud_init.iter().map(|path| Disk {
        target: CLOUD_INIT.into(),
        path: Some(path.clone()),
        cdrom: true,
        size_bytes: None,
        limits: DiskLimits::default(),
    });
    let nics = spec.nics.iter().zip(&definition.macs).map(|(nic, mac)| {
        let (NicSpec::Network(source) | NicSpec::Bridge(source)) = nic;
        Nic {
            mac: mac.clone(),
            source: source.to_string(),
            network: matches!(nic, NicSpec::Network(_)),
            device: None,
            limits: NicLimits::default(),
        }
    });
    let mut disks: Vec<Disk> = disks.chain(cdrom).collect();
    let nics: Vec<Nic> = nics.collect();
    // The CD drive is booted first.
    let mut booted: Vec<&Disk> = disks.iter().collect();
    booted.sort_by_key(|disk| !disk.cdrom);
    let devices: Vec<String> = booted.iter().map(|disk| disk.target.clone()).collect();
    disks.extend(cloud_init);
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
        tpm: spec.tpm,
        accelerator: Accelerator::Test,
        disks,
        nics,
        vnc: true,
        autostart: spec.autostart,
        autostart_order: 0,
        autostart_delay_s: 0,
        pending_restart: Vec::new(),
        revision: String::new(),
    }
}
