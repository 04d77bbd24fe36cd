//! Between the messages of gRPC and the types of REST: one validation and one assembly serve both.

use uuid::Uuid;

use super::v1;
use crate::rest;

impl From<rest::Accelerator> for v1::Accelerator {
    fn from(accelerator: rest::Accelerator) -> Self {
        match accelerator {
            rest::Accelerator::Kvm => Self::Kvm,
            rest::Accelerator::Tcg => Self::Tcg,
            rest::Accelerator::Test => Self::Test,
        }
    }
}

impl From<rest::VmState> for v1::VmState {
    fn from(state: rest::VmState) -> Self {
        match state {
            rest::VmState::Running => Self::Running,
            rest::VmState::Paused => Self::Paused,
            rest::VmState::ShuttingDown => Self::ShuttingDown,
            rest::VmState::Off => Self::Off,
            rest::VmState::Saved => Self::Saved,
            rest::VmState::Crashed => Self::Crashed,
            rest::VmState::Suspended => Self::Suspended,
        }
    }
}

impl From<rest::Firmware> for v1::Firmware {
    fn from(firmware: rest::Firmware) -> Self {
        match firmware {
            rest::Firmware::Bios => Self::Bios,
            rest::Firmware::Uefi => Self::Uefi,
            rest::Firmware::UefiSecureBoot => Self::UefiSecureBoot,
        }
    }
}

impl From<v1::Firmware> for rest::Firmware {
    fn from(firmware: v1::Firmware) -> Self {
        match firmware {
            v1::Firmware::Bios => Self::Bios,
            v1::Firmware::Uefi | v1::Firmware::Unspecified => Self::Uefi,
            v1::Firmware::UefiSecureBoot => Self::UefiSecureBoot,
        }
    }
}

impl From<rest::Vm> for v1::Vm {
    fn from(vm: rest::Vm) -> Self {
        Self {
            id: vm.id.to_string(),
            name: vm.name,
            description: vm.description,
            state: v1::VmState::from(vm.state).into(),
            vcpus: vm.vcpus,
            memory_mib: vm.memory_mib,
            firmware: v1::Firmware::from(vm.firmware).into(),
            accelerator: v1::Accelerator::from(vm.accelerator).into(),
            disks: vm
                .disks
                .into_iter()
                .map(|disk| v1::Disk {
                    target: disk.target,
                    path: disk.path,
                    cdrom: disk.cdrom,
                    size_bytes: disk.size_bytes,
                    limits: Some(disk.limits.into()),
                })
                .collect(),
            nics: vm
                .nics
                .into_iter()
                .map(|nic| v1::Nic {
                    mac: nic.mac,
                    source: nic.source,
                    limits: Some(nic.limits.into()),
                })
                .collect(),
            tags: vm.tags,
            vcpus_max: vm.vcpus_max,
            cpu_model: vm.cpu_model,
            boot_order: vm.boot_order,
            pending_restart: vm.pending_restart,
            revision: vm.revision,
            vnc: vm.vnc,
            autostart: vm.autostart,
            autostart_order: vm.autostart_order,
            autostart_delay_s: vm.autostart_delay_s,
            tpm: vm.tpm,
        }
    }
}

fn refused(field: impl Into<String>, reason: &str) -> rest::FieldProblem {
    rest::FieldProblem {
        field: field.into(),
        reason: reason.to_owned(),
    }
}

/// A UUID given as text in `field`.
///
/// # Errors
/// The field, if it is not one.
pub fn uuid(field: &str, text: &str) -> Result<Uuid, rest::FieldProblem> {
    text.parse().map_err(|_| refused(field, "must be a UUID"))
}

impl TryFrom<v1::CreateVmRequest> for rest::VmCreate {
    type Error = rest::FieldProblem;

