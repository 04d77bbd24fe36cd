//! What can be typed after `qx network`.

use clap::{Subcommand, ValueEnum};
use qx_api::rest::DhcpReservation;

#[derive(Subcommand)]
pub(crate) enum NetworkCommand {
    /// List them.
    List,
    /// Show one.
    Show {
        /// Name or id.
        network: String,
    },
    /// Make one, and start it unless --no-autostart is given.
    Create(Create),
    /// Change one; if it is active, the change holds after it was stopped and started.
    Set(Set),
    /// Make one active.
    Start {
        /// Name or id.
        network: String,
    },
    /// End one that no running VM is on.
    Stop {
        /// Name or id.
        network: String,
    },
    /// Stop and remove one that no VM has a NIC in.
    Delete {
        /// Name or id.
        network: String,
    },
    /// Show the host's bridges and what hangs on them.
    Bridges,
}

#[derive(clap::Args)]
pub(crate) struct Create {
    /// 1 to 15 letters, digits, '.', '_' or '-'.
    pub(crate) name: String,
    /// How VMs on it reach others.
    #[arg(long, value_enum)]
    pub(crate) mode: Mode,
    #[command(flatten)]
    pub(crate) addressing: Addressing,
    /// A bridge of the host, for the mode bridge.
    #[arg(long, value_name = "BRIDGE")]
    pub(crate) bridge: Option<String>,
    #[command(flatten)]
    pub(crate) tagging: Tagging,
    /// Do not start it now, nor with the host.
    #[arg(long)]
    pub(crate) no_autostart: bool,
}

#[derive(clap::Args)]
pub(crate) struct Set {
    /// Name or id.
    pub(crate) network: String,
    /// Start with the host, and when a VM needs it.
    #[arg(long, value_name = "BOOL")]
    pub(crate) autostart: Option<bool>,
    #[command(flatten)]
    pub(crate) addressing: Addressing,
    /// No DHCP any more.
    #[arg(long, conflicts_with_all = ["dhcp", "reservations"])]
    pub(crate) no_dhcp: bool,
    /// Another bridge of the host.
    #[arg(long, value_name = "BRIDGE")]
    pub(crate) bridge: Option<String>,
    #[command(flatten)]
    pub(crate) tagging: Tagging,
    /// No VLAN any more.
    #[arg(long, conflicts_with = "vlan")]
    pub(crate) no_vlan: bool,
}

#[derive(clap::Args)]
pub(crate) struct Addressing {
    /// The host's address on it, such as 192.168.100.1/24.
    #[arg(long, value_name = "ADDRESS/PREFIX")]
    pub(crate) address: Option<String>,
    /// Addresses that DHCP hands out.
    #[arg(long, value_name = "START-END")]
    pub(crate) dhcp: Option<Range>,
    /// An address that one NIC always gets; can be given several times, and then is all of them.
    #[arg(long = "reserve", value_name = "MAC=ADDRESS[,NAME]")]
    pub(crate) reservations: Vec<Reserve>,
}

impl Addressing {
    pub(crate) fn is_empty(&self) -> bool {
        self.address.is_none() && self.dhcp.is_none() && self.reservations.is_empty()
    }
}

#[derive(clap::Args)]
pub(crate) struct Tagging {
    /// VLAN tag on the bridge, or several for a trunk.
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub(crate) vlan: Vec<u16>,
    /// Guests see the tags.
    #[arg(long, requires = "vlan")]
    pub(crate) trunk: bool,
    /// The tag of a trunk that untagged frames belong to.
    #[arg(long, value_name = "TAG", requires = "trunk")]
    pub(crate) native: Option<u16>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Mode {
    /// Each other and the host, and through the host's address all that the host reaches.
    Nat,
    /// Each other, and the host if it has an address there.
    Isolated,
    /// Whatever a bridge of the host is connected to.
    Bridge,
}

/// START-END.
#[derive(Clone)]
pub(crate) struct Range {
    pub(crate) start: String,
    pub(crate) end: String,
}

impl std::str::FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (start, end) = text
            .split_once('-')
            .ok_or("must be two addresses, such as 192.168.100.10-192.168.100.99")?;
        Ok(Self {
            start: start.to_owned(),
            end: end.to_owned(),
        })
    }
}

/// MAC=ADDRESS or MAC=ADDRESS,NAME.
#[derive(Clone)]
pub(crate) struct Reserve(pub(crate) DhcpReservation);

impl std::str::FromStr for Reserve {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mac, rest) = text
            .split_once('=')
            .ok_or("must be such as 52:54:00:12:34:56=192.168.100.50,printer")?;
        let (address, name) = match rest.split_once(',') {
            Some((address, name)) => (address, Some(name.to_owned())),
            None => (rest, None),
        };
        Ok(Self(DhcpReservation {
            mac: mac.to_owned(),
            address: address.to_owned(),
            name,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_is_read_with_and_without_a_name() {
        let read = |text: &str| text.parse::<Reserve>().unwrap().0;
        let reservation = read("52:54:00:12:34:56=10.0.0.5,printer");
        assert_eq!(
            (&*reservation.mac, &*reservation.address),
            ("52:54:00:12:34:56", "10.0.0.5")
        );
        assert_eq!(reservation.name.as_deref(), Some("printer"));
        assert_eq!(read("52:54:00:12:34:56=10.0.0.5").name, None);
        assert!("10.0.0.5".parse::<Reserve>().is_err());
    }
}
