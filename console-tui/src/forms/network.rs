//! The management network: cards and their bond, VLAN, IPv4, IPv6, name servers; and where it is asked for,
//! the host's name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use qx_host::config::{
    Bond, BondMode, HostName, InterfaceSelector, Ipv4, Ipv4Cidr, Ipv6, Ipv6Cidr, Management, VlanId,
};
use qx_host::nics::Nic;

use super::{joined, list, parsed, text};
use crate::shell::{Field, Form, Input, Model, Problems};

/// As many as the configuration takes.
const MOST_CARDS: usize = 8;
const MOST_DNS: usize = 3;
/// The longest address with its prefix has 43 characters.
const ADDRESS: usize = 48;

/// The fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkKey {
    /// The host's name.
    Name,
    /// A card, by its place in the list.
    Card(usize),
    /// How several cards share the load.
    Bond,
    /// VLAN number.
    Vlan,
    /// How IPv4 is had.
    Ipv4,
    /// IPv4 address with prefix.
    Address4,
    /// IPv4 gateway.
    Gateway4,
    /// How IPv6 is had.
    Ipv6,
    /// IPv6 address with prefix.
    Address6,
    /// IPv6 gateway.
    Gateway6,
    /// Name servers.
    Dns,
}

use NetworkKey as Key;

/// What the form stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkValue {
    /// `[network.management]`.
    pub management: Management,
    /// The name, where the form asks for it.
    pub hostname: Option<HostName>,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    form: Form<Key>,
    cards: Vec<InterfaceSelector>,
    names: bool,
}

impl Network {
    /// With what is configured, and the cards of the machine. A configured card that the machine lacks is in
    /// the list too, so that leaving the form as it is changes nothing.
    #[must_use]
    pub fn new(management: &Management, nics: &[Nic], hostname: Option<&HostName>) -> Self {
        let (cards, mut fields) = cards(management, nics);
        if let Some(name) = hostname {
            let help = "What the network knows this host by, such as qx1 or qx1.example.org.";
            fields.insert(0, Field::new(Key::Name, "Host name", help, text(name, 80)));
        }
        fields.extend(link(management));
        fields.extend(ipv4(&management.ipv4));
        fields.extend(ipv6(&management.ipv6));
        fields.push(Field::new(
            Key::Dns,
            "Name servers",
            "Up to three addresses, separated by commas. Empty: those that DHCP offers.",
            text(joined(&management.dns), 160),
        ));
        let mut model = Self {
            form: Form::new(fields),
            cards,
            names: hostname.is_some(),
        };
        model.revise();
        model
    }

    fn chosen(&self) -> Vec<InterfaceSelector> {
        let numbered = self.cards.iter().enumerate();
        let chosen = numbered.filter(|(number, _)| self.form.flag(Key::Card(*number)));
        chosen.map(|(_, card)| card.clone()).collect()
    }

    fn ipv4(&self, problems: &mut Problems<Key>) -> Ipv4 {
        match self.form.choice(Key::Ipv4) {
            0 => return Ipv4::Dhcp,
            2 => return Ipv4::None,
            _ => {}
        }
        let typed = self.form.text(Key::Gateway4);
        let gateway: Option<Ipv4Addr> = (!typed.is_empty())
            .then(|| address(Key::Gateway4, &typed, problems))
            .flatten();
        let typed = self.form.text(Key::Address4);
        let Some(address) = parsed::<_, Ipv4Cidr>(Key::Address4, &typed, problems) else {
            return Ipv4::None;
        };
        if gateway.is_some_and(|gateway| !address.contains(gateway)) {
            let reason = format!("is not in the network of {address}");
            problems.push((Key::Gateway4, reason));
        }
        if gateway == Some(address.address()) {
            problems.push((Key::Gateway4, "is the host's own address".to_owned()));
        }
        Ipv4::Static { address, gateway }
    }

