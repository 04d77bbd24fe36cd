//! What the last apply put into force, for programs that show it: a fact about the running system, not
//! the wish in `config.toml`, which may have been edited since.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::{Config, Ipv4};
use crate::durable;
use crate::network::management_interface;

const FILE: &str = "applied.json";

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

/// The running system's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Interface that carries the host's addresses.
    pub interface: String,
    /// How it gets its IPv4 address.
    pub ipv4: Ipv4Method,
    /// Whether sshd is started.
    pub ssh_enabled: bool,
}

impl Applied {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            interface: management_interface(&config.management),
            ipv4: match config.management.ipv4 {
                Ipv4::Dhcp => Ipv4Method::Dhcp,
                Ipv4::Static { .. } => Ipv4Method::Static,
                Ipv4::None => Ipv4Method::None,
            },
            ssh_enabled: config.ssh.enabled,
        }
    }

    /// Reads the record in `run_dir`; `None` where `qx-config` has not run.
    #[must_use]
    pub fn read(run_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(run_dir.join(FILE)).ok()?).ok()
    }

    pub(super) fn write(&self, run_dir: &Path) -> io::Result<()> {
        durable::replace(&run_dir.join(FILE), &serde_json::to_vec(self)?, 0o644)
    }
}
