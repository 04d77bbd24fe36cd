//! Storage pools of the fake: their volumes are real files, sparse, below a directory that the test chose.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::MutexGuard;

use qx_model::storage::{
    DiskFormat, Pool, PoolId, PoolSpec, PoolState, Volume, VolumeRef, VolumeSpec,
};

use super::{Fake, World};
use crate::{Error, Result, Signal, Storage, no_such_volume};

/// What a pool of the fake can hold, in bytes.
const CAPACITY: u64 = 1 << 40;

/// A pool as it was defined.
pub(super) struct Kept {
    spec: PoolSpec,
    active: bool,
}

impl Kept {
    fn observe(&self) -> Pool {
        let kind = self.spec.source.kind();
        Pool {
            id: self.spec.id,
            name: self.spec.name.to_string(),
            kind,
            state: match self.active {
                true => PoolState::Active,
                false => PoolState::Inactive,
            },
            problem: None,
            autostart: self.spec.autostart,
            capacity_bytes: CAPACITY,
            allocation_bytes: 0,
            available_bytes: CAPACITY,
            target: Some(self.spec.target.clone()),
            source: None,
            on_disk: kind.has_files(),
        }
    }

    fn expect(&self, active: bool) -> Result<()> {
        if self.active == active {
            return Ok(());
        }
        let state = if self.active { "active" } else { "not active" };
        Err(Error::WrongState {
            reason: format!("storage pool {} is {state}", self.spec.id),
        })
    }
}

impl Fake {
    fn with_pool<T>(&self, id: PoolId, work: impl FnOnce(&mut Kept) -> Result<T>) -> Result<T> {
        let mut world = self.reachable()?;
        let kept = world.pools.get_mut(&id).ok_or(Error::NoSuchPool(id))?;
        let done = work(kept)?;
        self.pools_changed(world);
        Ok(done)
    }

    fn pools_changed(&self, world: MutexGuard<'_, World>) {
        drop(world);
        self.signal(&Signal::PoolsChanged);
    }

    /// The file of a volume in an active pool, which may not be there.
    fn place(&self, volume: &VolumeRef) -> Result<PathBuf> {
        let world = self.reachable()?;
        let kept = world.pools.get(&volume.pool);
        let kept = kept.ok_or(Error::NoSuchPool(volume.pool))?;
        kept.expect(true)?;
        Ok(kept.spec.target.join(volume.name.as_str()))
    }
}

fn failed(action: &str) -> impl FnOnce(io::Error) -> Error {
    move |error| Error::Failed {
        action: action.to_owned(),
        message: error.to_string(),
    }
}

fn look(path: PathBuf) -> io::Result<Volume> {
    let facts = fs::metadata(&path)?;
    let mut format = DiskFormat::Raw;
    let mut capacity_bytes = facts.len();
    let head = fs::read(&path)?;
    if let (true, Some(size)) = (head.starts_with(b"QFI\xfb"), head.get(24..32)) {
        format = DiskFormat::Qcow2;
        capacity_bytes = size.try_into().map(u64::from_be_bytes).unwrap_or_default();
    }
    Ok(Volume {
        name: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into(),
        path,
        block: false,
        format: format.name().to_owned(),
        capacity_bytes,
        allocation_bytes: facts.blocks() * 512,
        backing: None,
    })
}

/// A header that is enough to tell format and size.
fn header(spec: &VolumeSpec) -> Vec<u8> {
    let mut head = vec![0; 65536];
    head[..4].copy_from_slice(b"QFI\xfb");
    head[4..8].copy_from_slice(&3_u32.to_be_bytes());
    head[24..32].copy_from_slice(&spec.capacity_bytes.to_be_bytes());
    head[100..104].copy_from_slice(&112_u32.to_be_bytes());
    head
}

impl Storage for Fake {
    fn pools(&self) -> Result<Vec<Pool>> {
        Ok(self
            .reachable()?
            .pools
            .values()
            .map(Kept::observe)
            .collect())
    }

    fn pool(&self, id: PoolId) -> Result<Pool> {
        let world = self.reachable()?;
        let kept = world.pools.get(&id);
        kept.map(Kept::observe).ok_or(Error::NoSuchPool(id))
    }

