//! Storage pools and volumes, between gRPC and REST.

use super::convert::uuid;
use super::v1;
use crate::rest;

fn refused(field: &str, reason: &str) -> rest::FieldProblem {
    rest::FieldProblem {
        field: field.to_owned(),
        reason: reason.to_owned(),
    }
}

impl From<rest::StorageUser> for v1::StorageUser {
    fn from(user: rest::StorageUser) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name,
            running: user.running,
        }
    }
}

impl From<rest::Pool> for v1::Pool {
    fn from(pool: rest::Pool) -> Self {
        let kind = match pool.kind {
            rest::PoolType::Directory => v1::PoolType::Directory,
            rest::PoolType::Disk => v1::PoolType::Disk,
            rest::PoolType::Nfs => v1::PoolType::Nfs,
            rest::PoolType::Lvm => v1::PoolType::Lvm,
            rest::PoolType::Iscsi => v1::PoolType::Iscsi,
            rest::PoolType::Other => v1::PoolType::Other,
        };
        let state = match pool.state {
            rest::PoolState::Active => v1::PoolState::Active,
            rest::PoolState::Inactive => v1::PoolState::Inactive,
            rest::PoolState::Unavailable => v1::PoolState::Unavailable,
        };
        Self {
            id: pool.id.to_string(),
            name: pool.name,
            r#type: kind.into(),
            state: state.into(),
            problem: pool.problem,
            autostart: pool.autostart,
            capacity_bytes: pool.capacity_bytes,
            allocation_bytes: pool.allocation_bytes,
            available_bytes: pool.available_bytes,
            path: pool.path,
            source: pool.source,
            makes_volumes: pool.makes_volumes,
            has_files: pool.has_files,
            own: pool.own,
            used_by: pool.used_by.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<rest::PoolDisk> for v1::PoolDisk {
    fn from(disk: rest::PoolDisk) -> Self {
        Self {
            path: disk.path,
            size_bytes: disk.size_bytes,
            model: disk.model,
            serial: disk.serial,
            content: disk.content,
            reason: disk.reason,
            wipeable: disk.wipeable,
        }
    }
}

impl From<rest::Volume> for v1::Volume {
    fn from(volume: rest::Volume) -> Self {
        Self {
            pool: volume.pool.to_string(),
            name: volume.name,
            path: volume.path,
            format: volume.format,
            capacity_bytes: volume.capacity_bytes,
            allocation_bytes: volume.allocation_bytes,
            backing: volume.backing,
            used_by: volume.used_by.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::VolumeRef> for rest::VolumeRef {
    type Error = rest::FieldProblem;

    fn try_from(volume: v1::VolumeRef) -> Result<Self, rest::FieldProblem> {
        Ok(Self {
            pool: uuid("volume.pool", &volume.pool)?,
            name: volume.name,
        })
    }
}

impl TryFrom<v1::CreatePoolRequest> for rest::PoolCreate {
    type Error = rest::FieldProblem;

    fn try_from(wish: v1::CreatePoolRequest) -> Result<Self, rest::FieldProblem> {
        let kind = match v1::PoolType::try_from(wish.r#type) {
            Ok(v1::PoolType::Directory) => rest::PoolType::Directory,
            Ok(v1::PoolType::Nfs) => rest::PoolType::Nfs,
            Ok(v1::PoolType::Lvm) => rest::PoolType::Lvm,
            Ok(v1::PoolType::Iscsi) => rest::PoolType::Iscsi,
            _ => return Err(refused("type", "must be directory, nfs, lvm or iscsi")),
        };
        let iscsi = match wish.iscsi {
            None => None,
            Some(iscsi) => Some(rest::IscsiSource {
                host: iscsi.host,
                port: iscsi
                    .port
                    .map(u16::try_from)
                    .transpose()
                    .map_err(|_| refused("iscsi.port", "must be 1 to 65535"))?,
                target: iscsi.target,
                initiator: iscsi.initiator,
            }),
        };
        Ok(Self {
            id: wish.id.map(|id| uuid("id", &id)).transpose()?,
            name: wish.name,
            kind,
            path: wish.path,
            nfs: wish.nfs.map(|nfs| rest::NfsSource {
                host: nfs.host,
                export: nfs.export,
            }),
            lvm: wish.lvm.map(|lvm| rest::LvmSource {
                group: lvm.group,
                devices: lvm.devices,
            }),
            iscsi,
            autostart: wish.autostart.unwrap_or(true),
        })
    }
}

/// A volume to make, and its pool.
///
/// # Errors
/// What is missing or can't be read.
pub fn volume_create(
    wish: v1::CreateVolumeRequest,
) -> Result<(uuid::Uuid, rest::VolumeCreate), rest::FieldProblem> {
    use v1::create_volume_request::Source;
    let volume = wish.volume.unwrap_or_default();
    let format = match v1::VolumeFormat::try_from(wish.format) {
        Ok(v1::VolumeFormat::Unspecified) => None,
        Ok(v1::VolumeFormat::Raw) => Some(rest::VolumeFormat::Raw),
        Ok(v1::VolumeFormat::Qcow2) => Some(rest::VolumeFormat::Qcow2),
        Err(_) => return Err(refused("format", "must be raw or qcow2")),
    };
    let source = match wish.source {
        None => None,
        Some(Source::Image(image)) => Some(rest::VolumeSource {
            image: Some(image),
            volume: None,
        }),
        Some(Source::From(volume)) => Some(rest::VolumeSource {
            image: None,
            volume: Some(volume.try_into()?),
        }),
    };
    let pool = uuid("volume.pool", &volume.pool)?;
    let create = rest::VolumeCreate {
        name: volume.name,
        format,
        size_bytes: wish.size_bytes,
        full: wish.full,
        source,
    };
    Ok((pool, create))
}
