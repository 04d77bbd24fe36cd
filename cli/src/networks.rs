//! `qx network`.

use anyhow::{Result, bail};
use qx_api::client::Client;
use qx_api::rest::{
    Bridge, DhcpReservation, Network, NetworkCreate, NetworkDhcp, NetworkIpv4, NetworkMode,
    NetworkPatch, NetworkUser, NetworkVlan,
};

use crate::args::Format;
use crate::args::network::{Addressing, Create, Mode, NetworkCommand, Set, Tagging};
use crate::output::{fields, list, plain, word};

pub(crate) async fn run(client: &Client, format: Format, command: NetworkCommand) -> Result<()> {
    match command {
        NetworkCommand::List => {
            let networks = client.networks().await?;
            let header = ["NAME", "MODE", "STATE", "ADDRESS", "BRIDGE", "VMS"];
            list(format, &networks, &header, networks.iter().map(row))
        }
        NetworkCommand::Show { network } => show(format, &find(client, &network).await?),
        NetworkCommand::Create(create) => {
            show(format, &client.create_network(&wish(create)).await?)
        }
        NetworkCommand::Set(set) => {
            let network = find(client, &set.network).await?;
            let patch = patch(set, &network)?;
            let revision = Some(network.revision.as_str());
            let changed = client.patch_network(network.id, revision, &patch).await?;
            show(format, &changed)
        }
        NetworkCommand::Start { network } => {
            let network = find(client, &network).await?;
            show(format, &client.start_network(network.id).await?)
        }
        NetworkCommand::Stop { network } => {
            let network = find(client, &network).await?;
            show(format, &client.stop_network(network.id).await?)
        }
        NetworkCommand::Delete { network } => {
            let network = find(client, &network).await?;
            Ok(client.delete_network(network.id).await?)
        }
        NetworkCommand::Bridges => {
            let bridges = client.bridges().await?;
            let header = ["BRIDGE", "PORTS", "NETWORKS", "VMS"];
            list(format, &bridges, &header, bridges.iter().map(bridge_row))
        }
    }
}

/// A network by id or by name.
async fn find(client: &Client, wanted: &str) -> Result<Network> {
    if let Ok(id) = wanted.parse() {
        return Ok(client.network(id).await?);
    }
    let mut networks = client.networks().await?.into_iter();
    match networks.find(|network| network.name == wanted) {
        Some(network) => Ok(network),
        None => bail!(
            "there is no network named {wanted:?}; `qx network list` shows those that are there"
        ),
    }
}

fn wish(create: Create) -> NetworkCreate {
    let dhcp = dhcp(&create.addressing, None);
    NetworkCreate {
        id: None,
        name: create.name,
        mode: match create.mode {
            Mode::Nat => NetworkMode::Nat,
            Mode::Isolated => NetworkMode::Isolated,
            Mode::Bridge => NetworkMode::Bridge,
        },
        autostart: !create.no_autostart,
        ipv4: create
            .addressing
            .address
            .map(|address| NetworkIpv4 { address, dhcp }),
        bridge: create.bridge,
        vlan: vlan(create.tagging),
    }
}

fn patch(set: Set, network: &Network) -> Result<NetworkPatch> {
    let known = network.ipv4.as_ref();
    let known_dhcp = known.and_then(|ipv4| ipv4.dhcp.as_ref());
    let typed = &set.addressing;
    let ipv4 = if typed.is_empty() && !set.no_dhcp {
        None
    } else {
        let address = typed.address.clone();
        let address = address.or_else(|| known.map(|ipv4| ipv4.address.clone()));
        let Some(address) = address else {
            bail!(
                "the network {} has no address: give one by --address",
                network.name
            );
        };
        let dhcp = if set.no_dhcp {
            None
        } else {
            dhcp(typed, known_dhcp)
        };
        if dhcp.is_none() && !typed.reservations.is_empty() {
            bail!(
                "the network {} has no DHCP: give a range by --dhcp",
                network.name
            );
        }
        Some(NetworkIpv4 { address, dhcp })
    };
    let vlan = if set.no_vlan {
        Some(NetworkVlan::default())
    } else {
        vlan(set.tagging)
    };
    Ok(NetworkPatch {
        autostart: set.autostart,
        ipv4,
        bridge: set.bridge,
        vlan,
    })
}

