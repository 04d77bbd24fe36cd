//! What of a VM can be changed, and the rules for it. Pure.

use crate::name::{CpuModel, Tag, VmName};
use crate::vm::{FieldError, Vm, check_description, check_memory, check_vcpus};

/// A change to a VM: what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VmEdit {
    /// Only while the VM is off.
    pub name: Option<VmName>,
    /// Free text, at most 1,024 characters.
    pub description: Option<String>,
    /// All of them, at most 32.
    pub tags: Option<Vec<Tag>>,
    /// vCPUs that are plugged in.
    pub vcpus: Option<u32>,
    /// vCPUs that can be plugged in while the VM runs; raised to `vcpus` when that is more.
    pub vcpus_max: Option<u32>,
    /// Memory in MiB.
    pub memory_mib: Option<u64>,
    /// The processor that the guest sees.
    pub cpu_model: Option<CpuModel>,
    /// Targets of drives and MAC addresses of NICs, as [`Vm`] shows them; what is not named is not booted.
    pub boot_order: Option<Vec<String>>,
    /// Whether it has a TPM: one can be added, and none is taken away.
    pub tpm: Option<bool>,
    /// Whether it starts with the host.
    pub autostart: Option<bool>,
    /// 0 to 9,999; the lowest starts first.
    pub autostart_order: Option<u32>,
    /// 0 to 3,600 seconds before those with a higher number are started.
    pub autostart_delay_s: Option<u32>,
}

impl VmEdit {
    /// Whether it changes what a running guest has, rather than what people see of the VM.
    #[must_use]
    pub fn is_hardware(&self) -> bool {
        self.vcpus.is_some()
            || self.vcpus_max.is_some()
            || self.memory_mib.is_some()
            || self.cpu_model.is_some()
            || self.boot_order.is_some()
            || self.tpm.is_some()
    }

    /// vCPUs and how many may become of them, after the change.
    #[must_use]
    pub fn vcpus_of(&self, vm: &Vm) -> (u32, u32) {
        let vcpus = self.vcpus.unwrap_or(vm.vcpus);
        let max = self.vcpus_max.unwrap_or_else(|| vm.vcpus_max.max(vcpus));
        (vcpus, max)
    }

    /// Every broken rule at once; empty means that the change is sound for this VM.
    #[must_use]
    pub fn check(&self, vm: &Vm) -> Vec<FieldError> {
        let mut found = Vec::new();
        if let Some(description) = &self.description {
            check_description(description, &mut found);
        }
        let (vcpus, max) = self.vcpus_of(vm);
        if self.vcpus.is_some() || self.vcpus_max.is_some() {
            check_vcpus(vcpus, Some(max), &mut found);
        }
        if let Some(memory) = self.memory_mib {
            check_memory(memory, &mut found);
        }
        if self.tags.as_ref().is_some_and(|tags| tags.len() > 32) {
            found.push(FieldError::new("tags", "must be at most 32"));
        }
        if let Some(order) = &self.boot_order {
            check_boot_order(order, vm, &mut found);
        }
        if self.tpm == Some(false) && vm.tpm {
            let reason = "can't be taken away: what the guest sealed with it, such as BitLocker's keys, would be \
                          lost; make another VM with a copy of the disks instead";
            found.push(FieldError::new("tpm", reason));
        }
        if self.autostart_order.is_some_and(|order| order > 9999) {
            found.push(FieldError::new("autostart_order", "must be 0 to 9999"));
        }
        if self.autostart_delay_s.is_some_and(|delay| delay > 3600) {
            let reason = "must be 0 to 3600 seconds";
            found.push(FieldError::new("autostart_delay_s", reason));
        }
        found
    }
}

fn check_boot_order(order: &[String], vm: &Vm, found: &mut Vec<FieldError>) {
    if order.is_empty() {
        found.push(FieldError::new(
            "boot_order",
            "must name at least one drive or NIC",
        ));
    }
    let devices = vm.disks.iter().map(|disk| &disk.target);
    let devices: Vec<&String> = devices.chain(vm.nics.iter().map(|nic| &nic.mac)).collect();
    for (i, device) in order.iter().enumerate() {
        let field = format!("boot_order[{i}]");
        if !devices.contains(&device) {
            let known: Vec<&str> = devices.iter().map(|device| device.as_str()).collect();
            let reason = format!("must be one of the VM's devices: {}", known.join(", "));
            found.push(FieldError::new(field, reason));
        } else if order[..i].contains(device) {
            found.push(FieldError::new(field, "is there twice"));
        }
    }
}

/// The names of the fields of [`Vm`] in which a running VM differs from its configuration, which it will
/// have after it was off.
#[must_use]
pub fn pending(running: &Vm, configured: &Vm) -> Vec<&'static str> {
    let same = [
        ("vcpus", running.vcpus == configured.vcpus),
        ("vcpus_max", running.vcpus_max == configured.vcpus_max),
        ("memory_mib", running.memory_mib == configured.memory_mib),
        // libvirt writes down which model it chose for a running guest.
        (
            "cpu_model",
            running.cpu_model == configured.cpu_model || configured.cpu_model == "host-model",
        ),
        ("boot_order", running.boot_order == configured.boot_order),
        ("tpm", running.tpm == configured.tpm),
        ("disks", running.disks == configured.disks),
        ("nics", running.nics == configured.nics),
    ];
    same.into_iter()
        .filter(|(_, same)| !same)
        .map(|(name, _)| name)
        .collect()
}
