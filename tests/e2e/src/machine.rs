//! A machine: QEMU with a screen, a keyboard, a serial line, disks and a network. `MachineBuilder` describes
//! it, `Machine` is the running one. It ends with its handle, and with this program however that ends.
//!
//! ```text
//!   MachineBuilder --start--> Machine --power_cut / guest powers off--> StoppedMachine --start--> Machine
//! ```
//! Disks and UEFI variables live in the machine's directory and survive a stop.

mod command;
mod running;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::accelerator::Accelerator;
use crate::firmware::Firmware;

pub use running::{Machine, StoppedMachine};

/// How a drive is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// SATA optical drive, read-only.
    Cd,
    /// USB stick; writes go to a throw-away overlay.
    UsbStick,
    /// virtio-blk disk.
    Virtio,
    /// NVMe disk.
    Nvme,
    /// SATA disk.
    Ahci,
}

/// One drive of a machine.
#[derive(Debug, Clone)]
pub struct Drive {
    /// The image file.
    pub file: PathBuf,
    /// `raw` or `qcow2`.
    pub format: &'static str,
    /// How it is attached.
    pub bus: Bus,
    /// Where every write is recorded; [`MachineBuilder::recorded_drive`].
    pub log: Option<PathBuf>,
}

/// One port of 127.0.0.1 that leads into the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// Port on this side.
    pub host: u16,
    /// Port in the machine.
    pub guest: u16,
}

/// A kernel that QEMU loads itself, without boot medium (measurements and the harness's own tests).
#[derive(Debug, Clone)]
pub struct DirectKernel {
    /// vmlinuz
    pub kernel: PathBuf,
    /// initramfs
    pub initrd: PathBuf,
    /// command line
    pub arguments: String,
}

/// Everything that decides QEMU's command line.
#[derive(Debug, Clone)]
pub struct Spec {
    pub(crate) dir: PathBuf,
    pub(crate) memory_mib: u32,
    /// `None`: as many as go well with the firmware.
    pub(crate) cpus: Option<u32>,
    pub(crate) firmware: Firmware,
    pub(crate) accelerator: Accelerator,
    pub(crate) drives: Vec<Drive>,
    /// `None`: no network card.
    pub(crate) forwards: Option<Vec<Forward>>,
    pub(crate) capture: Option<PathBuf>,
    pub(crate) kernel: Option<DirectKernel>,
    pub(crate) virtual_time: bool,
    pub(crate) reboots: bool,
}

/// Describes a machine. Starts from 2 GiB of memory, 2 CPUs, Secure Boot off, the best accelerator, one
/// network card with 8443 and 9443 forwarded from free ports, and no drive.
#[derive(Debug)]
pub struct MachineBuilder {
    spec: Spec,
    new_disks: Vec<(Drive, u64)>,
}

