//! Virtual machines as JSON, and the way from and to the model's types.

use qx_model::name::{ImageName, NameError, VmName};
use qx_model::storage::PoolId;
use qx_model::vm as model;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cloud_init::CloudInit;
use super::device::{DiskLimits, NicLimits};
use super::storage::VolumeRef;

/// A VM as observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Vm {
    /// Identity for life.
    pub id: Uuid,
    /// Unique on its host.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Power state.
    pub state: VmState,
    /// Words that group VMs.
    pub tags: Vec<String>,
    /// Configured vCPUs.
    pub vcpus: u32,
    /// How many vCPUs can be plugged in while it runs.
    pub vcpus_max: u32,
    /// Configured memory.
    pub memory_mib: u64,
    /// `host`, `host-model`, or a model as QEMU calls it.
    pub cpu_model: String,
    /// Targets of drives and MAC addresses of NICs.
    pub boot_order: Vec<String>,
    /// Firmware.
    pub firmware: Firmware,
    /// Has a TPM.
    pub tpm: bool,
    /// What runs it; emulation is slow and no security boundary.
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
    /// Names of the fields above of which the running VM has other values until it was off.
    pub pending_restart: Vec<String>,
    /// Different whenever the configuration is: the VM's `ETag`, without quotes.
    pub revision: String,
}

/// Observed power state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VmState {
    /// vCPUs run.
    Running,
    /// In memory, vCPUs stopped.
    Paused,
    /// Asked to shut down, not off yet.
    ShuttingDown,
    /// Not running.
    Off,
    /// Not running, its memory on disk: a start goes on where it was.
    Saved,
    /// Stopped by a guest panic or a failure of QEMU.
    Crashed,
    /// Guest is in ACPI S3.
    Suspended,
}

/// The firmware a VM starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Firmware {
    /// SeaBIOS.
    Bios,
    /// UEFI without Secure Boot.
    Uefi,
    /// UEFI with Secure Boot enforced and Microsoft's keys enrolled.
    UefiSecureBoot,
}

/// What executes a guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Accelerator {
    /// Hardware virtualization.
    Kvm,
    /// Emulation.
    Tcg,
    /// libvirt's test driver: no guest runs.
    Test,
}

/// One drive of a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Disk {
    /// Guest device name, such as `vda`.
    pub target: String,
    /// File or block device on the host; `null` is an empty drive.
    pub path: Option<String>,
    /// It is a CD drive.
    pub cdrom: bool,
    /// Bytes that the guest sees; `null` for CDs and where it can't be told.
    pub size_bytes: Option<u64>,
    /// How fast it may be.
    pub limits: DiskLimits,
}

/// One NIC of a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Nic {
    /// MAC address, lower case, colons.
    pub mac: String,
    /// Network or bridge that it is plugged into.
    pub source: String,
    /// How fast it may be.
    pub limits: NicLimits,
}

/// Some of the VMs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmPage {
    /// Ordered by id.
    pub items: Vec<Vm>,
    /// To be sent as `cursor` for the next page; `null` at the end.
    pub next: Option<String>,
}

/// A VM to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VmCreate {
    /// Chosen by the client, so that asking twice makes one VM; the host chooses when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Unique on its host: 1 to 63 letters, digits, `.`, `_` or `-`, the first a letter or a digit.
    pub name: String,
    /// Free text, at most 1024 characters.
    #[serde(default)]
    pub description: String,
    /// 1 to 512.
    #[serde(default = "one")]
    pub vcpus: u32,
    /// How many vCPUs can be plugged in while it runs, up to 512; no more than `vcpus` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcpus_max: Option<u32>,
    /// 1 to 16,777,216.
    #[serde(default = "half_a_gibibyte")]
    pub memory_mib: u64,
    /// Firmware.
    #[serde(default = "uefi")]
    pub firmware: Firmware,
    /// Give it a TPM 2.0, as Windows 11 wants one.
    #[serde(default)]
    pub tpm: bool,
    /// In boot order, at most 24.
    #[serde(default)]
    pub disks: Vec<DiskCreate>,
    /// An ISO file of the image library for the CD drive; booted first while present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cdrom: Option<String>,
    /// At most 8.
    #[serde(default)]
    pub nics: Vec<NicCreate>,
    /// Start it with the host.
    #[serde(default)]
    pub autostart: bool,
    /// What cloud-init in the guest sets up at its first start; nothing when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_init: Option<CloudInit>,
}

