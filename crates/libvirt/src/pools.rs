//! The storage calls of the trait. Pools that live for one call only (`storage.rs`) are none of ours.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;

use qx_hypervisor::{Error, Result, no_such_volume};
use qx_model::storage::{
    DiskFormat, Pool, PoolId, PoolKind, PoolSpec, Volume, VolumeRef, VolumeSpec,
};
use qx_model::vm::Accelerator;
use virt::connect::Connect;
use virt::error::{Error as VirtError, ErrorNumber};
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::sys;

use crate::Libvirt;
use crate::hypervisor::accelerator;
use crate::pool::{self, Facts};
use crate::xml::Element;

/// The kernel's `O_NOFOLLOW`: a name that somebody made a link is refused.
const NO_FOLLOW: i32 = 0o400_000;

impl qx_hypervisor::Storage for Libvirt {
    fn pools(&self) -> Result<Vec<Pool>> {
        let connect = self.shared.connect()?;
        let doing = self.doing("listing storage pools", None);
        let lasting = sys::VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT;
        let handles = connect.list_all_storage_pools(lasting);
        let handles = handles.map_err(|error| doing.failed(error))?;
        let mut found = Vec::with_capacity(handles.len());
        for handle in handles {
            match self.observe_pool(&connect, &handle) {
                // Gone since it was listed.
                Err(Error::NoSuchPool(_)) => {}
                pool => found.push(pool?),
            }
        }
        Ok(found)
    }

    fn pool(&self, id: PoolId) -> Result<Pool> {
        let (connect, handle) = self.find_pool(id)?;
        self.observe_pool(&connect, &handle)
    }

    fn define_pool(&self, spec: &PoolSpec, build: bool) -> Result<()> {
        let connect = self.shared.connect()?;
        let (id, name) = (spec.id, spec.name.as_str());
        // libvirt would take an equal id and name for an edit of that pool.
        let taken = connect.lookup_storage_pool_by_uuid(id.0).is_ok()
            || connect.lookup_storage_pool_by_name(name).is_ok();
        if taken {
            return Err(Error::Exists {
                what: format!("a storage pool with the id {id} or the name {name}"),
            });
        }
        let doing = self.doing("defining a storage pool", None);
        let xml = pool::define(spec).to_string();
        let defined = connect.define_storage_pool_xml(&xml, 0).map_err(|error| {
            if error.message().contains("source conflict") {
                return Error::Exists {
                    what: format!("a storage pool of the same: {}", error.message()),
                };
            }
            doing.failed(error)
        })?;
        let built = match build && accelerator(&connect) != Accelerator::Test {
            true => defined.build(0),
            false => Ok(()),
        };
        let made = built.and_then(|()| defined.set_autostart(spec.autostart));
        made.map_err(|error| {
            // The first error is the one to tell.
            let _ = defined.undefine();
            doing.failed(error)
        })
    }

    fn set_pool_autostart(&self, id: PoolId, autostart: bool) -> Result<()> {
        let (_, handle) = self.find_pool(id)?;
        let doing = self.doing("changing a storage pool", None);
        let set = handle.set_autostart(autostart);
        set.map_err(|error| doing.failed(error))
    }

    fn undefine_pool(&self, id: PoolId) -> Result<()> {
        let (_, handle) = self.find_pool(id)?;
        let doing = self.doing("removing a storage pool", None);
        if handle.is_active().map_err(|error| doing.failed(error))? {
            return Err(Error::WrongState {
                reason: format!("storage pool {id} is active: stop it first"),
            });
        }
        handle.undefine().map_err(|error| doing.failed(error))
    }

    fn start_pool(&self, id: PoolId) -> Result<()> {
        let (connect, handle) = self.find_pool(id)?;
        let doing = self.doing("starting a storage pool", None);
        self.expect_pool(&handle, id, false)?;
        let kind = pool::kind(&self.pool_xml(&handle)?);
        // The place where it is mounted is gone after a restart of the host.
        let mounted = matches!(kind, PoolKind::Disk | PoolKind::Nfs);
        if mounted && accelerator(&connect) != Accelerator::Test {
            handle.build(0).map_err(|error| doing.failed(error))?;
        }
        handle.create(0).map_err(|error| doing.failed(error))
    }

