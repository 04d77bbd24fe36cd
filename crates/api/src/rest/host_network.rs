//! The host's own network.

use serde::{Deserialize, Serialize};

/// How the host is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ManagementNetwork {
    /// Network cards that carry it, by name or MAC address, at most 8; two or more make a bond. `["auto"]` is the
    /// first with a link.
    pub interfaces: Vec<String>,
    /// How a bond uses its cards; of no meaning for one card.
    #[serde(default)]
    pub bond_mode: BondMode,
    /// VLAN that the host's own addresses are in, 1 to 4094; `null` is untagged.
    #[serde(default)]
    pub vlan: Option<u16>,
    /// IPv4.
    pub ipv4: HostIpv4,
    /// IPv6.
    pub ipv6: HostIpv6,
    /// Name servers, at most 3; none are those of DHCP.
    #[serde(default)]
    pub dns: Vec<String>,
}

/// How a bond uses its cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BondMode {
    /// One card at a time; works with any switch.
    #[default]
    #[serde(rename = "active-backup")]
    ActiveBackup,
    /// LACP; the switch must be set up for it.
    #[serde(rename = "802.3ad")]
    Lacp,
    /// By hash of addresses; the switch must have a static group.
    #[serde(rename = "balance-xor")]
    BalanceXor,
}

/// Where the host's IPv4 address comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HostIpv4 {
    /// How.
    pub method: HostIpv4Method,
    /// For `static`: with the length of the network's prefix, such as `192.168.1.10/24`.
    #[serde(default)]
    pub address: Option<String>,
    /// For `static`: the default gateway, in the same network.
    #[serde(default)]
    pub gateway: Option<String>,
}

/// Where an IPv4 address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HostIpv4Method {
    /// A DHCP server.
    Dhcp,
    /// It is fixed.
    Static,
    /// There is none.
    None,
}

/// Where the host's IPv6 addresses come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HostIpv6 {
    /// How.
    pub method: HostIpv6Method,
    /// For `static`: with the length of the network's prefix, such as `2001:db8::10/64`.
    #[serde(default)]
    pub address: Option<String>,
    /// For `static`: the default gateway, in the same network or link-local.
    #[serde(default)]
    pub gateway: Option<String>,
}

/// Where IPv6 addresses come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HostIpv6Method {
    /// Router advertisements.
    Auto,
    /// It is fixed.
    Static,
    /// There is none.
    None,
}

/// A network to try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HostNetworkChange {
    /// All of it.
    pub network: ManagementNetwork,
    /// How long it waits to be confirmed once it is in force, in seconds: 10 to 600.
    #[serde(default = "usual")]
    pub confirm_within_s: u32,
}

const fn usual() -> u32 {
    60
}

/// The host's own network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostNetwork {
    /// Changes with what is configured and with every step of a change; the `ETag`.
    pub revision: String,
    /// What is stored, and in force after a restart.
    pub configured: ManagementNetwork,
    /// What was set up last; `null` where this daemon does not run on a booted image.
    pub in_force: Option<ManagementNetwork>,
    /// Fields of `configured` that `in_force` differs in.
    pub differs: Vec<String>,
    /// The interface that carries the host's addresses.
    pub interface: Option<String>,
    /// What is not as `in_force` wants it, in sentences.
    pub problems: Vec<String>,
    /// The change that waits to be confirmed.
    pub trial: Option<NetworkTrial>,
    /// Why the last change did not last.
    pub undone: Option<NetworkUndone>,
    /// The network that was stored before.
    pub previous: Option<ManagementNetwork>,
}

/// A change that waits to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NetworkTrial {
    /// What is tried.
    pub network: ManagementNetwork,
    /// Whether it is in force, so that it can be confirmed.
    pub in_force: bool,
    /// Until it is undone, in milliseconds.
    pub left_ms: u64,
}

/// Why a change did not last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NetworkUndone {
    /// Nobody confirmed it in time.
    TimeIsUp,
    /// Somebody undid it.
    GivenUp,
}
