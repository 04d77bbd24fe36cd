//! TOML → configuration. Says what is wrong with every key at once; what the keys mean is `schema`'s.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::str::FromStr;

use toml::de::DeTable;

use super::decode::{Reader, Section};
use super::install::{AnswerFile, read_install};
use super::kernel::check_kernel;
use super::problem::Problem;
use super::schema::{Bond, Config, Ipv4, Ipv6, Management, Proxy, Ssh, System, Updates, VERSION};
use super::types::{InterfaceSelector, Ipv4Cidr, Ipv6Cidr, PasswordHash, VlanId};
use super::window::{Automatic, Day, LEAST_MINUTES, MOST_MINUTES, Window};
use crate::accounts;

/// Longest file that is read at all, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// A configuration as read, with what its text held besides.
#[derive(PartialEq, Eq)]
pub struct Parsed {
    /// The values; a plain-text password is already a hash here.
    pub config: Config,
    /// Where `root_password = "…"` stands in the text, which must not stay on disk.
    pub plain_password: Option<Range<usize>>,
}

impl fmt::Debug for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parsed")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Reads a configuration.
///
/// # Errors
/// Every fault that it has, in the order of the file.
pub fn parse(text: &str) -> Result<Parsed, Vec<Problem>> {
    read_document(text, |root| {
        root.refuse(
            "install",
            "belongs in an answer file (quantix.toml on a volume labelled QX-SEED, or what quantix.seed= \
             names), not in a host's configuration: remove the table",
        );
        read_root(root)
    })
}

/// Reads an answer file: a configuration that may have an `[install]` table.
///
/// # Errors
/// Every fault that it has, in the order of the file.
pub fn parse_answer(text: &str) -> Result<AnswerFile, Vec<Problem>> {
    read_document(text, |root| AnswerFile {
        config: read_root(root).config,
        install: root.table("install", read_install),
    })
}

