//! Writing a bundle to the slot that does not run, while it arrives.

use std::io::{self, Read};

use qx_slots::{Bundle, BundleError, Manifest, SlotName};
use tar::Archive;

use super::Installed;
use crate::storage::{PartSource, SlotContent, SlotError, write_slot};
use crate::system_disk::SystemDisk;
use crate::trust::{TrustError, keyring};

/// Is told how far it is.
pub trait Progress {
    /// The manifest is verified: this is what comes, in a bundle of so many bytes.
    fn begins(&mut self, manifest: &Manifest, bytes: u64);

    /// So many bytes were written to the slot, and then read back, of so many in all.
    fn at(&mut self, written: u64, read_back: u64, of: u64);
}

/// Why the slot does not hold the bundle's version. The running system was not touched.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// It is not to be trusted, or no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The keys of this system cannot be had.
    #[error(transparent)]
    Keys(#[from] TrustError),
    /// The slot must not be overwritten now.
    #[error("slot {slot} cannot be written now: {source}")]
    Slot {
        /// Which.
        slot: SlotName,
        /// Why.
        source: io::Error,
    },
    /// The disk, or what arrived.
    #[error(transparent)]
    Write(#[from] SlotError),
    /// It was written, and the boot environment cannot be changed.
    #[error("the boot environment cannot be changed")]
    Env(#[source] io::Error),
}

impl Installed {
    /// Writes the bundle in `reader` to the slot that does not run and reads it back. From the check of its
    /// manifest until the last byte was read back, nothing starts that slot.
    ///
    /// # Errors
    /// See [`StageError`].
    pub fn stage(
        &self,
        reader: impl Read,
        progress: &mut dyn Progress,
    ) -> Result<Manifest, StageError> {
        let trusted = keyring(&self.keys)?;
        let mut archive = Archive::new(reader);
        let bundle = Bundle::open(&mut archive, &trusted)?;
        let slot = self.running.other();
        let refused = |source| StageError::Slot { slot, source };
        let disk = SystemDisk::of(&self.system, &self.devices).map_err(refused)?;
        let target = disk.partition(slot.partition()).map_err(refused)?;
        let content = SlotContent {
            manifest_bytes: bundle.manifest_bytes(),
            signature: bundle.signature(),
            manifest: bundle.manifest(),
        };
        content.check_room(slot.partition().name(), target.bytes)?;
        progress.begins(bundle.manifest(), bundle.bytes());
        self.change(|env| env.begin_write(slot)).map_err(refused)?;

        let (half, mut done) = (content.bytes(), 0);
        write_slot(
            &target.node,
            target.bytes,
            &self.scratch,
            content,
            &bundle,
            &mut |bytes| {
                done += bytes;
                let written = done.min(half);
                progress.at(written, done - written, half);
            },
        )?;
        let manifest = bundle.manifest().clone();
        bundle.finish()?;
        self.change(|env| env.written(slot))
            .map_err(StageError::Env)?;
        Ok(manifest)
    }
}

impl<R: Read> PartSource for Bundle<'_, R> {
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let part = self.next_part(name).map_err(io::Error::other)?;
        Ok(Box::new(part))
    }
}
