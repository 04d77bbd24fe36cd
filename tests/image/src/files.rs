//! The profile's list files: one entry a line, `#` begins a remark.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::products::repository;

/// Entries of a list file: without remarks, blank lines and surrounding space.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
}

/// The build profile, `profiles/quantix`.
pub struct Profile(PathBuf);

impl Profile {
    /// The profile that `make iso` builds.
    #[must_use]
    pub fn quantix() -> Self {
        Self(repository().join("profiles/quantix"))
    }

    /// The text of one of its files.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.0.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Firmware that modules name and the image leaves out on purpose.
    ///
    /// # Errors
    /// When `firmware.conf` can't be read.
    pub fn absent_firmware(&self) -> Result<Vec<String>> {
        let text = self.read("firmware.conf")?;
        Ok(lines(&text)
            .filter_map(|line| line.strip_prefix("absent "))
            .filter_map(|rest| rest.split_whitespace().next())
            .map(str::to_owned)
            .collect())
    }
}