const fn one() -> u32 {
    1
}

const fn half_a_gibibyte() -> u64 {
    512
}

const fn uefi() -> Firmware {
    Firmware::Uefi
}

/// A disk to be made: blank with a size, or a copy of an image, grown if a size is given too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DiskCreate {
    /// Virtual size: a multiple of 512, at most 64 TiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// A file of the image library to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The pool to make it in; the VM's own directory on the data disk if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Uuid>,
    /// A volume that is there and that no VM has, taken as it is, without the others of these fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeRef>,
}

impl DiskCreate {
    /// The wish in the model's terms; `prefix` is its path in a request.
    pub(super) fn into_spec(
        self,
        prefix: &str,
        refused: &mut Vec<model::FieldError>,
    ) -> Option<model::DiskSpec> {
        let source = match (self.image, self.volume) {
            (None, None) => model::DiskSource::Blank,
            (Some(image), None) => {
                model::DiskSource::Image(parsed(image, format!("{prefix}image"), refused)?)
            }
            (None, Some(volume)) => {
                model::DiskSource::Volume(volume.read(&format!("{prefix}volume"), refused)?)
            }
            (Some(_), Some(_)) => {
                let reason = "must be left out with `volume`, which is taken as it is";
                refused.push(model::FieldError::new(format!("{prefix}image"), reason));
                return None;
            }
        };
        let spec = model::DiskSpec {
            size_bytes: self.size_bytes,
            source,
            pool: self.pool.map(PoolId),
        };
        let broken = spec.check_place(prefix);
        let sound = broken.is_empty();
        refused.extend(broken);
        sound.then_some(spec)
    }
}

/// A NIC to be made, plugged into a network or a bridge of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NicCreate {
    /// A virtual network, such as `default`.
    Network(String),
    /// A bridge of the host, such as `br0`, the management network's.
    Bridge(String),
}

/// Which console to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConsoleRequest {
    /// Kind of console.
    #[serde(rename = "type")]
    pub kind: ConsoleType,
}

/// Kinds of console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConsoleType {
    /// First serial port: bytes as they are, what was kept of the output first.
    Serial,
    /// The screen: RFB (RFC 6143) as the VM's VNC server speaks it, without a password.
    Vnc,
}

/// Opens one WebSocket to a console, once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsoleTicket {
    /// To be sent as `ticket` to `GET /api/v1/vms/{id}/console`.
    pub ticket: String,
    /// Seconds until it stops working.
    pub expires_in_s: u64,
}

