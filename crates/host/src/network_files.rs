//! Copies of libvirt's virtual networks on the data partition: VMs that come back after a re-install that keeps it have
//! their networks, reservations included. Knows the files and their places, and no more of what is in them than names.
//!
//! ```text
//! STATE/libvirt/qemu/networks/NAME.xml            ──► DATA/networks/NAME.xml            whenever networks changed
//! STATE/libvirt/qemu/networks/autostart/NAME.xml  ──► DATA/networks/autostart/NAME.xml  a link: it starts by itself
//! ```
//! The other way round at the first boot of an installation, before libvirt is started: the networks are then the ones
//! that the copies say, and no others.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::durable;
use crate::libvirt_text::{first_attributes, inner, is_file_name, unescape};
use crate::network::BRIDGE;

const AUTOSTART: &str = "autostart";
/// Where a copy goes that can't be used.
const DAMAGED: &str = "damaged";

/// Where the files lie.
#[derive(Debug, Clone)]
pub struct NetworkFiles {
    /// libvirt's directory of definitions on the configuration partition.
    definitions: PathBuf,
    /// The copies on the data partition.
    copies: PathBuf,
}

impl NetworkFiles {
    /// `state` is the configuration's directory (`/quantix`), `data` that of VM disks (`/data`).
    #[must_use]
    pub fn new(state: &Path, data: &Path) -> Self {
        Self {
            definitions: state.join("libvirt/qemu"),
            copies: data.join("networks"),
        }
    }

    fn networks(&self) -> PathBuf {
        self.definitions.join("networks")
    }

    /// Brings the copies up to date. Does nothing where libvirt keeps its networks somewhere else.
    ///
    /// # Errors
    /// When something can't be read or written; every copy is whole.
    pub fn keep(&self) -> io::Result<()> {
        let networks = self.networks();
        if networks.is_dir() {
            copy_all(&networks, &self.copies)?;
        }
        Ok(())
    }

    /// Gives libvirt, which must not run, the networks of the copies in place of those that an installation begins
    /// with. Does nothing where there are no copies. Says in plain sentences which copies can't be used; they are put
    /// aside.
    ///
    /// # Errors
    /// When something can't be read or written. May be repeated.
    pub fn restore(&self) -> io::Result<Vec<String>> {
        if !self.copies.is_dir() {
            return Ok(Vec::new());
        }
        let mut problems = Vec::new();
        let names = names(&self.copies)?;
        for name in &names {
            let copy = file(&self.copies, name);
            let text = fs::read(&copy)?;
            let text = String::from_utf8_lossy(&text);
            let is_whole = inner(&text, "uuid").is_some() && text.contains("</network>");
            if !is_whole || inner(&text, "name").map(unescape).as_ref() != Some(name) {
                let aside = copy.with_extension(DAMAGED);
                fs::rename(&copy, &aside)?;
                problems.push(format!(
                    "the network {name} does not come back: its definition, now {}, is damaged",
                    aside.display()
                ));
            }
        }
        if problems.len() < names.len() {
            copy_all(&self.copies, &self.networks())?;
        }
        Ok(problems)
    }

    /// What the VMs and networks that libvirt has definitions of would look for in vain on this host, in plain
    /// sentences.
    ///
    /// # Errors
    /// When a definition can't be read.
    pub fn missing(&self) -> io::Result<Vec<String>> {
        let mut problems = Vec::new();
        let networks = names(&self.networks())?;
        let mut bridges = BTreeSet::from([BRIDGE.to_owned()]);
        for name in &networks {
            let text = fs::read_to_string(file(&self.networks(), name))?;
            let of_host = first_attributes(&text, "forward", "mode") == ["bridge"];
            for bridge in first_attributes(&text, "bridge", "name") {
                if !of_host {
                    bridges.insert(bridge);
                } else if bridge != BRIDGE {
                    problems.push(format!(
                        "the network {name} leads to the bridge {bridge}, which this host does not have: VMs on it \
                         don't start until the network leads to another one"
                    ));
                }
            }
        }
        for name in names(&self.definitions)? {
            let text = fs::read_to_string(file(&self.definitions, &name))?;
            let mut wanted = |attribute: &str, there: &BTreeSet<String>, what: &str| {
                let sources: BTreeSet<String> = first_attributes(&text, "source", attribute)
                    .into_iter()
                    .collect();
                problems.extend(sources.difference(there).map(|source| {
                    format!(
                        "the VM {name} has a NIC on the {what} {source}, which this host does not have: it does not \
                         start until the NIC is plugged in somewhere else"
                    )
                }));
            };
            wanted("network", &networks, "network");
            wanted("bridge", &bridges, "bridge");
        }
        Ok(problems)
    }
}

fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.xml"))
}

/// Names of the definitions in a directory; none if it is not there.
fn names(directory: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let listed = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
        listed => listed?,
    };
    for entry in listed {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(".xml"));
        if let Some(name) = name.filter(|name| is_file_name(name))
            && entry.file_type()?.is_file()
        {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

/// Makes the networks of one directory those of another, and which of them start by themselves.
fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.join(AUTOSTART))?;
    let wanted = names(from)?;
    for name in &wanted {
        let (definition, copy) = (fs::read(file(from, name))?, file(to, name));
        if fs::read(&copy).ok().as_deref() != Some(&*definition) {
            durable::replace(&copy, &definition, 0o600)?;
        }
        let starts = is_there(&file(&from.join(AUTOSTART), name))?;
        mark(to, name, starts)?;
    }
    for name in names(to)?.difference(&wanted) {
        mark(to, name, false)?;
        fs::remove_file(file(to, name))?;
    }
    durable::sync_parent(&file(to, AUTOSTART))
}

/// Says whether a network starts by itself, by a link as libvirt makes it.
fn mark(directory: &Path, name: &str, starts: bool) -> io::Result<()> {
    let link = file(&directory.join(AUTOSTART), name);
    match (is_there(&link)?, starts) {
        (false, true) => symlink(format!("../{name}.xml"), &link)?,
        (true, false) => fs::remove_file(&link)?,
        (true, true) | (false, false) => return Ok(()),
    }
    durable::sync_parent(&link)
}

