//! Storage: pools, and the volumes in them that VMs have as disks. The wish (`PoolSpec`, `VolumeSpec`) and what was
//! observed (`Pool`, `Volume`) are different types.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::name::{PoolName, VolumeName};
use crate::vm::{FieldError, VmId, check_disk_size};

/// A pool's identity for life: libvirt's UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PoolId(pub Uuid);

impl PoolId {
    /// A new identity, never used before.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a pool is made of, with all that is needed to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolSource {
    /// A directory of the host; volumes are files.
    Directory,
    /// A disk of the host with an XFS file system that was made for the pool, by its unique id.
    Disk {
        /// Of the file system.
        filesystem: Uuid,
    },
    /// An export of an NFS server.
    Nfs {
        /// Name or address.
        host: String,
        /// The export's absolute path on the server.
        export: String,
    },
    /// A volume group of LVM; volumes are block devices.
    Lvm {
        /// Its name.
        group: String,
        /// Disks to make the group of; none takes one that is there.
        devices: Vec<PathBuf>,
    },
    /// A target of an iSCSI server; its LUNs are the volumes, which are made on the server.
    Iscsi {
        /// Name or address of the portal.
        host: String,
        /// 3260 if not given.
        port: Option<u16>,
        /// The target's IQN.
        target: String,
        /// Our own IQN; the host's if not given.
        initiator: Option<String>,
    },
}

/// The kind of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// [`PoolSource::Directory`].
    Directory,
    /// [`PoolSource::Disk`].
    Disk,
    /// [`PoolSource::Nfs`].
    Nfs,
    /// [`PoolSource::Lvm`].
    Lvm,
    /// [`PoolSource::Iscsi`].
    Iscsi,
    /// Something that others defined.
    Other,
}

impl PoolKind {
    /// Whether volumes are files, and not block devices.
    #[must_use]
    pub const fn has_files(self) -> bool {
        matches!(self, Self::Directory | Self::Disk | Self::Nfs)
    }

    /// Whether volumes can be made and removed in it.
    #[must_use]
    pub const fn makes_volumes(self) -> bool {
        self.has_files() || matches!(self, Self::Lvm)
    }
}

impl PoolSource {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> PoolKind {
        match self {
            Self::Directory => PoolKind::Directory,
            Self::Disk { .. } => PoolKind::Disk,
            Self::Nfs { .. } => PoolKind::Nfs,
            Self::Lvm { .. } => PoolKind::Lvm,
            Self::Iscsi { .. } => PoolKind::Iscsi,
        }
    }
}

/// A pool as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSpec {
    /// Chosen by the client, or by the engine.
    pub id: PoolId,
    /// Unique on this host.
    pub name: PoolName,
    /// Where its files are on the host, or where it is mounted; of LVM `/dev/GROUP`, of iSCSI `/dev/disk/by-path`.
    pub target: PathBuf,
    /// What it is made of.
    pub source: PoolSource,
    /// Start with the host.
    pub autostart: bool,
}

impl PoolSpec {
    /// Every broken rule but those of [`PoolSpec::target`], which the engine knows.
    #[must_use]
    pub fn check(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        let mut refuse = |field: &str, reason: &str| found.push(FieldError::new(field, reason));
        match &self.source {
            PoolSource::Directory | PoolSource::Disk { .. } => {}
            PoolSource::Nfs { host, export } => {
                if !is_host(host) {
                    refuse("nfs.host", HOST);
                }
                if !is_plain_path(Path::new(export)) {
                    refuse("nfs.export", PLAIN_PATH);
                }
            }
            PoolSource::Lvm { group, devices } => {
                if group.parse::<PoolName>().is_err() {
                    refuse(
                        "lvm.group",
                        "must be 1 to 63 letters, digits, '.', '_' or '-'",
                    );
                }
                let wrong =
                    |device: &PathBuf| !is_plain_path(device) || !device.starts_with("/dev");
                if devices.len() > 32 || devices.iter().any(wrong) {
                    refuse("lvm.devices", "must be at most 32 disks below /dev");
                }
            }
            PoolSource::Iscsi {
                host,
                port,
                target,
                initiator,
            } => {
                if !is_host(host) {
                    refuse("iscsi.host", HOST);
                }
                if *port == Some(0) {
                    refuse("iscsi.port", "must be 1 to 65535");
                }
                if !is_iscsi_name(target) {
                    refuse("iscsi.target", ISCSI_NAME);
                }
                if initiator
                    .as_deref()
                    .is_some_and(|name| !is_iscsi_name(name))
                {
                    refuse("iscsi.initiator", ISCSI_NAME);
                }
            }
        }
        found
    }
}

const HOST: &str = "must be a host name or an address of 1 to 253 letters, digits, '.', ':' or '-'";
const PLAIN_PATH: &str =
    "must be an absolute path without '..', control characters or what ends an element of XML";
const ISCSI_NAME: &str = "must be an iSCSI name, such as iqn.2026-01.org.example:disks";

fn is_host(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-');
    // A name that begins with a dash would be an option of mount.
    (1..=253).contains(&text.len()) && text.chars().all(fine) && !text.starts_with('-')
}

fn is_iscsi_name(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-');
    let known = ["iqn.", "eui.", "naa."]
        .iter()
        .any(|start| text.starts_with(start));
    known && (5..=223).contains(&text.len()) && text.chars().all(fine)
}

