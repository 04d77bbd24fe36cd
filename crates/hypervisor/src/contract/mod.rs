//! What every implementation of [`Hypervisor`] must do: checks that tests call, and the guest that they
//! boot. Built with the feature `contract` only; a check fails by panicking, as tests do.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "checks fail by panicking, as tests do"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use qx_model::edit::VmEdit;
use qx_model::vm::{
    Disk, DiskSource, DiskSpec, Firmware, ImageFormat, NicSpec, PowerState, Vm, VmId, VmSpec,
};

use self::line::Line;
use crate::{Definition, DiskImage, DiskRequest, Error, Hypervisor, Signal, VmUsage};

mod clone;
mod devices;
mod edit;
mod guest;
mod line;
mod network;
mod power;
mod screen;
mod snapshot;
mod storage;

pub use guest::boot_sector_guest;

/// Emulated guests on a busy machine are slow; nothing waits this long when all is well.
const PATIENCE: Duration = Duration::from_secs(90);
const MARKER: &str = "QUANTIX GUEST RUNS\r\n";
const GUEST_BYTES: u64 = 1 << 20;

/// What runs in the VMs of the implementation under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guests {
    /// Nothing: consoles are not supported.
    None,
    /// Something that echoes on the serial line and shuts down at once.
    Echo,
    /// What is on the disk.
    Real,
}

/// An implementation under test.
pub struct Subject<'a> {
    /// It.
    pub hypervisor: &'a dyn Hypervisor,
    /// What its VMs run.
    pub guests: Guests,
    /// Whether the kernel has the queueing that limits NICs (`sch_htb`, `sch_sfq`).
    pub limits_nics: bool,
    /// A directory for disks and images that its VMs can reach; exists.
    pub data: PathBuf,
}