    fn ipv6(&self, problems: &mut Problems<Key>) -> Ipv6 {
        match self.form.choice(Key::Ipv6) {
            0 => return Ipv6::Auto,
            2 => return Ipv6::None,
            _ => {}
        }
        let typed = self.form.text(Key::Gateway6);
        let gateway: Option<Ipv6Addr> = (!typed.is_empty())
            .then(|| address(Key::Gateway6, &typed, problems))
            .flatten();
        let typed = self.form.text(Key::Address6);
        let Some(address) = parsed::<_, Ipv6Cidr>(Key::Address6, &typed, problems) else {
            return Ipv6::None;
        };
        if gateway.is_some_and(|g| !address.contains(g) && !g.is_unicast_link_local()) {
            let reason = format!("is neither in the network of {address} nor link-local");
            problems.push((Key::Gateway6, reason));
        }
        Ipv6::Static { address, gateway }
    }

    fn vlan(&self, problems: &mut Problems<Key>) -> Option<VlanId> {
        let typed = self.form.text(Key::Vlan);
        if typed.is_empty() || typed == "0" {
            return None;
        }
        // What is no number at all gets the same words as a number out of range.
        let number = typed.parse().unwrap_or(u16::MAX);
        VlanId::try_from(number)
            .map_err(|reason| problems.push((Key::Vlan, reason.to_string())))
            .ok()
    }
}

/// An address without a prefix.
fn address<T: std::str::FromStr>(key: Key, typed: &str, problems: &mut Problems<Key>) -> Option<T> {
    let value = typed.parse().ok();
    if value.is_none() {
        let reason = "must be an address without a prefix length".to_owned();
        problems.push((key, reason));
    }
    value
}

/// A flag for each card.
fn cards(management: &Management, nics: &[Nic]) -> (Vec<InterfaceSelector>, Vec<Field<Key>>) {
    let mut cards: Vec<InterfaceSelector> = Vec::new();
    let mut fields = Vec::new();
    let mut add = |card: InterfaceSelector, label: String, chosen: bool| {
        let help = "Space takes a card. None: the first one with a link. Several make a bond.";
        let key = Key::Card(cards.len());
        fields.push(Field::new(key, label, help, Input::Flag(chosen)));
        cards.push(card);
    };
    let mut configured = management.interfaces.clone();
    configured.retain(|card| *card != InterfaceSelector::Auto);
    for nic in nics {
        let is_this = |card: &InterfaceSelector| match card {
            InterfaceSelector::Auto => false,
            InterfaceSelector::Name(name) => *name == nic.name,
            InterfaceSelector::Mac(mac) => nic.mac == Some(*mac),
        };
        let known = configured.iter().position(is_this);
        let card = known.map(|at| configured.remove(at));
        let link = match nic.carrier {
            Some(true) => "link",
            Some(false) => "no link",
            None => "off",
        };
        let label = format!("Card {}, {link}", nic.name);
        let by_name = || InterfaceSelector::Name(nic.name.clone());
        let chosen = card.is_some();
        add(card.unwrap_or_else(by_name), label, chosen);
    }
    for card in configured {
        let label = format!("Card {card}, absent");
        add(card, label, true);
    }
    (cards, fields)
}

fn link(management: &Management) -> [Field<Key>; 2] {
    let modes = BondMode::ALL;
    let at = modes.iter().position(|mode| *mode == management.bond.mode);
    let words = [
        "active-backup: one card at a time, any switch",
        "802.3ad (LACP): the switch must be set up for it",
        "balance-xor: the switch must have a static group",
    ];
    [
        Field::new(
            Key::Bond,
            "Bond",
            "How the cards work together. Links are watched every 100 ms.",
            Input::Choice {
                options: words.map(str::to_owned).to_vec(),
                at: at.unwrap_or(0),
            },
        ),
        Field::new(
            Key::Vlan,
            "VLAN",
            "The VLAN number of this host's own address, 1 to 4094. Empty: untagged.",
            text(
                management
                    .vlan
                    .map_or(String::new(), |vlan| vlan.get().to_string()),
                6,
            ),
        ),
    ]
}

