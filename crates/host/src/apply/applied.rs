//! What the last apply put into force, for programs that show it: a fact about the running system, not
//! the wish in `config.toml`, which may have been edited since.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::durable;

const FILE: &str = "applied.json";

/// The running system's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Whether sshd is started.
    pub ssh_enabled: bool,
}

impl Applied {
    pub(super) fn of(config: &Config) -> Self {
        Self {
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
