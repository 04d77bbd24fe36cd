//! What a plan of the management network says, and where plans lead: they are run on a model of the kernel, from
//! every configuration to every other. Bonds and VLANs are here alone: the build machine's kernel has neither.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::net::IpAddr;

use proptest::prelude::*;
use qx_host::config::{Management, parse};
use qx_host::network::{Gateway, Held, Ipv6Switches, Kind, Link, Plan, State, choose_ports, plan};
use qx_host::nics::Nic;

fn management(text: &str) -> Management {
    let file = format!("version = 1\n[network.management]\n{text}");
    parse(&file).unwrap().config.management
}

fn cards(count: u8) -> Vec<Nic> {
    (0..count)
        .map(|number| Nic {
            name: format!("ens{}", 3 + number).parse().unwrap(),
            mac: format!("52:54:00:00:00:{number:02x}").parse().ok(),
            carrier: Some(true),
        })
        .collect()
}

fn planned(management: &Management, cards: &[Nic], state: &State) -> Plan {
    plan(management, &choose_ports(management, cards).0, cards, state)
}

/// All lines and settings in the order in which they are run.
fn lines(plan: &Plan) -> Vec<String> {
    let stop = plan
        .stop_dhcp
        .iter()
        .map(|name| format!("dhcp stop {name}"));
    let settings = plan
        .settings
        .iter()
        .map(|set| format!("sysctl {}.{} {}", set.interface, set.name, set.value));
    stop.chain(plan.make.iter().cloned())
        .chain(settings)
        .chain(plan.set.iter().cloned())
        .chain(plan.vlans.iter().map(|line| format!("bridge {line}")))
        .chain(plan.dhcp.iter().map(|name| format!("dhcp {name}")))
        .collect()
}

#[test]
fn a_first_boot_with_dhcp_takes_seven_lines() {
    let plan = planned(&Management::default(), &cards(1), &State::default());
    assert_eq!(
        lines(&plan),
        [
            "link add dev br0 address 52:54:00:00:00:00 type bridge stp_state 0 forward_delay 0",
            "link set dev br0 type bridge vlan_filtering 1",
            "sysctl ens3.disable_ipv6 1",
            "sysctl br0.accept_ra 2",
            "sysctl br0.disable_ipv6 0",
            "link set dev lo up",
            "link set dev ens3 master br0",
            "link set dev ens3 up",
            "link set dev br0 up",
            "dhcp br0",
        ]
    );
}

#[test]
fn a_fixed_address_in_a_vlan_on_a_bond() {
    let wanted = management(
        "interfaces = [\"52:54:00:00:00:01\", \"ens3\"]\nbond = { mode = \"802.3ad\" }\nvlan = 20\n\
         ipv4 = { method = \"static\", address = \"10.0.2.15/24\", gateway = \"10.0.2.2\" }\n\
         ipv6 = { method = \"static\", address = \"2001:db8::15/64\", gateway = \"fe80::1\" }\n",
    );
    let plan = planned(&wanted, &cards(2), &State::default());
    assert_eq!(
        lines(&plan),
        [
            "link add dev bond0 type bond mode 802.3ad miimon 100",
            "link add dev br0 address 52:54:00:00:00:01 type bridge stp_state 0 forward_delay 0",
            "link set dev br0 type bridge vlan_filtering 1",
            "link add link br0 name br0.20 address 52:54:00:00:00:01 type vlan id 20",
            "sysctl ens4.disable_ipv6 1",
            "sysctl ens3.disable_ipv6 1",
            "sysctl bond0.disable_ipv6 1",
            "sysctl br0.disable_ipv6 1",
            "sysctl br0.20.accept_ra 0",
            "sysctl br0.20.disable_ipv6 0",
            "link set dev lo up",
            "link set dev ens4 down",
            "link set dev ens4 master bond0",
            "link set dev ens3 down",
            "link set dev ens3 master bond0",
            "link set dev bond0 master br0",
            "link set dev bond0 up",
            "link set dev br0 up",
            "link set dev br0.20 up",
            "address replace 10.0.2.15/24 broadcast + dev br0.20",
            "route replace default via 10.0.2.2 dev br0.20 proto static",
            "address replace 2001:db8::15/64 dev br0.20",
            "route replace ::/0 via fe80::1 dev br0.20 proto static",
            "bridge vlan add dev bond0 vid 20",
            "bridge vlan add dev br0 vid 20 self",
        ]
    );
}

