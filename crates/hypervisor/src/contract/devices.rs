//! Devices: plugged in and out, limited, grown; the CD drive.

use std::path::PathBuf;
use std::time::Duration;

use qx_model::device::{DiskLimits, NicLimits};
use qx_model::vm::{NicSpec, PowerAction, VmId};

use super::{GUEST_BYTES, Guests, PATIENCE, Subject};
use crate::{Device, DiskRequest, Error, Limits};

const SLOW_DISK: DiskLimits = DiskLimits {
    read_bytes_sec: 1 << 20,
    write_bytes_sec: 0,
    read_iops: 0,
    write_iops: 500,
};
const SLOW_NIC: NicLimits = NicLimits {
    receive_kbytes_sec: 1000,
    send_kbytes_sec: 500,
};

impl Subject<'_> {
    pub(super) fn devices_while_off(&self) {
        let id = self.created("devices");
        self.come_and_go(id);
        let missing = self.hypervisor.detach(id, "vdz", PATIENCE);
        assert!(
            matches!(missing, Err(Error::NoSuchDevice { .. })),
            "{missing:?}"
        );
        self.remove(id);
    }

    pub(super) fn devices_while_running(&self) {
        let id = self.booted("hotplug");
        if self.guests != Guests::Real {
            self.hypervisor.stop(id).unwrap();
            return self.remove(id);
        }
        let mut line = self.line(id);
        line.answers("\r", super::MARKER);
        let disk = self.disk(id, SLOW_DISK);
        self.hypervisor.attach(id, &disk).unwrap();
        let vm = self.hypervisor.get(id).unwrap();
        assert!(vm.pending_restart.is_empty(), "{vm:?}");
        assert_eq!(
            (&*vm.disks[1].target, vm.disks[1].limits),
            ("vdb", SLOW_DISK)
        );
        let limits = Limits::Disk(DiskLimits::default());
        self.hypervisor.limit(id, "vdb", limits).unwrap();
        assert!(self.hypervisor.get(id).unwrap().pending_restart.is_empty());
        let nic = Device::Nic {
            nic: NicSpec::Bridge("br0".parse().unwrap()),
            limits: NicLimits::default(),
        };
        self.hypervisor.attach(id, &nic).unwrap();
        let mac = self.hypervisor.get(id).unwrap().nics[0].mac.clone();
        if self.limits_nics {
            self.hypervisor
                .limit(id, &mac, Limits::Nic(SLOW_NIC))
                .unwrap();
            let vm = self.hypervisor.get(id).unwrap();
            assert_eq!((vm.nics[0].limits, vm.pending_restart.len()), (SLOW_NIC, 0));
        } else {
            println!("contract: NICs of running VMs can't be limited on this kernel");
        }
        // A guest that does not answer keeps what it has.
        let kept = self.hypervisor.detach(id, "vdb", Duration::from_secs(1));
        let Err(Error::WrongState { reason }) = kept else {
            panic!("{kept:?}");
        };
        assert!(reason.contains("has not let vdb go"), "{reason}");
        assert_eq!(self.hypervisor.get(id).unwrap().disks.len(), 2);
        std::thread::scope(|scope| {
            let let_go = scope.spawn(|| {
                self.hypervisor.detach(id, "vdb", PATIENCE).unwrap();
                self.hypervisor.detach(id, &mac, PATIENCE).unwrap();
            });
            while !let_go.is_finished() {
                line.answers("-", "-");
            }
        });
        let vm = self.hypervisor.get(id).unwrap();
        assert_eq!((vm.disks.len(), vm.nics.len()), (1, 0));
        assert!(vm.pending_restart.is_empty(), "{vm:?}");
        self.remove(id);
    }

    pub(super) fn disk_grows(&self) {
        // The test driver holds no files.
        if self.guests == Guests::None {
            return;
        }
        let id = self.created("grows");
        let file = self.hypervisor.get(id).unwrap().disks[0]
            .path
            .clone()
            .unwrap();
        let size = || self.hypervisor.get(id).unwrap().disks[0].size_bytes;
        assert_eq!(size(), Some(GUEST_BYTES));
        self.hypervisor
            .grow_disk(id, "vda", &file, 8 << 20)
            .unwrap();
        assert_eq!(size(), Some(8 << 20));
        self.hypervisor.start(id).unwrap();
        self.hypervisor
            .grow_disk(id, "vda", &file, 16 << 20)
            .unwrap();
        assert_eq!(size(), Some(16 << 20));
        self.remove(id);
    }

    pub(super) fn cd(&self) {
        let iso = |name: &str| -> PathBuf {
            let path = self.data.join(name);
            std::fs::write(&path, vec![0; 1 << 20]).unwrap();
            path
        };
        let (first, second) = (iso("first.iso"), iso("second.iso"));
        let mut definition = self.definition("cd");
        let own = iso("cloud-init.iso");
        definition.cloud_init = Some(own.clone());
        let id = self.makes(&definition);
        let disc = || {
            let vm = self.hypervisor.get(id).unwrap();
            assert!(vm.pending_restart.is_empty(), "{vm:?}");
            let discs = vm.disks.into_iter().filter(|disk| disk.cdrom);
            let (own, mut others): (Vec<_>, Vec<_>) =
                discs.partition(|disk| disk.path.as_ref() == Some(&own));
            assert_eq!((own.len(), others.len()), (1, 1));
            others.remove(0).path
        };
        self.hypervisor.set_cd(id, Some(&first), false).unwrap();
        assert_eq!(disc(), Some(first.clone()));
        self.hypervisor.set_cd(id, None, false).unwrap();
        assert_eq!(disc(), None);
        if self.guests != Guests::None {
            self.hypervisor.start(id).unwrap();
            self.hypervisor.set_cd(id, Some(&second), false).unwrap();
            assert_eq!(disc(), Some(second.clone()));
            self.hypervisor.set_cd(id, Some(&first), true).unwrap();
            assert_eq!(disc(), Some(first.clone()));
            self.hypervisor.power(id, PowerAction::Stop).unwrap();
            assert_eq!(disc(), Some(first));
        }
        self.remove(id);
    }

    /// Plugs a disk and a NIC in, limits both, takes both away.
    fn come_and_go(&self, id: VmId) {
        let before = self.hypervisor.get(id).unwrap();
        let disk = self.disk(id, DiskLimits::default());
        let nic = Device::Nic {
            nic: NicSpec::Network("default".parse().unwrap()),
            limits: SLOW_NIC,
        };
        self.hypervisor.attach(id, &disk).unwrap();
        self.hypervisor.attach(id, &nic).unwrap();
        let limits = Limits::Disk(SLOW_DISK);
        self.hypervisor.limit(id, "vdb", limits).unwrap();
        let vm = self.hypervisor.get(id).unwrap();
        assert_eq!((vm.disks.len(), vm.nics.len()), (2, 1));
        assert_eq!(
            (&*vm.disks[1].target, vm.disks[1].limits),
            ("vdb", SLOW_DISK)
        );
        assert_eq!(
            (&*vm.nics[0].source, vm.nics[0].limits),
            ("default", SLOW_NIC)
        );
        assert_ne!(vm.revision, before.revision);
        let mac = vm.nics[0].mac.clone();
        for device in ["vdb", &mac] {
            self.hypervisor.detach(id, device, PATIENCE).unwrap();
        }
        let after = self.hypervisor.get(id).unwrap();
        assert_eq!((after.disks, after.nics), (before.disks, before.nics));
        if let Device::Disk { file, .. } = &disk {
            self.hypervisor.delete_disk(&file.path).unwrap();
            self.hypervisor.delete_disk(&file.path).unwrap();
            assert!(!file.path.exists());
        }
    }

    /// A second disk, made beside the VM's first.
    fn disk(&self, id: VmId, limits: DiskLimits) -> Device {
        let file = self.data.join(id.to_string()).join("disk1.qcow2");
        let request = DiskRequest {
            path: file.clone(),
            size_bytes: 4 << 20,
            source: None,
        };
        self.hypervisor.create_disk(&request).unwrap();
        Device::Disk {
            file: file.into(),
            limits,
        }
    }
}
