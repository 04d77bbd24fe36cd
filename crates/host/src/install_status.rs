//! What an unattended installation is doing, for screens: `install.json` in the run directory.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::durable;

const FILE: &str = "install.json";

/// How far an installation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Under way.
    Running,
    /// Over, and the disk is not usable.
    Failed,
    /// Over; the machine leaves the medium next.
    Done,
}

/// The state of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallStatus {
    /// How far it is.
    pub phase: Phase,
    /// What happens now, or how it ended: one plain sentence.
    pub summary: String,
    /// How much of the work is done, 0 to 100; none before it is known.
    pub percent: Option<u8>,
    /// Bytes a second that the present step reads or writes.
    pub bytes_per_second: Option<u64>,
    /// What is wrong, in plain sentences, with line and key of the answer file where there is one.
    pub problems: Vec<String>,
}

impl InstallStatus {
    /// Reads `install.json` in `run_dir`; `None` when nothing was installed since the boot.
    #[must_use]
    pub fn read(run_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(run_dir.join(FILE)).ok()?).ok()
    }

    /// Writes `install.json` in `run_dir`, which is made when it is missing.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, run_dir: &Path) -> io::Result<()> {
        fs::create_dir_all(run_dir)?;
        durable::replace(&run_dir.join(FILE), &serde_json::to_vec(self)?, 0o644)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(InstallStatus::read(dir.path()), None);
        let status = InstallStatus {
            phase: Phase::Running,
            summary: "Writing slot A".into(),
            percent: Some(42),
            bytes_per_second: Some(120_000_000),
            problems: vec![],
        };
        status.write(dir.path()).unwrap();
        assert_eq!(InstallStatus::read(dir.path()), Some(status));
    }
}
