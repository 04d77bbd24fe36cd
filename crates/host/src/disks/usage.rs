//! Whether a disk is in use: mounted, swap, under device mapper or software RAID, or what we run from.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::facts::Device;
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
    /// This device of the kernel lies on it: device mapper (LVM, encryption, multipath) or software RAID.
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
            Self::Held(holder) => {
                write!(
                    f,
                    "is in use by {holder} (LVM, encryption, multipath or RAID)"
                )
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
        let mounted = self.mounts.iter().find(|mount| {
            is_ours(&mount.source) || devices.iter().any(|device| device.number == mount.number)
        });
        if let Some(mount) = mounted {
            return Some(Usage::Mounted(mount.place.clone()));
        }
        if self.swaps.iter().any(|path| is_ours(path)) {
            return Some(Usage::Swap);
        }
        let holder = devices.iter().flat_map(|device| &device.holders).next();
        holder.map(|name| Usage::Held(plain(name, 64)))
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
