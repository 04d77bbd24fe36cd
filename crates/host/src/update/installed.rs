//! The installed system that runs: its disk, its slots and its boot environment.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use qx_slots::{
    BootEnv, MANIFEST_FILE, Manifest, SIGNATURE_FILE, SlotName, TransitionError, verify_manifest,
};

use super::ratchet::{FloorsLost, confirmed};
use crate::boot::{BootInfo, Mode};
use crate::boot_env;
use crate::storage::Mounted;
use crate::system_disk::{Devices, SystemDisk};
use crate::trust::{self, KEYS};

/// Why there is nothing to update, for people.
#[derive(Debug, thiserror::Error)]
pub enum NotInstalled {
    /// The daemon runs on some other system.
    #[error("this is no booted Quantix-OS: it has no slots")]
    Foreign,
    /// From an ISO or a stick.
    #[error("the system runs from a medium: install it on a disk to update it")]
    Live,
}

/// An installed system, as it was started.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The slot that runs.
    pub running: SlotName,
    /// Version of what runs.
    pub version: String,
    pub(super) system: PathBuf,
    pub(super) devices: Devices,
    /// What the image carries.
    pub(super) keys: PathBuf,
    /// The configuration's directory.
    pub(super) state: PathBuf,
    pub(super) scratch: PathBuf,
}

impl Installed {
    /// The system that `boot.json` in `run_dir` tells of, with its configuration in `state_dir`.
    ///
    /// # Errors
    /// When it was not started from a slot.
    pub fn find(run_dir: &Path, state_dir: &Path) -> Result<Self, NotInstalled> {
        let boot = BootInfo::read(run_dir).map_err(|_| NotInstalled::Foreign)?;
        let slot = boot.slot.as_deref().and_then(SlotName::of_name);
        match (boot.mode, slot) {
            (Mode::Slot, Some(running)) => Ok(Self {
                running,
                version: boot.version,
                system: PathBuf::from(boot.source),
                devices: Devices::default(),
                keys: PathBuf::from(KEYS),
                state: state_dir.to_owned(),
                scratch: run_dir.join("slot"),
            }),
            (Mode::Live, _) => Err(NotInstalled::Live),
            (Mode::Slot, None) => Err(NotInstalled::Foreign),
        }
    }

    /// The boot environment as it is now.
    ///
    /// # Errors
    /// When the disk fails, or neither copy can be believed.
    pub fn env(&self) -> io::Result<BootEnv> {
        boot_env::read(&self.system, &self.devices)
    }

    /// Changes the boot environment; nothing is written when `change` refuses.
    ///
    /// # Errors
    /// When it refuses, or the disk fails.
    pub fn change(
        &self,
        change: impl FnOnce(&mut BootEnv) -> Result<(), TransitionError>,
    ) -> io::Result<BootEnv> {
        boot_env::transition(&self.system, &self.devices, |env| {
            change(env).map_err(io::Error::other)?;
            Ok(env.clone())
        })
    }

    /// A slot, to be read at a place of its own.
    pub(super) fn mount(&self, slot: SlotName, place: &str) -> io::Result<Mounted> {
        let disk = SystemDisk::of(&self.system, &self.devices)?;
        let node = &disk.partition(slot.partition())?.node;
        Mounted::new(node, &self.scratch.with_extension(place), "ext4", true)
    }

    /// What a slot says of itself; its parts are not looked at. The running slot was started because of the
    /// keyring in its own image, and that is asked: its key may have been revoked since.
    ///
    /// # Errors
    /// When the slot cannot be read, or no trusted key signed its manifest.
    pub fn manifest(&self, slot: SlotName) -> io::Result<Manifest> {
        // qx-trial and the daemon may look at once.
        let mounted = self.mount(slot, &format!("{}{}", slot.letter(), std::process::id()))?;
        let read = |name: &str| fs::read(mounted.place().join(name));
        let (manifest, signature) = (read(MANIFEST_FILE)?, read(SIGNATURE_FILE)?);
        mounted.close()?;
        let kept = (slot != self.running).then_some(&*self.state);
        let loaded = trust::load(&self.keys, kept).map_err(io::Error::other)?;
        verify_manifest(&manifest, &signature, loaded.trust.keyring()).map_err(io::Error::other)
    }
}

impl Installed {
    /// To be called when the running version was confirmed: from now on nothing older than it says is accepted.
    /// Floors that were lost begin with this version's, and are told.
    ///
    /// # Errors
    /// When the slot that runs cannot be read or believed, or the floor cannot be kept.
    pub fn raise_floor(&self) -> io::Result<Option<FloorsLost>> {
        confirmed(&self.state, &self.manifest(self.running)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boot(mode: &str, slot: &str) -> String {
        format!(
            r#"{{"mode":"{mode}","slot":{slot},"version":"1.2.3","build_id":"00112233aabbccdd",
            "key_id":"8899aabbccddeeff","source":"/dev/vda2","copy_ms":1,"copy_bytes":1,
            "watchdog":null,"config":"partition","data":"ram","warnings":[]}}"#
        )
    }

    #[test]
    fn only_a_system_from_a_slot_can_be_updated() {
        let run = tempfile::tempdir().unwrap();
        let found = || Installed::find(run.path(), run.path());
        assert!(matches!(found(), Err(NotInstalled::Foreign)));
        let write = |text: &str| fs::write(run.path().join("boot.json"), text).unwrap();
        write(&boot("live", "null"));
        assert!(matches!(found(), Err(NotInstalled::Live)));
        write(&boot("slot", "null"));
        assert!(matches!(found(), Err(NotInstalled::Foreign)));
        write(&boot("slot", r#""B""#));
        let installed = found().unwrap();
        assert_eq!(installed.running, SlotName::B);
        assert_eq!(installed.version, "1.2.3");
    }
}
