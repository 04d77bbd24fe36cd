//! The host's own network.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use qx_api::rest;
use qx_engine::host_network::{Change, HostNetworkView};
use qx_host::config::{Bond, BondMode, InterfaceSelector, Ipv4, Ipv6, Management, VlanId};
use qx_host::network::{Phase, Undone};
use qx_model::vm::FieldError;

/// What a caller wants, or every field that can't be.
pub(crate) fn network_change(wish: rest::HostNetworkChange) -> Result<Change, Vec<FieldError>> {
    let mut faults = Faults::default();
    let management = management(&wish.network, &mut faults);
    match management {
        Some(management) if faults.0.is_empty() => Ok(Change {
            management,
            within: Duration::from_secs(wish.confirm_within_s.into()),
        }),
        _ => Err(faults.0),
    }
}

#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn add(&mut self, field: &str, reason: impl Display) {
        self.0.push(FieldError {
            field: format!("network.{field}"),
            reason: reason.to_string(),
        });
    }

    fn parsed<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        text.parse().map_err(|error| self.add(field, error)).ok()
    }

    /// An address and a gateway are for the method `static` alone, which needs an address.
    fn fixed<A, G>(
        &mut self,
        field: &str,
        fixed: bool,
        address: Option<&str>,
        gateway: Option<&str>,
    ) -> Option<(A, Option<G>)>
    where
        A: FromStr,
        A::Err: Display,
        G: FromStr,
    {
        if !fixed {
            for (name, value) in [("address", address), ("gateway", gateway)] {
                if value.is_some() {
                    self.add(&format!("{field}.{name}"), "is for the method static alone");
                }
            }
            return None;
        }
        let Some(address) = address else {
            self.add(
                &format!("{field}.address"),
                "is required for the method static",
            );
            return None;
        };
        let address = self.parsed(&format!("{field}.address"), address);
        let gateway = match gateway.map(str::parse) {
            None => None,
            Some(Ok(gateway)) => Some(gateway),
            Some(Err(_)) => {
                let kind = if field == "ipv4" { "IPv4" } else { "IPv6" };
                self.add(
                    &format!("{field}.gateway"),
                    format!("must be an {kind} address"),
                );
                None
            }
        };
        Some((address?, gateway))
    }
}

fn management(wish: &rest::ManagementNetwork, faults: &mut Faults) -> Option<Management> {
    let mut interfaces: Vec<InterfaceSelector> = Vec::new();
    for (number, text) in wish.interfaces.iter().enumerate() {
        interfaces
            .extend(faults.parsed::<InterfaceSelector>(&format!("interfaces[{number}]"), text));
    }
    let vlan = wish.vlan.map(VlanId::try_from).transpose();
    let vlan = vlan.unwrap_or_else(|_| {
        faults.add("vlan", "must be 1 to 4094, or null for none");
        None
    });
    let (v4, v6) = (&wish.ipv4, &wish.ipv6);
    let fixed_v4 = faults.fixed(
        "ipv4",
        v4.method == rest::HostIpv4Method::Static,
        v4.address.as_deref(),
        v4.gateway.as_deref(),
    );
    let fixed_v6 = faults.fixed(
        "ipv6",
        v6.method == rest::HostIpv6Method::Static,
        v6.address.as_deref(),
        v6.gateway.as_deref(),
    );
    let mut dns = Vec::new();
    for (number, text) in wish.dns.iter().enumerate() {
        match text.parse() {
            Ok(server) => dns.push(server),
            Err(_) => faults.add(&format!("dns[{number}]"), "must be an IP address"),
        }
    }
    Some(Management {
        interfaces,
        bond: Bond {
            mode: match wish.bond_mode {
                rest::BondMode::ActiveBackup => BondMode::ActiveBackup,
                rest::BondMode::Lacp => BondMode::Lacp,
                rest::BondMode::BalanceXor => BondMode::BalanceXor,
            },
        },
        vlan,
        ipv4: match v4.method {
            rest::HostIpv4Method::Dhcp => Ipv4::Dhcp,
            rest::HostIpv4Method::None => Ipv4::None,
            rest::HostIpv4Method::Static => {
                let (address, gateway) = fixed_v4?;
                Ipv4::Static { address, gateway }
            }
        },
        ipv6: match v6.method {
            rest::HostIpv6Method::Auto => Ipv6::Auto,
            rest::HostIpv6Method::None => Ipv6::None,
            rest::HostIpv6Method::Static => {
                let (address, gateway) = fixed_v6?;
                Ipv6::Static { address, gateway }
            }
        },
        dns,
    })
}

