//! What a virtual machine is: the wish (`VmSpec`) and what was observed (`Vm`) are different types.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::cloud_init::CloudInit;
use crate::device::{DiskLimits, NicLimits};
use crate::name::{ImageName, NetworkName, VmName};
pub use crate::power::{Fit, PowerAction, PowerState};
use crate::storage::{PoolId, VolumeRef};

/// A VM's identity for life: libvirt's domain UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VmId(pub Uuid);

impl VmId {
    /// A new identity, never used before.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for VmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The firmware a VM starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Firmware {
    /// SeaBIOS.
    Bios,
    /// OVMF without Secure Boot.
    Uefi,
    /// OVMF with Secure Boot enforced and Microsoft's keys enrolled.
    UefiSecureBoot,
}

/// Where a disk's first content comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum DiskSource {
    /// A new, empty disk.
    Blank,
    /// A copy of a file of the image library, grown to the disk's size if that is larger.
    Image(ImageName),
    /// A volume of a pool that is there, as it is; the VM does not own it.
    Volume(VolumeRef),
}

/// One virtual disk, as asked for, on a virtio bus. What is made is qcow2; in LVM, the bytes as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiskSpec {
    /// Virtual size in bytes; `None` takes the image's or volume's own. A blank disk needs one.
    pub size_bytes: Option<u64>,
    /// First content.
    pub source: DiskSource,
    /// Where it is made; `None` is the VM's own directory on the data disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolId>,
}

impl DiskSpec {
    /// A volume is taken as it is: it has its place and its size.
    #[must_use]
    pub fn check_place(&self, prefix: &str) -> Vec<FieldError> {
        let mut found = Vec::new();
        if let DiskSource::Volume(_) = self.source {
            let reason = "must be left out with `volume`, which is taken as it is";
            if self.pool.is_some() {
                found.push(FieldError::new(format!("{prefix}pool"), reason));
            }
            if self.size_bytes.is_some() {
                found.push(FieldError::new(format!("{prefix}size_bytes"), reason));
            }
        }
        found
    }
}

/// What a virtual NIC is plugged into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum NicSpec {
    /// A libvirt network (NAT or isolated).
    Network(NetworkName),
    /// A host bridge, `br0` being the management network's.
    Bridge(NetworkName),
}

/// A VM as asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VmSpec {
    /// Chosen by the client, or by the engine.
    pub id: VmId,
    /// Unique on this host.
    pub name: VmName,
    /// Free text, at most 1,024 characters.
    pub description: String,
    /// 1 to 512.
    pub vcpus: u32,
    /// How many vCPUs can be plugged in while it runs; `None` is no more than `vcpus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcpus_max: Option<u32>,
    /// 1 to 16,777,216 (16 TiB).
    pub memory_mib: u64,
    /// SeaBIOS or OVMF.
    pub firmware: Firmware,
    /// Has a TPM 2.0, emulated. Left out of what is written down when there is none, as `autostart` is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tpm: bool,
    /// In boot order, at most 24.
    pub disks: Vec<DiskSpec>,
    /// An ISO of the library in the CD drive; booted first while present.
    pub cdrom: Option<ImageName>,
    /// At most 8.
    pub nics: Vec<NicSpec>,
    /// Starts with the host. Left out of what is written down when it does not: wishes from before are equal.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub autostart: bool,
    /// What the guest is told at its first start; `None` is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_init: Option<CloudInit>,
}

/// Which field of a [`VmSpec`] breaks which rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON path of the field, such as `disks[1].size_bytes`.
    pub field: String,
    /// A sentence that says what is allowed.
    pub reason: String,
}

