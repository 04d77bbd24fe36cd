//! The [`Hypervisor`] trait: what the engine needs from whatever runs VMs. Owns the trait, an in-memory
//! [`fake`], the `contract` suite that both pass, and the [`kvm`] probe. Knows no libvirt, no async
//! runtime and no user: every call blocks, and callers give it a thread.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use qx_model::device::{DiskLimits, NicLimits};
use qx_model::edit::VmEdit;
use qx_model::metrics::{DiskIo, NetIo};
use qx_model::name::VmName;
use qx_model::storage::DiskFormat;
use qx_model::vm::{HypervisorInfo, ImageFormat, NicSpec, PowerAction, Vm, VmId, VmSpec};

mod agent;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
pub mod fake;
pub mod kvm;
mod network;
mod screen;
mod snapshot;
mod storage;

pub use agent::{Agents, LARGEST_ANSWER};
pub use error::{AgentFault, Error, Result, judge, judge_edit};
pub use network::Networks;
pub use screen::Screens;
pub use snapshot::{Snapshots, no_such_snapshot};
pub use storage::{Storage, no_such_volume};

/// Runs VMs. All calls block until the hypervisor answered; calls on different VMs may run at once.
pub trait Hypervisor:
    Agents + Networks + Screens + Snapshots + Storage + Send + Sync + 'static
{
    /// Versions and accelerator.
    fn info(&self) -> Result<HypervisorInfo>;

    /// Every VM it knows, running or not, in no order.
    fn list(&self) -> Result<Vec<VmId>>;

    /// One VM as it is now.
    fn get(&self, id: VmId) -> Result<Vm>;

    /// The mark that [`Definition::mark`] left; `None` for a VM that somebody else defined.
    fn creation_mark(&self, id: VmId) -> Result<Option<String>>;

    /// Makes a new VM, powered off. [`Error::Exists`] if the id or the name is taken.
    fn define(&self, definition: &Definition) -> Result<()>;

    /// Makes a new VM, powered off, that is configured as `source` is: with disks and firmware variables of its own, NICs
    /// with new addresses, an empty TPM, no snapshots, and not started with the host. [`Error::WrongState`] unless the
    /// source is off; [`Error::Exists`] if the id or the name is taken.
    fn define_clone(&self, source: VmId, clone: &CloneDefinition) -> Result<()>;

    /// Forgets a VM that is off, with its firmware variables, but not its disks.
    fn undefine(&self, id: VmId) -> Result<()>;

    /// Changes the configuration, and what runs as far as the guest can take it; the rest is
    /// [`Vm::pending_restart`]. The change has passed [`VmEdit::check`]. [`Error::WrongState`] for another
    /// name while the VM is on, and for other hardware while its memory is on disk.
    fn edit(&self, id: VmId, edit: &VmEdit) -> Result<()>;

    /// Does what [`PowerAction::fits`] the VM's state, else [`Error::WrongState`]. Returns when it is
    /// done; what a guest must do by itself (shut down, reboot) may take its time, or never happen.
    fn power(&self, id: VmId, action: PowerAction) -> Result<()>;

    /// [`PowerAction::Start`].
    fn start(&self, id: VmId) -> Result<()> {
        self.power(id, PowerAction::Start)
    }

    /// [`PowerAction::Shutdown`].
    fn shutdown(&self, id: VmId) -> Result<()> {
        self.power(id, PowerAction::Shutdown)
    }

    /// [`PowerAction::Stop`].
    fn stop(&self, id: VmId) -> Result<()> {
        self.power(id, PowerAction::Stop)
    }

    /// Makes one disk file, and its directory if that is missing. [`Error::Exists`] if the file is
    /// there already: content is never overwritten.
    fn create_disk(&self, disk: &DiskRequest) -> Result<()>;

    /// Plugs a device in; a running VM gets it at once if it has room, else it is pending.
    fn attach(&self, id: VmId, device: &Device) -> Result<()>;

    /// Unplugs the drive with this target or the NIC with this MAC address. From a running VM only its guest
    /// can let it go: [`Error::WrongState`] if it has not after `patience`, and then nothing is changed.
    fn detach(&self, id: VmId, device: &str, patience: Duration) -> Result<()>;

    /// Puts a disc into the first CD drive, made if there is none, or takes it out. A guest that locked the
    /// drive keeps the disc unless `force` is set.
    fn set_cd(&self, id: VmId, iso: Option<&Path>, force: bool) -> Result<()>;

    /// Makes a disk larger; the guest sees it at once. `file` is what is behind it.
    fn grow_disk(&self, id: VmId, target: &str, file: &Path, bytes: u64) -> Result<()>;

    /// Limits a device's speed, at once and from now on.
    fn limit(&self, id: VmId, device: &str, limits: Limits) -> Result<()>;

    /// Removes one disk file; fine if it is gone already.
    fn delete_disk(&self, file: &Path) -> Result<()>;

    /// Removes the disk files of one directory and the directory; fine if it is gone already.
    fn delete_disks(&self, directory: &Path) -> Result<()>;

    /// Both ways of a running VM's first serial port. Only one at a time: opening takes it over.
    fn open_serial(&self, id: VmId) -> Result<SerialPort>;

    /// What running VMs took of the host so far, in the order of `vms`. Waits for no guest and no QEMU.
    fn usage(&self, vms: &[Arc<Vm>]) -> Vec<VmUsage>;

    /// What the disks of a running VM did since it started. Asks its QEMU: waits as long as that hangs.
    fn disk_io(&self, id: VmId) -> Result<DiskIo>;

    /// Tells `sink` of every change from now on. It is called on the hypervisor's own thread, so it
    /// must not block and must not call back.
    fn subscribe(&self, sink: Sink);
}

