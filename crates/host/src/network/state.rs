//! What the kernel has now, as far as a plan depends on it: links, addresses, default routes, VLANs of bridge
//! ports, IPv6 switches. Read with iproute2's JSON; at boot, while there is no bridge yet, without any program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use serde::Deserialize;

use super::run::{BRIDGE_TOOL, IP, query};
use super::{BOND, BRIDGE};
use crate::config::MacAddress;

/// Everything that a plan depends on besides configuration and cards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Links by name.
    pub links: BTreeMap<String, Link>,
    /// Addresses that reach beyond the link.
    pub addresses: Vec<Held>,
    /// Default routes.
    pub gateways: Vec<Gateway>,
    /// VLANs that a bridge lets through, by the name of the port or of the bridge itself.
    pub vlans: BTreeMap<String, BTreeSet<u16>>,
    /// IPv6 by interface, where the kernel has it.
    pub ipv6: BTreeMap<String, Ipv6Switches>,
    /// The interface that a DHCP client of ours runs on.
    pub dhcp: Option<String>,
    /// Whether every VLAN is to pass between bridge and network: once the host is ready.
    pub open: bool,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whether it is switched on, cable or not.
    pub up: bool,
    /// Its hardware address.
    pub mac: Option<MacAddress>,
    /// The bridge or bond that it is a port of.
    pub master: Option<String>,
    /// The link that it is a part of.
    pub parent: Option<String>,
    /// What it is.
    pub kind: Kind,
}

/// Kinds of links that make a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A bridge.
    Bridge {
        /// Whether it tells VLANs apart.
        vlan_aware: bool,
    },
    /// A bond.
    Bond {
        /// Its mode's name.
        mode: String,
    },
    /// One VLAN of another link.
    Vlan,
    /// Anything else.
    Other,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whose.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// Length of its network's prefix.
    pub prefix: u8,
    /// Whether it ends by itself: given by DHCP or a router.
    pub dynamic: bool,
}

/// A default route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Where it leads out.
    pub interface: String,
    /// The next hop.
    pub address: IpAddr,
    /// The lower, the more it is preferred; 0 for IPv4 routes without one, 1024 for IPv6.
    pub metric: u32,
    /// Whether a router announced it.
    pub announced: bool,
}

/// The kernel's IPv6 switches of one interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv6Switches {
    /// `disable_ipv6`.
    pub disabled: bool,
    /// `accept_ra`.
    pub accept_ra: u8,
}

impl State {
    /// Reads it, but for what only we know: a DHCP client, and whether every VLAN is to pass.
    ///
    /// # Errors
    /// What iproute2 said, when it can't be asked.
    pub fn read(proc: &Path) -> Result<Self, String> {
        if !exists(proc, &[BRIDGE, BOND]) {
            // Nothing of ours is there: all that a plan may find in its way are cards, which are set anyway.
            return Ok(Self::default());
        }
        let details: Vec<JsonLink> = query(IP, &["-json", "-details", "address", "show"])?;
        let mut gateways: Vec<JsonRoute> = query(IP, &["-json", "-4", "route", "show", "default"])?;
        gateways.extend(query::<JsonRoute>(
            IP,
            &["-json", "-6", "route", "show", "default"],
        )?);
        let vlans: Vec<JsonVlans> = query(BRIDGE_TOOL, &["-json", "vlan", "show"])?;
        Ok(Self {
            addresses: details.iter().flat_map(JsonLink::addresses).collect(),
            ipv6: details
                .iter()
                .filter_map(|link| Some((link.ifname.clone(), switches(proc, &link.ifname)?)))
                .collect(),
            links: details
                .into_iter()
                .map(|link| (link.ifname.clone(), link.into_link()))
                .collect(),
            gateways: gateways
                .into_iter()
                .filter_map(JsonRoute::into_gateway)
                .collect(),
            vlans: vlans.into_iter().map(JsonVlans::into_set).collect(),
            ..Self::default()
        })
    }

    /// Whether there is a link of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.links.contains_key(name)
    }

    /// The link of which `name` is a port.
    pub(super) fn master(&self, name: &str) -> Option<&str> {
        self.links.get(name)?.master.as_deref()
    }
}

/// Lines of `/proc/net/dev` are `NAME: counters`, after two of headings.
fn exists(proc: &Path, names: &[&str]) -> bool {
    let table = fs::read_to_string(proc.join("net/dev")).unwrap_or_default();
    table
        .lines()
        .filter_map(|line| line.split_once(':'))
        .any(|(name, _)| names.contains(&name.trim()))
}

fn switches(proc: &Path, interface: &str) -> Option<Ipv6Switches> {
    let dir = proc.join("sys/net/ipv6/conf").join(interface);
    let number = |name: &str| -> Option<u8> {
        let text = fs::read_to_string(dir.join(name)).ok()?;
        text.trim().parse().ok()
    };
    Some(Ipv6Switches {
        disabled: number("disable_ipv6")? != 0,
        accept_ra: number("accept_ra")?,
    })
}

/// `ip -json -details address show`, as iproute2 6 has it.
#[derive(Deserialize)]
struct JsonLink {
    ifname: String,
    #[serde(default)]
    flags: Vec<String>,
    address: Option<String>,
    master: Option<String>,
    link: Option<String>,
    linkinfo: Option<JsonInfo>,
    #[serde(default)]
    addr_info: Vec<JsonAddress>,
}

#[derive(Deserialize)]
struct JsonInfo {
    info_kind: Option<String>,
    #[serde(default)]
    info_data: JsonData,
}

