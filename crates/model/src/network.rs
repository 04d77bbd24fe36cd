//! What a virtual network is: the wish (`NetworkSpec`, `NetworkEdit`) and what was observed (`Network`).

use std::collections::HashSet;
use std::fmt;
use std::net::Ipv4Addr;

use uuid::Uuid;

use crate::name::{NetworkName, VmName};
use crate::vm::{FieldError, VmId};

/// Addresses that dnsmasq keeps leases of; libvirt refuses longer ranges.
const LARGEST_RANGE: u32 = 65_535;
const MOST_RESERVATIONS: usize = 1024;
const MOST_TAGS: usize = 256;

/// A network's identity for life: libvirt's network UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkId(pub Uuid);

impl NetworkId {
    /// A new identity, never used before.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How VMs on a network reach others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkMode {
    /// Each other and the host, and through the host's address all that the host reaches.
    Nat,
    /// Each other, and the host if the network has an address.
    Isolated,
    /// Whatever a bridge of the host is connected to.
    Bridge,
    /// Something that others defined and that we only show.
    Other,
}

/// An Ethernet address, shown in lower case with colons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MacAddress(pub [u8; 6]);

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// What is not the address of one NIC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the address of one NIC, such as 52:54:00:12:34:56")]
pub struct MacError;

impl std::str::FromStr for MacAddress {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().unwrap_or_default();
            let hex = part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
            *byte = match u8::from_str_radix(part, 16) {
                Ok(value) if hex => value,
                _ => return Err(MacError),
            };
        }
        // The lowest bit of the first byte marks a group.
        if parts.next().is_some() || bytes[0] & 1 == 1 || bytes == [0; 6] {
            return Err(MacError);
        }
        Ok(Self(bytes))
    }
}

/// The host's address on a network, and what it hands out there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipv4 {
    /// The host's own address, which guests use as their gateway.
    pub address: Ipv4Addr,
    /// Length of the network's prefix, 8 to 30.
    pub prefix: u8,
    /// What DHCP hands out; `None` is no DHCP.
    pub dhcp: Option<Dhcp>,
}

/// What DHCP hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dhcp {
    /// The first address given to whoever asks.
    pub start: Ipv4Addr,
    /// The last one.
    pub end: Ipv4Addr,
    /// Addresses that belong to one NIC each.
    pub reservations: Vec<Reservation>,
}

/// An address that one NIC always gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Whose it is.
    pub mac: MacAddress,
    /// The address.
    pub address: Ipv4Addr,
    /// Host name that it is given too, and found under by the other guests.
    pub name: Option<VmName>,
}

/// 802.1Q tags of a NIC's port on the bridge; empty tags are no VLAN.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vlan {
    /// 1 to 4094. One tag is an access port: the guest knows nothing of it.
    pub tags: Vec<u16>,
    /// Guests see tagged frames of all `tags`.
    pub trunk: bool,
    /// The tag of a trunk that untagged frames belong to.
    pub native: Option<u16>,
}

/// A network as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSpec {
    /// Chosen by the client, or by the engine.
    pub id: NetworkId,
    /// Unique on this host.
    pub name: NetworkName,
    /// Never [`NetworkMode::Other`].
    pub mode: NetworkMode,
    /// Start with the host, and when a VM needs it.
    pub autostart: bool,
    /// The host's address; NAT needs one, a bridge has none.
    pub ipv4: Option<Ipv4>,
    /// The host's bridge, for [`NetworkMode::Bridge`] alone.
    pub bridge: Option<NetworkName>,
    /// Tags on that bridge.
    pub vlan: Vlan,
}

/// What is to be different; `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkEdit {
    /// Start with the host.
    pub autostart: Option<bool>,
    /// The host's address and what it hands out.
    pub ipv4: Option<Ipv4>,
    /// Another bridge of the host.
    pub bridge: Option<NetworkName>,
    /// Tags on the bridge.
    pub vlan: Option<Vlan>,
}

/// A network as observed: its configuration, which an active one may differ from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// libvirt's UUID.
    pub id: NetworkId,
    /// As libvirt has it: a network that others defined may carry any text.
    pub name: String,
    /// How VMs on it reach others.
    pub mode: NetworkMode,
    /// VMs can be plugged in and start.
    pub active: bool,
    /// Starts with the host, and when a VM needs it.
    pub autostart: bool,
    /// The host's address and what it hands out.
    pub ipv4: Option<Ipv4>,
    /// The host's bridge; libvirt makes one for NAT and isolated networks.
    pub bridge: Option<String>,
    /// Tags on the bridge.
    pub vlan: Vlan,
    /// What is configured holds only after the network was stopped and started.
    pub pending_restart: bool,
    /// Different whenever the configuration is.
    pub revision: String,
}

