//! The management network as text for ifupdown-ng: which cards become ports of the VLAN-aware bridge
//! `br0`, and how the host gets its addresses. Pure; running `ifup` is the boot scripts' part.

use std::fmt::{Display, Write as _};

use crate::config::{HostName, InterfaceSelector, Ipv4, Ipv6, Management};
use crate::nics::Nic;

/// The bridge that the management cards are ports of.
pub const BRIDGE: &str = "br0";

/// The interface that carries the host's own addresses.
#[must_use]
pub fn management_interface(management: &Management) -> String {
    match management.vlan {
        Some(vlan) => format!("{BRIDGE}.{}", vlan.get()),
        None => BRIDGE.to_owned(),
    }
}

/// Picks the bridge's cards. A card that the configuration names but the machine lacks is a problem in
/// plain words; with none left, the choice is automatic, so that the host can still be reached.
#[must_use]
pub fn choose_ports(management: &Management, nics: &[Nic]) -> (Vec<Nic>, Vec<String>) {
    let mut chosen: Vec<Nic> = Vec::new();
    let mut problems = Vec::new();
    for selector in &management.interfaces {
        let found = match selector {
            InterfaceSelector::Auto => continue,
            InterfaceSelector::Name(name) => nics.iter().find(|nic| nic.name == *name),
            InterfaceSelector::Mac(mac) => nics.iter().find(|nic| nic.mac == Some(*mac)),
        };
        match found {
            Some(nic) if chosen.contains(nic) => {}
            Some(nic) => chosen.push(nic.clone()),
            None => problems.push(format!("network card {selector} is not in this machine")),
        }
    }
    if chosen.is_empty() {
        let linked = nics.iter().find(|nic| nic.carrier == Some(true));
        chosen.extend(linked.or_else(|| nics.first()).cloned());
        if let (Some(nic), false) = (chosen.first(), problems.is_empty()) {
            problems.push(format!("using network card {} instead", nic.name));
        }
    }
    (chosen, problems)
}

/// The text of `/etc/network/interfaces`. The loopback is not in it: that takes one command, and ifupdown-ng's dozen
/// shells for it are felt at boot.
#[must_use]
pub fn render_interfaces(management: &Management, hostname: &HostName, ports: &[Nic]) -> String {
    let mut out = Stanzas(String::from(
        "# Made by qx-config from /quantix/config.toml at every boot; changes here are lost.\n",
    ));
    let port = write_ports(&mut out, management, ports);
    out.stanza(true, BRIDGE);
    out.option("use", "bridge");
    out.option("bridge-ports", port.as_deref().unwrap_or("none"));
    out.option("bridge-stp", "off");
    out.option("bridge-fd", 0);
    out.option("bridge-maxwait", 0);
    out.option("bridge-vlan-aware", "yes");
    if let Some(mac) = ports.first().and_then(|nic| nic.mac) {
        // Without it the bridge takes the lowest address of its ports, which changes as VMs come and go.
        out.option("hwaddress", mac);
    }
    let Some(vlan) = management.vlan else {
        write_addresses(&mut out, management, hostname, !ports.is_empty());
        return out.0;
    };
    // Not by `bridge-vids`: ifupdown-ng takes a bond that has them for a bridge of its members.
    if let Some(port) = &port {
        out.vlans(format_args!("dev {port} vid {}", vlan.get()));
    }
    out.vlans(format_args!("dev {BRIDGE} vid {} self", vlan.get()));
    out.sysctl("disable_ipv6", 1);
    out.stanza(true, &management_interface(management));
    write_addresses(&mut out, management, hostname, !ports.is_empty());
    out.0
}

/// Writes the cards and, for two or more, their bond; returns the interface that the bridge takes.
fn write_ports(out: &mut Stanzas, management: &Management, ports: &[Nic]) -> Option<String> {
    match ports {
        [] => None,
        [nic] => {
            out.port(nic.name.as_str());
            Some(nic.name.to_string())
        }
        several => {
            for nic in several {
                out.port(nic.name.as_str());
            }
            let names: Vec<&str> = several.iter().map(|nic| nic.name.as_str()).collect();
            out.port("bond0");
            out.option("use", "bond");
            out.option("bond-members", names.join(" "));
            out.option("bond-mode", management.bond.mode.as_str());
            out.option("bond-miimon", 100);
            Some("bond0".to_owned())
        }
    }
}

/// Writes the methods of both address families. Without any card DHCP would only delay the boot.
fn write_addresses(
    out: &mut Stanzas,
    management: &Management,
    hostname: &HostName,
    has_ports: bool,
) {
    match &management.ipv4 {
        Ipv4::Dhcp if has_ports => {
            out.option("use", "dhcp");
            out.option("dhcp-hostname", hostname);
        }
        Ipv4::Dhcp | Ipv4::None => {}
        Ipv4::Static { address, gateway } => out.address(address, gateway.as_ref()),
    }
    match &management.ipv6 {
        // 2: also when the host forwards packets for its VMs.
        Ipv6::Auto => out.sysctl("accept_ra", 2),
        Ipv6::None => out.sysctl("disable_ipv6", 1),
        Ipv6::Static { address, gateway } => {
            out.sysctl("accept_ra", 0);
            out.address(address, gateway.as_ref());
        }
    }
}

struct Stanzas(String);

impl Stanzas {
    fn stanza(&mut self, auto: bool, head: &str) {
        let name = head.split(' ').next().unwrap_or(head);
        self.0.push('\n');
        if auto {
            let _ = writeln!(self.0, "auto {name}");
        }
        let _ = writeln!(self.0, "iface {head}");
    }

    /// Something below the bridge: without addresses of its own, which it would else take from routers.
    fn port(&mut self, name: &str) {
        self.stanza(false, name);
        self.sysctl("disable_ipv6", 1);
    }

    fn option(&mut self, key: &str, value: impl Display) {
        let _ = writeln!(self.0, "    {key} {value}");
    }

    /// A card that can't filter VLANs must not cost the host its address.
    fn vlans(&mut self, rule: impl Display) {
        self.option("post-up", format_args!("bridge vlan add {rule} || true"));
    }

    fn address(&mut self, address: impl Display, gateway: Option<&impl Display>) {
        self.option("address", address);
        if let Some(gateway) = gateway {
            self.option("gateway", gateway);
        }
    }

    fn sysctl(&mut self, name: &str, value: u8) {
        self.option(
            "pre-up",
            format_args!("echo {value} > /proc/sys/net/ipv6/conf/$IFACE/{name} || true"),
        );
    }
}
