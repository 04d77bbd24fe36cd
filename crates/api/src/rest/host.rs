//! The host: what it is made of and how it came up.

use serde::{Deserialize, Serialize};

/// The host as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Host {
    /// Host name.
    pub hostname: String,
    /// `Quantix-OS`.
    pub product: String,
    /// Version of the daemon.
    pub version: String,
    /// Identity of the booted image; `null` when the daemon runs outside of one.
    pub build_id: Option<String>,
    /// How the host booted; `null` when the daemon runs outside of an image.
    pub boot: Option<Boot>,
    /// Where the configuration came from; `null` when none has been applied.
    pub config: Option<ConfigStatus>,
    /// Seconds since the kernel started.
    pub uptime_s: u64,
    /// Processors.
    pub cpu: Cpu,
    /// Main memory.
    pub memory: Memory,
    /// Where VM disks lie.
    pub data: DataUsage,
    /// What runs the VMs.
    pub hypervisor: Hypervisor,
    /// Addresses that other machines reach the host by.
    pub addresses: Vec<Address>,
    /// SHA-256 of the certificate that this daemon serves, as lower-case hex.
    pub certificate_sha256: String,
    /// An SSH server is running.
    pub ssh_enabled: bool,
}

/// How the image was booted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Boot {
    /// From media, or from an installed slot.
    pub mode: BootMode,
    /// `A` or `B` when booted from a slot.
    pub slot: Option<String>,
    /// Version of the image.
    pub version: String,
    /// Identity of the image.
    pub build_id: String,
    /// Which key signed it.
    pub key_id: String,
    /// Device that it was read from.
    pub source: String,
    /// Milliseconds that reading and verifying it took.
    pub copy_ms: u64,
    /// Bytes read.
    pub copy_bytes: u64,
    /// Milliseconds from the kernel's start until this host was ready for the first time; `null` until then.
    pub ready_ms: Option<u64>,
    /// Driver of the armed watchdog; `null` if there is none.
    pub watchdog: Option<String>,
    /// Where `/quantix` lies.
    pub config: Storage,
    /// Where `/data` lies.
    pub data: Storage,
    /// What was wrong on the way up, each a sentence.
    pub warnings: Vec<String>,
}

/// What was booted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BootMode {
    /// Installation media: nothing persists.
    Live,
    /// A slot of an installed disk.
    Slot,
}

/// Whether a directory outlives a reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// A partition of a disk.
    Partition,
    /// Memory: lost at power-off.
    Ram,
}

/// Where the running configuration came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigStatus {
    /// The file itself, an older generation of it, or defaults.
    pub source: ConfigSource,
    /// Which generation, when it was an older one.
    pub generation: Option<u64>,
    /// What was wrong, each a sentence that names the line.
    pub problems: Vec<String>,
}

/// Which configuration was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConfigSource {
    /// The current file.
    Current,
    /// The newest older generation that was good.
    Generation,
    /// Built-in defaults.
    Defaults,
}

/// Processors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cpu {
    /// Model, as the processor names itself.
    pub model: String,
    /// Sockets in use.
    pub sockets: u32,
    /// Cores of all sockets.
    pub cores: u32,
    /// Threads of all cores.
    pub threads: u32,
}

/// Main memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Memory {
    /// What the kernel manages.
    pub total_bytes: u64,
    /// What could be used without swapping.
    pub available_bytes: u64,
}

/// The file system that VM disks lie on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DataUsage {
    /// Directory.
    pub path: String,
    /// Size of its file system.
    pub total_bytes: u64,
    /// Free for use.
    pub free_bytes: u64,
    /// Whether it outlives a reboot.
    pub kind: DataKind,
}

/// What VM disks lie on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// A disk.
    Disk,
    /// Memory: lost at power-off.
    Ram,
}

/// What runs the VMs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hypervisor {
    /// KVM, emulation, or libvirt's test driver; found by trying, not by asking. `null` while the hypervisor does not
    /// answer.
    pub accelerator: Option<super::Accelerator>,
    /// Version of libvirt; `null` while it does not answer.
    pub libvirt_version: Option<String>,
    /// Version of QEMU; `null` where no QEMU is involved.
    pub qemu_version: Option<String>,
    /// What a person should know about it, or why it does not answer; `null` when all is well.
    pub note: Option<String>,
}

/// An address of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Address {
    /// Network interface.
    pub interface: String,
    /// IPv4 or IPv6 address, without prefix length.
    pub address: String,
    /// How it was got.
    pub origin: AddressOrigin,
}

/// How an address was got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AddressOrigin {
    /// Leased.
    Dhcp,
    /// From the configuration.
    Static,
    /// Made by IPv6 or link-local autoconfiguration.
    Auto,
}
