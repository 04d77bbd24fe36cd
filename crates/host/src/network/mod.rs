//! The management network: which cards become ports of the VLAN-aware bridge `br0`, and how the host gets its
//! addresses. This module alone changes links, addresses and routes of the host:
//!
//! ```text
//! configuration ─┐
//! cards ─────────┼─ plan (pure) ─ ip -batch, bridge -batch, /proc/sys/net/ipv6 ─ dhcpcd ─ network.json
//! what is there ─┘
//! ```
//!
//! A plan holds what differs and nothing else, so that it may be made and run at any time: a second run does
//! nothing. The bridge is never deleted, because VMs hang on it. Knows nothing of what is stored where.

mod change;
mod dhcp;
mod in_force;
mod plan;
mod probe;
mod run;
mod state;
mod trial;

use crate::config::{InterfaceSelector, Management};
use crate::nics::Nic;

pub use change::{ChangeError, Changer, Deed, Standing, now_ms};
pub(crate) use in_force::problems;
pub use in_force::{InForce, Ipv4Method, text_of};
pub use plan::{Plan, Setting, plan};
pub use probe::taken;
pub(crate) use run::ip_batch;
pub use run::{Places, bring_up, open_vlans};
pub use state::{Gateway, Held, Ipv6Switches, Kind, Link, State};
pub use trial::{LEAST_TIME, MOST_TIME, Phase, Refusal, Trial, USUAL_TIME, Undone};

/// The bridge that the management cards are ports of.
pub const BRIDGE: &str = "br0";
/// The bond of two or more management cards.
pub(crate) const BOND: &str = "bond0";

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