/// What was typed; what was not stays as it is known.
fn dhcp(typed: &Addressing, known: Option<&NetworkDhcp>) -> Option<NetworkDhcp> {
    let range = typed.dhcp.clone();
    let (start, end) = match (range, known) {
        (Some(range), _) => (range.start, range.end),
        (None, Some(known)) => (known.start.clone(), known.end.clone()),
        (None, None) => return None,
    };
    let reservations = if typed.reservations.is_empty() {
        known.map(|known| known.reservations.clone())
    } else {
        let typed = typed.reservations.iter();
        Some(typed.map(|typed| typed.0.clone()).collect())
    };
    Some(NetworkDhcp {
        start,
        end,
        reservations: reservations.unwrap_or_default(),
    })
}

fn vlan(tagging: Tagging) -> Option<NetworkVlan> {
    if tagging.vlan.is_empty() {
        return None;
    }
    Some(NetworkVlan {
        tags: tagging.vlan,
        trunk: tagging.trunk,
        native: tagging.native,
    })
}

fn state(network: &Network) -> &'static str {
    if network.active { "active" } else { "off" }
}

fn row(network: &Network) -> Vec<String> {
    let address = network.ipv4.as_ref().map(|ipv4| ipv4.address.clone());
    vec![
        plain(&network.name),
        word(&network.mode),
        state(network).to_owned(),
        address.unwrap_or_default(),
        plain(network.bridge.as_deref().unwrap_or_default()),
        network.used_by.len().to_string(),
    ]
}

fn bridge_row(bridge: &Bridge) -> Vec<String> {
    vec![
        plain(&bridge.name),
        plain(&bridge.ports.join(", ")),
        plain(&bridge.networks.join(", ")),
        users(&bridge.used_by),
    ]
}

fn users(users: &[NetworkUser]) -> String {
    let names: Vec<String> = users.iter().map(|user| plain(&user.name)).collect();
    names.join(", ")
}

fn tags(vlan: &NetworkVlan) -> String {
    let tags: Vec<String> = vlan.tags.iter().map(u16::to_string).collect();
    let tags = tags.join(", ");
    match (vlan.trunk, vlan.native) {
        (false, _) => tags,
        (true, None) => format!("trunk of {tags}"),
        (true, Some(native)) => format!("trunk of {tags}, untagged {native}"),
    }
}

fn reservation(reservation: &DhcpReservation) -> String {
    let name = reservation.name.as_deref().unwrap_or_default();
    format!("{} for {} {name}", reservation.address, reservation.mac)
        .trim_end()
        .to_owned()
}

fn show(format: Format, network: &Network) -> Result<()> {
    let starts = if network.autostart { "yes" } else { "no" };
    let mut lines = vec![
        ("Name", plain(&network.name)),
        ("ID", network.id.to_string()),
        ("Mode", word(&network.mode)),
        ("State", state(network).to_owned()),
        ("Starts by itself", starts.to_owned()),
    ];
    if let Some(bridge) = &network.bridge {
        lines.push(("Bridge", plain(bridge)));
    }
    if !network.vlan.tags.is_empty() {
        lines.push(("VLAN", tags(&network.vlan)));
    }
    if let Some(ipv4) = &network.ipv4 {
        lines.push(("Address", ipv4.address.clone()));
        if let Some(dhcp) = &ipv4.dhcp {
            lines.push(("DHCP", format!("{} to {}", dhcp.start, dhcp.end)));
            let reserved = dhcp.reservations.iter();
            lines.extend(reserved.map(|kept| ("Reserved", reservation(kept))));
        }
    }
    if network.pending_restart {
        let text = "only after it was stopped and started".to_owned();
        lines.push(("Changes hold", text));
    }
    if !network.used_by.is_empty() {
        lines.push(("VMs", users(&network.used_by)));
    }
    fields(format, network, &lines)
}
