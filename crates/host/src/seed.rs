//! The answer file of an unattended installation: `quantix.toml` on a volume labelled `QX-SEED`, with a
//! FAT or ISO 9660 file system.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// The volume's label.
pub const LABEL: &str = "QX-SEED";
/// The file on it.
pub const FILE: &str = "quantix.toml";
/// Far above any answer file.
const LONGEST: u64 = 1 << 20;
/// `blkid` when nothing has that label.
const NOTHING_FOUND: i32 = 2;

/// Why there is no answer file although there may be a volume for it.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// `blkid` could not be run.
    #[error("cannot look for a volume labelled {LABEL}: {0}")]
    Search(String),
    /// Which one counts would be chance.
    #[error("several volumes are labelled {LABEL} ({0}): leave one of them in the machine")]
    Several(String),
    /// Neither FAT nor ISO 9660.
    #[error("the volume {LABEL} on {device} cannot be read: {source}. It must be FAT or ISO 9660")]
    Mount {
        /// Its node.
        device: String,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing to save to.
    #[error(
        "no volume labelled {LABEL} was found: put in a stick with a FAT file system of that label"
    )]
    Absent,
    /// It can't be written.
    #[error(
        "{FILE} on the volume {LABEL} ({device}) cannot be written: {source}. A disc can't be; is the stick write-protected or full?"
    )]
    Write {
        /// Its node.
        device: String,
        /// What the system said.
        source: io::Error,
    },
    /// No `quantix.toml`, or it can't be read.
    #[error("{FILE} on the volume {LABEL} ({device}) cannot be read: {source}")]
    Read {
        /// Its node.
        device: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The text of the answer file; looks at every disk, disc and stick. `Ok(None)`: no volume has the label. `scratch` is an empty directory
/// that the volume is mounted on for a moment, read-only.
///
/// # Errors
/// When there is a volume whose file cannot be had.
pub fn find(scratch: &Path) -> Result<Option<String>, SeedError> {
    let devices = labelled(LABEL)?;
    match devices.as_slice() {
        [] => Ok(None),
        [device] => read(device, scratch).map(Some),
        several => Err(SeedError::Several(several.join(", "))),
    }
}

/// Writes `text` as the answer file of the volume, in place of the one that it has; returns the volume's node.
/// `scratch` is an empty directory that the volume is mounted on for a moment.
///
/// # Errors
/// When there is no such volume, or more than one, or it can't be written.
pub fn save(text: &str, scratch: &Path) -> Result<String, SeedError> {
    let mut devices = labelled(LABEL)?;
    if devices.len() > 1 {
        return Err(SeedError::Several(devices.join(", ")));
    }
    let device = devices.pop().ok_or(SeedError::Absent)?;
    write(&device, text, scratch).map_err(|source| SeedError::Write {
        device: device.clone(),
        source,
    })?;
    Ok(device)
}

fn write(device: &str, text: &str, scratch: &Path) -> io::Result<()> {
    fs::create_dir_all(scratch)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount(device, scratch, "vfat", flags, None)?;
    let written = File::create(scratch.join(FILE)).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let unmounted = unmount(scratch, UnmountFlags::empty());
    written?;
    Ok(unmounted?)
}

/// The nodes of all volumes with this label, looked for afresh.
fn labelled(label: &str) -> Result<Vec<String>, SeedError> {
    let output = Command::new("/usr/sbin/blkid")
        .args(["-c", "/dev/null", "-o", "device", "-t"])
        .arg(format!("LABEL={label}"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| SeedError::Search(error.to_string()))?;
    if !output.status.success() && output.status.code() != Some(NOTHING_FOUND) {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(SeedError::Search(format!(
            "blkid: {} {said}",
            output.status
        )));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

fn read(device: &str, scratch: &Path) -> Result<String, SeedError> {
    mount_either(device, scratch).map_err(|source| SeedError::Mount {
        device: device.to_owned(),
        source,
    })?;
    let text = text_of(&scratch.join(FILE));
    let unmounted = unmount(scratch, UnmountFlags::DETACH);
    let text = text.and_then(|text| Ok(unmounted.map(|()| text)?));
    text.map_err(|source| SeedError::Read {
        device: device.to_owned(),
        source,
    })
}

fn mount_either(device: &str, scratch: &Path) -> io::Result<()> {
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount(device, scratch, "vfat", flags, None)
        .or_else(|_| mount(device, scratch, "iso9660", flags, None))?;
    Ok(())
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(LONGEST + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(text)
}