    fn define_pool(&self, spec: &PoolSpec, build: bool) -> Result<()> {
        let mut world = self.reachable()?;
        let taken = |kept: &Kept| {
            let other = &kept.spec;
            other.id == spec.id || other.name == spec.name || other.target == spec.target
        };
        if world.pools.values().any(taken) {
            return Err(Error::Exists {
                what: format!(
                    "a storage pool with the id {}, the name {} or its place",
                    spec.id, spec.name
                ),
            });
        }
        if build {
            fs::create_dir_all(&spec.target).map_err(failed("building a storage pool"))?;
        }
        let spec = spec.clone();
        world.pools.insert(
            spec.id,
            Kept {
                spec,
                active: false,
            },
        );
        self.pools_changed(world);
        Ok(())
    }

    fn set_pool_autostart(&self, id: PoolId, autostart: bool) -> Result<()> {
        self.with_pool(id, |kept| {
            kept.spec.autostart = autostart;
            Ok(())
        })
    }

    fn undefine_pool(&self, id: PoolId) -> Result<()> {
        let mut world = self.reachable()?;
        let kept = world.pools.get(&id).ok_or(Error::NoSuchPool(id))?;
        kept.expect(false)?;
        world.pools.remove(&id);
        self.pools_changed(world);
        Ok(())
    }

    fn start_pool(&self, id: PoolId) -> Result<()> {
        self.with_pool(id, |kept| {
            kept.expect(false)?;
            fs::read_dir(&kept.spec.target).map_err(failed("starting a storage pool"))?;
            kept.active = true;
            Ok(())
        })
    }

    fn stop_pool(&self, id: PoolId) -> Result<()> {
        self.with_pool(id, |kept| {
            kept.expect(true)?;
            kept.active = false;
            Ok(())
        })
    }

    fn refresh_pool(&self, id: PoolId) -> Result<()> {
        self.with_pool(id, |kept| kept.expect(true))
    }

    fn volumes(&self, pool: PoolId) -> Result<Vec<Volume>> {
        let target = {
            let world = self.reachable()?;
            let kept = world.pools.get(&pool).ok_or(Error::NoSuchPool(pool))?;
            kept.expect(true)?;
            kept.spec.target.clone()
        };
        let doing = || failed("listing volumes");
        let mut found = Vec::new();
        for entry in fs::read_dir(target).map_err(doing())? {
            let entry = entry.map_err(doing())?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if entry.path().is_file() && !hidden {
                found.push(look(entry.path()).map_err(doing())?);
            }
        }
        Ok(found)
    }

    fn volume(&self, volume: &VolumeRef) -> Result<Volume> {
        look(self.place(volume)?).map_err(|_| no_such_volume(volume))
    }

    fn create_volume(&self, spec: &VolumeSpec) -> Result<()> {
        let path = self.place(&spec.volume)?;
        if path.exists() {
            return Err(Error::Exists {
                what: format!("the volume {}", spec.volume.name),
            });
        }
        let made = match spec.format {
            DiskFormat::Raw => {
                fs::File::create(&path).and_then(|file| file.set_len(spec.capacity_bytes))
            }
            DiskFormat::Qcow2 => fs::write(&path, header(spec)),
        };
        made.map_err(failed("making a volume"))?;
        self.signal(&Signal::PoolsChanged);
        Ok(())
    }

    fn resize_volume(&self, volume: &VolumeRef, bytes: u64, shrink: bool) -> Result<()> {
        let now = self.volume(volume)?;
        if now.capacity_bytes > bytes && !shrink {
            return Err(Error::WrongState {
                reason: format!("the volume {} would be smaller", volume.name),
            });
        }
        let resized = match DiskFormat::named(&now.format) {
            Some(DiskFormat::Qcow2) => fs::read(&now.path).and_then(|mut content| {
                content[24..32].copy_from_slice(&bytes.to_be_bytes());
                fs::write(&now.path, content)
            }),
            _ => fs::File::options()
                .write(true)
                .open(&now.path)
                .and_then(|file| file.set_len(bytes)),
        };
        resized.map_err(failed("resizing a volume"))?;
        self.signal(&Signal::PoolsChanged);
        Ok(())
    }

    fn delete_volume(&self, volume: &VolumeRef) -> Result<()> {
        let path = self.place(volume)?;
        fs::remove_file(path).map_err(|_| no_such_volume(volume))?;
        self.signal(&Signal::PoolsChanged);
        Ok(())
    }
}