/// The host's network as it goes over the wire.
pub(crate) fn host_network(view: HostNetworkView) -> rest::HostNetwork {
    let standing = view.standing;
    let differs = standing.wanted.as_ref().map_or(Vec::new(), |wanted| {
        differences(&standing.configured, wanted)
    });
    let trial = match &standing.phase {
        Phase::OnTrial(trial) => Some(trial),
        Phase::Settled { .. } => None,
    };
    let trial = trial.and_then(|trial| {
        Some(rest::NetworkTrial {
            network: wire(&trial.management()?),
            in_force: trial.in_force_ms.is_some(),
            left_ms: view.left.map_or(0, |left| {
                u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
            }),
        })
    });
    let undone = match standing.phase {
        Phase::Settled { undone } => undone,
        Phase::OnTrial(_) => None,
    };
    let (interface, problems) = standing.in_force.map_or((None, Vec::new()), |now| {
        (Some(now.interface), now.problems)
    });
    rest::HostNetwork {
        revision: view.revision,
        configured: wire(&standing.configured),
        in_force: standing.wanted.as_ref().map(wire),
        differs,
        interface,
        problems,
        trial,
        undone: undone.map(|undone| match undone {
            Undone::TimeIsUp => rest::NetworkUndone::TimeIsUp,
            Undone::GivenUp => rest::NetworkUndone::GivenUp,
        }),
        previous: standing.previous.as_ref().map(wire),
    }
}

fn differences(one: &Management, other: &Management) -> Vec<String> {
    let pairs = [
        ("interfaces", one.interfaces == other.interfaces),
        ("bond_mode", one.bond == other.bond),
        ("vlan", one.vlan == other.vlan),
        ("ipv4", one.ipv4 == other.ipv4),
        ("ipv6", one.ipv6 == other.ipv6),
        ("dns", one.dns == other.dns),
    ];
    let differing = pairs.into_iter().filter(|(_, same)| !same);
    differing.map(|(name, _)| name.to_owned()).collect()
}

fn wire(management: &Management) -> rest::ManagementNetwork {
    let none = (None, None);
    let (ipv4_method, (v4_address, v4_gateway)) = match management.ipv4 {
        Ipv4::Dhcp => (rest::HostIpv4Method::Dhcp, none),
        Ipv4::None => (rest::HostIpv4Method::None, none),
        Ipv4::Static { address, gateway } => {
            let texts = (Some(address.to_string()), gateway.map(|ip| ip.to_string()));
            (rest::HostIpv4Method::Static, texts)
        }
    };
    let (ipv6_method, (v6_address, v6_gateway)) = match management.ipv6 {
        Ipv6::Auto => (rest::HostIpv6Method::Auto, (None, None)),
        Ipv6::None => (rest::HostIpv6Method::None, (None, None)),
        Ipv6::Static { address, gateway } => {
            let texts = (Some(address.to_string()), gateway.map(|ip| ip.to_string()));
            (rest::HostIpv6Method::Static, texts)
        }
    };
    rest::ManagementNetwork {
        interfaces: management
            .interfaces
            .iter()
            .map(ToString::to_string)
            .collect(),
        bond_mode: match management.bond.mode {
            BondMode::ActiveBackup => rest::BondMode::ActiveBackup,
            BondMode::Lacp => rest::BondMode::Lacp,
            BondMode::BalanceXor => rest::BondMode::BalanceXor,
        },
        vlan: management.vlan.map(VlanId::get),
        ipv4: rest::HostIpv4 {
            method: ipv4_method,
            address: v4_address,
            gateway: v4_gateway,
        },
        ipv6: rest::HostIpv6 {
            method: ipv6_method,
            address: v6_address,
            gateway: v6_gateway,
        },
        dns: management.dns.iter().map(ToString::to_string).collect(),
    }
}
