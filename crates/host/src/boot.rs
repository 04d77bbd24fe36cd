//! How this system was started, as `qx-init` left it in `boot.json`. Read only.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::mirror;
use crate::system_disk::Devices;

/// Where the running image came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// From an ISO or a USB stick; nothing is kept.
    Live,
    /// From an installed slot.
    Slot,
}

/// What backs a directory that outlives a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backing {
    /// A disk partition: survives a reboot.
    Partition,
    /// Memory: lost at the next boot.
    Ram,
}

/// The record of this boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootInfo {
    /// Live medium or slot.
    pub mode: Mode,
    /// `A` or `B` in slot mode.
    pub slot: Option<String>,
    /// Version of the running image, from its signed manifest.
    pub version: String,
    /// 16 hex digits that name the build.
    pub build_id: String,
    /// 16 hex digits that name the key which signed it.
    pub key_id: String,
    /// Device that the image was copied from.
    pub source: String,
    /// Milliseconds that copying and verifying took.
    pub copy_ms: u64,
    /// Bytes copied.
    pub copy_bytes: u64,
    /// Watchdog driver in use, if one could be armed.
    pub watchdog: Option<String>,
    /// What `/quantix` lies on.
    pub config: Backing,
    /// What `/data` lies on.
    pub data: Backing,
    /// Plain sentences about what was wrong but did not stop the boot.
    pub warnings: Vec<String>,
}

/// Why the record could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BootInfoError {
    /// The file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what `qx-init` writes.
    #[error("{path} is not a boot record")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where it went wrong.
        source: serde_json::Error,
    },
}

impl BootInfo {
    /// Reads `boot.json` in `run_dir` (`/run/quantix` on the product).
    ///
    /// # Errors
    /// When the file is missing (the program does not run on a booted Quantix-OS) or malformed.
    pub fn read(run_dir: &Path) -> Result<Self, BootInfoError> {
        let path = run_dir.join("boot.json");
        let text = fs::read(&path).map_err(|source| BootInfoError::Read {
            path: path.clone(),
            source,
        })?;
        serde_json::from_slice(&text).map_err(|source| BootInfoError::Parse { path, source })
    }

    /// As [`BootInfo::read`], and among the warnings is how the mirror of the boot disks stands now.
    ///
    /// # Errors
    /// As [`BootInfo::read`].
    pub fn read_now(run_dir: &Path, devices: &Devices) -> Result<Self, BootInfoError> {
        let mut info = Self::read(run_dir)?;
        if info.mode == Mode::Slot {
            let problems = mirror::problems(Path::new(&info.source), devices);
            info.warnings.extend(problems);
        }
        Ok(info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"mode":"slot","slot":"A","version":"0.1.0","build_id":"00112233aabbccdd",
        "key_id":"8899aabbccddeeff","source":"/dev/vda2","copy_ms":412,"copy_bytes":123731968,
        "watchdog":"iTCO_wdt","config":"partition","data":"ram","warnings":["no data partition found"]}"#;

    #[test]
    fn reads_what_qx_init_writes() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("boot.json"), RECORD).unwrap();
        let info = BootInfo::read(dir.path()).unwrap();
        assert_eq!(info.mode, Mode::Slot);
        assert_eq!(info.slot.as_deref(), Some("A"));
        assert_eq!(info.data, Backing::Ram);
        assert_eq!(info.warnings, ["no data partition found"]);
    }

    #[test]
    fn a_missing_or_torn_record_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            BootInfo::read(dir.path())
                .unwrap_err()
                .to_string()
                .contains("boot.json")
        );
        fs::write(dir.path().join("boot.json"), &RECORD[..40]).unwrap();
        assert!(
            BootInfo::read(dir.path())
                .unwrap_err()
                .to_string()
                .contains("boot.json")
        );
    }
}