fn read_document<T>(
    text: &str,
    read: impl FnOnce(&mut Section<'_, '_, '_>) -> T,
) -> Result<T, Vec<Problem>> {
    if text.len() > MOST_BYTES {
        let message = format!(
            "the file is {} bytes; at most {MOST_BYTES} are read",
            text.len()
        );
        return Err(vec![Problem { line: 0, message }]);
    }
    let mut reader = Reader::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        reader.fault(offset, format!("not TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        return Err(reader.problems);
    }
    let mut root = reader.section(document.get_ref(), "");
    let value = read(&mut root);
    root.finish();
    let mut problems = reader.problems;
    problems.sort_by_key(|problem| problem.line);
    if problems.is_empty() {
        Ok(value)
    } else {
        Err(problems)
    }
}

fn read_root(root: &mut Section<'_, '_, '_>) -> Parsed {
    match root.number::<u32>("version") {
        Some(VERSION) => {}
        Some(other) => root.fault(
            "version",
            format!("is {other}; this release reads version {VERSION}"),
        ),
        None if root.has("version") => {}
        None => root.missing("version", "write `version = 1` on top"),
    }
    let mut parsed = Parsed {
        config: Config::default(),
        plain_password: None,
    };
    root.table("system", |section| read_system(section, &mut parsed));
    let ssh = root.table("ssh", read_ssh);
    let management = root.table("network", |network| {
        network.table("management", read_management)
    });
    let updates = root.table("updates", read_updates);
    let proxy = root.table("proxy", read_proxy);
    parsed.config.updates = updates.unwrap_or_default();
    parsed.config.proxy = proxy.unwrap_or_default();
    parsed.config.ssh = ssh.unwrap_or_default();
    parsed.config.management = management.flatten().unwrap_or_default();
    parsed
}

fn read_system(section: &mut Section<'_, '_, '_>, parsed: &mut Parsed) {
    let default = System::default();
    let hash = section.parsed("root_password_hash");
    let plain = section.text("root_password");
    if let Some(password) = plain {
        if section.has("root_password_hash") {
            section.fault(
                "root_password",
                "and `root_password_hash` exclude each other",
            );
        }
        if let Err(reason) = accounts::check_password(password) {
            section.fault("root_password", reason);
        }
        parsed.plain_password = section.span("root_password");
    }
    parsed.config.system = System {
        hostname: section.parsed("hostname").unwrap_or(default.hostname),
        timezone: section.parsed("timezone").unwrap_or(default.timezone),
        root_password_hash: plain.and_then(|text| hash_plain(section, text)).or(hash),
        ntp: section.list("ntp", 16).unwrap_or(default.ntp),
        console: section.list("console", 5).unwrap_or(default.console),
        kernel_args: section.list("kernel_args", 32).unwrap_or_default(),
    };
    check_kernel(section, &parsed.config);
}

fn hash_plain(section: &mut Section<'_, '_, '_>, password: &str) -> Option<PasswordHash> {
    match accounts::hash_password(password) {
        Ok(hash) => hash.parse().ok(),
        Err(error) => {
            section.fault("root_password", format!("cannot be hashed: {error}"));
            None
        }
    }
}

fn read_ssh(section: &mut Section<'_, '_, '_>) -> Ssh {
    Ssh {
        enabled: section.flag("enabled").unwrap_or(false),
        authorized_keys: section.list("authorized_keys", 256).unwrap_or_default(),
    }
}

fn read_updates(section: &mut Section<'_, '_, '_>) -> Updates {
    let updates = Updates {
        feed: optional(section, "feed"),
        channel: section.parsed("channel").unwrap_or_default(),
        automatic: section.parsed("automatic").unwrap_or_default(),
        window: section.table("window", read_window).flatten(),
    };
    if updates.automatic != Automatic::Off && updates.feed.is_none() {
        section.fault("automatic", "needs a `feed`");
    }
    if updates.automatic == Automatic::Apply && !section.has("window") {
        section.fault("automatic", "is \"apply\", which needs a `window`");
    }
    updates
}

fn read_window(section: &mut Section<'_, '_, '_>) -> Option<Window> {
    let days: Option<Vec<Day>> = section.list("days", 7);
    let start = section.parsed("start");
    let minutes: Option<u16> = section.number("minutes");
    for (key, wanted) in [
        ("days", "it lists the days on which the window opens"),
        ("start", "it is the time at which the window opens"),
        ("minutes", "it says for how long the window is open"),
    ] {
        if !section.has(key) {
            section.missing(key, wanted);
        }
    }
    let mut days = days?;
    days.sort_unstable();
    days.dedup();
    if days.is_empty() {
        section.fault("days", "must name a day");
    }
    let minutes = minutes?;
    if !(LEAST_MINUTES..=MOST_MINUTES).contains(&minutes) {
        let range = format!("must be {LEAST_MINUTES} to {MOST_MINUTES}");
        section.fault("minutes", range);
    }
    Some(Window {
        days,
        start: start?,
        minutes,
    })
}

fn read_proxy(section: &mut Section<'_, '_, '_>) -> Proxy {
    Proxy {
        https: optional(section, "https"),
        ca_certificates: section.list("ca_certificates", 32).unwrap_or_default(),
    }
}

/// A value, or `""` for none.
fn optional<T>(section: &mut Section<'_, '_, '_>, key: &'static str) -> Option<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    let text = section.text(key).filter(|text| !text.is_empty())?;
    text.parse()
        .map_err(|reason| section.fault(key, reason))
        .ok()
}

fn read_management(section: &mut Section<'_, '_, '_>) -> Management {
    let default = Management::default();
    let interfaces: Vec<InterfaceSelector> =
        section.list("interfaces", 8).unwrap_or(default.interfaces);
    check_interfaces(section, &interfaces);
    let bond = section.table("bond", |bond| Bond {
        mode: bond.parsed("mode").unwrap_or_default(),
    });
    if bond.is_some() && interfaces.len() < 2 {
        section.fault("bond", "needs two or more `interfaces`");
    }
    let vlan = match section.number::<u16>("vlan") {
        None | Some(0) => None,
        Some(id) => VlanId::try_from(id)
            .map_err(|reason| section.fault("vlan", reason))
            .ok(),
    };
    Management {
        interfaces,
        bond: bond.unwrap_or_default(),
        vlan,
        ipv4: section.table("ipv4", read_ipv4).unwrap_or(default.ipv4),
        ipv6: section.table("ipv6", read_ipv6).unwrap_or(default.ipv6),
        dns: section.list("dns", 3).unwrap_or_default(),
    }
}

fn check_interfaces(section: &mut Section<'_, '_, '_>, interfaces: &[InterfaceSelector]) {
    if interfaces.is_empty() {
        section.fault("interfaces", "must name a card, or be [\"auto\"]");
    }
    if interfaces.len() > 1 && interfaces.contains(&InterfaceSelector::Auto) {
        section.fault("interfaces", "must be \"auto\" alone, or name every card");
    }
    let repeated = (1..interfaces.len()).any(|i| interfaces[..i].contains(&interfaces[i]));
    if repeated {
        section.fault("interfaces", "names a card twice");
    }
}

fn read_ipv4(section: &mut Section<'_, '_, '_>) -> Ipv4 {
    let method = section.text("method");
    let address: Option<Ipv4Cidr> = section.parsed("address");
    let gateway: Option<Ipv4Addr> = section.parsed("gateway");
    match method {
        Some("static") => {}
        Some(other @ ("dhcp" | "none")) => {
            refuse_address(section, other);
            return if other == "dhcp" {
                Ipv4::Dhcp
            } else {
                Ipv4::None
            };
        }
        _ => {
            wrong_method(section, "\"dhcp\", \"static\" or \"none\"");
            return Ipv4::Dhcp;
        }
    }
    let Some(address) = address else {
        if !section.has("address") {
            section.missing("address", "a static address needs one");
        }
        return Ipv4::Dhcp;
    };
    if gateway.is_some_and(|gateway| !address.contains(gateway)) {
        section.fault("gateway", format!("is not in the network of {address}"));
    }
    if gateway.is_some_and(|gateway| gateway == address.address()) {
        section.fault("gateway", "is the host's own address");
    }
    Ipv4::Static { address, gateway }
}

fn read_ipv6(section: &mut Section<'_, '_, '_>) -> Ipv6 {
    let method = section.text("method");
    let address: Option<Ipv6Cidr> = section.parsed("address");
    let gateway: Option<Ipv6Addr> = section.parsed("gateway");
    match method {
        Some("static") => {}
        Some(other @ ("auto" | "none")) => {
            refuse_address(section, other);
            return if other == "auto" {
                Ipv6::Auto
            } else {
                Ipv6::None
            };
        }
        _ => {
            wrong_method(section, "\"auto\", \"static\" or \"none\"");
            return Ipv6::Auto;
        }
    }
    let Some(address) = address else {
        if !section.has("address") {
            section.missing("address", "a static address needs one");
        }
        return Ipv6::Auto;
    };
    let reachable =
        |gateway: Ipv6Addr| address.contains(gateway) || gateway.is_unicast_link_local();
    if gateway.is_some_and(|gateway| !reachable(gateway)) {
        section.fault(
            "gateway",
            format!("is neither in the network of {address} nor link-local"),
        );
    }
    Ipv6::Static { address, gateway }
}

fn refuse_address(section: &mut Section<'_, '_, '_>, method: &str) {
    for key in ["address", "gateway"] {
        if section.has(key) {
            section.fault(key, format!("has no meaning with method \"{method}\""));
        }
    }
}

fn wrong_method(section: &mut Section<'_, '_, '_>, wanted: &str) {
    if section.has("method") {
        section.fault("method", format!("must be {wanted}"));
    } else {
        section.missing("method", &format!("it must be {wanted}"));
    }
}
