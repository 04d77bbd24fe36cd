//! Network XML: a wish becomes a definition, an edit changes only what it names, and any network, ours or
//! not, becomes what people see. Elements as libvirt's `formatnetwork` documentation defines them.

use std::net::Ipv4Addr;

use qx_model::network::{
    Dhcp, Ipv4, Network, NetworkEdit, NetworkId, NetworkMode, NetworkSpec, Reservation, Vlan,
};

use crate::xml::Element;

/// What libvirt tells about a network beside its definition.
pub(crate) struct Facts {
    pub(crate) id: NetworkId,
    pub(crate) active: bool,
    pub(crate) autostart: bool,
    pub(crate) pending_restart: bool,
    pub(crate) revision: String,
}

/// The definition of a new network. libvirt gives bridges of its own a name, `virbr` and a number.
pub(crate) fn define(spec: &NetworkSpec) -> Element {
    let mut network = Element::new("network")
        .holding(Element::new("name").saying(spec.name.as_str()))
        .holding(Element::new("uuid").saying(spec.id.to_string()));
    match spec.mode {
        NetworkMode::Nat => network.push(Element::new("forward").with("mode", "nat")),
        NetworkMode::Bridge => network.push(Element::new("forward").with("mode", "bridge")),
        NetworkMode::Isolated | NetworkMode::Other => {}
    }
    if let Some(bridge) = &spec.bridge {
        network.push(Element::new("bridge").with("name", bridge.as_str()));
    }
    write_vlan(&mut network, &spec.vlan);
    if let Some(ipv4) = &spec.ipv4 {
        write_ipv4(&mut network, ipv4);
    }
    network
}

/// Writes what the edit names into a definition.
pub(crate) fn apply(network: &mut Element, edit: &NetworkEdit) {
    if let Some(bridge) = &edit.bridge {
        network.change("bridge", |element| element.set("name", bridge.as_str()));
    }
    if let Some(vlan) = &edit.vlan {
        write_vlan(network, vlan);
    }
    if let Some(ipv4) = &edit.ipv4 {
        write_ipv4(network, ipv4);
    }
}

fn write_vlan(network: &mut Element, vlan: &Vlan) {
    network.remove("vlan");
    if vlan.tags.is_empty() {
        return;
    }
    let mut element = Element::new("vlan");
    if vlan.trunk {
        element.set("trunk", "yes");
    }
    for tag in &vlan.tags {
        let mut child = Element::new("tag").with("id", tag.to_string());
        if vlan.native == Some(*tag) {
            child.set("nativeMode", "untagged");
        }
        element.push(child);
    }
    network.push(element);
}

/// Into the first IPv4 element, so that IPv6 and further addresses stay.
fn write_ipv4(network: &mut Element, ipv4: &Ipv4) {
    if let Some(element) = network.elements_mut().find(|child| is_ipv4(child)) {
        return set_ipv4(element, ipv4);
    }
    let mut element = Element::new("ip");
    set_ipv4(&mut element, ipv4);
    network.push(element);
}

fn set_ipv4(element: &mut Element, ipv4: &Ipv4) {
    element.set("address", ipv4.address.to_string());
    element.unset("netmask");
    element.set("prefix", ipv4.prefix.to_string());
    match &ipv4.dhcp {
        None => element.remove("dhcp"),
        Some(dhcp) => element.change("dhcp", |element| set_dhcp(element, dhcp)),
    }
}

fn set_dhcp(element: &mut Element, dhcp: &Dhcp) {
    // What else was said about a range or a NIC that stays is kept: lease times.
    let kept_range = element.child("range").cloned();
    let known: Vec<Element> = element.children("host").cloned().collect();
    element.remove("range");
    element.remove("host");
    let mut range = kept_range.unwrap_or_else(|| Element::new("range"));
    range.set("start", dhcp.start.to_string());
    range.set("end", dhcp.end.to_string());
    element.push(range);
    for reservation in &dhcp.reservations {
        let same = |host: &&Element| mac_of(host) == Some(reservation.mac);
        let mut host = known.iter().find(same).cloned();
        let host = host.get_or_insert_with(|| Element::new("host"));
        host.set("mac", reservation.mac.to_string());
        host.set("ip", reservation.address.to_string());
        match &reservation.name {
            Some(name) => host.set("name", name.as_str()),
            None => host.unset("name"),
        }
        element.push(host.clone());
    }
}