/// An absolute path in its shortest form, at most 255 bytes, of characters that need no quoting anywhere.
#[must_use]
pub fn is_plain_path(path: &Path) -> bool {
    let Some(text) = path.to_str() else {
        return false;
    };
    let fine =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':' | '+' | '@');
    let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    // What components would leave out: doubled and final slashes, single dots.
    let shortest = path.components().collect::<PathBuf>();
    text.starts_with('/')
        && text.len() <= 255
        && text.chars().all(fine)
        && path.components().all(plain)
        && shortest.as_os_str() == path.as_os_str()
}

/// Whether a pool can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolState {
    /// Its volumes can be used.
    Active,
    /// Stopped, or never started.
    Inactive,
    /// Started, but what it is made of is gone or does not answer.
    Unavailable,
}

/// A pool as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Which.
    pub id: PoolId,
    /// As libvirt has it; others may have given it any name.
    pub name: String,
    /// What it is made of.
    pub kind: PoolKind,
    /// Whether it can be used.
    pub state: PoolState,
    /// Why it is unavailable, in plain words.
    pub problem: Option<String>,
    /// Starts with the host.
    pub autostart: bool,
    /// Bytes in all; 0 where that is not known.
    pub capacity_bytes: u64,
    /// Bytes that are taken.
    pub allocation_bytes: u64,
    /// Bytes that are free.
    pub available_bytes: u64,
    /// Where its files are, it is mounted, or its devices appear.
    pub target: Option<PathBuf>,
    /// The server's export, volume group or target, as people write it.
    pub source: Option<String>,
    /// Whether `target` is a directory of this machine whose files can be looked at.
    pub on_disk: bool,
}

/// What a volume's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskFormat {
    /// Bytes of a disk as they are.
    Raw,
    /// QEMU's copy-on-write format.
    Qcow2,
}

impl DiskFormat {
    /// As libvirt and QEMU call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
        }
    }

    /// From [`DiskFormat::name`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Raw, Self::Qcow2]
            .into_iter()
            .find(|format| format.name() == name)
    }
}

/// Names one volume.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VolumeRef {
    /// In this pool.
    pub pool: PoolId,
    /// Under this name.
    pub name: VolumeName,
}

/// A volume to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeSpec {
    /// Where, and under which name.
    pub volume: VolumeRef,
    /// Of its bytes.
    pub format: DiskFormat,
    /// Bytes of the disk.
    pub capacity_bytes: u64,
    /// Take all of its space now.
    pub full: bool,
}

impl VolumeSpec {
    /// Every broken rule.
    #[must_use]
    pub fn check(&self) -> Vec<FieldError> {
        let mut found = check_new_name(&self.volume.name);
        check_disk_size(Some(self.capacity_bytes), true, "size_bytes", &mut found);
        found
    }
}

/// The rules of a volume's name that hold when we make it.
#[must_use]
pub fn check_new_name(name: &VolumeName) -> Vec<FieldError> {
    let mut found = Vec::new();
    if name.as_str().contains(':') {
        found.push(FieldError::new("name", "must not contain ':'"));
    }
    found
}

/// A volume as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// In its pool; others may have given it any name.
    pub name: String,
    /// File or block device on the host.
    pub path: PathBuf,
    /// It is a block device.
    pub block: bool,
    /// `raw`, `qcow2`, `iso`, `vmdk` and others, by its content.
    pub format: String,
    /// Bytes of the disk that it is.
    pub capacity_bytes: u64,
    /// Bytes that it takes.
    pub allocation_bytes: u64,
    /// Another file that it needs: no VM gets such a volume.
    pub backing: Option<String>,
}

/// A VM that has a volume of a pool as a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageUser {
    /// Which.
    pub id: VmId,
    /// Its name.
    pub name: String,
    /// It is powered on.
    pub running: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nfs(host: &str, export: &str) -> PoolSource {
        PoolSource::Nfs {
            host: host.into(),
            export: export.into(),
        }
    }

    fn fields(source: PoolSource) -> Vec<String> {
        let spec = PoolSpec {
            id: PoolId::random(),
            name: "p".parse().unwrap(),
            target: "/mnt/pools/p".into(),
            source,
            autostart: true,
        };
        spec.check().into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn what_could_become_an_option_or_markup_is_refused() {
        assert_eq!(fields(nfs("nas.example", "/export/vms")), [""; 0]);
        assert_eq!(fields(nfs("fd00::1", "/export")), [""; 0]);
        for host in ["", "-oro", "a b", "a'/>", "a\n", "ü"] {
            assert_eq!(fields(nfs(host, "/x")), ["nfs.host"], "{host:?}");
        }
        for export in [
            "", "x", "/a/../b", "/a//b", "/a/", "/a/.", "/a'/>", "/a\n", "/a b",
        ] {
            assert_eq!(fields(nfs("nas", export)), ["nfs.export"], "{export:?}");
        }
        let lvm = |group: &str, device: &str| PoolSource::Lvm {
            group: group.into(),
            devices: vec![device.into()],
        };
        assert_eq!(fields(lvm("vg0", "/dev/sdb")), [""; 0]);
        assert_eq!(fields(lvm("../x", "/etc/x")), ["lvm.group", "lvm.devices"]);
        let iscsi = |target: &str| PoolSource::Iscsi {
            host: "san".into(),
            port: None,
            target: target.into(),
            initiator: None,
        };
        assert_eq!(fields(iscsi("iqn.2026-01.org.example:a")), [""; 0]);
        assert_eq!(fields(iscsi("--help")), ["iscsi.target"]);
    }
}
