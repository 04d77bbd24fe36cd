//! udev's database: what it knows of a block device beyond sysfs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// udev's record of one device; empty where udev does not run.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Links to the device's node.
    pub(super) links: Vec<PathBuf>,
    properties: BTreeMap<String, String>,
}

impl Record {
    /// The record of block device `number` (`8:0`) in `directory` (`/run/udev/data`).
    pub(super) fn read(directory: &Path, number: &str) -> Self {
        let bytes = fs::read(directory.join(format!("b{number}"))).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    fn parse(text: &str) -> Self {
        let mut record = Self::default();
        for line in text.lines() {
            if let Some(link) = line.strip_prefix("S:") {
                record.links.push(Path::new("/dev").join(link));
            } else if let Some((key, value)) = line
                .strip_prefix("E:")
                .and_then(|pair| pair.split_once('='))
            {
                record.properties.insert(key.to_owned(), value.to_owned());
            }
        }
        record.links.sort();
        record
    }

    /// The first of these properties that is there and not blank.
    pub(super) fn first(&self, keys: &[&str]) -> Option<&str> {
        keys.iter()
            .filter_map(|key| self.properties.get(*key))
            .map(|value| value.trim())
            .find(|value| !value.is_empty())
    }
}
