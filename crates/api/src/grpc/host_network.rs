//! The host's own network, between gRPC and REST.

use super::v1;
use crate::rest;

fn refused(field: &str, reason: &str) -> rest::FieldProblem {
    rest::FieldProblem {
        field: field.to_owned(),
        reason: reason.to_owned(),
    }
}

impl From<rest::ManagementNetwork> for v1::ManagementNetwork {
    fn from(network: rest::ManagementNetwork) -> Self {
        let bond_mode = match network.bond_mode {
            rest::BondMode::ActiveBackup => v1::BondMode::ActiveBackup,
            rest::BondMode::Lacp => v1::BondMode::Lacp,
            rest::BondMode::BalanceXor => v1::BondMode::BalanceXor,
        };
        let ipv4 = match network.ipv4.method {
            rest::HostIpv4Method::Dhcp => v1::HostIpv4Method::Dhcp,
            rest::HostIpv4Method::Static => v1::HostIpv4Method::Static,
            rest::HostIpv4Method::None => v1::HostIpv4Method::None,
        };
        let ipv6 = match network.ipv6.method {
            rest::HostIpv6Method::Auto => v1::HostIpv6Method::Auto,
            rest::HostIpv6Method::Static => v1::HostIpv6Method::Static,
            rest::HostIpv6Method::None => v1::HostIpv6Method::None,
        };
        Self {
            interfaces: network.interfaces,
            bond_mode: bond_mode.into(),
            vlan: network.vlan.map(u32::from),
            ipv4: Some(v1::HostIpv4 {
                method: ipv4.into(),
                address: network.ipv4.address,
                gateway: network.ipv4.gateway,
            }),
            ipv6: Some(v1::HostIpv6 {
                method: ipv6.into(),
                address: network.ipv6.address,
                gateway: network.ipv6.gateway,
            }),
            dns: network.dns,
        }
    }
}

impl TryFrom<v1::ManagementNetwork> for rest::ManagementNetwork {
    type Error = rest::FieldProblem;

    fn try_from(network: v1::ManagementNetwork) -> Result<Self, rest::FieldProblem> {
        let bond_mode = match network.bond_mode() {
            v1::BondMode::Unspecified | v1::BondMode::ActiveBackup => rest::BondMode::ActiveBackup,
            v1::BondMode::Lacp => rest::BondMode::Lacp,
            v1::BondMode::BalanceXor => rest::BondMode::BalanceXor,
        };
        let vlan = network.vlan.map(u16::try_from).transpose();
        let vlan = vlan.map_err(|_| refused("network.vlan", "must be 1 to 4094"))?;
        let ipv4 = network.ipv4.unwrap_or_default();
        let ipv6 = network.ipv6.unwrap_or_default();
        let ipv4_method = match ipv4.method() {
            v1::HostIpv4Method::Unspecified => {
                return Err(refused("network.ipv4.method", "is required"));
            }
            v1::HostIpv4Method::Dhcp => rest::HostIpv4Method::Dhcp,
            v1::HostIpv4Method::Static => rest::HostIpv4Method::Static,
            v1::HostIpv4Method::None => rest::HostIpv4Method::None,
        };
        let ipv6_method = match ipv6.method() {
            v1::HostIpv6Method::Unspecified => {
                return Err(refused("network.ipv6.method", "is required"));
            }
            v1::HostIpv6Method::Auto => rest::HostIpv6Method::Auto,
            v1::HostIpv6Method::Static => rest::HostIpv6Method::Static,
            v1::HostIpv6Method::None => rest::HostIpv6Method::None,
        };
        Ok(Self {
            interfaces: network.interfaces,
            bond_mode,
            vlan,
            ipv4: rest::HostIpv4 {
                method: ipv4_method,
                address: ipv4.address,
                gateway: ipv4.gateway,
            },
            ipv6: rest::HostIpv6 {
                method: ipv6_method,
                address: ipv6.address,
                gateway: ipv6.gateway,
            },
            dns: network.dns,
        })
    }
}

impl TryFrom<v1::SetHostNetworkRequest> for rest::HostNetworkChange {
    type Error = rest::FieldProblem;

    fn try_from(wish: v1::SetHostNetworkRequest) -> Result<Self, rest::FieldProblem> {
        let network = wish
            .network
            .ok_or_else(|| refused("network", "is required"))?;
        Ok(Self {
            network: network.try_into()?,
            confirm_within_s: wish.confirm_within_s.unwrap_or(60),
        })
    }
}

impl From<rest::HostNetwork> for v1::HostNetwork {
    fn from(network: rest::HostNetwork) -> Self {
        let undone = match network.undone {
            None => v1::NetworkUndone::Unspecified,
            Some(rest::NetworkUndone::TimeIsUp) => v1::NetworkUndone::TimeIsUp,
            Some(rest::NetworkUndone::GivenUp) => v1::NetworkUndone::GivenUp,
        };
        Self {
            revision: network.revision,
            configured: Some(network.configured.into()),
            in_force: network.in_force.map(Into::into),
            differs: network.differs,
            interface: network.interface,
            problems: network.problems,
            trial: network.trial.map(|trial| v1::NetworkTrial {
                network: Some(trial.network.into()),
                in_force: trial.in_force,
                left_ms: trial.left_ms,
            }),
            undone: undone.into(),
            previous: network.previous.map(Into::into),
        }
    }
}