    fn try_from(wish: v1::CreateVmRequest) -> Result<Self, rest::FieldProblem> {
        let firmware = v1::Firmware::try_from(wish.firmware)
            .map_err(|_| refused("firmware", "must be one of the enumeration"))?;
        let mut nics = Vec::new();
        for (i, nic) in wish.nics.into_iter().enumerate() {
            nics.push(match nic.source {
                Some(v1::nic_create::Source::Network(name)) => rest::NicCreate::Network(name),
                Some(v1::nic_create::Source::Bridge(name)) => rest::NicCreate::Bridge(name),
                None => return Err(refused(format!("nics[{i}]"), "needs a network or a bridge")),
            });
        }
        Ok(Self {
            id: wish.id.map(|id| uuid("id", &id)).transpose()?,
            name: wish.name,
            description: wish.description,
            vcpus: wish.vcpus.unwrap_or(1),
            vcpus_max: wish.vcpus_max,
            memory_mib: wish.memory_mib.unwrap_or(512),
            firmware: firmware.into(),
            tpm: wish.tpm,
            disks: wish
                .disks
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            cdrom: wish.cdrom,
            nics,
            autostart: wish.autostart,
            cloud_init: wish.cloud_init.map(Into::into),
        })
    }
}

impl From<v1::CloudInit> for rest::CloudInit {
    fn from(wish: v1::CloudInit) -> Self {
        let network = wish.network.into_iter();
        Self {
            hostname: wish.hostname,
            user: wish.user,
            password: wish.password,
            ssh_keys: wish.ssh_keys,
            user_data: wish.user_data,
            network: network
                .map(|nic| rest::GuestNic {
                    addresses: nic.addresses,
                    gateways: nic.gateways,
                    dns: nic.dns,
                })
                .collect(),
        }
    }
}

impl TryFrom<v1::CloneVmRequest> for rest::VmClone {
    type Error = rest::FieldProblem;

    fn try_from(wish: v1::CloneVmRequest) -> Result<Self, rest::FieldProblem> {
        Ok(Self {
            id: wish.id.map(|id| uuid("id", &id)).transpose()?,
            name: wish.name,
            description: wish.description,
        })
    }
}

impl From<rest::DiskLimits> for v1::DiskLimits {
    fn from(limits: rest::DiskLimits) -> Self {
        Self {
            read_bytes_sec: limits.read_bytes_sec,
            write_bytes_sec: limits.write_bytes_sec,
            read_iops: limits.read_iops,
            write_iops: limits.write_iops,
        }
    }
}

impl From<v1::DiskLimits> for rest::DiskLimits {
    fn from(limits: v1::DiskLimits) -> Self {
        Self {
            read_bytes_sec: limits.read_bytes_sec,
            write_bytes_sec: limits.write_bytes_sec,
            read_iops: limits.read_iops,
            write_iops: limits.write_iops,
        }
    }
}

impl From<rest::NicLimits> for v1::NicLimits {
    fn from(limits: rest::NicLimits) -> Self {
        Self {
            receive_kbytes_sec: limits.receive_kbytes_sec,
            send_kbytes_sec: limits.send_kbytes_sec,
        }
    }
}

impl From<v1::NicLimits> for rest::NicLimits {
    fn from(limits: v1::NicLimits) -> Self {
        Self {
            receive_kbytes_sec: limits.receive_kbytes_sec,
            send_kbytes_sec: limits.send_kbytes_sec,
        }
    }
}

impl TryFrom<v1::DiskCreate> for rest::DiskCreate {
    type Error = rest::FieldProblem;

    fn try_from(disk: v1::DiskCreate) -> Result<Self, rest::FieldProblem> {
        Ok(Self {
            size_bytes: disk.size_bytes,
            image: disk.image,
            pool: disk.pool.map(|id| uuid("pool", &id)).transpose()?,
            volume: disk.volume.map(TryInto::try_into).transpose()?,
        })
    }
}

impl TryFrom<v1::AttachDiskRequest> for rest::DiskAttach {
    type Error = rest::FieldProblem;

    fn try_from(wish: v1::AttachDiskRequest) -> Result<Self, rest::FieldProblem> {
        let disk = rest::DiskCreate::try_from(wish.disk.unwrap_or_default())?;
        Ok(Self {
            size_bytes: disk.size_bytes,
            image: disk.image,
            pool: disk.pool,
            volume: disk.volume,
            limits: wish.limits.map(Into::into).unwrap_or_default(),
        })
    }
}

impl From<v1::AttachNicRequest> for rest::NicAttach {
    fn from(wish: v1::AttachNicRequest) -> Self {
        let (network, bridge) = match wish.nic.and_then(|nic| nic.source) {
            Some(v1::nic_create::Source::Network(name)) => (Some(name), None),
            Some(v1::nic_create::Source::Bridge(name)) => (None, Some(name)),
            None => (None, None),
        };
        Self {
            network,
            bridge,
            limits: wish.limits.map(Into::into).unwrap_or_default(),
        }
    }
}

