//! The disks of this machine, for people and for machines.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use qx_host::boot::{BootInfo, BootInfoError};
use qx_host::disks::{self, Disk, Sources, size_words};

/// Lists the disks, with the one that this system was started from (its boot record is in `run_dir`)
/// marked as in use.
///
/// # Errors
/// When the disks can't be listed or the boot record is damaged.
pub fn list(run_dir: &Path) -> Result<Vec<Disk>> {
    let sources = Sources {
        running_from: running_from(run_dir)?,
        ..Sources::default()
    };
    disks::list(&sources).map_err(Into::into)
}

/// The device in the boot record; `None` on a machine that does not run Quantix-OS.
fn running_from(run_dir: &Path) -> Result<Option<PathBuf>> {
    match BootInfo::read(run_dir) {
        Ok(info) => Ok(Some(PathBuf::from(info.source))),
        Err(BootInfoError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error).context("cannot tell which disk this system was started from"),
    }
}

/// One JSON array, an object for each disk.
///
/// # Errors
/// When a device's path is not UTF-8, which JSON can't hold.
pub fn json(disks: &[Disk]) -> Result<String> {
    serde_json::to_string_pretty(disks).context("cannot write the disks as JSON")
}

/// A table, or a sentence when there are none.
#[must_use]
pub fn table(disks: &[Disk]) -> String {
    if disks.is_empty() {
        return "This machine shows no disk that could hold the system: check its cables and, in the firmware's \
                setup, the controller's mode."
            .to_owned();
    }
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_header(["DISK", "SIZE", "BUS", "MODEL", "SERIAL", "WWN", "CONTENT"]);
    table.add_rows(disks.iter().map(row));
    table.trim_fmt()
}

fn row(disk: &Disk) -> [String; 7] {
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let removable = if disk.removable { ", removable" } else { "" };
    let content = match &disk.usage {
        Some(usage) => format!("{usage}; {}", disk.content),
        None => disk.content.to_string(),
    };
    [
        disk.path.display().to_string(),
        size_words(disk.size_bytes),
        format!("{}{removable}", disk.bus),
        known(&disk.model),
        known(&disk.serial),
        known(&disk.wwn),
        content,
    ]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use qx_host::disks::{Bus, Content, Partition, Usage};

    use super::*;

    fn disk() -> Disk {
        Disk {
            name: "sda".to_owned(),
            path: PathBuf::from("/dev/sda"),
            links: vec![PathBuf::from("/dev/disk/by-id/ata-x")],
            size_bytes: 240_057_409_536,
            logical_block_bytes: 512,
            physical_block_bytes: 4096,
            model: Some("SAMSUNG MZ7LH240".to_owned()),
            serial: Some("S45NNC0R".to_owned()),
            wwn: None,
            bus: Bus::Ata,
            rotational: false,
            removable: false,
            content: Content::Data("GPT with 1 partition (1: swap space)".to_owned()),
            usage: Some(Usage::Swap),
            partitions: vec![Partition {
                name: "sda1".to_owned(),
                number: 1,
                start_bytes: 1 << 20,
                size_bytes: 1 << 30,
                content: "swap space".to_owned(),
                signature: Some("swap".to_owned()),
                ..Partition::default()
            }],
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_disk() {
        let stick = Disk {
            path: PathBuf::from("/dev/sdb"),
            bus: Bus::Usb,
            removable: true,
            serial: None,
            content: Content::Empty,
            usage: None,
            ..disk()
        };
        let text = table(&[disk(), stick]);
        let words: Vec<Vec<&str>> = text
            .lines()
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|word| !word.is_empty())
                    .collect()
            })
            .collect();
        assert_eq!(
            words[0],
            ["DISK", "SIZE", "BUS", "MODEL", "SERIAL", "WWN", "CONTENT"]
        );
        assert_eq!(
            words[1],
            [
                "/dev/sda",
                "240 GB",
                "ata",
                "SAMSUNG MZ7LH240",
                "S45NNC0R",
                "-",
                "is in use as swap space; GPT with 1 partition (1: swap space)"
            ]
        );
        assert_eq!(
            words[2],
            [
                "/dev/sdb",
                "240 GB",
                "usb, removable",
                "SAMSUNG MZ7LH240",
                "-",
                "-",
                "empty"
            ]
        );
        assert!(table(&[]).starts_with("This machine shows no disk"));
    }

    #[test]
    fn the_json_says_everything_by_name() {
        let value: serde_json::Value = serde_json::from_str(&json(&[disk()]).unwrap()).unwrap();
        let expected = serde_json::json!([{
            "name": "sda",
            "path": "/dev/sda",
            "links": ["/dev/disk/by-id/ata-x"],
            "size_bytes": 240_057_409_536_u64,
            "logical_block_bytes": 512,
            "physical_block_bytes": 4096,
            "model": "SAMSUNG MZ7LH240",
            "serial": "S45NNC0R",
            "wwn": null,
            "bus": "ata",
            "rotational": false,
            "removable": false,
            "content": {"kind": "data", "description": "GPT with 1 partition (1: swap space)"},
            "usage": {"kind": "swap"},
            "partitions": [{
                "name": "sda1",
                "number": 1,
                "start_bytes": 1_048_576,
                "size_bytes": 1_073_741_824,
                "content": "swap space",
                "type_guid": null,
                "signature": "swap",
                "uuid": null
            }]
        }]);
        assert_eq!(value, expected);
    }

    #[test]
    fn the_boot_record_names_the_disk_that_is_spared() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(running_from(dir.path()).unwrap(), None);
        let record = r#"{"mode":"live","slot":null,"version":"0.1.0","build_id":"00112233aabbccdd",
            "key_id":"8899aabbccddeeff","source":"/dev/sdb","copy_ms":1,"copy_bytes":1,
            "watchdog":null,"config":"ram","data":"ram","warnings":[]}"#;
        fs::write(dir.path().join("boot.json"), record).unwrap();
        assert_eq!(
            running_from(dir.path()).unwrap(),
            Some(PathBuf::from("/dev/sdb"))
        );
        fs::write(dir.path().join("boot.json"), "{").unwrap();
        let error = running_from(dir.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot tell which disk this system was started from"
        );
    }
}
