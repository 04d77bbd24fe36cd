//! Writing a configuration as TOML. Every key is written, so that the file shows what can be set.

use std::fmt::{Display, Write as _};

use super::install::{AnswerFile, Install};
use super::schema::{Config, Ipv4, Ipv6, VERSION};

impl AnswerFile {
    /// The answer file as a TOML document that [`super::parse_answer`] reads back to the same value.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = format!("version = {VERSION}\n");
        if let Some(install) = &self.install {
            write_install(install, &mut out);
        }
        self.config.write_tables(&mut out);
        out
    }
}

fn write_install(install: &Install, out: &mut String) {
    section(out, "install");
    pair(out, "disk", quoted(&install.disk));
    if let Some(mirror) = &install.mirror {
        pair(out, "mirror", quoted(mirror));
    }
    pair(out, "wipe", install.wipe);
    pair(out, "keep_data", install.keep_data);
    pair(out, "poweroff", install.poweroff);
    let sizes = [
        ("efi_mib", install.efi_mib),
        ("system_mib", install.system_mib),
        ("config_mib", install.config_mib),
    ];
    for (key, size) in sizes {
        if let Some(mib) = size {
            pair(out, key, mib);
        }
    }
}

impl Config {
    /// The configuration as a TOML document that [`super::parse`] reads back to the same value.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = format!("version = {VERSION}\n");
        self.write_tables(&mut out);
        out
    }

    fn write_tables(&self, out: &mut String) {
        self.write_system(out);
        section(out, "ssh");
        pair(out, "enabled", self.ssh.enabled);
        pair(out, "authorized_keys", list(&self.ssh.authorized_keys));
        self.write_management(out);
        self.write_updates(out);
    }

    fn write_system(&self, out: &mut String) {
        section(out, "system");
        pair(out, "hostname", quoted(&self.system.hostname));
        pair(out, "timezone", quoted(&self.system.timezone));
        if let Some(hash) = &self.system.root_password_hash {
            pair(out, "root_password_hash", quoted(hash.as_str()));
        }
        pair(out, "ntp", list(&self.system.ntp));
        pair(out, "console", list(&self.system.console));
        pair(out, "kernel_args", list(&self.system.kernel_args));
    }

    fn write_updates(&self, out: &mut String) {
        section(out, "updates");
        pair(out, "feed", optional(self.updates.feed.as_ref()));
        pair(out, "channel", quoted(&self.updates.channel));
        pair(out, "automatic", quoted(self.updates.automatic.as_str()));
        if let Some(window) = &self.updates.window {
            let (days, start) = (list(&window.days), quoted(window.start));
            let minutes = window.minutes;
            pair(
                out,
                "window",
                format!("{{ days = {days}, start = {start}, minutes = {minutes} }}"),
            );
        }
        section(out, "proxy");
        pair(out, "https", optional(self.proxy.https.as_ref()));
        pair(out, "ca_certificates", list(&self.proxy.ca_certificates));
    }

    fn write_management(&self, out: &mut String) {
        let management = &self.management;
        section(out, "network.management");
        pair(out, "interfaces", list(&management.interfaces));
        if management.interfaces.len() > 1 {
            let mode = quoted(management.bond.mode.as_str());
            pair(out, "bond", format!("{{ mode = {mode} }}"));
        }
        pair(out, "vlan", management.vlan.map_or(0, super::VlanId::get));
        let ipv4 = match &management.ipv4 {
            Ipv4::Dhcp => method("dhcp"),
            Ipv4::None => method("none"),
            Ipv4::Static { address, gateway } => fixed(address, gateway.as_ref()),
        };
        pair(out, "ipv4", ipv4);
        let ipv6 = match &management.ipv6 {
            Ipv6::Auto => method("auto"),
            Ipv6::None => method("none"),
            Ipv6::Static { address, gateway } => fixed(address, gateway.as_ref()),
        };
        pair(out, "ipv6", ipv6);
        pair(out, "dns", list(&management.dns));
    }
}

fn section(out: &mut String, name: &str) {
    let _ = writeln!(out, "\n[{name}]");
}

fn pair(out: &mut String, key: &str, value: impl Display) {
    let _ = writeln!(out, "{key} = {value}");
}

fn quoted(value: impl Display) -> String {
    toml::Value::String(value.to_string()).to_string()
}

/// `""` for none.
fn optional(value: Option<&impl Display>) -> String {
    value.map_or_else(|| quoted(""), quoted)
}

fn list(values: &[impl Display]) -> String {
    let quoted: Vec<String> = values.iter().map(quoted).collect();
    format!("[{}]", quoted.join(", "))
}

fn method(name: &str) -> String {
    format!("{{ method = {} }}", quoted(name))
}

fn fixed(address: &impl Display, gateway: Option<&impl Display>) -> String {
    let gateway = gateway
        .map(|g| format!(", gateway = {}", quoted(g)))
        .unwrap_or_default();
    format!(
        "{{ method = \"static\", address = {}{gateway} }}",
        quoted(address)
    )
}
