//! What a network must be beyond the types of its parts. The file's reader says the same with line numbers; this is
//! for networks that come from elsewhere.

use super::schema::{Ipv4, Ipv6, Management};
use super::types::InterfaceSelector;

/// Most cards of a bond.
const MOST_CARDS: usize = 8;
/// Most name servers: what a resolver asks.
const MOST_SERVERS: usize = 3;

impl Management {
    /// What is wrong with it: the field, and a sentence without its subject. Empty for one that can be stored and
    /// read again.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let cards = &self.interfaces;
        if cards.is_empty() {
            faults.push((
                "interfaces",
                "must name a card, or be [\"auto\"]".to_owned(),
            ));
        }
        if cards.len() > MOST_CARDS {
            faults.push(("interfaces", format!("must be at most {MOST_CARDS}")));
        }
        if cards.len() > 1 && cards.contains(&InterfaceSelector::Auto) {
            let reason = "must be \"auto\" alone, or name every card";
            faults.push(("interfaces", reason.to_owned()));
        }
        if (1..cards.len()).any(|i| cards[..i].contains(&cards[i])) {
            faults.push(("interfaces", "names a card twice".to_owned()));
        }
        if self.dns.len() > MOST_SERVERS {
            faults.push(("dns", format!("must be at most {MOST_SERVERS}")));
        }
        if let Ipv4::Static {
            address,
            gateway: Some(gateway),
        } = self.ipv4
        {
            if !address.contains(gateway) {
                faults.push((
                    "ipv4.gateway",
                    format!("is not in the network of {address}"),
                ));
            } else if gateway == address.address() {
                faults.push(("ipv4.gateway", "is the host's own address".to_owned()));
            }
        }
        if let Ipv6::Static {
            address,
            gateway: Some(gateway),
        } = self.ipv6
        {
            if !address.contains(gateway) && !gateway.is_unicast_link_local() {
                let reason = format!("is neither in the network of {address} nor link-local");
                faults.push(("ipv6.gateway", reason));
            } else if gateway == address.address() {
                faults.push(("ipv6.gateway", "is the host's own address".to_owned()));
            }
        }
        faults
    }
}