#[test]
fn without_a_card_there_is_a_bridge_and_nobody_asks_for_an_address() {
    let plan = planned(&Management::default(), &[], &State::default());
    assert!(
        plan.make[0].starts_with("link add dev br0 type bridge"),
        "{plan:?}"
    );
    assert!(
        plan.set.contains(&"link set dev br0 up".to_owned()),
        "{plan:?}"
    );
    assert_eq!(plan.dhcp, None);
}

#[test]
fn a_missing_card_is_named_and_another_taken() {
    let (ports, problems) = choose_ports(&management("interfaces = [\"ens9\"]\n"), &cards(1));
    assert_eq!(ports[0].name.as_str(), "ens3");
    assert_eq!(
        problems,
        [
            "network card ens9 is not in this machine",
            "using network card ens3 instead",
        ]
    );
}

#[test]
fn vms_vlans_pass_once_the_boot_is_over_and_follow_the_card() {
    let mut kernel = Kernel::with(&cards(2));
    let on = |card: &str| management(&format!("interfaces = [\"{card}\"]\nvlan = 20\n"));
    kernel.run(&planned(&on("ens3"), &cards(2), &State::default()));
    assert_eq!(kernel.state.vlans["ens3"], [20].into());
    kernel.state.open = true;
    let plan = planned(&on("ens3"), &cards(2), &kernel.state);
    assert_eq!(
        lines(&plan),
        ["bridge vlan add dev ens3 vid 2-4094", "dhcp br0.20"]
    );
    kernel.run(&plan);
    let plan = planned(&on("ens4"), &cards(2), &kernel.state);
    assert_eq!(plan.vlans, ["vlan add dev ens4 vid 2-4094"]);
}

#[test]
fn only_what_differs_is_changed() {
    let fixed = |gateway: &str| {
        management(&format!(
            "ipv4 = {{ method = \"static\", address = \"10.0.2.15/24\", gateway = \"{gateway}\" }}\n"
        ))
    };
    let mut kernel = Kernel::with(&cards(1));
    kernel.run(&planned(&fixed("10.0.2.2"), &cards(1), &State::default()));
    let plan = planned(&fixed("10.0.2.3"), &cards(1), &kernel.state);
    assert_eq!(
        lines(&plan),
        [
            "route delete default via 10.0.2.2 dev br0 metric 0",
            "route replace default via 10.0.2.3 dev br0 proto static",
        ]
    );
}

/// Enough of Linux for these lines. Panics at what Linux would refuse.
struct Kernel {
    state: State,
}

impl Kernel {
    fn with(cards: &[Nic]) -> Self {
        let mut kernel = Self {
            state: State::default(),
        };
        kernel.link("lo", Kind::Other, None);
        for card in cards {
            kernel.link(card.name.as_str(), Kind::Other, None);
            kernel.state.links.get_mut(card.name.as_str()).unwrap().mac = card.mac;
        }
        kernel
    }

    fn link(&mut self, name: &str, kind: Kind, parent: Option<&str>) {
        let link = Link {
            up: false,
            mac: None,
            master: None,
            parent: parent.map(str::to_owned),
            kind,
        };
        assert!(
            self.state.links.insert(name.to_owned(), link).is_none(),
            "{name} is there"
        );
        let switches = Ipv6Switches {
            disabled: false,
            accept_ra: 1,
        };
        self.state.ipv6.insert(name.to_owned(), switches);
    }

