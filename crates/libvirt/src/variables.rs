//! A VM's firmware variables as a qcow2 file: libvirt makes them a raw one, which holds no snapshots. Made by its
//! storage driver, whose files they are.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use qx_hypervisor::{Error, Result};
use qx_model::vm::VmId;
use uuid::Uuid;
use virt::error::ErrorNumber;
use virt::storage_vol::StorageVol;

use crate::snapshots::RawVariables;
use crate::storage::{Pool, Storage, split, volume};
use crate::xml::Element;

/// Two pools of one directory exclude each other.
static TURN: Mutex<()> = Mutex::new(());

/// The new file is there. The old one, too, until it is forgotten.
pub(crate) struct Variables {
    raw: Option<StorageVol>,
    _pool: Pool,
    _turn: MutexGuard<'static, ()>,
}

impl Variables {
    /// Removes the raw file, which nothing names any more.
    pub(crate) fn forget_raw(self) -> Result<()> {
        let Some(raw) = &self.raw else { return Ok(()) };
        raw.delete(0).map_err(|error| Error::Failed {
            action: "removing firmware variables that are no longer used".into(),
            message: error.message().to_owned(),
        })
    }
}

impl Storage<'_> {
    /// Makes a VM's firmware variables a qcow2 file, from the raw one or, before the first start, from what
    /// libvirt would make that from. `domain` names it afterwards, and still has to be given to libvirt.
    pub(crate) fn variables(
        &self,
        id: VmId,
        raw: &RawVariables,
        domain: &mut Element,
    ) -> Result<Variables> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let doing = self.doing("making firmware variables that can be snapshotted");
        let failed = |error| doing.failed(error);
        let (directory, old) = split(Path::new(&raw.file))?;
        let pool = self.existing(directory)?;
        let present = pool.0.lookup_storage_vol_by_name(&old).ok();
        let template = raw.template.as_deref().map(Path::new);
        let (_templates, source) = match (present.clone(), template) {
            (Some(volume), _) => (None, volume),
            (None, Some(template)) => {
                let (directory, name) = split(template)?;
                let templates = self.existing(directory)?;
                let volume = templates.0.lookup_storage_vol_by_name(&name);
                (Some(templates), volume.map_err(failed)?)
            }
            (None, None) => {
                return Err(Error::Failed {
                    action: "making firmware variables that can be snapshotted".into(),
                    message: format!("neither {} is there nor a template of it", raw.file),
                });
            }
        };
        let name = format!("{id}_VARS.qcow2");
        let bytes = source.info().map_err(failed)?.capacity;
        let wanted = volume(&name, "qcow2", bytes).to_string();
        let made = match StorageVol::create_xml_from(&pool.0, &wanted, &source, 0) {
            // Left behind when an earlier try ended half-way.
            Err(error) if error.code().is(ErrorNumber::StorageVolExist) => {
                let stale = pool.0.lookup_storage_vol_by_name(&name);
                stale.and_then(|stale| stale.delete(0)).map_err(failed)?;
                StorageVol::create_xml_from(&pool.0, &wanted, &source, 0)
            }
            made => made,
        };
        let path = made.and_then(|made| made.path()).map_err(failed)?;
        domain.change("os", |os| {
            os.change("nvram", |nvram| {
                nvram.set("format", "qcow2");
                nvram.unset("template");
                nvram.unset("templateFormat");
                nvram.say(path);
            });
        });
        Ok(Variables {
            raw: present,
            _pool: pool,
            _turn: turn,
        })
    }

    /// A directory that is there, as a pool.
    fn existing(&self, directory: &Path) -> Result<Pool> {
        let path = Element::new("path").saying(directory.to_string_lossy());
        let pool = Element::new("pool")
            .with("type", "dir")
            .holding(Element::new("name").saying(format!("quantix-{}", Uuid::new_v4())))
            .holding(Element::new("target").holding(path));
        let made = self.connect.create_storage_pool_xml(&pool.to_string(), 0);
        made.map(Pool).map_err(|error| {
            self.doing("opening the directory of firmware variables")
                .failed(error)
        })
    }
}
