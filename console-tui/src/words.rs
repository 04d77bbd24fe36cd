//! Facts → words. Text from outside becomes printable ASCII here.

use std::net::IpAddr;

use qx_host::boot::{Backing, BootInfo, Mode};
use qx_host::install_status::{InstallStatus, Phase};
use qx_host::inventory::{Address, Cpu, DataKind, Inventory, Origin};
use qx_host::update::Outcome;

use crate::facts::{Daemon, Facts};

/// Seconds after boot during which a daemon that does not answer is still starting.
const STARTING_S: u64 = 60;
/// The port of web UI and API.
const HTTPS_PORT: u16 = 8443;

/// Printable ASCII: what else there is becomes `?`.
pub(crate) fn plain(text: &str) -> String {
    let printable = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '?'
        }
    };
    text.chars().map(printable).collect()
}

/// Words broken into lines of at most `width` characters; longer words are cut.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word: String = word.chars().take(width).collect();
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB")];
    let (size, unit) = UNITS
        .into_iter()
        .find(|(size, _)| count >= *size)
        .unwrap_or((1 << 20, "MiB"));
    let tenths = u128::from(count) * 10 / u128::from(size);
    if tenths >= 1000 || unit == "MiB" {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

pub(crate) fn origin_of_image(boot: Option<&BootInfo>) -> String {
    match boot {
        None => "not booted from a Quantix-OS image".to_owned(),
        Some(boot) => match (boot.mode, &boot.slot) {
            (Mode::Live, _) => format!("live from {}", plain(&boot.source)),
            (Mode::Slot, Some(slot)) => format!("slot {}", plain(slot)),
            (Mode::Slot, None) => "slot unknown".to_owned(),
        },
    }
}

pub(crate) fn version(boot: Option<&BootInfo>) -> String {
    boot.map_or_else(
        || env!("CARGO_PKG_VERSION").to_owned(),
        |boot| plain(&boot.version),
    )
}

pub(crate) fn cpu(cpu: &Cpu) -> String {
    let model = if cpu.model.is_empty() {
        "Processor unknown".to_owned()
    } else {
        plain(&cpu.model)
    };
    let sockets = if cpu.sockets > 1 {
        format!("{} x ", cpu.sockets)
    } else {
        String::new()
    };
    let cores = counted(cpu.cores, "core");
    format!(
        "{sockets}{model}, {cores}, {}",
        counted(cpu.threads, "thread")
    )
}

fn counted(count: u32, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

pub(crate) fn memory_and_data(inventory: &Inventory) -> String {
    let memory = &inventory.memory;
    let mut text = format!(
        "{} memory, {} free",
        bytes(memory.total_bytes),
        bytes(memory.available_bytes)
    );
    match &inventory.data {
        Some(data) if data.kind == DataKind::Disk => {
            let (total, free) = (bytes(data.total_bytes), bytes(data.free_bytes));
            text.push_str(&format!("; {total} for VMs, {free} free"));
        }
        Some(_) => text.push_str("; VM disks in memory, lost at shutdown"),
        None => text.push_str("; no place for VM disks"),
    }
    text
}

pub(crate) fn uptime(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("up {days} d {hours} h")
    } else {
        format!("up {hours} h {minutes} min")
    }
}

pub(crate) fn machines(facts: &Facts) -> String {
    match &facts.daemon {
        Daemon::Unasked => "Virtual machines: asking ...".to_owned(),
        Daemon::Up {
            running, defined, ..
        } => {
            format!("Virtual machines: {running} running, {defined} defined")
        }
        Daemon::Down { .. } if is_starting(facts) => {
            "Virtual machines: the management service is starting".to_owned()
        }
        Daemon::NoHypervisor { .. } if is_starting(facts) => {
            "Virtual machines: the hypervisor is starting".to_owned()
        }
        Daemon::Down { .. } | Daemon::NoHypervisor { .. } => {
            "Virtual machines: unknown, see below".to_owned()
        }
    }
}

fn is_starting(facts: &Facts) -> bool {
    facts.inventory.uptime_s < STARTING_S
}

/// The addresses to manage the host by: those of its management interface, or all where that is unknown.
pub(crate) fn urls(inventory: &Inventory) -> Vec<String> {
    let wanted = inventory.management_interface.as_deref();
    inventory
        .addresses
        .iter()
        .filter(|address| wanted.is_none_or(|name| name == address.interface))
        .map(url)
        .collect()
}

fn url(address: &Address) -> String {
    let how = match address.origin {
        Origin::Dhcp => "DHCP",
        Origin::Static => "static",
        Origin::Auto => "automatic",
    };
    match address.address {
        IpAddr::V4(v4) => format!("https://{v4}:{HTTPS_PORT}/  ({how})"),
        IpAddr::V6(v6) => format!("https://[{v6}]:{HTTPS_PORT}/  ({how})"),
    }
}

/// Why there is no address to manage the host by.
pub(crate) fn no_address(inventory: &Inventory) -> String {
    if inventory.nics.is_empty() {
        return "No network card was found: this host cannot be reached over the network."
            .to_owned();
    }
    // A card that is still switched off tells nothing about its cable.
    let unplugged: Vec<&str> = inventory
        .nics
        .iter()
        .filter(|nic| nic.carrier == Some(false))
        .map(|nic| nic.name.as_str())
        .collect();
    let linked = inventory.nics.iter().any(|nic| nic.carrier == Some(true));
    if !linked && !unplugged.is_empty() {
        return format!(
            "No network card has a link ({}): check the cable.",
            unplugged.join(", ")
        );
    }
    let interface = inventory
        .management_interface
        .as_deref()
        .unwrap_or("the network");
    format!("Waiting for an address on {}.", plain(interface))
}

/// Two lines of hex pairs, as browsers show a fingerprint.
pub(crate) fn fingerprint(hex: &str) -> [String; 2] {
    let hex = plain(hex).to_ascii_uppercase();
    let (first, second) = hex.split_at(hex.len().min(32));
    [first, second].map(|half| {
        let pairs: Vec<&str> = half
            .as_bytes()
            .chunks(2)
            .filter_map(|pair| std::str::from_utf8(pair).ok())
            .collect();
        pairs.join(":")
    })
}

/// How far a running installation is: a bar, percent and speed.
pub(crate) fn install_progress(install: &InstallStatus) -> Option<String> {
    const WIDTH: usize = 40;
    let percent = install
        .percent
        .filter(|_| install.phase == Phase::Running)?
        .min(100);
    let full = WIDTH * usize::from(percent) / 100;
    let bar = format!("[{}{}]", "#".repeat(full), "-".repeat(WIDTH - full));
    let speed = install.bytes_per_second.map_or_else(String::new, |speed| {
        format!(", {} MB/s", speed.div_ceil(1_000_000))
    });
    Some(format!("{bar} {percent} %{speed}"))
}

/// How the last update ended, unless it is over and went well.
fn update(facts: &Facts) -> Option<String> {
    let update = facts.update.as_ref()?;
    let (version, from) = (plain(&update.version), plain(&update.from_version));
    if let Some(reason) = update.failure() {
        return Some(format!(
            "The update to {version} failed: {}. This host went back to {from}.",
            reason.because()
        ));
    }
    let running = facts.boot.as_ref()?.slot.as_ref()?;
    (update.outcome == Outcome::Open && *running == update.slot).then(|| {
        format!("Version {version} is on trial: unless it proves healthy, this host goes back to {from}.")
    })
}

/// Everything that a person should know, most urgent first.
pub(crate) fn notices(facts: &Facts) -> Vec<String> {
    let mut notices = Vec::new();
    if let Some(install) = &facts.install {
        notices.extend(
            install
                .problems
                .iter()
                .map(|problem| format!("Installation: {}", plain(problem))),
        );
    }
    notices.extend(update(facts));
    if let Daemon::Down { reason } = &facts.daemon
        && !is_starting(facts)
    {
        notices.push(format!(
            "The management service does not answer: no web UI, no API. Running VMs go on. ({})",
            plain(reason)
        ));
    }
    if let Daemon::NoHypervisor { reason } = &facts.daemon
        && !is_starting(facts)
    {
        notices.push(format!("VMs can't be managed: {}", plain(reason)));
    }
    if let Some(config) = &facts.config {
        notices.extend(
            config
                .problems
                .iter()
                .map(|problem| format!("Configuration: {}", plain(problem))),
        );
    }
    if let Some(boot) = &facts.boot {
        notices.extend(
            boot.warnings
                .iter()
                .map(|warning| format!("Boot: {}", plain(warning))),
        );
        if boot.mode == Mode::Slot && boot.config == Backing::Ram {
            notices.push("Settings are kept in memory and lost at shutdown.".to_owned());
        }
    }
    if let Daemon::Up { emulated, note, .. } = &facts.daemon {
        match note {
            Some(note) => notices.push(plain(note)),
            None if *emulated => notices.push(
                "No hardware virtualization: VMs are emulated, slow and not isolated securely."
                    .to_owned(),
            ),
            None => {}
        }
    }
    notices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!(bytes(0), "0 MiB");
        assert_eq!(bytes(1023 << 20), "1023 MiB");
        assert_eq!(bytes(1 << 30), "1.0 GiB");
        assert_eq!(bytes(255 << 30), "255 GiB");
        assert_eq!(bytes(u64::MAX), "16777215 TiB");
    }

    #[test]
    fn text_from_outside_cannot_bring_sequences_or_wide_characters() {
        assert_eq!(plain("a\u{1b}[2Jb\u{4e2d}\u{7}"), "a?[2Jb??");
    }

    #[test]
    fn words_wrap_and_are_never_longer_than_the_line() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd"]);
        assert!(wrap("", 4).is_empty());
    }
}
