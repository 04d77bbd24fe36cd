//! From what the engine and the host say to what goes over the wire.

mod host_care;
mod host_config;
mod host_log;
mod host_network;
mod metrics;
mod networks;
mod storage;
mod tasks;
mod updates;

use jiff::Timestamp;
use qx_api::rest;
use qx_engine::events::{Event, EventKind};
use qx_engine::{Identity, audit, tokens, users};
use qx_host::boot::{Backing, BootInfo, Mode};
use qx_host::boot_env::Devices;
use qx_host::config::{Source, Status};
use qx_host::inventory::{Address, DataKind, Inventory, Origin};
use qx_model::vm::HypervisorInfo;

use crate::app::App;

pub(crate) use host_care::{certificate, service};
pub(crate) use host_config::{host_config, settings};
pub(crate) use host_log::{log_of_grpc, log_to_grpc, log_wish};
pub(crate) use host_network::{host_network, network_change};
pub(crate) use metrics::{sample, series, values};
pub(crate) use networks::{bridge, network};
pub(crate) use storage::{pool, pool_disk, pool_of_disk, pool_wish, volume, volume_wish};
pub(crate) use tasks::task;
pub(crate) use updates::updates;

pub(crate) fn session(identity: &Identity) -> rest::Session {
    rest::Session {
        csrf_token: identity.csrf_token.clone(),
        username: identity.actor.name.clone(),
        role: identity.actor.role.into(),
        expires_at: identity.expires_at,
    }
}

pub(crate) fn token(token: tokens::Token) -> rest::Token {
    rest::Token {
        id: token.id,
        name: token.name,
        role: token.role.into(),
        created_by: token.created_by,
        owner: token.owner,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
    }
}

pub(crate) fn user(user: users::User) -> rest::User {
    rest::User {
        name: user.name.to_string(),
        role: user.role.into(),
        disabled: user.disabled,
        created_by: user.created_by,
        created_at: user.created_at,
        password_changed_at: user.password_changed_at,
        last_login_at: user.last_login_at,
        revision: user.revision.to_string(),
    }
}

pub(crate) fn audit_entry(entry: audit::Entry) -> rest::AuditEntry {
    rest::AuditEntry {
        id: entry.id,
        time: entry.time,
        actor: entry.actor,
        origin: entry.origin,
        operation: entry.operation,
        target: entry.target,
        outcome: entry.outcome,
    }
}

pub(crate) fn event(event: &Event) -> rest::Event {
    let (kind, vm_id, vm, image) = match &event.kind {
        EventKind::VmChanged(vm) => {
            let vm = rest::Vm::from(vm.as_ref().clone());
            (rest::EventType::VmChanged, Some(vm.id), Some(vm), None)
        }
        EventKind::VmRemoved(id) => (rest::EventType::VmRemoved, Some(id.0), None, None),
        EventKind::ImageChanged(name) => (
            rest::EventType::ImageChanged,
            None,
            None,
            Some(name.to_string()),
        ),
        EventKind::NetworksChanged => (rest::EventType::NetworksChanged, None, None, None),
        EventKind::PoolsChanged => (rest::EventType::PoolsChanged, None, None, None),
        EventKind::HostChanged => (rest::EventType::HostChanged, None, None, None),
        EventKind::SnapshotsChanged(id) => {
            (rest::EventType::SnapshotsChanged, Some(id.0), None, None)
        }
        EventKind::TaskChanged(_) => (rest::EventType::TaskChanged, None, None, None),
        EventKind::UpdatesChanged => (rest::EventType::UpdatesChanged, None, None, None),
        EventKind::AccessChanged => (rest::EventType::AccessChanged, None, None, None),
        EventKind::Resync => (rest::EventType::Resync, None, None, None),
    };
    let time = Timestamp::try_from(event.time).unwrap_or_default();
    rest::Event {
        seq: event.seq,
        time,
        kind,
        vm_id,
        vm,
        image,
        task: match &event.kind {
            EventKind::TaskChanged(now) => Some(task(now.as_ref().clone(), None)),
            _ => None,
        },
    }
}

