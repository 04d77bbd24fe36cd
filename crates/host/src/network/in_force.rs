//! What the last run put into force, for programs that show it: a fact about the running system, not the wish in
//! `config.toml`, which may have been edited since.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::{Config, Ipv4, Management, parse};
use crate::durable;

const FILE: &str = "network.json";

/// Where the IPv4 address of the management interface comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ipv4Method {
    /// A DHCP server.
    Dhcp,
    /// The configuration.
    Static,
    /// There is none.
    None,
}

impl From<&Ipv4> for Ipv4Method {
    fn from(ipv4: &Ipv4) -> Self {
        match ipv4 {
            Ipv4::Dhcp => Self::Dhcp,
            Ipv4::Static { .. } => Self::Static,
            Ipv4::None => Self::None,
        }
    }
}

/// The host's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// Interface that carries the host's addresses.
    pub interface: String,
    /// How it gets its IPv4 address.
    pub ipv4: Ipv4Method,
    /// Interface that a DHCP client was started on.
    pub dhcp: Option<String>,
    /// Whether the VLANs of VMs pass between the bridge and the network.
    pub open: bool,
    /// The configuration's text with the network that was brought up.
    pub text: String,
    /// What is not as the configuration wants it.
    pub problems: Vec<String>,
}

impl InForce {
    /// Reads the record in `run_dir`; `None` where no network was brought up.
    #[must_use]
    pub fn read(run_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(run_dir.join(FILE)).ok()?).ok()
    }

    /// Writes the record in `run_dir`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, run_dir: &Path) -> io::Result<()> {
        durable::replace(&run_dir.join(FILE), &serde_json::to_vec(self)?, 0o644)
    }
}

/// A network as text: a configuration that says nothing else.
#[must_use]
pub fn text_of(management: Management) -> String {
    let config = Config {
        management,
        ..Config::default()
    };
    config.to_toml()
}

/// The network in such a text.
pub(super) fn network_of(text: &str) -> Option<Management> {
    parse(text).ok().map(|parsed| parsed.config.management)
}

/// What is wrong with the network that is in force.
pub(crate) fn problems(run_dir: &Path) -> Vec<String> {
    InForce::read(run_dir).map_or(Vec::new(), |network| network.problems)
}