impl Subject<'_> {
    /// Runs every check, telling its name first.
    ///
    /// # Panics
    /// If the implementation breaks the contract.
    pub fn check(&self) {
        type Check<'a> = (&'a str, fn(&Subject<'a>));
        let checks: [Check<'_>; 32] = [
            (
                "a defined VM is what was wished for, and off",
                Self::defined_as_wished,
            ),
            (
                "an edit changes what it names, and the revision",
                Self::edit,
            ),
            (
                "a VM starts with the host when that is wished for, in its order",
                Self::autostart,
            ),
            (
                "a clone is what its source is, and shares nothing with it",
                Self::clone,
            ),
            (
                "what a running VM can't take now is pending until it was off",
                Self::edit_running,
            ),
            (
                "disks and NICs come and go, and can be limited",
                Self::devices_while_off,
            ),
            (
                "what is plugged into a running VM is there at once, and goes when its guest lets it go",
                Self::devices_while_running,
            ),
            ("a disk grows, off and running", Self::disk_grows),
            ("a CD is inserted and ejected", Self::cd),
            ("ids and names are unique", Self::ids_and_names_are_unique),
            (
                "a VM that does not exist is told apart from every other error",
                Self::missing,
            ),
            (
                "power follows the calls, and wrong ones are refused",
                Self::power,
            ),
            ("what running VMs use is counted", Self::usage),
            (
                "a paused guest stands still, and goes on where it was",
                Self::pause,
            ),
            (
                "a suspended guest goes on where it was, unless its memory is dropped",
                Self::suspend,
            ),
            ("a reset begins anew", Self::reset),
            (
                "a VM that is off is brought back along a tree of snapshots",
                Self::snapshots_while_off,
            ),
            (
                "a guest goes on from a snapshot, and from nothing that came after",
                Self::snapshots_while_running,
            ),
            (
                "a snapshot that does not exist is told apart",
                Self::snapshots_missing,
            ),
            (
                "a running VM is not forgotten",
                Self::running_is_not_forgotten,
            ),
            (
                "disks are made once, and removed with their directory",
                Self::disks,
            ),
            ("every change is signalled", Self::signals),
            ("the serial line reaches the guest, both ways", Self::serial),
            (
                "a taken serial line ends for the one who had it",
                Self::serial_taken,
            ),
            (
                "a running VM's screen has any number of viewers",
                Self::screen,
            ),
            (
                "an agent that is not there is told apart from a VM that is off",
                Self::agent,
            ),
            (
                "a network is what was wished for, and changes as asked",
                Self::network_as_wished,
            ),
            (
                "a network starts and stops, and is not forgotten while it is active",
                Self::network_life,
            ),
            (
                "ids and names of networks are unique, and a missing one is told apart",
                Self::networks_unique_and_missing,
            ),
            (
                "a storage pool is what was wished for, starts and stops, and keeps what is in it",
                Self::pool_life,
            ),
            (
                "ids and names of storage pools are unique, and a missing one is told apart",
                Self::pools_unique_and_missing,
            ),
            (
                "a volume is made once, grows, shrinks only when forced to, and goes",
                Self::volume_life,
            ),
        ];
        for (name, check) in checks {
            println!("contract: {name}");
            check(self);
        }
    }

    fn defined_as_wished(&self) {
        let mut definition = self.definition("wished");
        definition.spec.description = "<b>&\"it's\" two\nlines".into();
        definition.spec.vcpus = 2;
        definition.cdrom = Some(self.data.join("disc.iso"));
        definition.cloud_init = Some(self.data.join("cloud-init.iso"));
        definition.spec.nics = vec![NicSpec::Network("default".parse().unwrap())];
        definition.macs = vec!["52:54:00:0a:0b:0c".into()];
        let id = definition.spec.id;
        self.hypervisor.define(&definition).unwrap();
        let vm = self.hypervisor.get(id).unwrap();
        assert_eq!(vm.id, id);
        assert_eq!(vm.name, definition.spec.name.as_str());
        assert_eq!(vm.description, definition.spec.description);
        assert_eq!((vm.vcpus, vm.memory_mib), (2, definition.spec.memory_mib));
        assert_eq!(vm.firmware, definition.spec.firmware);
        assert_eq!(vm.state, PowerState::Off);
        assert!(
            vm.disks
                .iter()
                .any(|disk| disk.cdrom && disk.path == definition.cdrom)
        );
        let disc = |disk: &&Disk| disk.cdrom && disk.path == definition.cloud_init;
        let disc = vm.disks.iter().find(disc).unwrap();
        assert!(!vm.boot_order.contains(&disc.target), "{vm:?}");
        let macs: Vec<_> = vm.nics.iter().map(|nic| nic.mac.clone()).collect();
        assert_eq!(macs, definition.macs);
        assert!(self.hypervisor.list().unwrap().contains(&id));
        assert_eq!(
            self.hypervisor.creation_mark(id).unwrap(),
            Some(definition.mark)
        );
        self.hypervisor.undefine(id).unwrap();
        assert!(!self.hypervisor.list().unwrap().contains(&id));
    }

    fn ids_and_names_are_unique(&self) {
        let first = self.definition("unique");
        self.hypervisor.define(&first).unwrap();
        let same_name = Definition {
            spec: VmSpec {
                id: VmId::random(),
                ..first.spec.clone()
            },
            ..first.clone()
        };
        let mut same_id = self.definition("unique-too");
        same_id.spec.id = first.spec.id;
        for taken in [&first, &same_name, &same_id] {
            let refused = self.hypervisor.define(taken);
            assert!(matches!(refused, Err(Error::Exists { .. })), "{refused:?}");
        }
        self.hypervisor.undefine(first.spec.id).unwrap();
    }

    fn missing(&self) {
        let (id, hypervisor) = (VmId::random(), self.hypervisor);
        let answers = [
            ("get", hypervisor.get(id).map(drop)),
            ("creation_mark", hypervisor.creation_mark(id).map(drop)),
            ("edit", hypervisor.edit(id, &VmEdit::default())),
            ("start", hypervisor.start(id)),
            ("shutdown", hypervisor.shutdown(id)),
            ("stop", hypervisor.stop(id)),
            ("undefine", hypervisor.undefine(id)),
            ("open_serial", hypervisor.open_serial(id).map(drop)),
            ("disk_io", hypervisor.disk_io(id).map(drop)),
        ];
        for (call, answer) in answers {
            assert!(
                matches!(answer, Err(Error::NoSuchVm(told)) if told == id),
                "{call}: {answer:?}"
            );
        }
    }

    fn usage(&self) {
        let id = self.booted("usage");
        let vm = Arc::new(self.hypervisor.get(id).unwrap());
        let absent = Arc::new(Vm {
            id: VmId::random(),
            ..Vm::clone(&vm)
        });
        let vms = [absent, vm];
        self.wait("the VM to be counted", || {
            let usage = self.hypervisor.usage(&vms);
            assert_eq!((usage.len(), usage[0]), (2, VmUsage::default()));
            // Only a guest that really runs takes anything.
            self.guests != Guests::Real || usage[1].cpu.is_some_and(|time| !time.is_zero())
        });
        if self.guests == Guests::None {
            let refused = self.hypervisor.disk_io(id);
            assert!(
                matches!(refused, Err(Error::Unsupported { .. })),
                "{refused:?}"
            );
            return self.remove(id);
        }
        self.wait("its disk to be read", || {
            let read = self.hypervisor.disk_io(id).unwrap().read_bytes;
            self.guests != Guests::Real || read > 0
        });
        self.remove(id);
    }

    fn running_is_not_forgotten(&self) {
        let id = self.booted("forgotten");
        let refused = self.hypervisor.undefine(id);
        assert!(
            matches!(refused, Err(Error::WrongState { .. })),
            "{refused:?}"
        );
        assert_eq!(self.state(id), PowerState::Running);
        self.remove(id);
    }

    fn disks(&self) {
        let directory = self.data.join(VmId::random().to_string());
        let blank = DiskRequest {
            path: directory.join("disk0.qcow2"),
            size_bytes: 64 << 20,
            source: None,
        };
        let copy = DiskRequest {
            path: directory.join("disk1.qcow2"),
            size_bytes: 4 << 20,
            source: Some(self.guest_image()),
        };
        self.hypervisor.create_disk(&blank).unwrap();
        self.hypervisor.create_disk(&copy).unwrap();
        if self.guests == Guests::Real {
            // Virtual sizes, at their place in a qcow2 header.
            assert_eq!(virtual_size(&blank), blank.size_bytes);
            assert_eq!(virtual_size(&copy), copy.size_bytes);
            assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2);
        }
        if self.guests != Guests::None {
            let again = self.hypervisor.create_disk(&blank);
            assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
        }
        self.hypervisor.delete_disks(&directory).unwrap();
        self.hypervisor.delete_disks(&directory).unwrap();
        assert!(!directory.exists());
        self.hypervisor.create_disk(&blank).unwrap();
        self.hypervisor.delete_disks(&directory).unwrap();
    }

    fn signals(&self) {
        let (sender, signals) = mpsc::channel();
        // The receiver is gone when the check is over.
        let sender = std::sync::Mutex::new(sender);
        self.hypervisor.subscribe(Box::new(move |signal| {
            let _ = sender.lock().map(|sender| sender.send(signal));
        }));
        assert_eq!(signals.recv_timeout(PATIENCE).unwrap(), Signal::Connected);
        let id = self.created("signals");
        let expect = |wanted: Signal| {
            let deadline = Instant::now() + PATIENCE;
            while signals.recv_timeout(deadline - Instant::now()).unwrap() != wanted {}
        };
        let drain = || while signals.try_recv().is_ok() {};
        expect(Signal::Changed(id));
        drain();
        self.hypervisor.start(id).unwrap();
        expect(Signal::Changed(id));
        drain();
        self.hypervisor.stop(id).unwrap();
        expect(Signal::Changed(id));
        self.remove(id);
        expect(Signal::Removed(id));
    }

    fn serial(&self) {
        let id = self.booted("serial");
        if self.guests == Guests::None {
            let refused = self.hypervisor.open_serial(id).map(drop);
            assert!(
                matches!(refused, Err(Error::Unsupported { .. })),
                "{refused:?}"
            );
            return self.remove(id);
        }
        let mut line = self.line(id);
        if self.guests == Guests::Real {
            line.answers("\r", MARKER);
        }
        line.answers("is anybody there?", "is anybody there?");
        self.hypervisor.stop(id).unwrap();
        line.ends();
        self.remove(id);
    }

    fn serial_taken(&self) {
        if self.guests == Guests::None {
            return;
        }
        let id = self.booted("taken");
        let first = self.line(id);
        let mut second = self.line(id);
        first.ends();
        second.answers("still here?", "still here?");
        self.remove(id);
    }

    /// A VM with the guest on its disk, off.
    fn created(&self, name: &str) -> VmId {
        self.makes(&self.definition(name))
    }

    /// The VM of this definition, with the guest on its disk.
    fn makes(&self, definition: &Definition) -> VmId {
        self.guest_disk(&definition.disks[0].path);
        self.hypervisor.define(definition).unwrap();
        definition.spec.id
    }

    /// A new disk with the guest on it.
    fn guest_disk(&self, path: &Path) {
        let disk = DiskRequest {
            path: path.to_owned(),
            size_bytes: GUEST_BYTES,
            source: Some(self.guest_image()),
        };
        self.hypervisor.create_disk(&disk).unwrap();
    }

    fn booted(&self, name: &str) -> VmId {
        let id = self.created(name);
        self.hypervisor.start(id).unwrap();
        id
    }

    /// Whatever state it is in.
    fn remove(&self, id: VmId) {
        match self.hypervisor.stop(id) {
            Ok(()) | Err(Error::WrongState { .. }) => {}
            Err(error) => panic!("stopping: {error}"),
        }
        self.hypervisor.undefine(id).unwrap();
        self.hypervisor
            .delete_disks(&self.data.join(id.to_string()))
            .unwrap();
    }

    fn definition(&self, name: &str) -> Definition {
        let id = VmId::random();
        let disk = DiskSpec {
            size_bytes: Some(GUEST_BYTES),
            source: DiskSource::Blank,
            pool: None,
        };
        let spec = VmSpec {
            id,
            name: format!("contract-{name}").parse().unwrap(),
            description: String::new(),
            vcpus: 1,
            vcpus_max: None,
            memory_mib: 64,
            firmware: Firmware::Bios,
            tpm: false,
            disks: vec![disk],
            cdrom: None,
            nics: Vec::new(),
            autostart: false,
            cloud_init: None,
        };
        let disk = self.data.join(id.to_string()).join("disk0.qcow2");
        Definition {
            spec,
            disks: vec![disk.into()],
            cdrom: None,
            cloud_init: None,
            macs: Vec::new(),
            mark: format!("mark-{name}"),
        }
    }

    fn guest_image(&self) -> DiskImage {
        let path = self.data.join("guest.img");
        if !path.exists() {
            std::fs::write(&path, boot_sector_guest(MARKER)).unwrap();
        }
        DiskImage {
            path,
            format: ImageFormat::Raw,
            virtual_bytes: GUEST_BYTES,
        }
    }

    fn line(&self, id: VmId) -> Line {
        Line::new(self.hypervisor.open_serial(id).unwrap(), PATIENCE)
    }

    fn state(&self, id: VmId) -> PowerState {
        self.hypervisor.get(id).unwrap().state
    }

    fn wait(&self, what: &str, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < deadline, "waited too long for {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn virtual_size(disk: &DiskRequest) -> u64 {
    let header = std::fs::read(&disk.path).unwrap();
    assert_eq!(&header[..4], b"QFI\xfb");
    u64::from_be_bytes(header[24..32].try_into().unwrap())
}
