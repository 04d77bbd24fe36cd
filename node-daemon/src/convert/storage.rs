//! Storage pools and volumes.

use qx_api::rest;
use qx_engine::pools::{FreeDisk, PoolInUse, PoolOfDisk, PoolWish};
use qx_engine::volumes::{VolumeInUse, VolumeSource, VolumeWish};
use qx_model::storage::{PoolId, VolumeRef};
use qx_model::vm::FieldError;
use uuid::Uuid;

type Found<T> = Result<T, Vec<FieldError>>;

pub(crate) fn pool(seen: PoolInUse) -> rest::Pool {
    rest::Pool::new(seen.pool, seen.own, seen.used_by)
}

pub(crate) fn volume(seen: VolumeInUse) -> rest::Volume {
    rest::Volume::new(seen.pool, seen.volume, seen.used_by)
}

pub(crate) fn pool_disk(seen: FreeDisk) -> rest::PoolDisk {
    rest::PoolDisk {
        path: seen.disk.path.display().to_string(),
        size_bytes: seen.disk.size_bytes,
        content: seen.disk.content.to_string(),
        model: seen.disk.model,
        serial: seen.disk.serial,
        reason: seen.reason,
        wipeable: seen.wipeable,
    }
}

/// The wish in the engine's terms.
pub(crate) fn pool_wish(wish: rest::PoolCreate) -> Found<PoolWish> {
    let (name, source) = wish.read()?;
    Ok(PoolWish {
        id: PoolId(wish.id.unwrap_or_else(Uuid::new_v4)),
        name,
        source,
        path: wish.path.map(Into::into),
        autostart: wish.autostart,
    })
}

/// The wish in the engine's terms.
pub(crate) fn pool_of_disk(wish: rest::PoolFormat) -> Found<PoolOfDisk> {
    let name = wish.name.parse();
    let name = name.map_err(|error: qx_model::name::NameError| {
        vec![FieldError::new("name", error.to_string())]
    })?;
    Ok(PoolOfDisk {
        id: PoolId(wish.id.unwrap_or_else(Uuid::new_v4)),
        name,
        disk: wish.disk.into(),
        wipe: wish.wipe,
    })
}

/// The wish in the engine's terms.
pub(crate) fn volume_wish(pool: PoolId, wish: &rest::VolumeCreate) -> Found<VolumeWish> {
    let (name, source) = wish.read()?;
    Ok(VolumeWish {
        volume: VolumeRef { pool, name },
        format: wish.format.map(Into::into),
        size_bytes: wish.size_bytes,
        full: wish.full,
        source: match source {
            rest::ReadSource::Blank => VolumeSource::Blank,
            rest::ReadSource::Image(name) => VolumeSource::Image(name),
            rest::ReadSource::Volume(volume) => VolumeSource::Volume(volume),
        },
    })
}
