//! The bridges that the kernel has, from sysfs.

use std::fs;
use std::path::Path;

/// One bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// The kernel's name.
    pub name: String,
    /// It tells VLANs apart.
    pub vlan_filtering: bool,
    /// Interfaces on it that are no VM's, ordered by name.
    pub ports: Vec<String>,
}

/// Lists the bridges under `sys` (`/sys` on the product), ordered by name; empty where it can't be read.
#[must_use]
pub fn discover(sys: &Path) -> Vec<Bridge> {
    let interfaces = sys.join("class/net");
    let mut found: Vec<Bridge> = names(&interfaces)
        .into_iter()
        .filter_map(|name| {
            let bridge = interfaces.join(&name).join("bridge");
            if !bridge.is_dir() {
                return None;
            }
            let filtering = fs::read_to_string(bridge.join("vlan_filtering"));
            let mut ports = names(&interfaces.join(&name).join("brif"));
            // A tap is the host's end of a VM's NIC.
            ports.retain(|port| !interfaces.join(port).join("tun_flags").exists());
            ports.sort();
            Some(Bridge {
                name,
                vlan_filtering: filtering.is_ok_and(|text| text.trim() == "1"),
                ports,
            })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bridges_are_listed_with_what_is_plugged_into_them_but_vms() {
        let sys = tempfile::tempdir().unwrap();
        let net = sys.path().join("class/net");
        for path in [
            "br0/bridge",
            "br0/brif/eth0",
            "br0/brif/bond1",
            "br0/brif/vnet3",
            "eth0",
            "bond1",
            "vnet3",
            "virbr0/bridge",
        ] {
            fs::create_dir_all(net.join(path)).unwrap();
        }
        fs::write(net.join("br0/bridge/vlan_filtering"), "1\n").unwrap();
        fs::write(net.join("vnet3/tun_flags"), "0x1002\n").unwrap();
        let bridge = |name: &str, vlan_filtering, ports: &[&str]| Bridge {
            name: name.into(),
            vlan_filtering,
            ports: ports.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            discover(sys.path()),
            [
                bridge("br0", true, &["bond1", "eth0"]),
                bridge("virbr0", false, &[])
            ]
        );
        assert_eq!(discover(&sys.path().join("missing")), []);
    }
}