    fn stop_pool(&self, id: PoolId) -> Result<()> {
        let (_, handle) = self.find_pool(id)?;
        self.expect_pool(&handle, id, true)?;
        let doing = self.doing("stopping a storage pool", None);
        handle.destroy().map_err(|error| doing.failed(error))
    }

    fn refresh_pool(&self, id: PoolId) -> Result<()> {
        let (_, handle) = self.find_pool(id)?;
        self.expect_pool(&handle, id, true)?;
        let doing = self.doing("looking at a storage pool", None);
        handle.refresh(0).map_err(|error| doing.failed(error))
    }

    fn volumes(&self, id: PoolId) -> Result<Vec<Volume>> {
        let (_, handle) = self.find_pool(id)?;
        self.expect_pool(&handle, id, true)?;
        self.look_again(&handle, id);
        let doing = self.doing("listing volumes", None);
        let volumes = handle.list_all_volumes(0);
        let mut found = Vec::new();
        for volume in volumes.map_err(|error| doing.failed(error))? {
            match volume.xml_desc(0) {
                Ok(text) => found.extend(pool::observe_volume(&self.parsed(&text)?)),
                // Gone since it was listed.
                Err(error) if error.code().is(ErrorNumber::NoStorageVolume) => {}
                Err(error) => return Err(doing.failed(error)),
            }
        }
        Ok(found)
    }

    fn volume(&self, volume: &VolumeRef) -> Result<Volume> {
        let (_, _, handle) = self.find_volume(volume)?;
        self.observe_volume(volume, &handle)
    }

    fn create_volume(&self, spec: &VolumeSpec) -> Result<()> {
        let id = spec.volume.pool;
        let (_, handle) = self.find_pool(id)?;
        self.expect_pool(&handle, id, true)?;
        self.look_again(&handle, id);
        let kind = pool::kind(&self.pool_xml(&handle)?);
        let xml = pool::define_volume(spec, kind).to_string();
        let flags = match (spec.full, spec.format) {
            (true, DiskFormat::Qcow2) => sys::VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA,
            _ => 0,
        };
        let made = StorageVol::create_xml(&handle, &xml, flags).map(drop);
        made.map_err(|error| self.volume_failed(&spec.volume, "making a volume", error))
    }

    fn resize_volume(&self, volume: &VolumeRef, bytes: u64, shrink: bool) -> Result<()> {
        let (connect, pool, handle) = self.find_volume(volume)?;
        let now = self.observe_volume(volume, &handle)?;
        let smaller = bytes < now.capacity_bytes;
        if smaller && !shrink {
            return Err(Error::WrongState {
                reason: format!(
                    "the volume {} has {} bytes, and would be smaller",
                    volume.name, now.capacity_bytes
                ),
            });
        }
        let raw = now.format == DiskFormat::Raw.name() && !now.block;
        if smaller && raw && accelerator(&connect) != Accelerator::Test {
            // libvirt would not make it smaller than what is taken.
            let cut = File::options()
                .write(true)
                .custom_flags(NO_FOLLOW)
                .open(&now.path)
                .and_then(|file| file.set_len(bytes));
            cut.map_err(|error| Error::Failed {
                action: format!("making the volume {} smaller", volume.name),
                message: error.to_string(),
            })?;
            self.look_again(&pool, volume.pool);
            return Ok(());
        }
        let flags = if smaller {
            sys::VIR_STORAGE_VOL_RESIZE_SHRINK
        } else {
            0
        };
        let resized = handle.resize(bytes, flags);
        resized.map_err(|error| self.volume_failed(volume, "resizing a volume", error))
    }

    fn delete_volume(&self, volume: &VolumeRef) -> Result<()> {
        let (_, _, handle) = self.find_volume(volume)?;
        let deleted = handle.delete(0);
        deleted.map_err(|error| self.volume_failed(volume, "removing a volume", error))
    }
}

