//! Storage pools, the volumes in them, and the disks that pools can be made of.

use qx_model::name::{ImageName, PoolName, VolumeName};
use qx_model::storage as model;
use qx_model::vm::FieldError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::vm::parsed;

/// What a pool is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PoolType {
    /// A directory of the host; volumes are files.
    Directory,
    /// A whole disk of the host that was formatted for the pool; volumes are files.
    Disk,
    /// An export of an NFS server; volumes are files.
    Nfs,
    /// A volume group of LVM; volumes are block devices.
    Lvm,
    /// A target of an iSCSI server; its LUNs are the volumes.
    Iscsi,
    /// Something that others defined; never in a request.
    Other,
}

/// Whether a pool can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PoolState {
    /// Its volumes can be used.
    Active,
    /// Stopped, or not started yet.
    Inactive,
    /// Started, but what it is made of is gone or does not answer; `problem` says what.
    Unavailable,
}

/// An export of an NFS server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NfsSource {
    /// Name or address of the server.
    pub host: String,
    /// The export's absolute path there.
    pub export: String,
}

/// A volume group of LVM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LvmSource {
    /// Its name.
    pub group: String,
    /// Disks to make the group of, such as `/dev/sdb`; none takes a group that is there. They must be empty.
    #[serde(default)]
    pub devices: Vec<String>,
}

/// A target of an iSCSI server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct IscsiSource {
    /// Name or address of its portal.
    pub host: String,
    /// 3260 if not given.
    #[serde(default)]
    pub port: Option<u16>,
    /// Such as `iqn.2026-01.org.example:disks`.
    pub target: String,
    /// Who we are to the server; the host's own name if not given.
    #[serde(default)]
    pub initiator: Option<String>,
}

/// A pool to make. Of `nfs`, `lvm` and `iscsi`, the one that `type` names must be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PoolCreate {
    /// The host chooses one if not given.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// 1 to 63 letters, digits, `.`, `_` or `-`.
    pub name: String,
    /// `disk` is made by formatting one; `other` is refused.
    #[serde(rename = "type")]
    pub kind: PoolType,
    /// Of a directory: below `/data/pools`, `/mnt` or `/srv`, made if it is not there; one of its own if not given.
    #[serde(default)]
    pub path: Option<String>,
    /// Of `nfs`.
    #[serde(default)]
    pub nfs: Option<NfsSource>,
    /// Of `lvm`.
    #[serde(default)]
    pub lvm: Option<LvmSource>,
    /// Of `iscsi`.
    #[serde(default)]
    pub iscsi: Option<IscsiSource>,
    /// Start it now and with the host; so if not given.
    #[serde(default = "yes")]
    pub autostart: bool,
}

const fn yes() -> bool {
    true
}

/// A disk of the host to format and make a pool of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PoolFormat {
    /// The host chooses one if not given.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// 1 to 63 letters, digits, `.`, `_` or `-`.
    pub name: String,
    /// Its device or a link to it, as `GET /api/v1/pools/disks` names it.
    pub disk: String,
    /// What is on it can go.
    #[serde(default)]
    pub wipe: bool,
}

/// What is to be different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PoolPatch {
    /// Start with the host.
    pub autostart: bool,
}

/// A VM that has a disk in a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StorageUser {
    /// Which.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// It is powered on.
    pub running: bool,
}

/// A storage pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pool {
    /// For life.
    pub id: Uuid,
    /// As libvirt has it.
    pub name: String,
    /// What it is made of.
    #[serde(rename = "type")]
    pub kind: PoolType,
    /// Whether it can be used.
    pub state: PoolState,
    /// Why it can't, in plain words.
    pub problem: Option<String>,
    /// Starts with the host.
    pub autostart: bool,
    /// Bytes in all; 0 where that is not known.
    pub capacity_bytes: u64,
    /// Bytes that are taken, by others on the same disk too.
    pub allocation_bytes: u64,
    /// Bytes that are free.
    pub available_bytes: u64,
    /// Where its files are, it is mounted, or its devices appear.
    pub path: Option<String>,
    /// The server's export, volume group or target.
    pub source: Option<String>,
    /// Volumes can be made in it, and not only on its server.
    pub makes_volumes: bool,
    /// Volumes are files: they can be uploaded.
    pub has_files: bool,
    /// The host's own: it can't be deleted.
    pub own: bool,
    /// VMs that have a disk in it, by name.
    pub used_by: Vec<StorageUser>,
}

