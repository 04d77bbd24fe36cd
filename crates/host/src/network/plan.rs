//! Configuration, cards and what is there → what has to be done. Pure. Every name and address is of a checked type
//! that can hold no white space, so that the lines need no quoting.

use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::state::{Gateway, Held, Ipv6Switches, Kind, State};
use super::{BOND, BRIDGE, management_interface};
use crate::config::{Ipv4, Ipv6, Management};
use crate::nics::Nic;

/// All but VLAN 1, which every port of a bridge has from the beginning, untagged.
const ALL_VLANS: RangeInclusive<u16> = 2..=4094;

/// What has to be done, in this order. Empty when everything is as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The interface whose DHCP client has to end.
    pub stop_dhcp: Option<String>,
    /// Lines for `ip -batch` that make and remove links.
    pub make: Vec<String>,
    /// The kernel's settings, before anything is switched on.
    pub settings: Vec<Setting>,
    /// Lines for `ip -batch` that set links, addresses and routes.
    pub set: Vec<String>,
    /// Lines for `bridge -batch`.
    pub vlans: Vec<String>,
    /// The interface that gets its address by DHCP; a client that runs there already asks anew.
    pub dhcp: Option<String>,
}

/// One switch under `/proc/sys/net/ipv6/conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The interface.
    pub interface: String,
    /// The switch's name.
    pub name: &'static str,
    /// Its value.
    pub value: u8,
}

/// What has to be done for `management` with `ports` (the chosen ones of all `cards`) to be in force.
#[must_use]
pub fn plan(management: &Management, ports: &[Nic], cards: &[Nic], state: &State) -> Plan {
    let mut planner = Planner {
        management,
        ports,
        cards,
        state,
        interface: management_interface(management),
        carrier: match ports {
            [] => None,
            [nic] => Some(nic.name.to_string()),
            _ => Some(BOND.to_owned()),
        },
        plan: Plan::default(),
    };
    planner.bond();
    planner.bridge();
    planner.vlan_link();
    planner.quiet_below();
    let reset = planner.ipv6_switches();
    planner.up("lo");
    planner.uplinks();
    planner.hardware_address();
    planner.up(BRIDGE);
    if planner.interface != BRIDGE {
        planner.addresses(BRIDGE, None, None);
        let interface = planner.interface.clone();
        planner.up(&interface);
    }
    planner.ipv4();
    planner.ipv6(reset);
    planner.vlans();
    planner.plan
}

struct Planner<'a> {
    management: &'a Management,
    ports: &'a [Nic],
    cards: &'a [Nic],
    state: &'a State,
    /// What carries the addresses.
    interface: String,
    /// What the bridge takes: the card or the bond.
    carrier: Option<String>,
    plan: Plan,
}