fn mac_of(host: &Element) -> Option<qx_model::network::MacAddress> {
    host.attribute("mac")?.parse().ok()
}

fn is_ipv4(element: &Element) -> bool {
    element.name() == "ip" && matches!(element.attribute("family"), None | Some("ipv4"))
}

/// What people see of a network.
pub(crate) fn observe(network: &Element, facts: Facts) -> Network {
    let text = |name: &str| network.child(name).map(Element::text);
    let bridge = network.child("bridge");
    Network {
        id: facts.id,
        name: text("name").unwrap_or_default(),
        mode: mode(network),
        active: facts.active,
        autostart: facts.autostart,
        ipv4: network
            .elements()
            .find(|child| is_ipv4(child))
            .and_then(read_ipv4),
        bridge: bridge
            .and_then(|bridge| bridge.attribute("name"))
            .map(str::to_owned),
        vlan: network.child("vlan").map(read_vlan).unwrap_or_default(),
        pending_restart: facts.pending_restart,
        revision: facts.revision,
    }
}

/// Whether an active network works otherwise than it is configured, in what people see of it. libvirt adds to the
/// definition of an active one (the ports of NAT, the number of connections), so the two are never quite the same.
pub(crate) fn differ(running: &Element, configured: &Element) -> bool {
    let bridge = |network: &Element| {
        let bridge = network.child("bridge")?;
        bridge.attribute("name").map(str::to_owned)
    };
    let ipv4 = |network: &Element| {
        network
            .elements()
            .find(|child| is_ipv4(child))
            .and_then(read_ipv4)
    };
    let seen = |network: &Element| {
        let vlan = network.child("vlan").map(read_vlan);
        (mode(network), bridge(network), ipv4(network), vlan)
    };
    seen(running) != seen(configured)
}

fn mode(network: &Element) -> NetworkMode {
    let Some(forward) = network.child("forward") else {
        return NetworkMode::Isolated;
    };
    match forward.attribute("mode") {
        None | Some("nat") => NetworkMode::Nat,
        // Without a bridge it means ports of a network card.
        Some("bridge") if network.child("bridge").is_some() => NetworkMode::Bridge,
        Some(_) => NetworkMode::Other,
    }
}

fn read_ipv4(element: &Element) -> Option<Ipv4> {
    let netmask = || -> Option<u8> {
        let mask: Ipv4Addr = element.attribute("netmask")?.parse().ok()?;
        u8::try_from(u32::from(mask).leading_ones()).ok()
    };
    let prefix = element
        .attribute("prefix")
        .and_then(|prefix| prefix.parse().ok());
    Some(Ipv4 {
        address: element.attribute("address")?.parse().ok()?,
        prefix: prefix.or_else(netmask)?,
        dhcp: element.child("dhcp").and_then(read_dhcp),
    })
}

fn read_dhcp(element: &Element) -> Option<Dhcp> {
    let range = element.child("range")?;
    let end = |name: &str| range.attribute(name)?.parse().ok();
    let reservations = element.children("host").filter_map(|host| {
        Some(Reservation {
            mac: mac_of(host)?,
            address: host.attribute("ip")?.parse().ok()?,
            name: host.attribute("name").and_then(|name| name.parse().ok()),
        })
    });
    Some(Dhcp {
        start: end("start")?,
        end: end("end")?,
        reservations: reservations.collect(),
    })
}