/// All pools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PoolPage {
    /// Ordered by name.
    pub items: Vec<Pool>,
}

/// A disk of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PoolDisk {
    /// Its device, such as `/dev/sdb`.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// Vendor and model.
    pub model: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// What is on it, in plain words.
    pub content: String,
    /// Why no pool can be made of it as it is; `null` where one can.
    pub reason: Option<String>,
    /// One could if what is on it were wiped.
    pub wipeable: bool,
}

/// The host's disks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PoolDiskPage {
    /// Ordered by name.
    pub items: Vec<PoolDisk>,
}

/// What a new volume's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VolumeFormat {
    /// Bytes of a disk as they are.
    Raw,
    /// QEMU's copy-on-write format.
    Qcow2,
}

/// Names a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VolumeRef {
    /// Its pool.
    pub pool: Uuid,
    /// Its name there.
    pub name: String,
}

/// What a new volume holds: exactly one of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VolumeSource {
    /// A file of the image library.
    #[serde(default)]
    pub image: Option<String>,
    /// Another volume that no running VM has: qcow2, raw, VMDK, VDI or VHDX.
    #[serde(default)]
    pub volume: Option<VolumeRef>,
}

/// A volume to make: blank with a size, or a copy of something, grown if a size is given too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VolumeCreate {
    /// 1 to 128 letters, digits, `.`, `_`, `-`, `+` or `@`, the first a letter or a digit.
    pub name: String,
    /// What fits the pool if not given: qcow2 for files, raw for block devices.
    #[serde(default)]
    pub format: Option<VolumeFormat>,
    /// Bytes of the disk: a multiple of 512, at most 64 TiB.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// Take all of its space now, and not as it is written to; for blank ones.
    #[serde(default)]
    pub full: bool,
    /// What it holds; nothing if not given.
    #[serde(default)]
    pub source: Option<VolumeSource>,
}

/// A change to a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VolumePatch {
    /// Bytes of the disk: a multiple of 512, at most 64 TiB.
    pub size_bytes: u64,
    /// It may become smaller: what is beyond the new end is lost.
    #[serde(default)]
    pub shrink: bool,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Volume {
    /// Its pool.
    pub pool: Uuid,
    /// Its name there.
    pub name: String,
    /// File or block device on the host.
    pub path: String,
    /// By its content: `raw`, `qcow2`, `iso`, `vmdk` and others.
    pub format: String,
    /// Bytes of the disk that it is.
    pub capacity_bytes: u64,
    /// Bytes that it takes.
    pub allocation_bytes: u64,
    /// Another file that it needs: no VM gets such a volume.
    pub backing: Option<String>,
    /// VMs that have it as a disk, by name.
    pub used_by: Vec<StorageUser>,
}

/// The volumes of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VolumePage {
    /// Ordered by name.
    pub items: Vec<Volume>,
}

type Found<T> = Result<T, Vec<FieldError>>;

impl PoolCreate {
    /// Its name and what it is made of.
    ///
    /// # Errors
    /// Every field that is missing, too much, or can't be read.
    pub fn read(&self) -> Found<(PoolName, model::PoolSource)> {
        let mut found = Vec::new();
        let name = parsed::<PoolName>(self.name.clone(), "name".into(), &mut found);
        let given = [
            ("nfs", self.nfs.is_some(), PoolType::Nfs),
            ("lvm", self.lvm.is_some(), PoolType::Lvm),
            ("iscsi", self.iscsi.is_some(), PoolType::Iscsi),
        ];
        for (field, there, kind) in given {
            match (there, kind == self.kind) {
                (true, false) => {
                    found.push(FieldError::new(field, "is not for pools of this type"))
                }
                (false, true) => found.push(FieldError::new(field, "is required for this type")),
                _ => {}
            }
        }
        let source = match self.kind {
            PoolType::Directory => Some(model::PoolSource::Directory),
            PoolType::Nfs => self.nfs.clone().map(|nfs| model::PoolSource::Nfs {
                host: nfs.host,
                export: nfs.export,
            }),
            PoolType::Lvm => self.lvm.clone().map(|lvm| model::PoolSource::Lvm {
                group: lvm.group,
                devices: lvm.devices.into_iter().map(Into::into).collect(),
            }),
            PoolType::Iscsi => self.iscsi.clone().map(|iscsi| model::PoolSource::Iscsi {
                host: iscsi.host,
                port: iscsi.port,
                target: iscsi.target,
                initiator: iscsi.initiator,
            }),
            PoolType::Disk | PoolType::Other => {
                let reason = "must be directory, nfs, lvm or iscsi; a disk is made a pool by /api/v1/pools/format";
                found.push(FieldError::new("type", reason));
                None
            }
        };
        match (name, source) {
            (Some(name), Some(source)) if found.is_empty() => Ok((name, source)),
            _ => Err(found),
        }
    }
}