fn storage(backing: Backing) -> rest::Storage {
    match backing {
        Backing::Partition => rest::Storage::Partition,
        Backing::Ram => rest::Storage::Ram,
    }
}

fn boot(boot: BootInfo, ready_ms: Option<u64>) -> rest::Boot {
    rest::Boot {
        mode: match boot.mode {
            Mode::Live => rest::BootMode::Live,
            Mode::Slot => rest::BootMode::Slot,
        },
        slot: boot.slot,
        version: boot.version,
        build_id: boot.build_id,
        key_id: boot.key_id,
        source: boot.source,
        copy_ms: boot.copy_ms,
        copy_bytes: boot.copy_bytes,
        ready_ms,
        watchdog: boot.watchdog,
        config: storage(boot.config),
        data: storage(boot.data),
        warnings: boot.warnings,
    }
}

fn config(status: Status) -> rest::ConfigStatus {
    rest::ConfigStatus {
        source: match status.source {
            Source::Current => rest::ConfigSource::Current,
            Source::Generation => rest::ConfigSource::Generation,
            Source::Defaults => rest::ConfigSource::Defaults,
        },
        generation: status.generation,
        problems: status.problems,
    }
}

fn address(address: Address) -> rest::Address {
    rest::Address {
        interface: address.interface,
        address: address.address.to_string(),
        origin: match address.origin {
            Origin::Dhcp => rest::AddressOrigin::Dhcp,
            Origin::Static => rest::AddressOrigin::Static,
            Origin::Auto => rest::AddressOrigin::Auto,
        },
    }
}

pub(crate) fn hypervisor(info: HypervisorInfo) -> rest::Hypervisor {
    rest::Hypervisor {
        accelerator: Some(info.accelerator.into()),
        libvirt_version: Some(info.libvirt_version),
        qemu_version: info.qemu_version,
        note: info.note,
    }
}

/// The host, read now. Blocks.
pub(crate) fn host(app: &App, hypervisor: rest::Hypervisor) -> rest::Host {
    let inventory = Inventory::read(&app.sources);
    let devices = Devices {
        sys: app.sources.sys.clone(),
        ..Devices::default()
    };
    let booted = BootInfo::read_now(&app.sources.run, &devices).ok();
    let data = inventory
        .data
        .map(|data| (data.total_bytes, data.free_bytes, data.kind));
    // The engine keeps its files there, so it exists; a file system that says nothing has no room.
    let (total_bytes, free_bytes, kind) = data.unwrap_or((0, 0, DataKind::Ram));
    rest::Host {
        hostname: inventory.hostname,
        product: "Quantix-OS".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build_id: booted.as_ref().map(|boot| boot.build_id.clone()),
        boot: booted.map(|record| boot(record, app.ready_ms.get().copied())),
        config: Status::read(&app.sources.run).map(config),
        uptime_s: inventory.uptime_s,
        cpu: rest::Cpu {
            model: inventory.cpu.model,
            sockets: inventory.cpu.sockets,
            cores: inventory.cpu.cores,
            threads: inventory.cpu.threads,
        },
        memory: rest::Memory {
            total_bytes: inventory.memory.total_bytes,
            available_bytes: inventory.memory.available_bytes,
        },
        data: rest::DataUsage {
            path: app.sources.data.display().to_string(),
            total_bytes,
            free_bytes,
            kind: match kind {
                DataKind::Disk => rest::DataKind::Disk,
                DataKind::Ram => rest::DataKind::Ram,
            },
        },
        hypervisor,
        addresses: inventory.addresses.into_iter().map(address).collect(),
        certificate_sha256: app.engine.certificate.fingerprint(),
        ssh_enabled: inventory.ssh_enabled,
    }
}