impl VmCreate {
    /// The wish in the model's terms, with `id` for one that names none; else every refused field.
    ///
    /// # Errors
    /// All broken rules at once: limits first, then names.
    pub fn into_spec(self, id: Uuid) -> Result<model::VmSpec, Vec<model::FieldError>> {
        let mut refused = model::check_vm_values(
            &self.description,
            (self.vcpus, self.vcpus_max),
            self.memory_mib,
            self.disks.iter().map(|disk| {
                (
                    disk.size_bytes,
                    disk.image.is_none() && disk.volume.is_none(),
                )
            }),
            self.nics.len(),
        );
        let name: Option<VmName> = parsed(self.name, "name".into(), &mut refused);
        let mut disks = Vec::new();
        for (i, disk) in self.disks.into_iter().enumerate() {
            disks.extend(disk.into_spec(&format!("disks[{i}]."), &mut refused));
        }
        let cdrom: Option<ImageName> = self
            .cdrom
            .and_then(|image| parsed(image, "cdrom".into(), &mut refused));
        let mut nics = Vec::new();
        for (i, nic) in self.nics.into_iter().enumerate() {
            nics.extend(match nic {
                NicCreate::Network(network) => {
                    parsed(network, format!("nics[{i}].network"), &mut refused)
                        .map(model::NicSpec::Network)
                }
                NicCreate::Bridge(bridge) => {
                    parsed(bridge, format!("nics[{i}].bridge"), &mut refused)
                        .map(model::NicSpec::Bridge)
                }
            });
        }
        let Some(name) = name.filter(|_| refused.is_empty()) else {
            return Err(refused);
        };
        Ok(model::VmSpec {
            id: model::VmId(self.id.unwrap_or(id)),
            name,
            description: self.description,
            vcpus: self.vcpus,
            vcpus_max: self.vcpus_max,
            memory_mib: self.memory_mib,
            firmware: self.firmware.into(),
            tpm: self.tpm,
            disks,
            cdrom,
            nics,
            autostart: self.autostart,
            cloud_init: self.cloud_init.map(Into::into),
        })
    }
}

pub(super) fn parsed<T: TryFrom<String, Error = NameError>>(
    text: String,
    field: String,
    refused: &mut Vec<model::FieldError>,
) -> Option<T> {
    T::try_from(text)
        .map_err(|e| {
            refused.push(model::FieldError {
                field,
                reason: e.to_string(),
            })
        })
        .ok()
}

macro_rules! same_variants {
    ($wire:ident, $model:ty, [$($variant:ident),+]) => {
        impl From<$model> for $wire {
            fn from(value: $model) -> Self {
                match value {
                    $(<$model>::$variant => Self::$variant,)+
                }
            }
        }
    };
}

same_variants!(
    VmState,
    model::PowerState,
    [
        Running,
        Paused,
        ShuttingDown,
        Off,
        Saved,
        Crashed,
        Suspended
    ]
);
same_variants!(Firmware, model::Firmware, [Bios, Uefi, UefiSecureBoot]);
same_variants!(Accelerator, model::Accelerator, [Kvm, Tcg, Test]);

impl From<Firmware> for model::Firmware {
    fn from(firmware: Firmware) -> Self {
        match firmware {
            Firmware::Bios => Self::Bios,
            Firmware::Uefi => Self::Uefi,
            Firmware::UefiSecureBoot => Self::UefiSecureBoot,
        }
    }
}

impl From<model::Vm> for Vm {
    fn from(vm: model::Vm) -> Self {
        Self {
            id: vm.id.0,
            name: vm.name,
            description: vm.description,
            state: vm.state.into(),
            tags: vm.tags,
            vcpus: vm.vcpus,
            vcpus_max: vm.vcpus_max,
            memory_mib: vm.memory_mib,
            cpu_model: vm.cpu_model,
            boot_order: vm.boot_order,
            firmware: vm.firmware.into(),
            tpm: vm.tpm,
            accelerator: vm.accelerator.into(),
            disks: vm
                .disks
                .into_iter()
                .map(|disk| Disk {
                    target: disk.target,
                    path: disk.path.map(|path| path.display().to_string()),
                    cdrom: disk.cdrom,
                    size_bytes: disk.size_bytes,
                    limits: disk.limits.into(),
                })
                .collect(),
            nics: vm
                .nics
                .into_iter()
                .map(|nic| Nic {
                    mac: nic.mac,
                    source: nic.source,
                    limits: nic.limits.into(),
                })
                .collect(),
            vnc: vm.vnc,
            autostart: vm.autostart,
            autostart_order: vm.autostart_order,
            autostart_delay_s: vm.autostart_delay_s,
            pending_restart: vm.pending_restart.into_iter().map(Into::into).collect(),
            revision: vm.revision,
        }
    }
}