impl Libvirt {
    fn find_pool(&self, id: PoolId) -> Result<(Connect, StoragePool)> {
        let connect = self.shared.connect()?;
        match connect.lookup_storage_pool_by_uuid(id.0) {
            Ok(handle) => Ok((connect, handle)),
            Err(error) => Err(self.pool_failed(id, error)),
        }
    }

    fn pool_failed(&self, id: PoolId, error: VirtError) -> Error {
        if error.code().is(ErrorNumber::NoStoragePool) {
            return Error::NoSuchPool(id);
        }
        self.doing("reading a storage pool", None).failed(error)
    }

    fn expect_pool(&self, handle: &StoragePool, id: PoolId, active: bool) -> Result<()> {
        let is = handle.is_active();
        match is.map_err(|error| self.pool_failed(id, error))? == active {
            true => Ok(()),
            false => Err(Error::WrongState {
                reason: format!(
                    "storage pool {id} is {}",
                    if active {
                        "not active"
                    } else {
                        "active already"
                    }
                ),
            }),
        }
    }

    fn observe_pool(&self, connect: &Connect, handle: &StoragePool) -> Result<Pool> {
        let doing = self.doing("reading a storage pool", None);
        let id = PoolId(handle.uuid().map_err(|error| doing.failed(error))?);
        let failed = |error| self.pool_failed(id, error);
        let info = handle.info().map_err(failed)?;
        let facts = Facts {
            id,
            active: handle.is_active().map_err(failed)?,
            autostart: handle.autostart().map_err(failed)?,
            bytes: [info.capacity, info.allocation, info.available],
            real: accelerator(connect) != Accelerator::Test,
        };
        Ok(pool::observe(&self.pool_xml(handle)?, facts))
    }

    fn pool_xml(&self, handle: &StoragePool) -> Result<Element> {
        let doing = self.doing("reading a storage pool", None);
        let text = handle.xml_desc(0).map_err(|error| doing.failed(error))?;
        self.parsed(&text)
    }

    fn parsed(&self, text: &str) -> Result<Element> {
        Element::parse(text).map_err(|error| Error::Failed {
            action: "reading the definition of storage".into(),
            message: error.to_string(),
        })
    }

    /// libvirt knows what it saw last. Fails while it copies something in this pool, and then knows enough.
    fn look_again(&self, handle: &StoragePool, id: PoolId) {
        if let Err(error) = handle.refresh(0) {
            tracing::debug!(pool = %id, error = error.message(), "a pool was not looked at again");
        }
    }

    fn find_volume(&self, volume: &VolumeRef) -> Result<(Connect, StoragePool, StorageVol)> {
        let (connect, pool) = self.find_pool(volume.pool)?;
        self.expect_pool(&pool, volume.pool, true)?;
        let name = volume.name.as_str();
        if pool.lookup_storage_vol_by_name(name).is_err() {
            self.look_again(&pool, volume.pool);
        }
        match pool.lookup_storage_vol_by_name(name) {
            Ok(handle) => Ok((connect, pool, handle)),
            Err(error) => Err(self.volume_failed(volume, "reading a volume", error)),
        }
    }

    fn observe_volume(&self, volume: &VolumeRef, handle: &StorageVol) -> Result<Volume> {
        let text = handle.xml_desc(0);
        let text = text.map_err(|error| self.volume_failed(volume, "reading a volume", error))?;
        pool::observe_volume(&self.parsed(&text)?).ok_or_else(|| no_such_volume(volume))
    }

    fn volume_failed(&self, volume: &VolumeRef, verb: &str, error: VirtError) -> Error {
        if error.code().is(ErrorNumber::NoStorageVolume) {
            return no_such_volume(volume);
        }
        // The test driver has no number of its own for it.
        let taken = error.code().is(ErrorNumber::StorageVolExist)
            || (error.code().is(ErrorNumber::OperationFailed)
                && error.message().contains("already exists"));
        if taken {
            return Error::Exists {
                what: format!("the volume {}", volume.name),
            };
        }
        // qemu-img and the kernel say it in the same words.
        if error.message().contains("No space left on device") {
            return Error::NoSpace {
                action: format!("{verb} {}", volume.name),
            };
        }
        self.doing(verb, None).failed(error)
    }
}