fn read_vlan(element: &Element) -> Vlan {
    let id = |tag: &Element| tag.attribute("id")?.parse::<u16>().ok();
    let tags: Vec<u16> = element.children("tag").filter_map(id).collect();
    let native = element
        .children("tag")
        .find(|tag| tag.attribute("nativeMode").is_some())
        .and_then(id);
    Vlan {
        // libvirt takes several tags, or a native one, for a trunk.
        trunk: element.attribute("trunk") == Some("yes") || tags.len() > 1 || native.is_some(),
        tags,
        native,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREIGN: &str = "<network ipv6='yes'><name>a &amp; b</name>
        <forward mode='nat' dev='eth1'><nat><port start='1024' end='65535'/></nat></forward>
        <bridge name='virbr7' stp='on' delay='0'/><mtu size='9000'/>
        <dns><host ip='10.0.0.9'><hostname>ns</hostname></host></dns>
        <ip family='ipv6' address='fd00::1' prefix='64'/>
        <ip address='10.0.0.1' netmask='255.255.255.0'><tftp root='/t'/><dhcp>
          <range start='10.0.0.10' end='10.0.0.20'><lease expiry='1' unit='hours'/></range>
          <host mac='52:54:00:00:00:01' ip='10.0.0.30'><lease expiry='2' unit='hours'/></host>
          <bootp file='pxe'/></dhcp></ip>
        <x:own xmlns:x='u'/></network>";

    fn seen(network: &Element) -> Network {
        let facts = Facts {
            id: NetworkId(uuid::Uuid::nil()),
            active: false,
            autostart: false,
            pending_restart: false,
            revision: String::new(),
        };
        observe(network, facts)
    }

    #[test]
    fn a_network_that_others_defined_is_shown_as_it_is() {
        let network = seen(&Element::parse(FOREIGN).unwrap());
        assert_eq!((&*network.name, network.mode), ("a & b", NetworkMode::Nat));
        let ipv4 = network.ipv4.unwrap();
        assert_eq!(ipv4.prefix, 24);
        assert_eq!(ipv4.dhcp.unwrap().reservations.len(), 1);
        for mode in ["route", "open", "hostdev", "private", "bridge"] {
            let text = format!("<network><name>a</name><forward mode='{mode}'/></network>");
            let network = seen(&Element::parse(&text).unwrap());
            assert_eq!(network.mode, NetworkMode::Other, "{mode}");
        }
    }

    #[test]
    fn an_edit_keeps_what_it_does_not_understand() {
        let before = Element::parse(FOREIGN).unwrap();
        let mut ipv4 = seen(&before).ipv4.unwrap();
        ipv4.prefix = 16;
        let dhcp = ipv4.dhcp.as_mut().unwrap();
        dhcp.end = "10.0.0.25".parse().unwrap();
        dhcp.reservations.push(Reservation {
            mac: "52:54:00:00:00:02".parse().unwrap(),
            address: "10.0.0.31".parse().unwrap(),
            name: Some("two".parse().unwrap()),
        });
        let mut network = before.clone();
        let edit = NetworkEdit {
            ipv4: Some(ipv4.clone()),
            ..NetworkEdit::default()
        };
        apply(&mut network, &edit);
        let network = Element::parse(&network.to_string()).unwrap();
        assert_eq!(seen(&network).ipv4, Some(ipv4));
        for name in ["forward", "bridge", "mtu", "dns", "x:own"] {
            assert_eq!(network.child(name), before.child(name), "{name}");
        }
        // The IPv6 address is the first of its kind and has not moved.
        assert_eq!(network.child("ip"), before.child("ip"));
        let ip = network.elements().find(|child| is_ipv4(child)).unwrap();
        let dhcp = ip.child("dhcp").unwrap();
        assert!(ip.child("tftp").is_some() && dhcp.child("bootp").is_some());
        assert!(dhcp.child("range").unwrap().child("lease").is_some());
        assert!(dhcp.child("host").unwrap().child("lease").is_some());
        assert_eq!(ip.attribute("netmask"), None);
    }
}