impl VolumeRef {
    /// In the model's terms; `field` is its path in a request.
    pub(super) fn read(self, field: &str, found: &mut Vec<FieldError>) -> Option<model::VolumeRef> {
        let name = parsed::<VolumeName>(self.name, format!("{field}.name"), found)?;
        Some(model::VolumeRef {
            pool: model::PoolId(self.pool),
            name,
        })
    }
}

/// What a new volume holds, in the model's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadSource {
    /// Nothing.
    Blank,
    /// A file of the image library.
    Image(ImageName),
    /// Another volume.
    Volume(model::VolumeRef),
}

impl VolumeCreate {
    /// Its name and what it holds.
    ///
    /// # Errors
    /// Every field that can't be read.
    pub fn read(&self) -> Found<(VolumeName, ReadSource)> {
        let mut found = Vec::new();
        let name = parsed::<VolumeName>(self.name.clone(), "name".into(), &mut found);
        let source = match self.source.clone() {
            None => Some(ReadSource::Blank),
            Some(VolumeSource {
                image: Some(image),
                volume: None,
            }) => parsed(image, "source.image".into(), &mut found).map(ReadSource::Image),
            Some(VolumeSource {
                image: None,
                volume: Some(volume),
            }) => volume
                .read("source.volume", &mut found)
                .map(ReadSource::Volume),
            Some(_) => {
                let reason = "must have image or volume, and not both";
                found.push(FieldError::new("source", reason));
                None
            }
        };
        match (name, source) {
            (Some(name), Some(source)) if found.is_empty() => Ok((name, source)),
            _ => Err(found),
        }
    }
}

impl From<VolumeFormat> for model::DiskFormat {
    fn from(format: VolumeFormat) -> Self {
        match format {
            VolumeFormat::Raw => Self::Raw,
            VolumeFormat::Qcow2 => Self::Qcow2,
        }
    }
}

impl From<model::StorageUser> for StorageUser {
    fn from(user: model::StorageUser) -> Self {
        Self {
            id: user.id.0,
            name: user.name,
            running: user.running,
        }
    }
}

impl From<model::PoolKind> for PoolType {
    fn from(kind: model::PoolKind) -> Self {
        match kind {
            model::PoolKind::Directory => Self::Directory,
            model::PoolKind::Disk => Self::Disk,
            model::PoolKind::Nfs => Self::Nfs,
            model::PoolKind::Lvm => Self::Lvm,
            model::PoolKind::Iscsi => Self::Iscsi,
            model::PoolKind::Other => Self::Other,
        }
    }
}

impl Pool {
    /// A pool with the VMs that use it.
    #[must_use]
    pub fn new(pool: model::Pool, own: bool, used_by: Vec<model::StorageUser>) -> Self {
        Self {
            id: pool.id.0,
            name: pool.name,
            kind: pool.kind.into(),
            state: match pool.state {
                model::PoolState::Active => PoolState::Active,
                model::PoolState::Inactive => PoolState::Inactive,
                model::PoolState::Unavailable => PoolState::Unavailable,
            },
            problem: pool.problem,
            autostart: pool.autostart,
            capacity_bytes: pool.capacity_bytes,
            allocation_bytes: pool.allocation_bytes,
            available_bytes: pool.available_bytes,
            path: pool.target.map(|path| path.display().to_string()),
            source: pool.source,
            makes_volumes: pool.kind.makes_volumes(),
            has_files: pool.kind.has_files(),
            own,
            used_by: used_by.into_iter().map(Into::into).collect(),
        }
    }
}

impl Volume {
    /// A volume with the VMs that have it.
    #[must_use]
    pub fn new(
        pool: model::PoolId,
        volume: model::Volume,
        used_by: Vec<model::StorageUser>,
    ) -> Self {
        Self {
            pool: pool.0,
            name: volume.name,
            path: volume.path.display().to_string(),
            format: volume.format,
            capacity_bytes: volume.capacity_bytes,
            allocation_bytes: volume.allocation_bytes,
            backing: volume.backing,
            used_by: used_by.into_iter().map(Into::into).collect(),
        }
    }
}
