//! `qx host network`.

use anyhow::{Result, bail};
use qx_api::client::Client;
use qx_api::rest::{
    BondMode, HostIpv4, HostIpv4Method, HostIpv6, HostIpv6Method, HostNetwork, HostNetworkChange,
    ManagementNetwork, NetworkUndone,
};

use crate::args::Format;
use crate::args::host_network::{HostNetworkCommand, Mode, Set, Which};
use crate::output::{fields, plain, word};

pub(crate) async fn run(
    client: &Client,
    format: Format,
    command: Option<HostNetworkCommand>,
) -> Result<()> {
    let network = match command {
        None => client.host_network().await?,
        Some(HostNetworkCommand::Set(set)) => {
            let now = client.host_network().await?;
            let within = set.confirm_within;
            let wanted = wanted(set, now.configured);
            attempt(client, &now.revision, wanted, within).await?
        }
        Some(HostNetworkCommand::Confirm) => client.confirm_host_network().await?,
        Some(HostNetworkCommand::Undo) => client.undo_host_network().await?,
        Some(HostNetworkCommand::Restore {
            which,
            confirm_within,
        }) => {
            let now = client.host_network().await?;
            let wanted = match which {
                Which::Default => default(),
                Which::Previous => match now.previous {
                    Some(previous) => previous,
                    None => bail!("no other network was stored before"),
                },
            };
            attempt(client, &now.revision, wanted, confirm_within).await?
        }
    };
    fields(format, &network, &lines(&network))
}

async fn attempt(
    client: &Client,
    revision: &str,
    network: ManagementNetwork,
    confirm_within_s: u32,
) -> Result<HostNetwork> {
    let change = HostNetworkChange {
        network,
        confirm_within_s,
    };
    Ok(client.put_host_network(Some(revision), &change).await?)
}

/// What a new host has.
fn default() -> ManagementNetwork {
    ManagementNetwork {
        interfaces: vec!["auto".to_owned()],
        bond_mode: BondMode::default(),
        vlan: None,
        ipv4: ipv4("dhcp", None),
        ipv6: ipv6("auto", None),
        dns: Vec::new(),
    }
}

fn wanted(set: Set, now: ManagementNetwork) -> ManagementNetwork {
    let dns = if set.no_dns || !set.dns.is_empty() {
        set.dns
    } else {
        now.dns
    };
    ManagementNetwork {
        interfaces: if set.interfaces.is_empty() {
            now.interfaces
        } else {
            set.interfaces
        },
        bond_mode: match set.bond_mode {
            None => now.bond_mode,
            Some(Mode::ActiveBackup) => BondMode::ActiveBackup,
            Some(Mode::Lacp) => BondMode::Lacp,
            Some(Mode::BalanceXor) => BondMode::BalanceXor,
        },
        vlan: match set.vlan {
            None => now.vlan,
            Some(tag) => Some(tag).filter(|tag| *tag != 0),
        },
        ipv4: match set.ipv4 {
            None => now.ipv4,
            Some(how) => ipv4(&how, set.gateway),
        },
        ipv6: match set.ipv6 {
            None => now.ipv6,
            Some(how) => ipv6(&how, set.gateway6),
        },
        dns,
    }
}

/// What is no method is an address; whether it is a good one the host says.
fn ipv4(how: &str, gateway: Option<String>) -> HostIpv4 {
    let (method, address) = match how {
        "dhcp" => (HostIpv4Method::Dhcp, None),
        "none" => (HostIpv4Method::None, None),
        address => (HostIpv4Method::Static, Some(address.to_owned())),
    };
    HostIpv4 {
        method,
        address,
        gateway,
    }
}

fn ipv6(how: &str, gateway: Option<String>) -> HostIpv6 {
    let (method, address) = match how {
        "auto" => (HostIpv6Method::Auto, None),
        "none" => (HostIpv6Method::None, None),
        address => (HostIpv6Method::Static, Some(address.to_owned())),
    };
    HostIpv6 {
        method,
        address,
        gateway,
    }
}

fn lines(network: &HostNetwork) -> Vec<(&'static str, String)> {
    let mut lines = described(false, &network.configured);
    if let Some(interface) = &network.interface {
        lines.push(("Interface", plain(interface)));
    }
    if let Some(trial) = &network.trial {
        let state = if trial.in_force {
            "in force"
        } else {
            "being set up"
        };
        let seconds = trial.left_ms.div_ceil(1000);
        let text = format!("{state}; undone in {seconds} s unless `qx host network confirm`");
        lines.push(("On trial", text));
        lines.extend(described(true, &trial.network));
    } else if !network.differs.is_empty() {
        let text = format!("as configured, but for {}", network.differs.join(", "));
        lines.push(("In force", text));
    }
    match network.undone {
        Some(NetworkUndone::TimeIsUp) => lines.push((
            "Last change",
            "undone: nobody confirmed it in time".to_owned(),
        )),
        Some(NetworkUndone::GivenUp) => lines.push(("Last change", "undone".to_owned())),
        None => {}
    }
    lines.extend(network.problems.iter().map(|text| ("Problem", plain(text))));
    lines
}

