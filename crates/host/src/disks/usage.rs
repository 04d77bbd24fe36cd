//! Whether a disk is in use: mounted, swap, under device mapper or software RAID, or what we run from.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::facts::{Device, Holder, HolderKind};
use super::{Disk, ListError, Sources, plain};

/// Why a disk is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "by")]
pub enum Usage {
    /// The system was started from it.
    RunningFrom,
    /// It or a partition is mounted at this place.
    Mounted(String),
    /// It or a partition is swap space.
    Swap,
    /// These devices of the kernel lie on it, software RAID or LVM, and nobody uses them: udev starts what it
    /// finds. In the order in which they can be stopped.
    Assembled(Vec<String>),
    /// This device of the kernel lies on it: device mapper (encryption, multipath).
    Held(String),
    /// The kernel says that somebody has it for themselves.
    Claimed,
}

/// A clause that completes "DISK …".
impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunningFrom => f.write_str("is what this system was started from"),
            Self::Mounted(place) => write!(f, "is mounted on {place}"),
            Self::Swap => f.write_str("is in use as swap space"),
            Self::Assembled(names) => {
                write!(f, "is part of {} (RAID or LVM)", names.join(", "))
            }
            Self::Held(holder) => {
                write!(f, "is in use by {holder} (encryption or multipath)")
            }
            Self::Claimed => f.write_str("is held by another program"),
        }
    }
}

/// Everybody who uses block devices, read once for all disks.
pub(super) struct Users {
    mounts: Vec<Mount>,
    swaps: Vec<PathBuf>,
    running_from: Option<PathBuf>,
}

struct Mount {
    /// `MAJOR:MINOR`; a number of its own for file systems that span devices.
    number: String,
    place: String,
    source: PathBuf,
}

impl Users {
    pub(super) fn read(sources: &Sources) -> Result<Self, ListError> {
        let mounts = sources.proc.join("self/mountinfo");
        let text = fs::read(&mounts).map_err(|source| ListError::new(&mounts, source))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(Self {
            mounts: text.lines().filter_map(mount).collect(),
            swaps: swaps(&sources.proc.join("swaps"))?,
            running_from: sources.running_from.clone(),
        })
    }

    /// Why the disk is in use; `devices` are the disk and its partitions.
    pub(super) fn of(&self, disk: &Disk, devices: &[Device]) -> Option<Usage> {
        let is_ours = |path: &Path| {
            devices.iter().any(|device| device.path == path) || disk.links.iter().any(|l| l == path)
        };
        if self.running_from.as_deref().is_some_and(is_ours) {
            return Some(Usage::RunningFrom);
        }
        let all: Vec<&Device> = devices.iter().flat_map(with_holders).collect();
        let is_used = |path: &Path| is_ours(path) || all.iter().any(|device| device.path == path);
        let mounted = self.mounts.iter().find(|mount| {
            is_used(&mount.source) || all.iter().any(|device| device.number == mount.number)
        });
        if let Some(mount) = mounted {
            return Some(Usage::Mounted(mount.place.clone()));
        }
        if self.swaps.iter().any(|path| is_used(path)) {
            return Some(Usage::Swap);
        }
        let mut stack = Vec::new();
        devices.iter().for_each(|device| pile(device, &mut stack));
        let kept = stack.iter().find(|holder| holder.kind == HolderKind::Other);
        match kept {
            Some(holder) => Some(Usage::Held(plain(&holder.name, 64))),
            None if stack.is_empty() => None,
            None => {
                let names = stack.iter().map(|holder| plain(&holder.name, 64));
                Some(Usage::Assembled(names.collect()))
            }
        }
    }
}

/// A device and everything that lies on it.
fn with_holders(device: &Device) -> Vec<&Device> {
    let on = device.holders.iter().flat_map(|holder| &holder.devices);
    std::iter::once(device)
        .chain(on.flat_map(with_holders))
        .collect()
}

/// What lies on a device, uppermost first, each once.
fn pile<'a>(device: &'a Device, stack: &mut Vec<&'a Holder>) {
    for holder in &device.holders {
        holder.devices.iter().for_each(|device| pile(device, stack));
        if !stack.iter().any(|known| known.name == holder.name) {
            stack.push(holder);
        }
    }
}

/// One line of mountinfo (proc(5)): id, parent, number, root, place, options, …, `-`, type, source, options.
fn mount(line: &str) -> Option<Mount> {
    let mut words = line.split(' ');
    let number = words.nth(2)?.to_owned();
    let place = plain(&unescape(words.nth(1)?), 80);
    let source = words.skip_while(|word| *word != "-").nth(2)?;
    Some(Mount {
        number,
        place,
        source: PathBuf::from(unescape(source)),
    })
}

fn swaps(path: &Path) -> Result<Vec<PathBuf>, ListError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        // A kernel without swap.
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(ListError::new(path, error)),
    };
    let lines = text.lines().skip(1);
    Ok(lines
        .filter_map(|line| line.split_whitespace().next())
        .map(|name| PathBuf::from(unescape(name)))
        .collect())
}

/// procfs writes white space and backslashes as three octal digits.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|d| u8::from_str_radix(d, 8).ok());
        match code {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &after[3..];
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
