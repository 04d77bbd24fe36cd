//! Devices of a VM as JSON: disks, NICs, the CD drive.

use qx_model::device as model;
use qx_model::vm::{DiskSpec, FieldError, NicSpec};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::storage::VolumeRef;
use super::vm::{DiskCreate, parsed};

/// How fast a disk may be; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DiskLimits {
    /// Bytes a second.
    pub read_bytes_sec: u64,
    /// Bytes a second.
    pub write_bytes_sec: u64,
    /// Requests a second.
    pub read_iops: u64,
    /// Requests a second.
    pub write_iops: u64,
}

/// How fast a NIC may be, as the guest sees it; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NicLimits {
    /// Units of 1,000 bytes a second.
    pub receive_kbytes_sec: u64,
    /// Units of 1,000 bytes a second.
    pub send_kbytes_sec: u64,
}

/// A disk to be made and plugged in: blank with a size, or a copy of an image, grown if a size is given too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DiskAttach {
    /// Virtual size: a multiple of 512, at most 64 TiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// A file of the image library to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The pool to make it in; the VM's own directory on the data disk if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Uuid>,
    /// A volume that is there and that no VM has, taken as it is, without the others of these fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeRef>,
    /// How fast it may be.
    #[serde(default)]
    pub limits: DiskLimits,
}

/// A change to a disk: what is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DiskPatch {
    /// A larger virtual size: a multiple of 512, at most 64 TiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// How fast it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<DiskLimits>,
}

/// A NIC to be plugged into a network or a bridge: exactly one of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NicAttach {
    /// A virtual network, such as `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// A bridge of the host, such as `br0`, the management network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge: Option<String>,
    /// How fast it may be.
    #[serde(default)]
    pub limits: NicLimits,
}

/// A change to a NIC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NicPatch {
    /// How fast it may be.
    pub limits: NicLimits,
}

/// What is in the CD drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Cdrom {
    /// An ISO file of the image library; left out, the disc is taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Also if the guest has locked the drive.
    #[serde(default)]
    pub force: bool,
}

impl DiskAttach {
    /// The wish in the model's terms.
    ///
    /// # Errors
    /// A name that can't be one, or fields that don't go together.
    pub fn into_spec(self) -> Result<(DiskSpec, model::DiskLimits), Vec<FieldError>> {
        let mut refused = Vec::new();
        let disk = DiskCreate {
            size_bytes: self.size_bytes,
            image: self.image,
            pool: self.pool,
            volume: self.volume,
        };
        let spec = disk.into_spec("", &mut refused);
        spec.map(|spec| (spec, self.limits.into())).ok_or(refused)
    }
}

impl NicAttach {
    /// The wish in the model's terms.
    ///
    /// # Errors
    /// A name that can't be one, or not exactly one of both.
    pub fn into_spec(self) -> Result<(NicSpec, model::NicLimits), Vec<FieldError>> {
        let mut refused = Vec::new();
        let nic = match (self.network, self.bridge) {
            (Some(name), None) => {
                parsed(name, "network".into(), &mut refused).map(NicSpec::Network)
            }
            (None, Some(name)) => parsed(name, "bridge".into(), &mut refused).map(NicSpec::Bridge),
            _ => {
                refused.push(FieldError::new(
                    "network",
                    "or bridge must be there, and not both",
                ));
                None
            }
        };
        nic.map(|nic| (nic, self.limits.into())).ok_or(refused)
    }
}

impl From<model::DiskLimits> for DiskLimits {
    fn from(limits: model::DiskLimits) -> Self {
        Self {
            read_bytes_sec: limits.read_bytes_sec,
            write_bytes_sec: limits.write_bytes_sec,
            read_iops: limits.read_iops,
            write_iops: limits.write_iops,
        }
    }
}

impl From<DiskLimits> for model::DiskLimits {
    fn from(limits: DiskLimits) -> Self {
        Self {
            read_bytes_sec: limits.read_bytes_sec,
            write_bytes_sec: limits.write_bytes_sec,
            read_iops: limits.read_iops,
            write_iops: limits.write_iops,
        }
    }
}

impl From<model::NicLimits> for NicLimits {
    fn from(limits: model::NicLimits) -> Self {
        Self {
            receive_kbytes_sec: limits.receive_kbytes_sec,
            send_kbytes_sec: limits.send_kbytes_sec,
        }
    }
}

impl From<NicLimits> for model::NicLimits {
    fn from(limits: NicLimits) -> Self {
        Self {
            receive_kbytes_sec: limits.receive_kbytes_sec,
            send_kbytes_sec: limits.send_kbytes_sec,
        }
    }
}