impl FieldError {
    /// A broken rule.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

impl VmSpec {
    /// Every broken rule at once, in field order; empty means the wish is sound.
    #[must_use]
    pub fn check(&self) -> Vec<FieldError> {
        let disks = self
            .disks
            .iter()
            .map(|disk| (disk.size_bytes, disk.source == DiskSource::Blank));
        let mut found = check_vm_values(
            &self.description,
            (self.vcpus, self.vcpus_max),
            self.memory_mib,
            disks,
            self.nics.len(),
        );
        for (i, disk) in self.disks.iter().enumerate() {
            found.extend(disk.check_place(&format!("disks[{i}].")));
        }
        found
    }
}

/// The rules that do not depend on names, so that a wish with a bad name gets its other faults told too.
/// `vcpus`: those plugged in, and how many can be. `disks`: size in bytes, and whether it starts blank.
#[must_use]
pub fn check_vm_values(
    description: &str,
    vcpus: (u32, Option<u32>),
    memory_mib: u64,
    disks: impl ExactSizeIterator<Item = (Option<u64>, bool)>,
    nics: usize,
) -> Vec<FieldError> {
    let mut found = Vec::new();
    check_description(description, &mut found);
    check_vcpus(vcpus.0, vcpus.1, &mut found);
    check_memory(memory_mib, &mut found);
    if disks.len() > 24 {
        found.push(FieldError::new("disks", "must be at most 24"));
    }
    if nics > 8 {
        found.push(FieldError::new("nics", "must be at most 8"));
    }
    for (i, (size, blank)) in disks.enumerate() {
        check_disk_size(size, blank, &format!("disks[{i}].size_bytes"), &mut found);
    }
    found
}

/// At most 1,024 characters, of which only line breaks and tabs may be control characters.
pub fn check_description(description: &str, found: &mut Vec<FieldError>) {
    if description.chars().count() > 1024 {
        found.push(FieldError::new(
            "description",
            "must be at most 1024 characters",
        ));
    }
    let control = |c: char| c.is_control() && c != '\n' && c != '\t';
    if description.chars().any(control) {
        found.push(FieldError::new(
            "description",
            "must not contain control characters",
        ));
    }
}

pub(crate) fn check_vcpus(vcpus: u32, max: Option<u32>, found: &mut Vec<FieldError>) {
    if !(1..=512).contains(&vcpus) {
        found.push(FieldError::new("vcpus", "must be 1 to 512"));
    } else if max.is_some_and(|max| !(vcpus..=512).contains(&max)) {
        found.push(FieldError::new(
            "vcpus_max",
            format!("must be {vcpus}, the number of vCPUs, to 512"),
        ));
    }
}

pub(crate) fn check_memory(memory_mib: u64, found: &mut Vec<FieldError>) {
    if !(1..=16_777_216).contains(&memory_mib) {
        found.push(FieldError::new("memory_mib", "must be 1 to 16777216"));
    }
}

/// `size` in bytes; a `blank` disk needs one.
pub fn check_disk_size(size: Option<u64>, blank: bool, field: &str, found: &mut Vec<FieldError>) {
    let reason = match size {
        None if blank => "is required for a blank disk",
        Some(size) if !(512..=(64 << 40)).contains(&size) || !size.is_multiple_of(512) => {
            "must be a multiple of 512 from 512 bytes to 64 TiB"
        }
        _ => return,
    };
    found.push(FieldError::new(field, reason));
}

/// What a file of the image library holds, judged by its content and not by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageFormat {
    /// Bytes of a disk as they are.
    Raw,
    /// QEMU's copy-on-write format, without a backing file.
    Qcow2,
    /// An optical disc (ISO 9660).
    Iso,
}

/// One file of the image library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name in the library.
    pub name: ImageName,
    /// Bytes of the file.
    pub size_bytes: u64,
    /// Bytes of the disk it describes; the same as `size_bytes` but for qcow2.
    pub virtual_bytes: u64,
    /// By content.
    pub format: ImageFormat,
}

/// What executes the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accelerator {
    /// Hardware virtualization.
    Kvm,
    /// QEMU's emulation: slow, and not a security boundary.
    Tcg,
    /// libvirt's test driver: no guest runs.
    Test,
}

/// The hypervisor as it is: what a person must know about how VMs run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HypervisorInfo {
    /// What new VMs run on, found by trying it.
    pub accelerator: Accelerator,
    /// libvirt's version, `MAJOR.MINOR.RELEASE`.
    pub libvirt_version: String,
    /// QEMU's version, `MAJOR.MINOR.RELEASE`; the test driver has none.
    pub qemu_version: Option<String>,
    /// Why VMs are slower than they could be, in plain words; `None` when all is well.
    pub note: Option<String>,
}

/// One disk as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Guest device name, such as `vda`.
    pub target: String,
    /// Backing file or block device on the host; `None` is an empty drive.
    pub path: Option<PathBuf>,
    /// `disk` or `cdrom`.
    pub cdrom: bool,
    /// Bytes that the guest sees; `None` where that can't be told.
    pub size_bytes: Option<u64>,
    /// How fast it may be.
    pub limits: DiskLimits,
}

/// One NIC as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// MAC address, lower case, colons.
    pub mac: String,
    /// Network or bridge it is plugged into.
    pub source: String,
    /// The host's interface behind it while the VM runs, such as `vnet0`.
    pub device: Option<String>,
    /// How fast it may be.
    pub limits: NicLimits,
    /// `source` names a network, not a bridge or another device of the host.
    pub network: bool,
}

/// A VM as observed: its configuration, which a running VM may differ from (`pending_restart`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vm {
    /// libvirt's domain UUID.
    pub id: VmId,
    /// As libvirt has it: a domain that we did not define may carry any text.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Observed power state.
    pub state: PowerState,
    /// Words that group VMs.
    pub tags: Vec<String>,
    /// Configured vCPUs.
    pub vcpus: u32,
    /// How many vCPUs can be plugged in while it runs.
    pub vcpus_max: u32,
    /// Configured memory, MiB.
    pub memory_mib: u64,
    /// `host`, `host-model`, or a model as QEMU calls it.
    pub cpu_model: String,
    /// Targets of drives and MAC addresses of NICs.
    pub boot_order: Vec<String>,
    /// Firmware.
    pub firmware: Firmware,
    /// Has a TPM, emulated or the host's.
    pub tpm: bool,
    /// KVM, TCG or the test driver.
    pub accelerator: Accelerator,
    /// All drives.
    pub disks: Vec<Disk>,
    /// All NICs.
    pub nics: Vec<Nic>,
    /// Has a screen that can be looked at, over VNC: now if it is on, else when it is powered on.
    pub vnc: bool,
    /// Starts with the host.
    pub autostart: bool,
    /// The lowest starts first; VMs with the same number start together.
    pub autostart_order: u32,
    /// Seconds after it before those with a higher number are started.
    pub autostart_delay_s: u32,
    /// Names of the fields above that the running VM has other values of, until it was off.
    pub pending_restart: Vec<&'static str>,
    /// Different whenever the configuration is.
    pub revision: String,
}