/// Receives [`Signal`]s.
pub type Sink = Box<dyn Fn(Signal) + Send + Sync>;

/// What [`Hypervisor::subscribe`] tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Something about this VM is new: look again.
    Changed(VmId),
    /// The VM is no longer defined.
    Removed(VmId),
    /// Networks were made, changed, started, stopped or removed.
    NetworksChanged,
    /// Storage pools or volumes were made, changed, started, stopped or removed.
    PoolsChanged,
    /// The hypervisor does not answer; nothing is known until [`Signal::Connected`].
    Disconnected(String),
    /// It answers (again): anything may have changed meanwhile.
    Connected,
}

/// What a running VM took of the host. What could not be measured is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VmUsage {
    /// CPU time since it started, its emulator's included.
    pub cpu: Option<Duration>,
    /// Memory of the host that it holds, in bytes.
    pub memory_bytes: Option<u64>,
    /// Traffic of all its NICs, as the guest sees it.
    pub net: Option<NetIo>,
}

/// A VM to define: the wish, resolved to files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The wish; its `disks` and `cdrom` are resolved below.
    pub spec: VmSpec,
    /// What is behind each of `spec.disks`, in their order.
    pub disks: Vec<DiskFile>,
    /// The ISO in the CD drive.
    pub cdrom: Option<PathBuf>,
    /// An ISO in a CD drive of its own, which [`Hypervisor::set_cd`] leaves alone and nothing boots from.
    pub cloud_init: Option<PathBuf>,
    /// MAC addresses of `spec.nics`, in their order.
    pub macs: Vec<String>,
    /// Kept with the VM and returned by [`Hypervisor::creation_mark`]: tells a repeated request from a
    /// different one. Plain ASCII without markup.
    pub mark: String,
}

/// A clone to define.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneDefinition {
    /// The new VM's.
    pub id: VmId,
    /// The new VM's.
    pub name: VmName,
    /// `None` is the source's.
    pub description: Option<String>,
    /// What is behind the source's disks in the new VM, by target. Drives that are not named keep what they have.
    pub disks: Vec<(String, DiskFile)>,
    /// As [`Definition::mark`].
    pub mark: String,
}

/// A file or block device that is a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskFile {
    /// Where.
    pub path: PathBuf,
    /// What its bytes are, never guessed.
    pub format: DiskFormat,
    /// It is a block device.
    pub block: bool,
}

/// A file that was made for a VM.
impl From<PathBuf> for DiskFile {
    fn from(path: PathBuf) -> Self {
        Self {
            path,
            format: DiskFormat::Qcow2,
            block: false,
        }
    }
}

/// A device to plug in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// A disk, under the next free target.
    Disk {
        /// What is behind it, which exists.
        file: DiskFile,
        /// How fast it may be.
        limits: DiskLimits,
    },
    /// A NIC with a new MAC address.
    Nic {
        /// What it is plugged into.
        nic: NicSpec,
        /// How fast it may be.
        limits: NicLimits,
    },
}

/// How fast a device may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// Of a drive.
    Disk(DiskLimits),
    /// Of a NIC.
    Nic(NicLimits),
}

/// A disk file to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskRequest {
    /// Where: `DIRECTORY/NAME`, made as qcow2.
    pub path: PathBuf,
    /// Virtual size in bytes; at least the source's.
    pub size_bytes: u64,
    /// First content.
    pub source: Option<DiskImage>,
}

/// An image to copy. It must name no other file: the engine's library has checked that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskImage {
    /// The file.
    pub path: PathBuf,
    /// Its format, never guessed again.
    pub format: ImageFormat,
    /// Bytes of the disk it describes.
    pub virtual_bytes: u64,
}

/// A serial line: reading ends (0 bytes) when the VM stops or somebody else takes the line.
pub struct SerialPort {
    /// What the guest writes.
    pub reader: Box<dyn Read + Send>,
    /// What the guest reads.
    pub writer: Box<dyn Write + Send>,
}