impl From<v1::UpdateVmRequest> for rest::VmPatch {
    fn from(wish: v1::UpdateVmRequest) -> Self {
        Self {
            name: wish.name,
            description: wish.description,
            tags: wish.tags.map(|tags| tags.tags),
            vcpus: wish.vcpus,
            vcpus_max: wish.vcpus_max,
            memory_mib: wish.memory_mib,
            cpu_model: wish.cpu_model,
            boot_order: wish.boot_order.map(|order| order.devices),
            tpm: wish.tpm,
            autostart: wish.autostart,
            autostart_order: wish.autostart_order,
            autostart_delay_s: wish.autostart_delay_s,
        }
    }
}

impl From<rest::Storage> for v1::Storage {
    fn from(storage: rest::Storage) -> Self {
        match storage {
            rest::Storage::Partition => Self::Partition,
            rest::Storage::Ram => Self::Ram,
        }
    }
}

impl From<rest::Boot> for v1::Boot {
    fn from(boot: rest::Boot) -> Self {
        let mode = match boot.mode {
            rest::BootMode::Live => v1::BootMode::Live,
            rest::BootMode::Slot => v1::BootMode::Slot,
        };
        Self {
            mode: mode.into(),
            slot: boot.slot,
            version: boot.version,
            build_id: boot.build_id,
            key_id: boot.key_id,
            source: boot.source,
            copy_ms: boot.copy_ms,
            copy_bytes: boot.copy_bytes,
            ready_ms: boot.ready_ms,
            watchdog: boot.watchdog,
            config: v1::Storage::from(boot.config).into(),
            data: v1::Storage::from(boot.data).into(),
            warnings: boot.warnings,
        }
    }
}

impl From<rest::ConfigStatus> for v1::ConfigStatus {
    fn from(status: rest::ConfigStatus) -> Self {
        let source = match status.source {
            rest::ConfigSource::Current => v1::ConfigSource::Current,
            rest::ConfigSource::Generation => v1::ConfigSource::Generation,
            rest::ConfigSource::Defaults => v1::ConfigSource::Defaults,
        };
        Self {
            source: source.into(),
            generation: status.generation,
            problems: status.problems,
        }
    }
}

impl From<rest::Address> for v1::Address {
    fn from(address: rest::Address) -> Self {
        let origin = match address.origin {
            rest::AddressOrigin::Dhcp => v1::AddressOrigin::Dhcp,
            rest::AddressOrigin::Static => v1::AddressOrigin::Static,
            rest::AddressOrigin::Auto => v1::AddressOrigin::Auto,
        };
        Self {
            interface: address.interface,
            address: address.address,
            origin: origin.into(),
        }
    }
}

impl From<rest::Host> for v1::Host {
    fn from(host: rest::Host) -> Self {
        Self {
            hostname: host.hostname,
            product: host.product,
            version: host.version,
            build_id: host.build_id,
            boot: host.boot.map(Into::into),
            config: host.config.map(Into::into),
            uptime_s: host.uptime_s,
            cpu: Some(v1::Cpu {
                model: host.cpu.model,
                sockets: host.cpu.sockets,
                cores: host.cpu.cores,
                threads: host.cpu.threads,
            }),
            memory: Some(v1::Memory {
                total_bytes: host.memory.total_bytes,
                available_bytes: host.memory.available_bytes,
            }),
            data: Some(v1::DataUsage {
                path: host.data.path,
                total_bytes: host.data.total_bytes,
                free_bytes: host.data.free_bytes,
                kind: match host.data.kind {
                    rest::DataKind::Disk => v1::DataKind::Disk,
                    rest::DataKind::Ram => v1::DataKind::Ram,
                }
                .into(),
            }),
            hypervisor: Some(v1::Hypervisor {
                accelerator: host
                    .hypervisor
                    .accelerator
                    .map_or(v1::Accelerator::Unspecified, Into::into)
                    .into(),
                libvirt_version: host.hypervisor.libvirt_version,
                qemu_version: host.hypervisor.qemu_version,
                note: host.hypervisor.note,
            }),
            addresses: host.addresses.into_iter().map(Into::into).collect(),
            certificate_sha256: host.certificate_sha256,
            ssh_enabled: host.ssh_enabled,
        }
    }
}