    fn delete(&mut self, name: &str) {
        assert_ne!(name, "br0", "the bridge is deleted");
        self.state.links.remove(name).unwrap();
        self.state.ipv6.remove(name);
        self.state.vlans.remove(name);
        self.state.addresses.retain(|held| held.interface != name);
        self.state.gateways.retain(|held| held.interface != name);
        for link in self.state.links.values_mut() {
            if link.master.as_deref() == Some(name) {
                link.master = None;
            }
        }
    }

    fn at(&mut self, name: &str) -> &mut Link {
        let link = self.state.links.get_mut(name);
        link.unwrap_or_else(|| panic!("there is no {name}"))
    }

    fn run(&mut self, plan: &Plan) {
        if plan.stop_dhcp.is_some() {
            assert_eq!(self.state.dhcp.take(), plan.stop_dhcp);
        }
        for line in &plan.make {
            self.ip(line);
        }
        for set in &plan.settings {
            let switches = self.state.ipv6.get_mut(&set.interface).unwrap();
            match set.name {
                "accept_ra" => switches.accept_ra = set.value,
                "disable_ipv6" => {
                    switches.disabled = set.value == 1;
                    if switches.disabled {
                        let gone = |of: &str, ip: IpAddr| of == set.interface && ip.is_ipv6();
                        let state = &mut self.state;
                        state.addresses.retain(|a| !gone(&a.interface, a.address));
                        state.gateways.retain(|a| !gone(&a.interface, a.address));
                    }
                }
                other => panic!("{other}"),
            }
        }
        for line in &plan.set {
            self.ip(line);
        }
        for line in &plan.vlans {
            let words: Vec<&str> = line.split(' ').collect();
            let ["vlan", "add", "dev", name, "vid", vid, ..] = words[..] else {
                panic!("{line}");
            };
            let port = name == "br0" || self.at(name).master.as_deref() == Some("br0");
            assert!(port, "{name} is no port: {line}");
            let (first, last) = vid.split_once('-').unwrap_or((vid, vid));
            let set = self.state.vlans.entry(name.to_owned()).or_default();
            set.extend(first.parse::<u16>().unwrap()..=last.parse().unwrap());
        }
        if let Some(interface) = &plan.dhcp {
            assert!(self.at(interface).up, "{interface} is off");
            self.state.dhcp = Some(interface.clone());
        }
    }

