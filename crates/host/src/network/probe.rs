//! Whether another machine has the address that the host is to get (RFC 5227: an ARP probe).

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::{Standing, management_interface};
use crate::command;
use crate::config::{Ipv4, Management};

/// Busybox's: `-D` ends with 1 when somebody answers.
const PROGRAM: &str = "/usr/sbin/arping";
const DEADLINE: Duration = Duration::from_secs(10);

/// The address of `management` if another machine answers for it. Only where the host is in that network already: in
/// another VLAN or behind another card nobody can be asked before the change.
#[must_use]
pub fn taken(standing: &Standing, management: &Management) -> Option<Ipv4Addr> {
    let (interface, address) = question(standing, management)?;
    let address_text = address.to_string();
    let arguments = [
        "-D",
        "-q",
        "-c",
        "2",
        "-w",
        "2",
        "-I",
        &interface,
        &address_text,
    ];
    let arguments = arguments.map(OsStr::new);
    // Without an answer of the program nothing is known, and the change goes on: it can be undone.
    let done = command::run(PROGRAM, &arguments, DEADLINE).ok()?;
    (done.status.code() == Some(1) && done.stderr.is_empty()).then_some(address)
}

fn question(standing: &Standing, management: &Management) -> Option<(String, Ipv4Addr)> {
    let now = standing.wanted.as_ref()?;
    let Ipv4::Static { address, .. } = management.ipv4 else {
        return None;
    };
    let same_place = now.vlan == management.vlan && now.interfaces == management.interfaces;
    let own =
        matches!(now.ipv4, Ipv4::Static { address: own, .. } if own.address() == address.address());
    let interface = management_interface(management);
    (same_place && !own).then_some((interface, address.address()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Phase;

    fn with(address: &str) -> Management {
        Management {
            ipv4: Ipv4::Static {
                address: address.parse().unwrap(),
                gateway: None,
            },
            ..Management::default()
        }
    }

    #[test]
    fn only_a_new_address_in_the_present_network_is_asked_for() {
        let asked = |now: Management, next: &Management| {
            let standing = Standing {
                configured: now.clone(),
                wanted: Some(now),
                in_force: None,
                previous: None,
                phase: Phase::default(),
            };
            question(&standing, next).map(|(interface, address)| (interface, address.to_string()))
        };
        let next = with("192.0.2.7/24");
        let question = Some(("br0".to_owned(), "192.0.2.7".to_owned()));
        assert_eq!(asked(Management::default(), &next), question);
        assert_eq!(asked(with("192.0.2.8/24"), &next), question);
        assert_eq!(asked(with("192.0.2.7/25"), &next), None);
        assert_eq!(asked(next.clone(), &Management::default()), None);
        let tagged = Management {
            vlan: Some(20.try_into().unwrap()),
            ..next
        };
        assert_eq!(asked(Management::default(), &tagged), None);
    }
}
