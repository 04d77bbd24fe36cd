//! Virtual networks, and the bridges of the host.

use qx_model::name::{NetworkName, VmName};
use qx_model::network as model;
use qx_model::vm::FieldError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How VMs on a network reach others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NetworkMode {
    /// Each other and the host, and through the host's address all that the host reaches.
    Nat,
    /// Each other, and the host if the network has an address.
    Isolated,
    /// Whatever a bridge of the host is connected to.
    Bridge,
    /// Something that others defined; never in a request.
    Other,
}

/// The host's address on a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NetworkIpv4 {
    /// With the length of the network's prefix, such as `192.168.100.1/24`; guests use it as their gateway.
    pub address: String,
    /// What DHCP hands out; `null` is no DHCP.
    #[serde(default)]
    pub dhcp: Option<NetworkDhcp>,
}

/// What DHCP hands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NetworkDhcp {
    /// The first address for whoever asks.
    pub start: String,
    /// The last one.
    pub end: String,
    /// Addresses that belong to one NIC each; at most 1024.
    #[serde(default)]
    pub reservations: Vec<DhcpReservation>,
}

/// An address that one NIC always gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DhcpReservation {
    /// The NIC's, such as `52:54:00:12:34:56`.
    pub mac: String,
    /// An address of the network.
    pub address: String,
    /// Host name that it is given too.
    #[serde(default)]
    pub name: Option<String>,
}

/// 802.1Q tags on the bridge.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NetworkVlan {
    /// 1 to 4094; none is no VLAN. Guests know nothing of a single one that is no trunk.
    #[serde(default)]
    pub tags: Vec<u16>,
    /// Guests see the tags.
    #[serde(default)]
    pub trunk: bool,
    /// The tag of a trunk that untagged frames belong to.
    #[serde(default)]
    pub native: Option<u16>,
}

/// A network to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NetworkCreate {
    /// The host chooses one if not given.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// 1 to 15 letters, digits, `.`, `_` or `-`.
    pub name: String,
    /// `other` is refused.
    pub mode: NetworkMode,
    /// Start it now, with the host, and when a VM needs it; so if not given.
    #[serde(default = "yes")]
    pub autostart: bool,
    /// The host's address; required for `nat`, refused for `bridge`.
    #[serde(default)]
    pub ipv4: Option<NetworkIpv4>,
    /// A bridge of the host, such as `br0`; for `bridge` alone.
    #[serde(default)]
    pub bridge: Option<String>,
    /// Tags on that bridge.
    #[serde(default)]
    pub vlan: Option<NetworkVlan>,
}

fn yes() -> bool {
    true
}

/// What is to be different; what is not there stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NetworkPatch {
    /// Start with the host, and when a VM needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autostart: Option<bool>,
    /// The host's address and all that DHCP hands out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<NetworkIpv4>,
    /// Another bridge of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge: Option<String>,
    /// Tags on the bridge; with empty `tags`, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<NetworkVlan>,
}

/// A VM that is plugged into a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NetworkUser {
    /// Which.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// It is powered on.
    pub running: bool,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Network {
    /// For life.
    pub id: Uuid,
    /// As libvirt has it.
    pub name: String,
    /// How VMs on it reach others.
    pub mode: NetworkMode,
    /// VMs on it can be started.
    pub active: bool,
    /// Starts with the host, and when a VM needs it.
    pub autostart: bool,
    /// The host's address.
    pub ipv4: Option<NetworkIpv4>,
    /// The bridge of the host; NAT and isolated networks have one of their own.
    pub bridge: Option<String>,
    /// Tags on the bridge.
    pub vlan: NetworkVlan,
    /// It works otherwise than shown until it was stopped and started.
    pub pending_restart: bool,
    /// VMs that have a NIC in it, by name.
    pub used_by: Vec<NetworkUser>,
    /// Different whenever the configuration is; also the `ETag`.
    pub revision: String,
}

/// All networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NetworkPage {
    /// Ordered by name.
    pub items: Vec<Network>,
}

/// A bridge of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Bridge {
    /// The kernel's name.
    pub name: String,
    /// It tells VLANs apart.
    pub vlan_filtering: bool,
    /// Interfaces on it that are no VM's.
    pub ports: Vec<String>,
    /// Names of the networks that lead to it.
    pub networks: Vec<String>,
    /// VMs on it, by name.
    pub used_by: Vec<NetworkUser>,
}

/// All bridges of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BridgePage {
    /// Ordered by name.
    pub items: Vec<Bridge>,
}

type Found<T> = Result<T, Vec<FieldError>>;

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: impl Into<String>,
    text: &str,
    found: &mut Vec<FieldError>,
) -> Option<T> {
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            found.push(FieldError::new(field, error.to_string()));
            None
        }
    }
}

fn address(field: String, text: &str, found: &mut Vec<FieldError>) -> Option<std::net::Ipv4Addr> {
    let address = text.parse().ok();
    if address.is_none() {
        let reason = "must be an IPv4 address, such as 192.168.100.10";
        found.push(FieldError::new(field, reason));
    }
    address
}

impl NetworkIpv4 {
    fn read(self, found: &mut Vec<FieldError>) -> Option<model::Ipv4> {
        let parts = self
            .address
            .split_once('/')
            .and_then(|(address, prefix)| Some((address.parse().ok()?, prefix.parse().ok()?)));
        if parts.is_none() {
            let reason = "must be an IPv4 address with a prefix, such as 192.168.100.1/24";
            found.push(FieldError::new("ipv4.address", reason));
        }
        let dhcp = match self.dhcp {
            None => None,
            Some(dhcp) => Some(dhcp.read(found)?),
        };
        let (address, prefix) = parts?;
        Some(model::Ipv4 {
            address,
            prefix,
            dhcp,
        })
    }
}