/// A VM that is plugged into something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkUser {
    /// Which.
    pub id: VmId,
    /// Its name.
    pub name: String,
    /// It is powered on.
    pub running: bool,
}

impl NetworkSpec {
    /// Every broken rule at once; empty means the wish is sound.
    #[must_use]
    pub fn check(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        let bridged = self.mode == NetworkMode::Bridge;
        match (&self.bridge, bridged) {
            (None, true) => found.push(FieldError::new("bridge", "is required for this mode")),
            (Some(_), false) => {
                found.push(FieldError::new("bridge", "is for the mode bridge alone"));
            }
            _ => {}
        }
        if !bridged && !self.vlan.tags.is_empty() {
            found.push(FieldError::new("vlan", "is for the mode bridge alone"));
        }
        check_vlan(&self.vlan, &mut found);
        match (&self.ipv4, self.mode) {
            (Some(_), NetworkMode::Bridge) => found.push(FieldError::new(
                "ipv4",
                "is not for the mode bridge: addresses come from what is behind the bridge",
            )),
            (None, NetworkMode::Nat) => {
                found.push(FieldError::new("ipv4", "is required for this mode"));
            }
            (Some(ipv4), _) => check_ipv4(ipv4, &mut found),
            (None, _) => {}
        }
        found
    }
}

impl NetworkEdit {
    /// Every broken rule at once, seen from the network as it is.
    #[must_use]
    pub fn check(&self, network: &Network) -> Vec<FieldError> {
        let mut found = Vec::new();
        let fits = |bridged: bool| match network.mode {
            NetworkMode::Bridge => bridged,
            NetworkMode::Nat | NetworkMode::Isolated => !bridged,
            NetworkMode::Other => false,
        };
        let asked = [
            ("ipv4", self.ipv4.is_some(), false),
            ("bridge", self.bridge.is_some(), true),
            ("vlan", self.vlan.is_some(), true),
        ];
        for (field, asked, bridged) in asked {
            if asked && !fits(bridged) {
                let reason = "does not fit this network's mode, which can't be changed";
                found.push(FieldError::new(field, reason));
            }
        }
        if let Some(vlan) = &self.vlan {
            check_vlan(vlan, &mut found);
        }
        if let Some(ipv4) = &self.ipv4 {
            check_ipv4(ipv4, &mut found);
        }
        found
    }
}

impl Ipv4 {
    fn mask(&self) -> u32 {
        u32::MAX
            .checked_shl(32 - u32::from(self.prefix))
            .unwrap_or_default()
    }

    /// Whether the two have addresses in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let mask = self.mask() & other.mask();
        u32::from(self.address) & mask == u32::from(other.address) & mask
    }

    /// One that a host of the network can have, other than the host's own.
    fn has_room_for(&self, address: Ipv4Addr) -> bool {
        self.is_host(address) && address != self.address
    }

    fn is_host(&self, address: Ipv4Addr) -> bool {
        let (mask, bits) = (self.mask(), u32::from(address));
        bits & mask == u32::from(self.address) & mask
            && bits & !mask != 0
            && bits | mask != u32::MAX
    }
}

fn check_ipv4(ipv4: &Ipv4, found: &mut Vec<FieldError>) {
    let special = ipv4.address.is_loopback()
        || ipv4.address.is_multicast()
        || ipv4.address.is_unspecified()
        || ipv4.address.octets()[0] >= 240;
    if !(8..=30).contains(&ipv4.prefix) || special || !ipv4.is_host(ipv4.address) {
        let reason = "must be an address that a host can have, with a prefix of 8 to 30 bits, such as 192.168.100.1/24";
        found.push(FieldError::new("ipv4.address", reason));
        return;
    }
    if let Some(dhcp) = &ipv4.dhcp {
        check_dhcp(ipv4, dhcp, found);
    }
}

