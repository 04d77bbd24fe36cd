//! The host's addresses and how each came to be.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use super::{Address, Origin};
use crate::network::{InForce, Ipv4Method};

/// The kernel's "was not made by itself" flag of an IPv6 address (`IFA_F_PERMANENT`).
const PERMANENT: u32 = 0x80;

pub(super) fn read(proc: &Path, network: Option<&InForce>) -> Vec<Address> {
    let Ok(interfaces) = getifaddrs() else {
        return Vec::new();
    };
    let table = fs::read_to_string(proc.join("net/if_inet6")).unwrap_or_default();
    let permanent = permanent_ipv6(&table);
    interfaces
        .filter(|entry| !entry.flags.contains(InterfaceFlags::IFF_LOOPBACK))
        .filter_map(|entry| {
            let storage = entry.address?;
            let address = match (storage.as_sockaddr_in(), storage.as_sockaddr_in6()) {
                (Some(v4), _) => IpAddr::V4(v4.ip()),
                (_, Some(v6)) => IpAddr::V6(v6.ip()),
                _ => return None,
            };
            Some((entry.interface_name, address))
        })
        .filter(|(_, address)| !matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()))
        .map(|(interface, address)| {
            let origin = origin(&interface, address, network, &permanent);
            Address {
                interface,
                address,
                origin,
            }
        })
        .collect()
}

fn origin(
    interface: &str,
    address: IpAddr,
    network: Option<&InForce>,
    permanent: &BTreeSet<Ipv6Addr>,
) -> Origin {
    let from_dhcp = network
        .is_some_and(|network| network.interface == interface && network.ipv4 == Ipv4Method::Dhcp);
    match address {
        IpAddr::V4(v4) if v4.is_link_local() => Origin::Auto,
        IpAddr::V4(_) if from_dhcp => Origin::Dhcp,
        IpAddr::V6(v6) if !permanent.contains(&v6) => Origin::Auto,
        IpAddr::V4(_) | IpAddr::V6(_) => Origin::Static,
    }
}

/// Columns of `if_inet6`: address, interface index, prefix, scope, flags (all hex), name.
fn permanent_ipv6(table: &str) -> BTreeSet<Ipv6Addr> {
    table
        .lines()
        .filter_map(|line| {
            let mut columns = line.split_ascii_whitespace();
            let address = u128::from_str_radix(columns.next()?, 16).ok()?;
            let flags = u32::from_str_radix(columns.nth(3)?, 16).ok()?;
            (flags & PERMANENT != 0).then_some(Ipv6Addr::from_bits(address))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_from_a_router_is_not_static() {
        let table = "20010db8000000000000000000000010 02 40 00 80      br0\n\
                     20010db8000000005054000000120001 02 40 00 00      br0\n";
        let permanent = permanent_ipv6(table);
        let of = |text: &str| origin("br0", text.parse().unwrap(), None, &permanent);
        assert_eq!(of("2001:db8::10"), Origin::Static);
        assert_eq!(of("2001:db8::5054:0:12:1"), Origin::Auto);
    }

    #[test]
    fn ipv4_on_the_management_interface_follows_the_configuration() {
        let network = InForce {
            interface: "br0".into(),
            ipv4: Ipv4Method::Dhcp,
            dhcp: Some("br0".into()),
            open: true,
            text: String::new(),
            problems: vec![],
        };
        let of = |interface: &str, text: &str| {
            origin(
                interface,
                text.parse().unwrap(),
                Some(&network),
                &BTreeSet::new(),
            )
        };
        assert_eq!(of("br0", "10.0.2.15"), Origin::Dhcp);
        assert_eq!(of("br0", "169.254.7.7"), Origin::Auto);
        assert_eq!(of("virbr0", "192.168.122.1"), Origin::Static);
    }
}