#[derive(Deserialize, Default)]
struct JsonData {
    vlan_filtering: Option<u8>,
    mode: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct JsonAddress {
    local: Option<IpAddr>,
    prefixlen: u8,
    scope: String,
    #[serde(default)]
    dynamic: bool,
}

impl JsonLink {
    fn addresses(&self) -> impl Iterator<Item = Held> + '_ {
        let reaching = self.addr_info.iter().filter(|held| held.scope == "global");
        reaching.filter_map(|held| {
            Some(Held {
                interface: self.ifname.clone(),
                address: held.local?,
                prefix: held.prefixlen,
                dynamic: held.dynamic,
            })
        })
    }

    fn into_link(self) -> Link {
        let info = self.linkinfo;
        let data = info.as_ref().map(|info| &info.info_data);
        let kind = match info.as_ref().and_then(|info| info.info_kind.as_deref()) {
            Some("bridge") => Kind::Bridge {
                vlan_aware: data.and_then(|data| data.vlan_filtering) == Some(1),
            },
            Some("bond") => Kind::Bond {
                mode: data
                    .and_then(|data| data.mode.as_ref()?.as_str())
                    .unwrap_or_default()
                    .to_owned(),
            },
            Some("vlan") => Kind::Vlan,
            _ => Kind::Other,
        };
        Link {
            up: self.flags.iter().any(|flag| flag == "UP"),
            mac: self.address.and_then(|address| address.parse().ok()),
            master: self.master,
            parent: self.link,
            kind,
        }
    }
}

#[derive(Deserialize)]
struct JsonRoute {
    gateway: Option<IpAddr>,
    dev: Option<String>,
    #[serde(default)]
    metric: u32,
    protocol: Option<String>,
}

impl JsonRoute {
    /// `None` for a route without a next hop, or with several, which are not ours.
    fn into_gateway(self) -> Option<Gateway> {
        Some(Gateway {
            interface: self.dev?,
            address: self.gateway?,
            metric: self.metric,
            announced: self.protocol.as_deref() == Some("ra"),
        })
    }
}

#[derive(Deserialize)]
struct JsonVlans {
    ifname: String,
    #[serde(default)]
    vlans: Vec<JsonRange>,
}

#[derive(Deserialize)]
struct JsonRange {
    vlan: u16,
    #[serde(rename = "vlanEnd")]
    end: Option<u16>,
}

impl JsonVlans {
    fn into_set(self) -> (String, BTreeSet<u16>) {
        let all = self
            .vlans
            .into_iter()
            .flat_map(|range| range.vlan..=range.end.unwrap_or(range.vlan));
        (self.ifname, all.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_iproute2_prints_is_understood() {
        let text = r#"[{"ifindex":2,"ifname":"br0","flags":["BROADCAST","UP"],"address":"52:54:00:12:34:56",
            "linkinfo":{"info_kind":"bridge","info_data":{"vlan_filtering":1,"stp_state":0}},
            "addr_info":[{"family":"inet","local":"10.0.2.15","prefixlen":24,"scope":"global","dynamic":true},
            {"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}]},
            {"ifname":"br0.20","link":"br0","flags":[],"linkinfo":{"info_kind":"vlan","info_data":{"id":20}}},
            {"ifname":"bond0","master":"br0","flags":[],"linkinfo":{"info_kind":"bond",
            "info_data":{"mode":"802.3ad","miimon":100}}},
            {"ifname":"vnet0","master":"br0","linkinfo":{"info_kind":"tun","info_data":{"type":"tap"}}}]"#;
        let links: Vec<JsonLink> = serde_json::from_str(text).unwrap();
        let held: Vec<Held> = links.iter().flat_map(JsonLink::addresses).collect();
        assert_eq!(held.len(), 1);
        assert!(held[0].dynamic && held[0].address == IpAddr::from([10, 0, 2, 15]));
        let mut links = links.into_iter().map(JsonLink::into_link);
        let bridge = links.next().unwrap();
        assert_eq!(bridge.kind, Kind::Bridge { vlan_aware: true });
        assert_eq!(bridge.mac, "52:54:00:12:34:56".parse().ok());
        assert!(bridge.up);
        let vlan = links.next().unwrap();
        assert_eq!(
            (vlan.kind, vlan.parent.as_deref()),
            (Kind::Vlan, Some("br0"))
        );
        let mode = "802.3ad".to_owned();
        assert_eq!(links.next().unwrap().kind, Kind::Bond { mode });
        assert_eq!(links.next().unwrap().master.as_deref(), Some("br0"));

        let text =
            r#"[{"ifname":"ens3","vlans":[{"vlan":1,"flags":["PVID"]},{"vlan":5,"vlanEnd":7}]}]"#;
        let vlans: Vec<JsonVlans> = serde_json::from_str(text).unwrap();
        let (name, set) = vlans.into_iter().map(JsonVlans::into_set).next().unwrap();
        assert_eq!(name, "ens3");
        assert_eq!(set, BTreeSet::from([1, 5, 6, 7]));
    }

    #[test]
    fn at_boot_nothing_is_asked() {
        let proc = tempfile::tempdir().unwrap();
        fs::create_dir(proc.path().join("net")).unwrap();
        let table = "Inter-|\n face |\n    lo:  1 2\n  ens3: 3 4\n";
        fs::write(proc.path().join("net/dev"), table).unwrap();
        assert_eq!(State::read(proc.path()), Ok(State::default()));
        assert!(exists(proc.path(), &["ens3"]) && !exists(proc.path(), &["br0"]));
    }
}