fn check_dhcp(ipv4: &Ipv4, dhcp: &Dhcp, found: &mut Vec<FieldError>) {
    let inside = "must be a free address of the network";
    for (field, address) in [("start", dhcp.start), ("end", dhcp.end)] {
        if !ipv4.has_room_for(address) {
            found.push(FieldError::new(format!("ipv4.dhcp.{field}"), inside));
        }
    }
    match u32::from(dhcp.end).checked_sub(u32::from(dhcp.start)) {
        None => found.push(FieldError::new("ipv4.dhcp.end", "must not be below start")),
        Some(more) if more >= LARGEST_RANGE => found.push(FieldError::new(
            "ipv4.dhcp.end",
            "must be at most 65534 addresses above start",
        )),
        Some(_) if (dhcp.start..=dhcp.end).contains(&ipv4.address) => {
            let reason = "must not include the host's own address between start and end";
            found.push(FieldError::new("ipv4.dhcp.end", reason));
        }
        Some(_) => {}
    }
    if dhcp.reservations.len() > MOST_RESERVATIONS {
        let reason = format!("must be at most {MOST_RESERVATIONS}");
        found.push(FieldError::new("ipv4.dhcp.reservations", reason));
    }
    let (mut macs, mut addresses) = (HashSet::new(), HashSet::new());
    for (i, reservation) in dhcp.reservations.iter().enumerate() {
        let field = |name: &str| format!("ipv4.dhcp.reservations[{i}].{name}");
        if !macs.insert(reservation.mac) {
            found.push(FieldError::new(field("mac"), "has a reservation already"));
        }
        if !ipv4.has_room_for(reservation.address) {
            found.push(FieldError::new(field("address"), inside));
        } else if !addresses.insert(reservation.address) {
            found.push(FieldError::new(field("address"), "is reserved already"));
        }
    }
}

