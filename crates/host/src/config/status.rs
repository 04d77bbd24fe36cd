//! What became of the configuration at the last `qx-config apply`, for screens and the API.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::durable;

const FILE: &str = "config-status.json";

/// Which configuration is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// `config.toml` as it stands.
    Current,
    /// An older generation, because `config.toml` is unusable.
    Generation,
    /// Built-in defaults: there was nothing usable.
    Defaults,
}

/// The outcome of the last `qx-config apply`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Which configuration is in force.
    pub source: Source,
    /// Its generation number; none for defaults and where generations cannot be written.
    pub generation: Option<u64>,
    /// Plain sentences; empty when all is well.
    pub problems: Vec<String>,
}

impl Status {
    /// Reads `config-status.json` in `run_dir`; `None` before the first apply or when it is unreadable.
    #[must_use]
    pub fn read(run_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(run_dir.join(FILE)).ok()?).ok()
    }

    /// Writes `config-status.json` in `run_dir`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, run_dir: &Path) -> io::Result<()> {
        durable::replace(&run_dir.join(FILE), &serde_json::to_vec(self)?, 0o644)
    }
}
