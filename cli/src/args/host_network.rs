//! What can be typed after `qx host network`.

use clap::{Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(crate) enum HostNetworkCommand {
    /// Try another network; it is undone unless `qx host network confirm` follows in time.
    Set(Set),
    /// Keep the network that is on trial.
    Confirm,
    /// Give up the network that is on trial.
    Undo,
    /// Try the network that was stored before, or the one that a new host has.
    Restore {
        /// Which.
        #[arg(value_enum)]
        which: Which,
        /// Seconds that it waits to be confirmed.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        confirm_within: u32,
    },
}

/// A network to go back to.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Which {
    /// The one that was stored before.
    Previous,
    /// The first card with a link, DHCP, router advertisements.
    Default,
}

/// What is not given stays as it is configured.
#[derive(clap::Args)]
pub(crate) struct Set {
    /// Network card by name or MAC address, or auto; several make a bond.
    #[arg(long = "interface", value_name = "CARD")]
    pub(crate) interfaces: Vec<String>,
    /// How a bond uses its cards.
    #[arg(long, value_enum)]
    pub(crate) bond_mode: Option<Mode>,
    /// VLAN of the host's own addresses; 0 is none.
    #[arg(long, value_name = "TAG")]
    pub(crate) vlan: Option<u16>,
    /// dhcp, none, or a fixed address such as 192.168.1.10/24.
    #[arg(long, value_name = "HOW")]
    pub(crate) ipv4: Option<String>,
    /// Default gateway of a fixed IPv4 address.
    #[arg(long, value_name = "ADDRESS", requires = "ipv4")]
    pub(crate) gateway: Option<String>,
    /// auto, none, or a fixed address such as 2001:db8::10/64.
    #[arg(long, value_name = "HOW")]
    pub(crate) ipv6: Option<String>,
    /// Default gateway of a fixed IPv6 address.
    #[arg(long, value_name = "ADDRESS", requires = "ipv6")]
    pub(crate) gateway6: Option<String>,
    /// Name server; can be given several times, and then is all of them.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "no_dns")]
    pub(crate) dns: Vec<String>,
    /// No fixed name servers: those of DHCP.
    #[arg(long)]
    pub(crate) no_dns: bool,
    /// Seconds that it waits to be confirmed.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) confirm_within: u32,
}

/// How a bond uses its cards.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Mode {
    /// One card at a time.
    ActiveBackup,
    /// LACP.
    #[value(name = "802.3ad")]
    Lacp,
    /// By hash of addresses.
    BalanceXor,
}