impl NetworkDhcp {
    fn read(self, found: &mut Vec<FieldError>) -> Option<model::Dhcp> {
        let before = found.len();
        let start = address("ipv4.dhcp.start".into(), &self.start, found);
        let end = address("ipv4.dhcp.end".into(), &self.end, found);
        let mut reservations = Vec::with_capacity(self.reservations.len());
        for (i, reservation) in self.reservations.into_iter().enumerate() {
            let field = |name: &str| format!("ipv4.dhcp.reservations[{i}].{name}");
            let mac = parsed(field("mac"), &reservation.mac, found);
            let address = address(field("address"), &reservation.address, found);
            let name = reservation.name;
            let name = name.and_then(|name| parsed::<VmName>(field("name"), &name, found));
            if let (Some(mac), Some(address)) = (mac, address) {
                reservations.push(model::Reservation { mac, address, name });
            }
        }
        if found.len() > before {
            return None;
        }
        Some(model::Dhcp {
            start: start?,
            end: end?,
            reservations,
        })
    }
}

fn bridge(name: Option<String>, found: &mut Vec<FieldError>) -> Option<NetworkName> {
    name.and_then(|name| parsed("bridge", &name, found))
}

impl NetworkCreate {
    /// The wish, with `id` where it names none.
    ///
    /// # Errors
    /// Every field whose text can't be read.
    pub fn into_spec(self, id: Uuid) -> Found<model::NetworkSpec> {
        let mut found = Vec::new();
        let name = parsed("name", &self.name, &mut found);
        let mode = match self.mode {
            NetworkMode::Nat => model::NetworkMode::Nat,
            NetworkMode::Isolated => model::NetworkMode::Isolated,
            NetworkMode::Bridge => model::NetworkMode::Bridge,
            NetworkMode::Other => {
                found.push(FieldError::new("mode", "must be nat, isolated or bridge"));
                model::NetworkMode::Other
            }
        };
        let ipv4 = self.ipv4.and_then(|ipv4| ipv4.read(&mut found));
        let bridge = bridge(self.bridge, &mut found);
        match name {
            Some(name) if found.is_empty() => Ok(model::NetworkSpec {
                id: model::NetworkId(self.id.unwrap_or(id)),
                name,
                mode,
                autostart: self.autostart,
                ipv4,
                bridge,
                vlan: self.vlan.unwrap_or_default().into(),
            }),
            _ => Err(found),
        }
    }
}

impl NetworkPatch {
    /// The change.
    ///
    /// # Errors
    /// Every field whose text can't be read.
    pub fn into_edit(self) -> Found<model::NetworkEdit> {
        let mut found = Vec::new();
        let ipv4 = self.ipv4.and_then(|ipv4| ipv4.read(&mut found));
        let bridge = bridge(self.bridge, &mut found);
        if !found.is_empty() {
            return Err(found);
        }
        Ok(model::NetworkEdit {
            autostart: self.autostart,
            ipv4,
            bridge,
            vlan: self.vlan.map(Into::into),
        })
    }
}

impl From<NetworkVlan> for model::Vlan {
    fn from(vlan: NetworkVlan) -> Self {
        Self {
            tags: vlan.tags,
            trunk: vlan.trunk,
            native: vlan.native,
        }
    }
}

impl From<model::Vlan> for NetworkVlan {
    fn from(vlan: model::Vlan) -> Self {
        Self {
            tags: vlan.tags,
            trunk: vlan.trunk,
            native: vlan.native,
        }
    }
}

impl From<model::Ipv4> for NetworkIpv4 {
    fn from(ipv4: model::Ipv4) -> Self {
        let reservation = |reservation: model::Reservation| DhcpReservation {
            mac: reservation.mac.to_string(),
            address: reservation.address.to_string(),
            name: reservation.name.map(Into::into),
        };
        Self {
            address: format!("{}/{}", ipv4.address, ipv4.prefix),
            dhcp: ipv4.dhcp.map(|dhcp| NetworkDhcp {
                start: dhcp.start.to_string(),
                end: dhcp.end.to_string(),
                reservations: dhcp.reservations.into_iter().map(reservation).collect(),
            }),
        }
    }
}

impl From<model::NetworkUser> for NetworkUser {
    fn from(user: model::NetworkUser) -> Self {
        Self {
            id: user.id.0,
            name: user.name,
            running: user.running,
        }
    }
}

impl Network {
    /// A network with the VMs that use it.
    #[must_use]
    pub fn new(network: model::Network, used_by: Vec<model::NetworkUser>) -> Self {
        Self {
            id: network.id.0,
            name: network.name,
            mode: match network.mode {
                model::NetworkMode::Nat => NetworkMode::Nat,
                model::NetworkMode::Isolated => NetworkMode::Isolated,
                model::NetworkMode::Bridge => NetworkMode::Bridge,
                model::NetworkMode::Other => NetworkMode::Other,
            },
            active: network.active,
            autostart: network.autostart,
            ipv4: network.ipv4.map(Into::into),
            bridge: network.bridge,
            vlan: network.vlan.into(),
            pending_restart: network.pending_restart,
            used_by: used_by.into_iter().map(Into::into).collect(),
            revision: network.revision,
        }
    }
}