fn method(words: [&str; 3], at: usize) -> Input {
    Input::Choice {
        options: words.map(str::to_owned).to_vec(),
        at,
    }
}

fn ipv4(ipv4: &Ipv4) -> [Field<Key>; 3] {
    let (at, address, gateway) = match ipv4 {
        Ipv4::Dhcp => (0, String::new(), None),
        Ipv4::Static { address, gateway } => (1, address.to_string(), *gateway),
        Ipv4::None => (2, String::new(), None),
    };
    let gateway = gateway.map_or(String::new(), |gateway| gateway.to_string());
    [
        Field::new(
            Key::Ipv4,
            "IPv4",
            "Where the address comes from. Space or the arrows change it.",
            method(["DHCP", "fixed address", "off"], at),
        ),
        Field::new(
            Key::Address4,
            "  Address/prefix",
            "For instance 192.168.1.10/24.",
            text(address, ADDRESS),
        ),
        Field::new(
            Key::Gateway4,
            "  Gateway",
            "An address of the same network. Empty: only this network is reached.",
            text(gateway, ADDRESS),
        ),
    ]
}

fn ipv6(ipv6: &Ipv6) -> [Field<Key>; 3] {
    let (at, address, gateway) = match ipv6 {
        Ipv6::Auto => (0, String::new(), None),
        Ipv6::Static { address, gateway } => (1, address.to_string(), *gateway),
        Ipv6::None => (2, String::new(), None),
    };
    let gateway = gateway.map_or(String::new(), |gateway| gateway.to_string());
    [
        Field::new(
            Key::Ipv6,
            "IPv6",
            "Where addresses come from. Space or the arrows change it.",
            method(["automatic (routers)", "fixed address", "off"], at),
        ),
        Field::new(
            Key::Address6,
            "  Address/prefix",
            "For instance 2001:db8::10/64.",
            text(address, ADDRESS),
        ),
        Field::new(
            Key::Gateway6,
            "  Gateway",
            "An address of the same network, or a link-local one (fe80::...).",
            text(gateway, ADDRESS),
        ),
    ]
}

impl Model for Network {
    type Key = Key;
    type Value = NetworkValue;

    fn form(&self) -> &Form<Key> {
        &self.form
    }

    fn form_mut(&mut self) -> &mut Form<Key> {
        &mut self.form
    }

    fn revise(&mut self) {
        let several = self.chosen().len() > 1;
        self.form.show(Key::Bond, several);
        for (method, address, gateway) in [
            (Key::Ipv4, Key::Address4, Key::Gateway4),
            (Key::Ipv6, Key::Address6, Key::Gateway6),
        ] {
            let fixed = self.form.choice(method) == 1;
            self.form.show(address, fixed);
            self.form.show(gateway, fixed);
        }
    }

    fn value(&self) -> Result<NetworkValue, Problems<Key>> {
        let mut problems = Vec::new();
        let name = self.form.text(Key::Name);
        let hostname = self
            .names
            .then(|| parsed(Key::Name, &name, &mut problems))
            .flatten();
        let mut interfaces = self.chosen();
        if interfaces.len() > MOST_CARDS {
            let reason = format!("at most {MOST_CARDS} cards make a bond");
            problems.push((Key::Card(0), reason));
        }
        if interfaces.is_empty() {
            interfaces.push(InterfaceSelector::Auto);
        }
        let mode = BondMode::ALL.get(self.form.choice(Key::Bond)).copied();
        // A mode of a bond that there is none of would not be stored.
        let mode = mode.filter(|_| interfaces.len() > 1).unwrap_or_default();
        let vlan = self.vlan(&mut problems);
        let ipv4 = self.ipv4(&mut problems);
        let ipv6 = self.ipv6(&mut problems);
        let typed = self.form.text(Key::Dns);
        let dns: Vec<IpAddr> = list(Key::Dns, &typed, MOST_DNS, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let management = Management {
            interfaces,
            bond: Bond { mode },
            vlan,
            ipv4,
            ipv6,
            dns,
        };
        Ok(NetworkValue {
            management,
            hostname,
        })
    }
}