    fn ip(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["link", "add", "dev", "br0", ref rest @ ..] => {
                self.link("br0", Kind::Bridge { vlan_aware: false }, None);
                if let ["address", mac, ..] = rest {
                    self.at("br0").mac = mac.parse().ok();
                }
            }
            [
                "link",
                "add",
                "dev",
                "bond0",
                "type",
                "bond",
                "mode",
                mode,
                ..,
            ] => {
                let mode = mode.to_owned();
                self.link("bond0", Kind::Bond { mode }, None);
            }
            ["link", "add", "link", parent, "name", name, ref rest @ ..] => {
                self.at(parent);
                self.link(name, Kind::Vlan, Some(parent));
                let ["address", mac, "type", "vlan", "id", _] = rest else {
                    panic!("{line}");
                };
                self.at(name).mac = mac.parse().ok();
            }
            ["link", "delete", "dev", name] => self.delete(name),
            [
                "link",
                "set",
                "dev",
                "br0",
                "type",
                "bridge",
                "vlan_filtering",
                "1",
            ] => {
                self.at("br0").kind = Kind::Bridge { vlan_aware: true };
            }
            ["link", "set", "dev", name, "up"] => self.at(name).up = true,
            ["link", "set", "dev", name, "down"] => self.at(name).up = false,
            ["link", "set", "dev", name, "address", mac] => self.at(name).mac = mac.parse().ok(),
            ["link", "set", "dev", name, "nomaster"] => {
                self.at(name).master = None;
                self.state.vlans.remove(name);
            }
            ["link", "set", "dev", name, "master", master] => {
                assert_eq!(self.at(name).master, None, "{line}");
                let bond = matches!(self.at(master).kind, Kind::Bond { .. });
                assert!(!bond || !self.at(name).up, "{name} is on: {line}");
                self.at(name).up |= bond;
                self.at(name).master = Some(master.to_owned());
            }
            ["address", "replace", cidr, ref rest @ ..] => {
                let interface = rest.last().unwrap();
                let held = held(interface, cidr);
                let off = self.state.ipv6[*interface].disabled;
                assert!(!(off && held.address.is_ipv6()), "IPv6 is off: {line}");
                self.state
                    .addresses
                    .retain(|one| (&one.interface, one.address) != (&held.interface, held.address));
                self.state.addresses.push(held);
            }
            ["address", "delete", cidr, "dev", interface] => {
                let gone = held(interface, cidr);
                let before = self.state.addresses.len();
                self.state.addresses.retain(|one| {
                    (&one.interface, one.address, one.prefix)
                        != (&gone.interface, gone.address, gone.prefix)
                });
                assert_eq!(self.state.addresses.len() + 1, before, "{line}");
            }
            ["route", "replace", _, "via", address, "dev", interface, ..] => {
                let route = gateway(interface, address, 0);
                self.state.gateways.retain(|one| {
                    one.interface != route.interface
                        || one.metric != route.metric
                        || one.address.is_ipv6() != route.address.is_ipv6()
                });
                self.state.gateways.push(route);
            }
            [
                "route",
                "delete",
                "default",
                "via",
                address,
                "dev",
                interface,
                "metric",
                metric,
            ] => {
                let gone = gateway(interface, address, metric.parse().unwrap());
                let before = self.state.gateways.len();
                self.state.gateways.retain(|one| *one != gone);
                assert_eq!(self.state.gateways.len() + 1, before, "{line}");
            }
            _ => panic!("no such line: {line}"),
        }
    }

    /// What a DHCP server and a router give, where they are asked.
    fn outside(&mut self) {
        if let Some(interface) = self.state.dhcp.clone() {
            let lease = held(&interface, "192.0.2.77/24");
            self.state
                .addresses
                .retain(|one| one.address != lease.address);
            self.state.addresses.push(Held {
                dynamic: true,
                ..lease
            });
            self.state.gateways.retain(|one| one.metric != 1002);
            let route = gateway(&interface, "192.0.2.1", 1002);
            self.state.gateways.push(route);
        }
        for name in ["br0", "br0.20", "br0.30"] {
            if self
                .state
                .ipv6
                .get(name)
                .is_some_and(|now| !now.disabled && now.accept_ra == 2)
            {
                let made = held(name, "2001:db8:1::7/64");
                self.state
                    .addresses
                    .retain(|one| one.address != made.address);
                self.state.addresses.push(Held {
                    dynamic: true,
                    ..made
                });
                self.state.gateways.retain(|one| !one.announced);
                self.state.gateways.push(Gateway {
                    announced: true,
                    ..gateway(name, "fe80::1", 1024)
                });
            }
        }
    }
}

fn held(interface: &str, cidr: &str) -> Held {
    let (address, prefix) = cidr.split_once('/').unwrap();
    Held {
        interface: interface.to_owned(),
        address: address.parse().unwrap(),
        prefix: prefix.parse().unwrap(),
        dynamic: false,
    }
}

fn gateway(interface: &str, address: &str, metric: u32) -> Gateway {
    Gateway {
        interface: interface.to_owned(),
        address: address.parse().unwrap(),
        metric,
        announced: false,
    }
}

