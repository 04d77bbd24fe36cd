//! What the configuration can say, and its defaults. A key is here once its effect is: what is not
//! implemented is refused as unknown rather than silently ignored.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::kernel::{Console, KernelArgument};
use super::types::{
    HostName, InterfaceSelector, Ipv4Cidr, Ipv6Cidr, PasswordHash, ServerName, SshPublicKey,
    TimeZone, ValueError, VlanId,
};
use super::web::{CaCertificate, Channel, FeedUrl, ProxyUrl};
use super::window::{Automatic, Window};

/// The schema's version, the file's `version` key.
pub const VERSION: u32 = 1;

/// The whole configuration of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// `[system]`.
    pub system: System,
    /// `[ssh]`.
    pub ssh: Ssh,
    /// `[network.management]`.
    pub management: Management,
    /// `[updates]`.
    pub updates: Updates,
    /// `[proxy]`.
    pub proxy: Proxy,
}

/// `[system]`: the host itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Host name.
    pub hostname: HostName,
    /// Local time.
    pub timezone: TimeZone,
    /// Root's password; without one a live boot makes a one-time password.
    pub root_password_hash: Option<PasswordHash>,
    /// Time servers.
    pub ntp: Vec<ServerName>,
    /// Terminals that the kernel writes to; the last one is its `/dev/console`.
    pub console: Vec<Console>,
    /// Extra arguments of the kernel, for odd hardware.
    pub kernel_args: Vec<KernelArgument>,
}

impl Default for System {
    fn default() -> Self {
        Self {
            hostname: HostName::default(),
            timezone: TimeZone::default(),
            root_password_hash: None,
            ntp: vec![ServerName::default()],
            console: vec![Console::SCREEN, Console::FIRST_SERIAL],
            kernel_args: Vec::new(),
        }
    }
}

/// `[ssh]`: remote shell access.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ssh {
    /// Whether sshd runs. Off unless asked for.
    pub enabled: bool,
    /// Keys that may log in as root; when there are any, passwords may not.
    pub authorized_keys: Vec<SshPublicKey>,
}

/// `[updates]`: where new versions of the system come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Updates {
    /// The feed that is asked.
    pub feed: Option<FeedUrl>,
    /// Which of its releases are meant.
    pub channel: Channel,
    /// What the host does with a newer one by itself.
    pub automatic: Automatic,
    /// When it may restart for that; [`Automatic::Apply`] needs one.
    pub window: Option<Window>,
}

/// `[proxy]`: how web servers are reached, and which authorities are believed besides those of the image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxy {
    /// The proxy for HTTPS.
    pub https: Option<ProxyUrl>,
    /// Authorities of one's own.
    pub ca_certificates: Vec<CaCertificate>,
}

/// `[network.management]`: how the host itself is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Management {
    /// Cards that carry it; two or more make a bond.
    pub interfaces: Vec<InterfaceSelector>,
    /// How a bond shares its cards.
    pub bond: Bond,
    /// VLAN that the host's own address is in; `None` is untagged.
    pub vlan: Option<VlanId>,
    /// IPv4.
    pub ipv4: Ipv4,
    /// IPv6.
    pub ipv6: Ipv6,
    /// Name servers; when there are any, those that DHCP offers are not used.
    pub dns: Vec<IpAddr>,
}

impl Default for Management {
    fn default() -> Self {
        Self {
            interfaces: vec![InterfaceSelector::Auto],
            bond: Bond::default(),
            vlan: None,
            ipv4: Ipv4::Dhcp,
            ipv6: Ipv6::Auto,
            dns: Vec::new(),
        }
    }
}

/// Settings of a bond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bond {
    /// Its mode.
    pub mode: BondMode,
}

/// How a bond uses its cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BondMode {
    /// One card at a time; works with any switch.
    #[default]
    ActiveBackup,
    /// LACP; the switch must be set up for it.
    Lacp,
    /// By hash of addresses; the switch must have a static group.
    BalanceXor,
}

impl BondMode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::ActiveBackup, Self::Lacp, Self::BalanceXor];

    /// The kernel's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ActiveBackup => "active-backup",
            Self::Lacp => "802.3ad",
            Self::BalanceXor => "balance-xor",
        }
    }
}

impl FromStr for BondMode {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let found = Self::ALL.into_iter().find(|mode| mode.as_str() == text);
        found.ok_or(ValueError::new(
            "must be \"active-backup\", \"802.3ad\" or \"balance-xor\"",
        ))
    }
}

/// Where the host's IPv4 address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ipv4 {
    /// DHCP.
    Dhcp,
    /// Fixed.
    Static {
        /// Address and prefix.
        address: Ipv4Cidr,
        /// Default gateway, in the same network.
        gateway: Option<Ipv4Addr>,
    },
    /// No IPv4 at all.
    None,
}

/// Where the host's IPv6 addresses come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ipv6 {
    /// Router advertisements.
    Auto,
    /// Fixed.
    Static {
        /// Address and prefix.
        address: Ipv6Cidr,
        /// Default gateway, in the same network or link-local.
        gateway: Option<Ipv6Addr>,
    },
    /// No IPv6 at all.
    None,
}
