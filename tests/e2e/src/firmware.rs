//! UEFI firmware: Debian's OVMF builds and, for each machine, its own copy of the variables.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Where Debian's `ovmf` package puts its builds.
const DIRECTORY: &str = "/usr/share/OVMF";

/// Which firmware a machine starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// Microsoft's keys enrolled, Secure Boot on: what a server from a shop has. System management mode protects
    /// the variables.
    SecureBoot,
    /// No keys, Secure Boot off, no system management mode.
    NoKeys,
}

impl Firmware {
    /// The read-only code image.
    pub fn code(self) -> PathBuf {
        Path::new(DIRECTORY).join(match self {
            Self::SecureBoot => "OVMF_CODE_4M.secboot.fd",
            Self::NoKeys => "OVMF_CODE_4M.fd",
        })
    }

    /// Copies fresh variables to `target`, the machine's own NVRAM.
    ///
    /// # Errors
    /// When OVMF is not installed or `target` can't be written.
    pub fn copy_variables(self, target: &Path) -> Result<()> {
        let source = Path::new(DIRECTORY).join(match self {
            Self::SecureBoot => "OVMF_VARS_4M.ms.fd",
            Self::NoKeys => "OVMF_VARS_4M.fd",
        });
        fs::copy(&source, target).map(drop).with_context(|| {
            format!(
                "cannot copy UEFI variables from {} to {}",
                source.display(),
                target.display()
            )
        })
    }
}
