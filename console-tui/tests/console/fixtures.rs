//! Hosts in several conditions, as the console sees them.

use std::path::PathBuf;

use qx_console::facts::{Daemon, Facts};
use qx_host::boot::{Backing, BootInfo, Mode};
use qx_host::config::{Source, Status};
use qx_host::disks::{Bus, Content, Disk, Usage};
use qx_host::fingerprint::SshFingerprint;
use qx_host::inventory::{Address, Cpu, Data, DataKind, Inventory, Memory, Origin};
use qx_host::nics::Nic;

pub(crate) fn card(carrier: Option<bool>) -> Nic {
    Nic {
        name: "ens3".parse().unwrap(),
        mac: "52:54:00:12:34:56".parse().ok(),
        carrier,
    }
}

pub(crate) fn address(text: &str, origin: Origin) -> Address {
    Address {
        interface: "br0".into(),
        address: text.parse().unwrap(),
        origin,
    }
}

pub(crate) fn live() -> Facts {
    Facts {
        boot: Some(BootInfo {
            mode: Mode::Live,
            slot: None,
            version: "0.1.0".into(),
            build_id: "00112233aabbccdd".into(),
            key_id: "8899aabbccddeeff".into(),
            source: "/dev/sr0".into(),
            copy_ms: 412,
            copy_bytes: 123_731_968,
            watchdog: Some("iTCO_wdt".into()),
            config: Backing::Ram,
            data: Backing::Ram,
            warnings: vec![],
        }),
        config: Some(Status {
            source: Source::Defaults,
            generation: None,
            problems: vec![],
        }),
        install: None,
        update: None,
        inventory: Inventory {
            hostname: "quantix".into(),
            kernel: "6.12.48+deb13-amd64".into(),
            uptime_s: 3 * 3600 + 25 * 60,
            cpu: Cpu {
                model: "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz".into(),
                sockets: 2,
                cores: 40,
                threads: 80,
            },
            memory: Memory {
                total_bytes: 256 << 30,
                available_bytes: 250 << 30,
            },
            data: Some(Data {
                path: "/data".into(),
                total_bytes: 128 << 30,
                free_bytes: 128 << 30,
                kind: DataKind::Ram,
            }),
            addresses: vec![
                address("10.0.2.15", Origin::Dhcp),
                address("2001:db8::5054:ff:fe12:3456", Origin::Auto),
                Address {
                    interface: "virbr0".into(),
                    address: "192.168.122.1".parse().unwrap(),
                    origin: Origin::Static,
                },
            ],
            nics: vec![card(Some(true))],
            management_interface: Some("br0".into()),
            ssh_enabled: false,
        },
        daemon: Daemon::Up {
            running: 0,
            defined: 0,
            emulated: false,
            note: None,
        },
        certificate: Some(
            "2ba46e6fb321e40b8f43a41be0073d037359caecafff44aa1393f7fb46501f39".into(),
        ),
        ssh: vec![],
        one_time_password: Some("abcd-efgh-jkmn-pq23".into()),
    }
}

pub(crate) fn installed() -> Facts {
    let mut facts = live();
    if let Some(boot) = &mut facts.boot {
        boot.mode = Mode::Slot;
        boot.slot = Some("A".into());
        boot.config = Backing::Partition;
        boot.data = Backing::Partition;
    }
    facts.one_time_password = None;
    facts.inventory.addresses = vec![address("192.168.7.20", Origin::Static)];
    facts.inventory.ssh_enabled = true;
    facts.inventory.data = Some(Data {
        path: "/data".into(),
        total_bytes: 4 << 40,
        free_bytes: 3 << 40,
        kind: DataKind::Disk,
    });
    facts.ssh = vec![SshFingerprint {
        algorithm: "ssh-ed25519".into(),
        fingerprint: "SHA256:vo3kHliDghXmTkldKK4deRR8QJ0p+OZ5u2W8EfSr3Zs".into(),
    }];
    facts.daemon = Daemon::Up {
        running: 12,
        defined: 17,
        emulated: false,
        note: None,
    };
    facts
}

pub(crate) fn everything_wrong() -> Facts {
    let mut facts = live();
    facts.daemon = Daemon::Down {
        reason: "/run/quantix/node.sock can't be reached".into(),
    };
    facts.certificate = None;
    facts.inventory.addresses.clear();
    facts.inventory.nics.clear();
    facts.inventory.data = None;
    facts.config = Some(Status {
        source: Source::Defaults,
        generation: None,
        problems: (1..=12)
            .map(|line| format!("config.toml line {line}: unknown key `k{line}` in [system]; did you mean `ntp`?"))
            .collect(),
    });
    facts
}

/// An empty disk of 500 GB.
pub(crate) fn disk(name: &str) -> Disk {
    Disk {
        name: name.to_owned(),
        path: PathBuf::from(format!("/dev/{name}")),
        links: vec![],
        size_bytes: 500_107_862_016,
        logical_block_bytes: 512,
        physical_block_bytes: 4096,
        model: Some("Samsung SSD 870".to_owned()),
        serial: Some(format!("S5Y1{}", name.to_uppercase())),
        wwn: None,
        bus: Bus::Ata,
        rotational: false,
        removable: false,
        content: Content::Empty,
        usage: None,
        partitions: vec![],
    }
}

/// A machine with a disk of each kind: empty, with data, the medium itself, broken.
pub(crate) fn disks() -> Vec<Disk> {
    let data = "GPT with 2 partitions (1: FAT \"EFI\", 2: ext4 \"root\")";
    vec![
        disk("sda"),
        Disk {
            content: Content::Data(data.to_owned()),
            ..disk("sdb")
        },
        Disk {
            bus: Bus::Usb,
            removable: true,
            size_bytes: 8_004_304_896,
            model: Some("Flash Drive".to_owned()),
            content: Content::Data("ISO 9660 \"QUANTIX\"".to_owned()),
            usage: Some(Usage::RunningFrom),
            ..disk("sdc")
        },
        Disk {
            content: Content::Unreadable("can't be read: I/O error".to_owned()),
            ..disk("sdd")
        },
    ]
}