/// Links too, wherever they lead.
fn is_there(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Host(tempfile::TempDir);

    impl Host {
        /// As an installation begins, with the network `default`.
        fn new() -> Self {
            let host = Self(tempfile::tempdir().unwrap());
            host.install();
            host
        }

        /// A new configuration partition.
        fn install(&self) {
            let _ = fs::remove_dir_all(self.path("quantix"));
            self.define(&network("default", "nat", "virbr0"), "default", true);
        }

        fn path(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn networks(&self) -> PathBuf {
            self.path("quantix/libvirt/qemu/networks")
        }

        fn define(&self, text: &str, name: &str, autostart: bool) {
            fs::create_dir_all(self.networks().join(AUTOSTART)).unwrap();
            fs::write(file(&self.networks(), name), text).unwrap();
            if autostart {
                // As libvirt writes it: to a place that is not there in this test.
                let target = format!("/etc/libvirt/qemu/networks/{name}.xml");
                let link = file(&self.networks().join(AUTOSTART), name);
                symlink(target, link).unwrap();
            }
        }

        fn files(&self) -> NetworkFiles {
            NetworkFiles::new(&self.path("quantix"), &self.path("data"))
        }

        /// Names, with a `*` at those that start by themselves.
        fn defined(&self) -> Vec<String> {
            let starts = |name: &String| is_there(&file(&self.networks().join(AUTOSTART), name));
            let names = names(&self.networks()).unwrap();
            names
                .iter()
                .map(|name| format!("{name}{}", if starts(name).unwrap() { "*" } else { "" }))
                .collect()
        }
    }

    fn network(name: &str, mode: &str, bridge: &str) -> String {
        format!(
            "<!--\nWARNING\n-->\n<network>\n  <name>{name}</name>\n  <uuid>0f0e0d0c-0b0a-4908-8706-050403020100</uuid>\n\
             \x20 <forward mode='{mode}'/>\n  <bridge name='{bridge}' stp='on'/>\n</network>\n"
        )
    }

    #[test]
    fn networks_come_back_as_they_were_after_the_configuration_was_lost() {
        let host = Host::new();
        host.define(&network("lab", "nat", "virbr1"), "lab", true);
        host.define(&network("spare", "nat", "virbr2"), "spare", false);
        fs::remove_file(file(&host.networks(), "default")).unwrap();
        fs::remove_file(file(&host.networks().join(AUTOSTART), "default")).unwrap();
        host.files().keep().unwrap();
        host.install();
        assert_eq!(host.defined(), ["default*"]);
        assert_eq!(host.files().restore().unwrap(), Vec::<String>::new());
        assert_eq!(host.defined(), ["lab*", "spare"]);
        let text = fs::read_to_string(file(&host.networks(), "lab")).unwrap();
        assert_eq!(text, network("lab", "nat", "virbr1"));
        let link = file(&host.networks().join(AUTOSTART), "lab");
        assert_eq!(
            fs::canonicalize(link).unwrap(),
            file(&host.networks(), "lab")
        );
        // As after a power cut in the middle.
        host.files().restore().unwrap();
        assert_eq!(host.defined(), ["lab*", "spare"]);
    }

    #[test]
    fn copies_follow_what_is_changed_and_removed() {
        let host = Host::new();
        host.define(&network("lab", "nat", "virbr1"), "lab", true);
        host.files().keep().unwrap();
        host.define(&network("lab", "nat", "virbr9"), "lab", false);
        fs::remove_file(file(&host.networks().join(AUTOSTART), "lab")).unwrap();
        fs::remove_file(file(&host.networks(), "default")).unwrap();
        host.files().keep().unwrap();
        host.install();
        host.files().restore().unwrap();
        assert_eq!(host.defined(), ["lab"]);
        let text = fs::read_to_string(file(&host.networks(), "lab")).unwrap();
        assert!(text.contains("virbr9"), "{text}");
    }

    #[test]
    fn a_host_without_copies_keeps_the_network_that_it_begins_with() {
        let host = Host::new();
        assert_eq!(host.files().restore().unwrap(), Vec::<String>::new());
        fs::create_dir_all(host.path("data/networks")).unwrap();
        assert_eq!(host.files().restore().unwrap(), Vec::<String>::new());
        assert_eq!(host.defined(), ["default*"]);
    }

    #[test]
    fn a_damaged_copy_is_told_put_aside_and_does_not_stop_the_others() {
        let host = Host::new();
        host.define(&network("lab", "nat", "virbr1"), "lab", true);
        host.files().keep().unwrap();
        let torn = &network("torn", "nat", "virbr2")[..90];
        fs::write(host.path("data/networks/torn.xml"), torn).unwrap();
        let other = network("other", "nat", "virbr3");
        fs::write(host.path("data/networks/renamed.xml"), other).unwrap();
        host.install();
        let said = host.files().restore().unwrap();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[1].contains("the network torn does not come back"),
            "{said:?}"
        );
        assert!(said[1].contains("networks/torn.damaged"), "{said:?}");
        assert!(host.path("data/networks/torn.damaged").exists());
        assert_eq!(host.defined(), ["default*", "lab*"]);
    }

    #[test]
    fn bridges_and_networks_that_are_not_there_any_more_are_named_with_what_needs_them() {
        let host = Host::new();
        host.define(&network("office", "bridge", "br0"), "office", true);
        host.define(&network("store", "bridge", "br-store"), "store", true);
        assert_eq!(host.files().missing().unwrap().len(), 1);
        let vm = "<domain type='kvm'>\n <name>web</name>\n <interface type='network'>\n  <source network='gone'/>\n \
                  </interface>\n <interface type='bridge'>\n  <source bridge='br7'/>\n </interface>\n \
                  <interface type='bridge'>\n  <source bridge='virbr0'/>\n </interface>\n <interface type='network'>\n \
                  <source network='office' portgroup='x'/>\n </interface>\n</domain>";
        fs::write(host.path("quantix/libvirt/qemu/web.xml"), vm).unwrap();
        let said = host.files().missing().unwrap();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].contains("the network store leads to the bridge br-store"));
        assert!(said[1].contains("the VM web has a NIC on the network gone"));
        assert!(said[2].contains("the VM web has a NIC on the bridge br7"));
    }
}
