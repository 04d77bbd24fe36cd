//! A VM's firmware variables as a qcow2 file: libvirt makes them a raw one, which holds no snapshots. Made by its
//! storage driver, whose files they are.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use qx_hypervisor::{Error, Result};
use qx_model::vm::VmId;
use uuid::Uuid;
use virt::error::ErrorNumber;
use virt::storage_vol::StorageVol;

use crate::snapshots::Variables;
use crate::storage::{Pool, Storage, split, volume};
use crate::xml::Element;

/// Two pools of one directory exclude each other.
static TURN: Mutex<()> = Mutex::new(());

/// The new file is there. The old one, too, until it is forgotten.
pub(crate) struct Made {
    new: StorageVol,
    old: Option<StorageVol>,
    _pool: Pool,
    _turn: MutexGuard<'static, ()>,
}

impl Made {
    /// Removes the old file, which nothing names any more.
    pub(crate) fn forget_old(self) -> Result<()> {
        let Some(old) = &self.old else { return Ok(()) };
        old.delete(0).map_err(|error| Error::Failed {
            action: "removing firmware variables that are no longer used".into(),
            message: error.message().to_owned(),
        })
    }

    /// Removes the new file, which nothing names yet.
    pub(crate) fn take_back(&self) {
        if let Err(error) = self.new.delete(0) {
            tracing::error!(
                error = error.message(),
                "firmware variables were left behind"
            );
        }
    }
}

impl Storage<'_> {
    /// Makes the VM `id` a qcow2 file of firmware variables, from the file that is there or, before the first start,
    /// from what libvirt would make that from. `domain` names it afterwards, and still has to be given to libvirt.
    pub(crate) fn variables(
        &self,
        id: VmId,
        variables: &Variables,
        domain: &mut Element,
    ) -> Result<Made> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let doing = self.doing("making firmware variables that can be snapshotted");
        let failed = |error| doing.failed(error);
        let (directory, old) = split(Path::new(&variables.file))?;
        let pool = self.existing(directory)?;
        let present = pool.0.lookup_storage_vol_by_name(&old).ok();
        let template = variables.template.as_deref().map(Path::new);
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
                    message: format!("neither {} is there nor a template of it", variables.file),
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
        let new = made.map_err(failed)?;
        let path = new.path().map_err(failed)?;
        domain.change("os", |os| {
            os.change("nvram", |nvram| {
                nvram.set("format", "qcow2");
                nvram.unset("template");
                nvram.unset("templateFormat");
                nvram.unset("type");
                nvram.say(path);
            });
        });
        Ok(Made {
            new,
            old: present,
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
