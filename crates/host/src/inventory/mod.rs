//! What this machine is and how it does: read from procfs, sysfs and the kernel's tables at every call,
//! so that a caller always sees the present. Every part that cannot be read is left empty.

mod addresses;
mod proc;
mod usage;

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::Serialize;

use crate::apply::Applied;
use crate::network::InForce;
use crate::nics::{self, Nic};

pub use usage::Usage;

/// Where the facts are read from; tests and laptops point it elsewhere.
#[derive(Debug, Clone)]
pub struct Sources {
    /// procfs.
    pub proc: PathBuf,
    /// sysfs.
    pub sys: PathBuf,
    /// The directory whose disk usage is reported.
    pub data: PathBuf,
    /// The run directory of Quantix-OS.
    pub run: PathBuf,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            proc: PathBuf::from("/proc"),
            sys: PathBuf::from("/sys"),
            data: PathBuf::from("/data"),
            run: PathBuf::from("/run/quantix"),
        }
    }
}

/// The state of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Host name as the kernel has it.
    pub hostname: String,
    /// Kernel release.
    pub kernel: String,
    /// Seconds since boot.
    pub uptime_s: u64,
    /// Processors.
    pub cpu: Cpu,
    /// Main memory.
    pub memory: Memory,
    /// Room on the data directory; `None` when there is no such directory.
    pub data: Option<Data>,
    /// Addresses of all interfaces but the loopback, link-local ones left out.
    pub addresses: Vec<Address>,
    /// Network cards.
    pub nics: Vec<Nic>,
    /// The interface by which the host is managed; `None` where no network was brought up.
    pub management_interface: Option<String>,
    /// Whether the configuration in force starts sshd.
    pub ssh_enabled: bool,
}

/// Processors of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Cpu {
    /// Marketing name.
    pub model: String,
    /// Packages.
    pub sockets: u32,
    /// Physical cores in all packages.
    pub cores: u32,
    /// Hardware threads.
    pub threads: u32,
}

/// Main memory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Memory {
    /// What the kernel manages.
    pub total_bytes: u64,
    /// What could be had without swapping.
    pub available_bytes: u64,
}

/// What the data directory lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DataKind {
    /// A disk.
    Disk,
    /// Memory: lost at shutdown.
    Ram,
}

/// Room on the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Data {
    /// The directory.
    pub path: PathBuf,
    /// Size of its file system.
    pub total_bytes: u64,
    /// Free for ordinary use.
    pub free_bytes: u64,
    /// Disk or memory.
    pub kind: DataKind,
}

/// How an address came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// From a DHCP server.
    Dhcp,
    /// From the configuration.
    Static,
    /// Made by the kernel: router advertisement or link-local.
    Auto,
}

/// One address of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Address {
    /// Interface name.
    pub interface: String,
    /// The address without its prefix.
    pub address: IpAddr,
    /// How it came to be.
    pub origin: Origin,
}

impl Inventory {
    /// Reads everything.
    #[must_use]
    pub fn read(sources: &Sources) -> Self {
        let applied = Applied::read(&sources.run);
        let network = InForce::read(&sources.run);
        Self {
            hostname: proc::line(&sources.proc.join("sys/kernel/hostname")),
            kernel: proc::line(&sources.proc.join("sys/kernel/osrelease")),
            uptime_s: proc::uptime_s(&proc::line(&sources.proc.join("uptime"))),
            cpu: proc::cpu(&text(sources.proc.join("cpuinfo"))),
            memory: proc::memory(&text(sources.proc.join("meminfo"))),
            data: data(&sources.data),
            addresses: addresses::read(&sources.proc, network.as_ref()),
            nics: nics::discover(&sources.sys),
            ssh_enabled: applied.is_some_and(|applied| applied.ssh_enabled),
            management_interface: network.map(|network| network.interface),
        }
    }
}

fn text(path: PathBuf) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn data(path: &std::path::Path) -> Option<Data> {
    let room = rustix::fs::statvfs(path).ok()?;
    let kind = match rustix::fs::statfs(path).ok()?.f_type {
        0x0102_1994 | 0x8584_58f6 => DataKind::Ram, // tmpfs, ramfs (linux/magic.h)
        _ => DataKind::Disk,
    };
    Some(Data {
        path: path.to_owned(),
        total_bytes: room.f_blocks.saturating_mul(room.f_frsize),
        free_bytes: room.f_bavail.saturating_mul(room.f_frsize),
        kind,
    })
}
