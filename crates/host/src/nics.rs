//! The network cards that the machine has, from sysfs. Bridges, bonds, taps and VLANs are not cards.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::config::{InterfaceName, MacAddress};
use crate::network::ip_batch;

/// How long a link may take to come up before another card is tried.
const LINK_WAIT: Duration = Duration::from_secs(3);
const LINK_POLL: Duration = Duration::from_millis(50);

/// One network card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// The kernel's name.
    pub name: InterfaceName,
    /// Its hardware address, if it is an Ethernet card.
    pub mac: Option<MacAddress>,
    /// Whether a link is up; `None` while the card is switched off.
    pub carrier: Option<bool>,
}

/// Lists the cards under `sys` (`/sys` on the product) in the order in which the kernel found them.
/// Wireless cards, which cannot be bridged, are left out.
#[must_use]
pub fn discover(sys: &Path) -> Vec<Nic> {
    let Ok(entries) = fs::read_dir(sys.join("class/net")) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, Nic)> = entries
        .flatten()
        .filter_map(|entry| {
            let dir = entry.path();
            let physical = dir.join("device").exists() && !dir.join("wireless").exists();
            let name = entry.file_name().to_str()?.parse().ok()?;
            let index = number(&dir.join("ifindex"))?;
            // A card in a bond wears the bond's address.
            let own = text(&dir.join("bonding_slave/perm_hwaddr"));
            let mac = own.or_else(|| text(&dir.join("address")));
            let mac = mac.and_then(|mac| mac.parse().ok());
            let carrier = number(&dir.join("carrier")).map(|carrier| carrier == 1);
            physical.then_some((index, Nic { name, mac, carrier }))
        })
        .collect();
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, nic)| nic).collect()
}

/// Switches all cards on and waits until one has a link, at most three seconds; lists them again.
#[must_use]
pub fn discover_with_link(sys: &Path) -> Vec<Nic> {
    let mut nics = discover(sys);
    let up = |nic: &Nic| format!("link set dev {} up", nic.name);
    // A card that cannot be switched on shows as one without a link.
    let _ = ip_batch(&nics.iter().map(up).collect::<Vec<_>>());
    let deadline = Instant::now() + LINK_WAIT;
    loop {
        nics = discover(sys);
        let linked = nics.iter().any(|nic| nic.carrier == Some(true));
        if linked || nics.is_empty() || Instant::now() >= deadline {
            return nics;
        }
        thread::sleep(LINK_POLL);
    }
}

fn text(path: &Path) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn number(path: &Path) -> Option<u32> {
    text(path)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(sys: &Path, name: &str, index: u32, physical: bool, carrier: Option<u32>) {
        let dir = sys.join("class/net").join(name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("ifindex"), format!("{index}\n")).unwrap();
        fs::write(dir.join("address"), "52:54:00:12:34:56\n").unwrap();
        if physical {
            fs::create_dir(dir.join("device")).unwrap();
        }
        if let Some(carrier) = carrier {
            fs::write(dir.join("carrier"), format!("{carrier}\n")).unwrap();
        }
    }

    #[test]
    fn only_cards_are_listed_in_the_kernels_order() {
        let sys = tempfile::tempdir().unwrap();
        card(sys.path(), "enp2s0", 3, true, Some(0));
        card(sys.path(), "ens1", 2, true, None);
        card(sys.path(), "br0", 4, false, Some(1));
        card(sys.path(), "lo", 1, false, Some(1));
        let names: Vec<String> = discover(sys.path())
            .iter()
            .map(|nic| nic.name.to_string())
            .collect();
        assert_eq!(names, ["ens1", "enp2s0"]);
        assert_eq!(discover(sys.path())[0].carrier, None);
        let member = sys.path().join("class/net/ens1/bonding_slave");
        fs::create_dir(&member).unwrap();
        fs::write(member.join("perm_hwaddr"), "52:54:00:00:00:07\n").unwrap();
        let own = "52:54:00:00:00:07".parse().ok();
        assert_eq!(discover(sys.path())[0].mac, own);
        assert_eq!(discover(sys.path())[1].carrier, Some(false));
        assert!(discover(&sys.path().join("nothing")).is_empty());
    }
}