fn described(tried: bool, network: &ManagementNetwork) -> Vec<(&'static str, String)> {
    let names = if tried {
        [
            "Tried cards",
            "Tried VLAN",
            "Tried IPv4",
            "Tried IPv6",
            "Tried name servers",
        ]
    } else {
        ["Cards", "VLAN", "IPv4", "IPv6", "Name servers"]
    };
    let mut cards = network.interfaces.join(", ");
    if network.interfaces.len() > 1 {
        cards.push_str(&format!(" ({})", word(&network.bond_mode)));
    }
    let dns = match network.dns.is_empty() {
        true => "by DHCP".to_owned(),
        false => network.dns.join(", "),
    };
    let vlan = network
        .vlan
        .map_or("none".to_owned(), |tag| tag.to_string());
    let v4 = &network.ipv4;
    let v6 = &network.ipv6;
    let texts = [
        cards,
        vlan,
        address(
            &word(&v4.method),
            v4.address.as_deref(),
            v4.gateway.as_deref(),
        ),
        address(
            &word(&v6.method),
            v6.address.as_deref(),
            v6.gateway.as_deref(),
        ),
        dns,
    ];
    names
        .into_iter()
        .zip(texts.map(|text| plain(&text)))
        .collect()
}

fn address(method: &str, address: Option<&str>, gateway: Option<&str>) -> String {
    match (address, gateway) {
        (None, _) => method.to_owned(),
        (Some(address), None) => address.to_owned(),
        (Some(address), Some(gateway)) => format!("{address}, gateway {gateway}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Arguments, Command, HostCommand};

    fn typed(words: &str) -> ManagementNetwork {
        let words = format!("qx host network set {words}");
        let parsed = Arguments::try_parse_from(words.split_whitespace()).unwrap();
        let Command::Host {
            command:
                Some(HostCommand::Network {
                    command: Some(HostNetworkCommand::Set(set)),
                }),
        } = parsed.command
        else {
            panic!("{words}");
        };
        wanted(set, default())
    }

    #[test]
    fn what_is_typed_is_changed_and_the_rest_stays() {
        let network = typed("--ipv4 192.0.2.7/24 --gateway 192.0.2.1 --vlan 20 --dns 192.0.2.3");
        assert_eq!(network.ipv4.method, HostIpv4Method::Static);
        assert_eq!(network.ipv4.address.as_deref(), Some("192.0.2.7/24"));
        assert_eq!(network.ipv4.gateway.as_deref(), Some("192.0.2.1"));
        assert_eq!(
            (network.vlan, network.dns),
            (Some(20), vec!["192.0.2.3".into()])
        );
        assert_eq!(
            (network.ipv6, network.interfaces),
            (default().ipv6, default().interfaces)
        );
        assert_eq!(typed("--vlan 0").vlan, None);
        let bond = typed("--interface ens3 --interface ens4 --bond-mode 802.3ad");
        assert_eq!((bond.interfaces.len(), bond.bond_mode), (2, BondMode::Lacp));
    }

    #[test]
    fn a_trial_is_shown_with_what_to_do() {
        let mut network = HostNetwork {
            revision: "1".into(),
            configured: default(),
            in_force: Some(typed("--ipv4 192.0.2.7/24")),
            differs: vec!["ipv4".into()],
            interface: Some("br0".into()),
            problems: vec![],
            trial: Some(qx_api::rest::NetworkTrial {
                network: typed("--ipv4 192.0.2.7/24"),
                in_force: true,
                left_ms: 41_200,
            }),
            undone: None,
            previous: None,
        };
        let find = |network: &HostNetwork, name: &str| {
            let found = lines(network).into_iter().find(|(key, _)| *key == name);
            found.map(|(_, text)| text).unwrap_or_default()
        };
        let trial = find(&network, "On trial");
        assert!(
            trial.contains("undone in 42 s unless `qx host network confirm`"),
            "{trial}"
        );
        assert_eq!(find(&network, "Tried IPv4"), "192.0.2.7/24");
        network.trial = None;
        assert_eq!(find(&network, "In force"), "as configured, but for ipv4");
    }
}