impl MachineBuilder {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self {
            spec: Spec {
                dir,
                memory_mib: 2048,
                cpus: None,
                firmware: Firmware::NoKeys,
                accelerator: Accelerator::best().clone(),
                drives: Vec::new(),
                forwards: Some(Vec::new()),
                capture: None,
                kernel: None,
                virtual_time: false,
                reboots: true,
            },
            new_disks: Vec::new(),
        }
    }

    /// Puts an image into the optical drive.
    #[must_use]
    pub fn cd(self, iso: &Path) -> Self {
        self.drive(iso, "raw", Bus::Cd)
    }

    /// Puts an image on a USB stick.
    #[must_use]
    pub fn usb_stick(self, image: &Path) -> Self {
        self.drive(image, "raw", Bus::UsbStick)
    }

    /// Attaches an existing image. The first drive attached boots first.
    #[must_use]
    pub fn drive(mut self, file: &Path, format: &'static str, bus: Bus) -> Self {
        self.spec.drives.push(Drive {
            file: file.to_owned(),
            format,
            bus,
            log: None,
        });
        self
    }

    /// Attaches an existing raw disk and records every write to it in `log`, a file that exists, in the format
    /// of dm-log-writes. Each start of the machine begins the log anew.
    #[must_use]
    pub fn recorded_drive(mut self, file: &Path, log: &Path, bus: Bus) -> Self {
        self.spec.drives.push(Drive {
            file: file.to_owned(),
            format: "raw",
            bus,
            log: Some(log.to_owned()),
        });
        self
    }

    /// Attaches a new, empty qcow2 disk of `gib` GiB.
    #[must_use]
    pub fn disk(mut self, bus: Bus, gib: u64) -> Self {
        let file = self
            .spec
            .dir
            .join(format!("disk{}.qcow2", self.new_disks.len()));
        let drive = Drive {
            file,
            format: "qcow2",
            bus,
            log: None,
        };
        self.new_disks.push((drive.clone(), gib));
        self.spec.drives.push(drive);
        self
    }

    /// Memory in MiB.
    #[must_use]
    pub fn memory_mib(mut self, mib: u32) -> Self {
        self.spec.memory_mib = mib;
        self
    }

    /// Number of CPUs, whatever the firmware.
    #[must_use]
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.spec.cpus = Some(cpus);
        self
    }

    /// Microsoft's keys enrolled, Secure Boot on. Where that is emulated, with one CPU unless another number is
    /// wished.
    #[must_use]
    pub fn secure_boot(mut self) -> Self {
        self.spec.firmware = Firmware::SecureBoot;
        self
    }

    /// Another accelerator than the best one.
    #[must_use]
    pub fn accelerator(mut self, accelerator: Accelerator) -> Self {
        self.spec.accelerator = accelerator;
        self
    }

    /// No network card.
    #[must_use]
    pub fn without_network(mut self) -> Self {
        self.spec.forwards = None;
        self
    }

    /// Forwards a given port of 127.0.0.1 to a port of the machine.
    #[must_use]
    pub fn forward(mut self, host: u16, guest: u16) -> Self {
        self.spec
            .forwards
            .get_or_insert_default()
            .push(Forward { host, guest });
        self
    }

    /// Records every network packet into a pcap file.
    #[must_use]
    pub fn capture(mut self, file: &Path) -> Self {
        self.spec.capture = Some(file.to_owned());
        self
    }

    /// Boots this kernel without firmware menus or boot medium.
    #[must_use]
    pub fn kernel(mut self, kernel: DirectKernel) -> Self {
        self.spec.kernel = Some(kernel);
        self
    }

    /// One virtual nanosecond an instruction, idle time skipped: the guest's own clock then shows the same
    /// on every machine. One CPU, software emulation.
    #[must_use]
    pub fn virtual_time(mut self) -> Self {
        self.spec.virtual_time = true;
        self.spec.cpus = Some(1);
        self.spec.accelerator = Accelerator::tcg("virtual time needs it");
        self
    }

    /// A reboot ends the machine instead, so that a test sees that it happened.
    #[must_use]
    pub fn stop_at_reboot(mut self) -> Self {
        self.spec.reboots = false;
        self
    }

    /// Makes the disks and turns the machine on.
    ///
    /// # Errors
    /// When a disk can't be made, or QEMU ends at once; then with what it said.
    pub fn start(self) -> Result<Machine> {
        let mut spec = self.spec;
        std::fs::create_dir_all(&spec.dir)
            .with_context(|| format!("cannot make {}", spec.dir.display()))?;
        for (drive, gib) in &self.new_disks {
            create_disk(&drive.file, *gib)?;
        }
        if let Some(forwards) = &mut spec.forwards {
            for guest in [8443, 9443] {
                if !forwards.iter().any(|forward| forward.guest == guest) {
                    forwards.push(Forward {
                        host: crate::ports::free()?,
                        guest,
                    });
                }
            }
        }
        spec.firmware.copy_variables(&spec.dir.join("vars.fd"))?;
        Machine::start(spec)
    }
}

fn create_disk(file: &Path, gib: u64) -> Result<()> {
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2"])
        .arg(file)
        .arg(format!("{gib}G"))
        .output()
        .context("cannot run qemu-img")?;
    ensure!(
        made.status.success(),
        "cannot make the disk {}: {}",
        file.display(),
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(())
}