fn check_vlan(vlan: &Vlan, found: &mut Vec<FieldError>) {
    let mut seen = HashSet::new();
    for (i, tag) in vlan.tags.iter().enumerate() {
        if !(1..=4094).contains(tag) {
            found.push(FieldError::new(
                format!("vlan.tags[{i}]"),
                "must be 1 to 4094",
            ));
        } else if !seen.insert(tag) {
            found.push(FieldError::new(format!("vlan.tags[{i}]"), "is there twice"));
        }
    }
    if vlan.tags.len() > MOST_TAGS {
        let reason = format!("must be at most {MOST_TAGS}");
        found.push(FieldError::new("vlan.tags", reason));
    } else if vlan.tags.len() > 1 && !vlan.trunk {
        let reason = "must be one, unless trunk is true";
        found.push(FieldError::new("vlan.tags", reason));
    } else if vlan.tags.is_empty() && vlan.trunk {
        found.push(FieldError::new(
            "vlan.tags",
            "must not be empty for a trunk",
        ));
    }
    match vlan.native {
        Some(_) if !vlan.trunk => {
            found.push(FieldError::new("vlan.native", "is for a trunk alone"));
        }
        Some(native) if !vlan.tags.contains(&native) => {
            found.push(FieldError::new("vlan.native", "must be one of tags"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nat() -> NetworkSpec {
        NetworkSpec {
            id: NetworkId(Uuid::nil()),
            name: "lab".parse().unwrap(),
            mode: NetworkMode::Nat,
            autostart: true,
            ipv4: Some(Ipv4 {
                address: "192.168.100.1".parse().unwrap(),
                prefix: 24,
                dhcp: Some(Dhcp {
                    start: "192.168.100.10".parse().unwrap(),
                    end: "192.168.100.99".parse().unwrap(),
                    reservations: vec![Reservation {
                        mac: "52:54:00:00:00:01".parse().unwrap(),
                        address: "192.168.100.200".parse().unwrap(),
                        name: None,
                    }],
                }),
            }),
            bridge: None,
            vlan: Vlan::default(),
        }
    }

    fn fields(spec: &NetworkSpec) -> Vec<String> {
        spec.check().into_iter().map(|error| error.field).collect()
    }

    fn with(change: impl FnOnce(&mut Ipv4, &mut Dhcp)) -> NetworkSpec {
        let mut spec = nat();
        let ipv4 = spec.ipv4.as_mut().unwrap();
        let mut dhcp = ipv4.dhcp.take().unwrap();
        change(ipv4, &mut dhcp);
        ipv4.dhcp = Some(dhcp);
        spec
    }

    #[test]
    fn a_sound_wish_is_accepted() {
        assert_eq!(nat().check(), []);
        let bare = NetworkSpec {
            mode: NetworkMode::Isolated,
            ipv4: None,
            ..nat()
        };
        assert_eq!(bare.check(), []);
        let trunk = NetworkSpec {
            mode: NetworkMode::Bridge,
            ipv4: None,
            bridge: Some("br0".parse().unwrap()),
            vlan: Vlan {
                tags: vec![1, 4094],
                trunk: true,
                native: Some(1),
            },
            ..nat()
        };
        assert_eq!(trunk.check(), []);
    }

    #[test]
    fn what_does_not_fit_the_mode_is_named() {
        let spec = NetworkSpec {
            mode: NetworkMode::Bridge,
            ..nat()
        };
        assert_eq!(fields(&spec), ["bridge", "ipv4"]);
        let spec = NetworkSpec {
            ipv4: None,
            bridge: Some("br0".parse().unwrap()),
            vlan: Vlan {
                tags: vec![2],
                ..Vlan::default()
            },
            ..nat()
        };
        assert_eq!(fields(&spec), ["bridge", "vlan", "ipv4"]);
    }

    #[test]
    fn addresses_that_no_host_can_have_are_named() {
        for (address, prefix) in [
            ("192.168.100.0", 24),
            ("192.168.100.255", 24),
            ("127.0.0.1", 8),
            ("224.0.0.1", 24),
            ("0.0.0.1", 0),
            ("10.0.0.1", 31),
        ] {
            let spec = with(|ipv4, _| {
                (ipv4.address, ipv4.prefix) = (address.parse().unwrap(), prefix);
            });
            assert_eq!(fields(&spec), ["ipv4.address"], "{address}/{prefix}");
        }
    }

    #[test]
    fn what_dhcp_can_not_hand_out_is_named() {
        let spec = with(|_, dhcp| dhcp.end = "192.168.101.1".parse().unwrap());
        assert_eq!(fields(&spec), ["ipv4.dhcp.end"]);
        let spec = with(|_, dhcp| dhcp.end = "192.168.100.9".parse().unwrap());
        assert_eq!(fields(&spec), ["ipv4.dhcp.end"]);
        let spec = with(|ipv4, _| ipv4.address = "192.168.100.50".parse().unwrap());
        assert_eq!(fields(&spec), ["ipv4.dhcp.end"]);
        let spec = with(|_, dhcp| {
            let again = dhcp.reservations[0].clone();
            dhcp.reservations.push(again);
        });
        assert_eq!(
            fields(&spec),
            [
                "ipv4.dhcp.reservations[1].mac",
                "ipv4.dhcp.reservations[1].address"
            ]
        );
    }

    #[test]
    fn tags_that_make_no_port_are_named() {
        let vlan = |tags: &[u16], trunk, native| NetworkSpec {
            mode: NetworkMode::Bridge,
            ipv4: None,
            bridge: Some("br0".parse().unwrap()),
            vlan: Vlan {
                tags: tags.to_vec(),
                trunk,
                native,
            },
            ..nat()
        };
        assert_eq!(fields(&vlan(&[0], false, None)), ["vlan.tags[0]"]);
        assert_eq!(fields(&vlan(&[4095], false, None)), ["vlan.tags[0]"]);
        assert_eq!(fields(&vlan(&[7, 7], true, None)), ["vlan.tags[1]"]);
        assert_eq!(fields(&vlan(&[7, 8], false, None)), ["vlan.tags"]);
        assert_eq!(fields(&vlan(&[], true, None)), ["vlan.tags"]);
        assert_eq!(fields(&vlan(&[7], true, Some(8))), ["vlan.native"]);
        assert_eq!(fields(&vlan(&[7], false, Some(7))), ["vlan.native"]);
    }

    #[test]
    fn networks_that_share_addresses_overlap() {
        let ipv4 = |address: &str, prefix| Ipv4 {
            address: address.parse().unwrap(),
            prefix,
            dhcp: None,
        };
        assert!(ipv4("10.0.0.1", 8).overlaps(&ipv4("10.9.9.1", 24)));
        assert!(!ipv4("10.0.0.1", 24).overlaps(&ipv4("10.0.1.1", 24)));
    }

    #[test]
    fn only_the_address_of_one_nic_is_one() {
        let good: MacAddress = "52:54:00:AB:cd:01".parse().unwrap();
        assert_eq!(good.to_string(), "52:54:00:ab:cd:01");
        for bad in [
            "",
            "52:54:00:ab:cd",
            "52:54:00:ab:cd:01:02",
            "52:54:00:ab:cd:+1",
            "01:00:5e:00:00:01",
            "00:00:00:00:00:00",
            "52-54-00-ab-cd-01",
            "52:54:00:ab:cd:01\n",
        ] {
            assert_eq!(bad.parse::<MacAddress>(), Err(MacError), "{bad:?}");
        }
    }
}