fn configuration() -> impl Strategy<Value = Management> {
    let interfaces = prop_oneof![
        Just("interfaces = [\"auto\"]\n"),
        Just("interfaces = [\"ens4\"]\n"),
        Just("interfaces = [\"ens3\", \"ens4\"]\n"),
        Just("interfaces = [\"ens5\", \"ens4\"]\nbond = { mode = \"802.3ad\" }\n"),
        Just("interfaces = [\"ens5\", \"ens4\", \"ens3\"]\nbond = { mode = \"balance-xor\" }\n"),
    ];
    let vlan = prop_oneof![Just(""), Just("vlan = 20\n"), Just("vlan = 30\n")];
    let ipv4 = prop_oneof![
        Just(""),
        Just("ipv4 = { method = \"none\" }\n"),
        Just("ipv4 = { method = \"static\", address = \"192.0.2.77/24\" }\n"),
        Just(
            "ipv4 = { method = \"static\", address = \"192.0.2.77/25\", gateway = \"192.0.2.1\" }\n"
        ),
        Just(
            "ipv4 = { method = \"static\", address = \"192.0.2.78/24\", gateway = \"192.0.2.2\" }\n"
        ),
    ];
    let ipv6 = prop_oneof![
        Just(""),
        Just("ipv6 = { method = \"none\" }\n"),
        Just(
            "ipv6 = { method = \"static\", address = \"2001:db8:1::7/64\", gateway = \"fe80::1\" }\n"
        ),
        Just("ipv6 = { method = \"static\", address = \"2001:db8::7/64\" }\n"),
    ];
    (interfaces, vlan, ipv4, ipv6).prop_map(|(a, b, c, d)| management(&[a, b, c, d].concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever was in force: one plan leads there, a second one has nothing to do, and VMs stay on the bridge.
    #[test]
    fn every_change_arrives_at_once_and_leaves_vms_alone(
        steps in prop::collection::vec((configuration(), 0_u8..4), 1..5),
    ) {
        let all = cards(4);
        let mut kernel = Kernel::with(&all);
        let mut first = true;
        for (wanted, absent) in steps {
            let present = &all[..4 - usize::from(absent)];
            let state = if first { State::default() } else { kernel.state.clone() };
            kernel.run(&planned(&wanted, present, &state));
            kernel.outside();
            if first {
                kernel.link("vnet0", Kind::Other, None);
                kernel.at("vnet0").master = Some("br0".to_owned());
            }
            first = false;
            kernel.state.open = true;
            kernel.run(&planned(&wanted, present, &kernel.state));
            let again = Plan { dhcp: kernel.state.dhcp.clone(), ..Plan::default() };
            prop_assert_eq!(planned(&wanted, present, &kernel.state), again);
            prop_assert_eq!(kernel.at("vnet0").master.as_deref(), Some("br0"));
            check(&kernel.state, &wanted, present)?;
        }
    }
}

/// Looks at the outcome without knowing how it was reached.
fn check(state: &State, wanted: &Management, cards: &[Nic]) -> Result<(), TestCaseError> {
    let ports = choose_ports(wanted, cards).0;
    let interface = qx_host::network::management_interface(wanted);
    for held in &state.addresses {
        prop_assert_eq!(&held.interface, &interface, "an address elsewhere");
    }
    for route in &state.gateways {
        prop_assert_eq!(&route.interface, &interface, "a route elsewhere");
    }
    for port in &ports {
        let master = state.links[port.name.as_str()].master.as_deref();
        let right = if ports.len() > 1 { "bond0" } else { "br0" };
        prop_assert_eq!(master, Some(right));
    }
    for card in cards.iter().filter(|card| !ports.contains(card)) {
        prop_assert_eq!(&state.links[card.name.as_str()].master, &None);
    }
    prop_assert_eq!(state.links.contains_key("bond0"), ports.len() > 1);
    if let Some(port) = ports.first() {
        prop_assert_eq!(state.links["br0"].mac, port.mac);
        prop_assert_eq!(state.links[&interface].mac, port.mac);
    }
    let fixed: Vec<String> = [
        match &wanted.ipv4 {
            qx_host::config::Ipv4::Static { address, .. } => Some(address.to_string()),
            _ => None,
        },
        match &wanted.ipv6 {
            qx_host::config::Ipv6::Static { address, .. } => Some(address.to_string()),
            _ => None,
        },
    ]
    .into_iter()
    .flatten()
    .collect();
    let lasting = state.addresses.iter().filter(|held| !held.dynamic);
    let mut lasting: Vec<String> = lasting
        .map(|held| format!("{}/{}", held.address, held.prefix))
        .collect();
    lasting.sort();
    prop_assert_eq!(lasting, fixed);
    Ok(())
}
