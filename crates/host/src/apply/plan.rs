//! Configuration → entries of the file system. Pure. Every value is of a checked type (`config::types`)
//! that cannot hold a line break, a quote or, but for a key's comment, a space: nothing is escaped here
//! because nothing needs to be.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::files::Entry;
use crate::accounts::with_root_hash;
use crate::config::{Config, Ssh, System};

/// Where the tz database lies.
pub(super) const ZONES: &str = "/usr/share/zoneinfo";

/// What the plan depends on besides the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The shadow file as it is.
    pub shadow: String,
    /// Root's new hash; `None` leaves the shadow file alone.
    pub root_hash: Option<String>,
    /// Whether the tz database has the configured zone.
    pub zone_exists: bool,
    /// The host's machine id; `None` when it has none.
    pub machine_id: Option<String>,
}

/// Everything that has to be in the file system for the configuration to be in force.
#[must_use]
pub fn plan(config: &Config, facts: &Facts) -> Vec<Entry> {
    let hostname = &config.system.hostname;
    let zone = if facts.zone_exists {
        config.system.timezone.as_str()
    } else {
        "UTC"
    };
    let mut entries = vec![
        file("/etc/hostname", 0o644, format!("{hostname}\n")),
        file("/etc/hosts", 0o644, hosts(hostname.as_str())),
        Entry::Link {
            path: "/etc/localtime",
            target: format!("{ZONES}/{zone}"),
        },
        file("/etc/chrony/chrony.conf", 0o644, chrony(&config.system)),
    ];
    if let Some(hash) = &facts.root_hash {
        let shadow = with_root_hash(&facts.shadow, hash);
        entries.push(file("/etc/shadow", 0o600, shadow));
    }
    if let Some(id) = &facts.machine_id {
        entries.push(file("/etc/machine-id", 0o444, format!("{id}\n")));
    }
    entries.extend(consoles(&config.system));
    entries.extend(ssh(&config.ssh));
    entries
}

fn file(path: &'static str, mode: u32, content: String) -> Entry {
    Entry::File {
        path,
        mode,
        content,
    }
}

fn hosts(hostname: &str) -> String {
    let short = hostname.split('.').next().unwrap_or(hostname);
    let names = if short == hostname {
        short.to_owned()
    } else {
        format!("{hostname} {short}")
    };
    format!("127.0.0.1 localhost\n127.0.1.1 {names}\n::1 localhost ip6-localhost ip6-loopback\n")
}

/// A client only: `port 0` and `cmdport 0` keep chronyd from listening on any socket of the network.
fn chrony(system: &System) -> String {
    let mut out = String::new();
    for server in &system.ntp {
        let kind = if server.as_str().parse::<IpAddr>().is_ok() {
            "server"
        } else {
            "pool"
        };
        let _ = writeln!(out, "{kind} {server} iburst");
    }
    out.push_str("driftfile /var/lib/chrony/chrony.drift\nmakestep 1 3\nrtcsync\n");
    out.push_str("port 0\ncmdport 0\n");
    out
}

/// Read by `/usr/lib/quantix/console`, which runs on the terminals of /etc/inittab: those that are not named
/// here stay dark. PID 1 gets the other serial lines as a table of their own.
fn consoles(system: &System) -> [Entry; 2] {
    const TABLE: &str = "/etc/inittab.d/console.tab";
    let (mut named, mut table) = (String::new(), String::new());
    for console in &system.console {
        let device = console.device();
        let speed = console.speed().unwrap_or_default();
        let _ = writeln!(named, "{device} {speed}");
        if !matches!(device, "tty1" | "ttyS0") {
            let id = device.trim_start_matches("tty").to_ascii_lowercase();
            let _ = writeln!(
                table,
                "{id}:3:respawn:/usr/lib/quantix/console {device} vt220"
            );
        }
    }
    let table = if table.is_empty() {
        Entry::Absent { path: TABLE }
    } else {
        file(TABLE, 0o644, table)
    };
    [file("/etc/quantix/consoles", 0o644, named), table]
}

const SSHD: &str = "/etc/ssh/sshd_config.d/quantix.conf";
const FIREWALL: &str = "/etc/nftables.d/ssh.nft";
const KEYS: &str = "/root/.ssh/authorized_keys";
const RUNLEVEL: &str = "/etc/runlevels/default/sshd";

fn ssh(ssh: &Ssh) -> Vec<Entry> {
    if !ssh.enabled {
        return [SSHD, FIREWALL, KEYS, RUNLEVEL]
            .map(|path| Entry::Absent { path })
            .to_vec();
    }
    let mut keys = String::new();
    for key in &ssh.authorized_keys {
        let _ = writeln!(keys, "{key}");
    }
    let passwords = ssh.authorized_keys.is_empty();
    let login = if passwords {
        "yes"
    } else {
        "prohibit-password"
    };
    let password = if passwords { "yes" } else { "no" };
    let sshd = format!("PermitRootLogin {login}\nPasswordAuthentication {password}\n");
    vec![
        file(SSHD, 0o644, sshd),
        file(FIREWALL, 0o644, "tcp dport 22 accept\n".to_owned()),
        file(KEYS, 0o600, keys),
        Entry::Link {
            path: RUNLEVEL,
            target: "/etc/init.d/sshd".to_owned(),
        },
    ]
}
