//! The network of a guest, version 2 of cloud-init's format
//! (<https://docs.cloud-init.io/en/latest/reference/network-config-format-v2.html>).

use std::net::IpAddr;

use qx_host::config::{Ipv4Cidr, Ipv6Cidr};
use qx_model::cloud_init::GuestNic;
use qx_model::vm::FieldError;
use serde_json::{Map, Value, json};

const MOST_ADDRESSES: usize = 16;
const MOST_SERVERS: usize = 8;

/// Every NIC in turn: those without a wish, or with one that has no address, ask by DHCP. `None` without any wish.
pub(super) fn config(
    wishes: &[GuestNic],
    macs: &[String],
    broken: &mut Vec<FieldError>,
) -> Option<String> {
    if wishes.is_empty() {
        return None;
    }
    if wishes.len() > macs.len() {
        let reason = format!(
            "must be at most {}, the number of the VM's NICs",
            macs.len()
        );
        broken.push(FieldError::new("network", reason));
    }
    let none = GuestNic::default();
    let mut ethernets = Map::new();
    for (i, mac) in macs.iter().enumerate() {
        let nic = ethernet(i, wishes.get(i).unwrap_or(&none), mac, broken);
        ethernets.insert(format!("eth{i}"), nic);
    }
    Some(json!({ "version": 2, "ethernets": ethernets }).to_string())
}

fn ethernet(i: usize, wish: &GuestNic, mac: &str, broken: &mut Vec<FieldError>) -> Value {
    let mut fault = |field: &str, reason: String| {
        broken.push(FieldError::new(format!("network[{i}].{field}"), reason));
    };
    if wish.addresses.len() > MOST_ADDRESSES {
        fault("addresses", format!("must be at most {MOST_ADDRESSES}"));
    }
    if wish.dns.len() > MOST_SERVERS {
        fault("dns", format!("must be at most {MOST_SERVERS}"));
    }
    let mut networks = Vec::new();
    for (n, text) in wish.addresses.iter().enumerate() {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(reason) => fault(&format!("addresses[{n}]"), reason),
        }
    }
    for (n, text) in wish.dns.iter().enumerate() {
        if text.parse::<IpAddr>().is_err() {
            fault(&format!("dns[{n}]"), "must be an IP address".into());
        }
    }
    let mut routes = Vec::new();
    for (n, text) in wish.gateways.iter().enumerate() {
        match route(text, &networks, &routes) {
            Ok(route) => routes.push(route),
            Err(reason) => fault(&format!("gateways[{n}]"), reason),
        }
    }
    let mut ethernet = Map::from_iter([
        ("match".to_owned(), json!({ "macaddress": mac })),
        ("set-name".to_owned(), format!("eth{i}").into()),
        ("dhcp4".to_owned(), wish.addresses.is_empty().into()),
    ]);
    if !wish.addresses.is_empty() {
        ethernet.insert("addresses".into(), json!(wish.addresses));
    }
    if !routes.is_empty() {
        ethernet.insert("routes".into(), json!(routes));
    }
    if !wish.dns.is_empty() {
        ethernet.insert("nameservers".into(), json!({ "addresses": wish.dns }));
    }
    ethernet.into()
}

/// The default route by this gateway, or why not.
fn route(gateway: &str, networks: &[Network], known: &[Value]) -> Result<Value, String> {
    let address: IpAddr = gateway
        .parse()
        .map_err(|_| "must be an IP address".to_owned())?;
    let to = if address.is_ipv4() {
        "0.0.0.0/0"
    } else {
        "::/0"
    };
    if known.iter().any(|route| route["to"] == to) {
        return Err("must be one for IPv4 and one for IPv6 at most".into());
    }
    let local = matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
    if !local && !networks.iter().any(|network| network.contains(address)) {
        return Err("must be in the network of one of `addresses`".into());
    }
    Ok(json!({ "to": to, "via": gateway }))
}

/// An address with its network.
enum Network {
    V4(Ipv4Cidr),
    V6(Ipv6Cidr),
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4(network), IpAddr::V4(address)) => network.contains(address),
            (Self::V6(network), IpAddr::V6(address)) => network.contains(address),
            _ => false,
        }
    }
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let v6 = text.contains(':');
        let parsed = if v6 {
            text.parse().map(Self::V6)
        } else {
            text.parse().map(Self::V4)
        };
        parsed.map_err(|error| error.to_string())
    }
}
