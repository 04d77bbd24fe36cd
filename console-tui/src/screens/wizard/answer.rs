//! Pages → answer file, and the answer file in words.

use qx_host::config::{DiskChoice, Install, Ipv4, Ipv6, Management};
use qx_host::disks::{Content, Disk};
use qx_host::storage::Sizes;

use super::Wizard;
use super::disk::Chosen;
use crate::action::Answer;
use crate::forms::Layout;
use crate::shell::Model;

/// `[install]`. Sizes that are the usual ones are not written, so that the file fits other disks too.
pub(super) fn install(chosen: &Chosen, disks: &[Disk], layout: &Layout) -> Option<Install> {
    let sizes = layout.value().ok()?;
    let usual = Sizes::usual(layout.disk().sector_bytes);
    let unusual = |mib: u64, usual: u64| (mib != usual).then(|| u32::try_from(mib).ok()).flatten();
    Some(Install {
        disk: choice(&chosen.disk, disks),
        wipe: chosen.wipe,
        system_mib: unusual(sizes.system_mib, usual.system_mib),
        config_mib: unusual(sizes.config_mib, usual.config_mib),
        efi_mib: unusual(sizes.efi_mib, usual.efi_mib),
        ..Install::default()
    })
}

/// How the answer file names a disk: by what no other one has and no change of cables alters, else by its path.
fn choice(disk: &Disk, disks: &[Disk]) -> DiskChoice {
    let alone =
        |same: &dyn Fn(&Disk) -> bool| disks.iter().filter(|other| same(other)).count() == 1;
    if disk.serial.is_some() && alone(&|other| other.serial == disk.serial) {
        let text = format!("serial:{}", disk.serial.as_deref().unwrap_or_default());
        if let Ok(choice) = text.parse() {
            return choice;
        }
    }
    if disk.wwn.is_some() && alone(&|other| other.wwn == disk.wwn) {
        let text = format!("wwn:{}", disk.wwn.as_deref().unwrap_or_default());
        if let Ok(choice) = text.parse() {
            return choice;
        }
    }
    DiskChoice::Path(disk.path.clone())
}

impl Wizard {
    /// What is lost, in a sentence.
    pub(super) fn erased(&self, answer: &Answer) -> String {
        let Some(chosen) = self.disk.chosen() else {
            return String::new();
        };
        let disk = chosen.disk.summary();
        let wipe = answer.file.install.as_ref().is_some_and(|i| i.wipe);
        match &chosen.disk.content {
            Content::Quantix(content) | Content::Data(content) if wipe => {
                format!("Everything on {disk} is ERASED: {content}.")
            }
            _ => format!("{disk} is empty; nothing is lost."),
        }
    }

    /// Everything that was answered.
    pub(super) fn review_lines(&self, answer: &Answer) -> Vec<String> {
        let config = &answer.file.config;
        let mut lines = Vec::new();
        let mut say = |label: &str, value: String| lines.push(format!("{label:<16}{value}"));
        if let Some(chosen) = self.disk.chosen() {
            say("Disk", chosen.disk.summary());
        }
        if let Ok(sizes) = self.layout.value() {
            say(
                "Partitions",
                format!(
                    "EFI {} MiB, slots 2 x {} MiB, configuration {} MiB",
                    sizes.efi_mib, sizes.system_mib, sizes.config_mib
                ),
            );
            say("Data", self.layout.data().unwrap_or_default());
        }
        say("Host name", config.system.hostname.to_string());
        say("Password", "as entered".to_owned());
        for (label, value) in network(&config.management) {
            say(label, value);
        }
        say("Time zone", config.system.timezone.to_string());
        say("Time servers", names(&config.system.ntp, "none"));
        let keys = config.ssh.authorized_keys.len();
        say(
            "SSH",
            match (config.ssh.enabled, keys) {
                (false, _) => "off".to_owned(),
                (true, 0) => "on, with root's password".to_owned(),
                (true, 1) => "on, with 1 key".to_owned(),
                (true, keys) => format!("on, with {keys} keys"),
            },
        );
        lines
    }
}

fn names(items: &[impl ToString], none: &str) -> String {
    if items.is_empty() {
        return none.to_owned();
    }
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

/// The network in words.
fn network(management: &Management) -> Vec<(&'static str, String)> {
    let mut cards = names(&management.interfaces, "auto");
    if management.interfaces.len() > 1 {
        cards.push_str(&format!(", bond {}", management.bond.mode.as_str()));
    }
    if let Some(vlan) = management.vlan {
        cards.push_str(&format!(", VLAN {}", vlan.get()));
    }
    let through = |gateway: Option<String>| {
        gateway.map_or_else(String::new, |gateway| format!(", gateway {gateway}"))
    };
    let ipv4 = match &management.ipv4 {
        Ipv4::Dhcp => "DHCP".to_owned(),
        Ipv4::None => "off".to_owned(),
        Ipv4::Static { address, gateway } => {
            format!("{address}{}", through(gateway.map(|g| g.to_string())))
        }
    };
    let ipv6 = match &management.ipv6 {
        Ipv6::Auto => "automatic".to_owned(),
        Ipv6::None => "off".to_owned(),
        Ipv6::Static { address, gateway } => {
            format!("{address}{}", through(gateway.map(|g| g.to_string())))
        }
    };
    let servers = match management.ipv4 {
        Ipv4::Dhcp => "those of DHCP",
        Ipv4::Static { .. } | Ipv4::None => "none",
    };
    vec![
        ("Network", cards),
        ("IPv4", ipv4),
        ("IPv6", ipv6),
        ("Name servers", names(&management.dns, servers)),
    ]
}
