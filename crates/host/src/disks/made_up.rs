//! A made-up sysfs, procfs and udev for tests.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::probe::Finding;
use super::*;

/// A machine in a directory.
pub(super) struct Machine(tempfile::TempDir);

impl Machine {
    pub(super) fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for dir in ["sys/class/block", "udev", "proc/self"] {
            fs::create_dir_all(machine.path(dir)).unwrap();
        }
        machine.write("proc/self/mountinfo", "22 1 0:21 / / rw - tmpfs tmpfs rw\n");
        machine
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }

    /// A block device at `place` below `sys/devices`, with 8 GiB and these further attributes.
    pub(super) fn device(&self, place: &str, number: &str, attributes: &[(&str, &str)]) {
        let dir = format!("sys/devices/{place}");
        for (attribute, value) in [("size", "16777216"), ("dev", number)] {
            self.write(&format!("{dir}/{attribute}"), value);
        }
        for (attribute, value) in attributes {
            self.write(&format!("{dir}/{attribute}"), value);
        }
        let name = Path::new(place).file_name().unwrap();
        symlink(self.path(&dir), self.path("sys/class/block").join(name)).unwrap();
    }

    pub(super) fn disk(&self, place: &str, number: &str, attributes: &[(&str, &str)]) {
        let usual = [
            ("device/uevent", ""),
            ("queue/logical_block_size", "512"),
            ("queue/physical_block_size", "4096"),
            ("queue/rotational", "0"),
            ("removable", "0"),
            ("ro", "0"),
        ];
        let all: Vec<_> = usual
            .into_iter()
            .chain(attributes.iter().copied())
            .collect();
        self.device(place, number, &all);
    }

    pub(super) fn sources(&self) -> Sources {
        Sources {
            sys: self.path("sys"),
            proc: self.path("proc"),
            udev: self.path("udev"),
            running_from: None,
        }
    }

    pub(super) fn list(&self) -> Vec<Disk> {
        list_with(&self.sources(), &|_| Ok(Finding::default())).unwrap()
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.list()[0].usage.clone()
    }

    /// What the first disk holds when blkid says this about each device.
    pub(super) fn content(&self, said: &[(&str, &[(&str, &str)])]) -> Content {
        let probe = |path: &Path| {
            let pairs = said.iter().find(|(device, _)| Path::new(device) == path);
            Ok(found(pairs.map_or(&[][..], |(_, pairs)| pairs)))
        };
        list_with(&self.sources(), &probe).unwrap()[0]
            .content
            .clone()
    }
}

pub(super) fn found(pairs: &[(&str, &str)]) -> Finding {
    let values: BTreeMap<String, String> = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Finding {
        values,
        ..Finding::default()
    }
}

/// One SATA disk with two partitions.
pub(super) fn with_partitions() -> Machine {
    let machine = Machine::new();
    let sda = "pci0/ata1/host0/target0:0:0/0:0:0:0/block/sda";
    machine.disk(sda, "8:0", &[]);
    for (number, start) in [("2", "4096"), ("1", "2048")] {
        let place = format!("{sda}/sda{number}");
        let attributes = [("partition", number), ("start", start), ("size", "2048")];
        machine.device(&place, &format!("8:{number}"), &attributes);
    }
    machine
}