impl Planner<'_> {
    fn make(&mut self, line: impl Display) {
        self.plan.make.push(line.to_string());
    }

    fn set(&mut self, line: impl Display) {
        self.plan.set.push(line.to_string());
    }

    /// Whether the bond that is there can stay; its mode can't be changed while it has members.
    fn keeps_bond(&self) -> bool {
        let mode = self.management.bond.mode.as_str();
        let fits = |kind: &Kind| matches!(kind, Kind::Bond { mode: has } if has == mode);
        let found = self.state.links.get(BOND);
        self.ports.len() > 1 && found.is_some_and(|link| fits(&link.kind))
    }

    fn bond(&mut self) {
        let keeps = self.keeps_bond();
        if self.state.has(BOND) && !keeps {
            self.make(format_args!("link delete dev {BOND}"));
        }
        if self.ports.len() > 1 && !keeps {
            let mode = self.management.bond.mode.as_str();
            self.make(format_args!(
                "link add dev {BOND} type bond mode {mode} miimon 100"
            ));
        }
    }

    fn bridge(&mut self) {
        if !self.state.has(BRIDGE) {
            // Without an address of its own the bridge takes the lowest of its ports, which changes as VMs come and go.
            let mac = self.own_mac();
            self.make(format_args!(
                "link add dev {BRIDGE}{mac} type bridge stp_state 0 forward_delay 0"
            ));
        }
        let aware = Kind::Bridge { vlan_aware: true };
        if self
            .state
            .links
            .get(BRIDGE)
            .is_none_or(|link| link.kind != aware)
        {
            self.make(format_args!(
                "link set dev {BRIDGE} type bridge vlan_filtering 1"
            ));
        }
    }

    /// The hardware address of the first card, as it is said to `ip`.
    fn own_mac(&self) -> String {
        let mac = self.ports.first().and_then(|nic| nic.mac);
        mac.map_or(String::new(), |mac| format!(" address {mac}"))
    }

    /// All `br0.N` are ours, and there is at most one.
    fn vlan_link(&mut self) {
        let former = self.state.links.iter().filter(|(name, link)| {
            link.kind == Kind::Vlan
                && link.parent.as_deref() == Some(BRIDGE)
                && name
                    .strip_prefix(BRIDGE)
                    .is_some_and(|rest| rest.starts_with('.'))
                && **name != self.interface
        });
        let former: Vec<&String> = former.map(|(name, _)| name).collect();
        for name in former {
            self.make(format_args!("link delete dev {name}"));
        }
        let interface = self.interface.clone();
        if let Some(vlan) = self.management.vlan
            && !self.state.has(&interface)
        {
            let mac = self.own_mac();
            self.make(format_args!(
                "link add link {BRIDGE} name {interface}{mac} type vlan id {}",
                vlan.get()
            ));
        }
    }

    /// What lies below the addresses has none of its own, which it would else take from routers.
    fn quiet_below(&mut self) {
        let mut below: Vec<String> = self.ports.iter().map(|nic| nic.name.to_string()).collect();
        below.extend(self.carrier.clone().filter(|name| name == BOND));
        if self.interface != BRIDGE {
            below.push(BRIDGE.to_owned());
        }
        for name in below {
            let made_anew = name == BOND && !self.keeps_bond();
            let now = self.state.ipv6.get(&name).filter(|_| !made_anew);
            if now.is_none_or(|now| !now.disabled) {
                self.switch(&name, "disable_ipv6", 1);
            }
        }
    }

    fn switch(&mut self, interface: &str, name: &'static str, value: u8) {
        self.plan.settings.push(Setting {
            interface: interface.to_owned(),
            name,
            value,
        });
    }

    /// Whether the interface's IPv6 has to begin anew: switching it off drops every address and route that it has,
    /// those of routers too, and switching it on asks the routers.
    fn ipv6_switches(&mut self) -> bool {
        let now = self.state.ipv6.get(&self.interface).copied();
        let interface = self.interface.clone();
        // 2: also when the host forwards packets for its VMs.
        let accept_ra = match self.management.ipv6 {
            Ipv6::Auto => 2,
            Ipv6::Static { .. } => 0,
            Ipv6::None => {
                if now.is_none_or(|now| !now.disabled) {
                    self.switch(&interface, "disable_ipv6", 1);
                }
                return false;
            }
        };
        let right = Ipv6Switches {
            disabled: false,
            accept_ra,
        };
        if now == Some(right) && self.has_wanted_ipv6() {
            return false;
        }
        if now.is_some() {
            self.switch(&interface, "disable_ipv6", 1);
        }
        self.switch(&interface, "accept_ra", accept_ra);
        self.switch(&interface, "disable_ipv6", 0);
        true
    }

    fn has_wanted_ipv6(&self) -> bool {
        let mut held = self.held(&self.interface, true);
        let mut gateways = self.gateways(&self.interface, true);
        match &self.management.ipv6 {
            Ipv6::Auto => held.all(|held| held.dynamic) && gateways.all(|found| found.announced),
            Ipv6::None => true,
            Ipv6::Static { address, gateway } => {
                let (wanted, prefix) = (IpAddr::V6(address.address()), address.prefix());
                let held: Vec<&Held> = held.collect();
                let gateways: Vec<IpAddr> = gateways.map(|found| found.address).collect();
                let wanted_gateway: Vec<IpAddr> = gateway.iter().copied().map(IpAddr::V6).collect();
                matches!(held[..], [one] if one.address == wanted && one.prefix == prefix && !one.dynamic)
                    && gateways == wanted_gateway
            }
        }
    }

    /// Cards and bond leave the bridge and each other before they find their places.
    fn uplinks(&mut self) {
        let keeps_bond = self.keeps_bond();
        let is_port = |name: &str| self.ports.iter().any(|nic| nic.name.as_str() == name);
        let mut leaving = Vec::new();
        let mut cards: Vec<&str> = self.cards.iter().map(|nic| nic.name.as_str()).collect();
        cards.extend(keeps_bond.then_some(BOND));
        for name in cards {
            let leaves = match self.state.master(name) {
                Some(BRIDGE) => self.carrier.as_deref() != Some(name),
                // A bond that goes lets its members go.
                Some(BOND) => keeps_bond && !is_port(name),
                _ => false,
            };
            if leaves {
                leaving.push(name.to_owned());
            }
        }
        for name in leaving {
            self.set(format_args!("link set dev {name} nomaster"));
        }
        let Some(carrier) = self.carrier.clone() else {
            return;
        };
        if carrier == BOND {
            for nic in self.ports {
                let name = nic.name.as_str();
                if !keeps_bond || self.state.master(name) != Some(BOND) {
                    // The bond takes only cards that are off, and switches them on.
                    self.set(format_args!("link set dev {name} down"));
                    self.set(format_args!("link set dev {name} master {BOND}"));
                }
            }
        }
        let made_anew = carrier == BOND && !keeps_bond;
        if made_anew || self.state.master(&carrier) != Some(BRIDGE) {
            self.set(format_args!("link set dev {carrier} master {BRIDGE}"));
        }
        if made_anew {
            self.set(format_args!("link set dev {carrier} up"));
        } else {
            self.up(&carrier);
        }
    }

    /// The bridge that was made for another card gets the address that it will have after the next boot.
    fn hardware_address(&mut self) {
        let Some(mac) = self.ports.first().and_then(|nic| nic.mac) else {
            return;
        };
        for name in [BRIDGE.to_owned(), self.interface.clone()] {
            let differs = |name: &str| {
                self.state
                    .links
                    .get(name)
                    .is_some_and(|link| link.mac != Some(mac))
            };
            let line = format!("link set dev {name} address {mac}");
            if differs(&name) && !self.plan.set.contains(&line) {
                self.set(line);
            }
        }
    }

    fn up(&mut self, name: &str) {
        if self.state.links.get(name).is_none_or(|link| !link.up) {
            self.set(format_args!("link set dev {name} up"));
        }
    }

    fn held(&self, interface: &str, v6: bool) -> impl Iterator<Item = &Held> {
        let held = self.state.addresses.iter();
        held.filter(move |held| held.interface == interface && held.address.is_ipv6() == v6)
    }

    fn gateways(&self, interface: &str, v6: bool) -> impl Iterator<Item = &Gateway> {
        let gateways = self.state.gateways.iter();
        gateways.filter(move |found| found.interface == interface && found.address.is_ipv6() == v6)
    }

    fn ipv4(&mut self) {
        let interface = self.interface.clone();
        let client = match self.management.ipv4 {
            Ipv4::Dhcp if self.carrier.is_some() => Some(interface.clone()),
            _ => None,
        };
        if self.state.dhcp != client {
            self.plan.stop_dhcp.clone_from(&self.state.dhcp);
        }
        match self.management.ipv4 {
            // What a client of ours has set is its own.
            Ipv4::Dhcp if client.is_some() && self.state.dhcp == client => {}
            Ipv4::Dhcp | Ipv4::None => self.addresses(&interface, None, None),
            Ipv4::Static { address, gateway } => {
                let address = (IpAddr::V4(address.address()), address.prefix());
                self.addresses(&interface, Some(address), gateway.map(IpAddr::V4));
            }
        }
        self.plan.dhcp = client;
    }

    /// Gives `interface` this IPv4 address and this gateway and no others.
    fn addresses(
        &mut self,
        interface: &str,
        wanted: Option<(IpAddr, u8)>,
        gateway: Option<IpAddr>,
    ) {
        let right = |found: &Gateway| Some(found.address) == gateway && found.metric == 0;
        let (kept, others): (Vec<_>, Vec<_>) =
            self.gateways(interface, false).cloned().partition(right);
        // One that DHCP gave has no route of the kernel's own to its network: it is made anew.
        let fits = |held: &Held| Some((held.address, held.prefix)) == wanted && !held.dynamic;
        let (same, strange): (Vec<_>, Vec<_>) =
            self.held(interface, false).cloned().partition(fits);
        for Gateway {
            address, metric, ..
        } in others
        {
            self.set(format_args!(
                "route delete default via {address} dev {interface} metric {metric}"
            ));
        }
        for Held {
            address, prefix, ..
        } in &strange
        {
            self.set(format_args!(
                "address delete {address}/{prefix} dev {interface}"
            ));
        }
        let Some((address, prefix)) = wanted else {
            return;
        };
        // An address that is deleted may take others of its network and the routes by it along.
        if same.is_empty() || !strange.is_empty() {
            self.set(format_args!(
                "address replace {address}/{prefix} broadcast + dev {interface}"
            ));
        }
        if let Some(gateway) = gateway
            && (kept.is_empty() || !strange.is_empty())
        {
            self.set(format_args!(
                "route replace default via {gateway} dev {interface} proto static"
            ));
        }
    }

    fn ipv6(&mut self, reset: bool) {
        let Ipv6::Static { address, gateway } = self.management.ipv6 else {
            return;
        };
        if !reset {
            return;
        }
        let interface = self.interface.clone();
        self.set(format_args!("address replace {address} dev {interface}"));
        if let Some(gateway) = gateway {
            self.set(format_args!(
                "route replace ::/0 via {gateway} dev {interface} proto static"
            ));
        }
    }

    /// Which VLANs pass: the host's own, and once the boot is over every one on the way out, because VMs choose
    /// theirs. Each costs the kernel a moment, all of them a sixth of a second.
    fn vlans(&mut self) {
        let own = self.management.vlan.map(crate::config::VlanId::get);
        let has = |name: &str, vlan: u16| {
            let passing = self.state.vlans.get(name);
            passing.is_some_and(|passing| passing.contains(&vlan))
        };
        let mut lines = Vec::new();
        if let Some(carrier) = &self.carrier {
            let joining = format!("link set dev {carrier} master {BRIDGE}");
            let lacks = |vlan| self.plan.set.contains(&joining) || !has(carrier, vlan);
            if self.state.open && lacks(*ALL_VLANS.end()) {
                let (first, last) = (ALL_VLANS.start(), ALL_VLANS.end());
                lines.push(format!("vlan add dev {carrier} vid {first}-{last}"));
            } else if let Some(own) = own.filter(|own| lacks(*own)) {
                lines.push(format!("vlan add dev {carrier} vid {own}"));
            }
        }
        if let Some(own) = own.filter(|own| !has(BRIDGE, *own)) {
            lines.push(format!("vlan add dev {BRIDGE} vid {own} self"));
        }
        self.plan.vlans = lines;
    }
}
