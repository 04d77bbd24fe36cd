//! Networks and bridges, between gRPC and REST.

use super::convert::uuid;
use super::v1;
use crate::rest;

fn refused(field: &str, reason: &str) -> rest::FieldProblem {
    rest::FieldProblem {
        field: field.to_owned(),
        reason: reason.to_owned(),
    }
}

impl From<rest::NetworkIpv4> for v1::NetworkIpv4 {
    fn from(ipv4: rest::NetworkIpv4) -> Self {
        Self {
            address: ipv4.address,
            dhcp: ipv4.dhcp.map(|dhcp| v1::NetworkDhcp {
                start: dhcp.start,
                end: dhcp.end,
                reservations: dhcp
                    .reservations
                    .into_iter()
                    .map(|reservation| v1::DhcpReservation {
                        mac: reservation.mac,
                        address: reservation.address,
                        name: reservation.name,
                    })
                    .collect(),
            }),
        }
    }
}

impl From<v1::NetworkIpv4> for rest::NetworkIpv4 {
    fn from(ipv4: v1::NetworkIpv4) -> Self {
        Self {
            address: ipv4.address,
            dhcp: ipv4.dhcp.map(|dhcp| rest::NetworkDhcp {
                start: dhcp.start,
                end: dhcp.end,
                reservations: dhcp
                    .reservations
                    .into_iter()
                    .map(|reservation| rest::DhcpReservation {
                        mac: reservation.mac,
                        address: reservation.address,
                        name: reservation.name,
                    })
                    .collect(),
            }),
        }
    }
}

impl From<rest::NetworkVlan> for v1::NetworkVlan {
    fn from(vlan: rest::NetworkVlan) -> Self {
        Self {
            tags: vlan.tags.into_iter().map(u32::from).collect(),
            trunk: vlan.trunk,
            native: vlan.native.map(u32::from),
        }
    }
}

impl TryFrom<v1::NetworkVlan> for rest::NetworkVlan {
    type Error = rest::FieldProblem;

    fn try_from(vlan: v1::NetworkVlan) -> Result<Self, rest::FieldProblem> {
        let tag = |field: &str, tag: u32| {
            u16::try_from(tag).map_err(|_| refused(field, "must be 1 to 4094"))
        };
        let tags = vlan.tags.into_iter().enumerate();
        Ok(Self {
            tags: tags
                .map(|(i, id)| tag(&format!("vlan.tags[{i}]"), id))
                .collect::<Result<_, _>>()?,
            trunk: vlan.trunk,
            native: vlan.native.map(|id| tag("vlan.native", id)).transpose()?,
        })
    }
}

impl From<rest::NetworkUser> for v1::NetworkUser {
    fn from(user: rest::NetworkUser) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name,
            running: user.running,
        }
    }
}

impl From<rest::Network> for v1::Network {
    fn from(network: rest::Network) -> Self {
        let mode = match network.mode {
            rest::NetworkMode::Nat => v1::NetworkMode::Nat,
            rest::NetworkMode::Isolated => v1::NetworkMode::Isolated,
            rest::NetworkMode::Bridge => v1::NetworkMode::Bridge,
            rest::NetworkMode::Other => v1::NetworkMode::Other,
        };
        Self {
            id: network.id.to_string(),
            name: network.name,
            mode: mode.into(),
            active: network.active,
            autostart: network.autostart,
            ipv4: network.ipv4.map(Into::into),
            bridge: network.bridge,
            vlan: Some(network.vlan.into()),
            pending_restart: network.pending_restart,
            used_by: network.used_by.into_iter().map(Into::into).collect(),
            revision: network.revision,
        }
    }
}

impl From<rest::Bridge> for v1::Bridge {
    fn from(bridge: rest::Bridge) -> Self {
        Self {
            name: bridge.name,
            vlan_filtering: bridge.vlan_filtering,
            ports: bridge.ports,
            networks: bridge.networks,
            used_by: bridge.used_by.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::CreateNetworkRequest> for rest::NetworkCreate {
    type Error = rest::FieldProblem;

    fn try_from(wish: v1::CreateNetworkRequest) -> Result<Self, rest::FieldProblem> {
        let mode = match v1::NetworkMode::try_from(wish.mode) {
            Ok(v1::NetworkMode::Nat) => rest::NetworkMode::Nat,
            Ok(v1::NetworkMode::Isolated) => rest::NetworkMode::Isolated,
            Ok(v1::NetworkMode::Bridge) => rest::NetworkMode::Bridge,
            _ => return Err(refused("mode", "must be nat, isolated or bridge")),
        };
        Ok(Self {
            id: wish.id.map(|id| uuid("id", &id)).transpose()?,
            name: wish.name,
            mode,
            autostart: wish.autostart.unwrap_or(true),
            ipv4: wish.ipv4.map(Into::into),
            bridge: wish.bridge,
            vlan: wish.vlan.map(TryInto::try_into).transpose()?,
        })
    }
}

impl TryFrom<v1::UpdateNetworkRequest> for rest::NetworkPatch {
    type Error = rest::FieldProblem;

    fn try_from(wish: v1::UpdateNetworkRequest) -> Result<Self, rest::FieldProblem> {
        Ok(Self {
            autostart: wish.autostart,
            ipv4: wish.ipv4.map(Into::into),
            bridge: wish.bridge,
            vlan: wish.vlan.map(TryInto::try_into).transpose()?,
        })
    }
}
