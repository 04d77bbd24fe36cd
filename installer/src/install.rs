//! An installation, step by step. The disks are chosen and the configuration is right before this begins.
//!
//! ```text
//! manifest verified ─► partition tables ─┬► slots A and B of every disk ─┬► EFI ─► boot entries
//!                   └► data looked at, ─►┘└► config ─► data ─────────────┘
//!                      rest erased                      └ not when it is kept
//! ```
//! The EFI partitions come last: a machine whose power fails before that finds nothing to boot here.

use std::fs;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use qx_host::config::{Config, kernel_arguments};
use qx_host::disks::ReleaseError;
use qx_host::storage::{BootLoader, SlotContent, SlotError, StorageError, set_boot_entries};
use qx_host::trust::{self, TrustError};
use qx_slots::{BootEnv, MANIFEST_FILE, ManifestError, SIGNATURE_FILE, verify_manifest};

use crate::target::Target;
use crate::work::Work;

/// What is installed where.
pub struct Plan<'a> {
    /// The disks, and what of them stays.
    pub target: &'a Target<'a>,
    /// The host's configuration.
    pub config: &'a Config,
    /// Directory with manifest, signature and parts.
    pub source: PathBuf,
    /// Directory with recovery key and keyring.
    pub keys: PathBuf,
    /// The boot programs.
    pub loader: BootLoader,
    /// An empty directory for mounts.
    pub scratch: PathBuf,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Partition table.
    Partition,
    /// Writing and reading back slot A.
    SlotA,
    /// Writing and reading back slot B.
    SlotB,
    /// Configuration, data and EFI partition.
    Finish,
}

impl Step {
    /// In words, behind "Installing on /dev/sda: ".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Partition => "making partitions",
            Self::SlotA => "writing slot A",
            Self::SlotB => "writing slot B",
            Self::Finish => "writing the configuration and the boot programs",
        }
    }
}

/// Is told how far the installation is.
pub trait Progress {
    /// `done` of `total` bytes are written or read back; `total` is the same all the time.
    fn at(&mut self, step: Step, done: u64, total: u64);
}

/// Why nothing usable was installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A file of the image or a key cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The keys that the running system trusts cannot be had.
    #[error(transparent)]
    Keys(#[from] TrustError),
    /// The image is not signed by a key that this system trusts.
    #[error("the image to install is not to be trusted")]
    Manifest(#[from] ManifestError),
    /// Something lies on the disk that can't be stopped.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The data that is to be kept can't be read.
    #[error("the data can't be kept, and nothing was changed: {0}")]
    Keep(#[source] StorageError),
    /// The kernel arguments of the configuration do not fit the boot environment.
    #[error("the configuration's kernel arguments cannot be stored: {0}")]
    Arguments(String),
    /// The disk refused something.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The image is larger than a slot.
    #[error(transparent)]
    NoRoom(SlotError),
    /// A slot could not be written.
    #[error(transparent)]
    Slot(#[from] SlotError),
}

impl InstallError {
    /// Whether what was on the disk before is still there.
    #[must_use]
    pub const fn disk_is_unchanged(&self) -> bool {
        !matches!(self, Self::Storage(_) | Self::Slot(_))
    }
}

/// What was installed.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// The version in both slots.
    pub version: String,
    /// What did not work and does not matter enough to stop, in plain sentences.
    pub warnings: Vec<String>,
}

/// Installs, and reads back everything that it wrote.
///
/// # Errors
/// See [`InstallError::disk_is_unchanged`] for what is left then.
pub fn install(plan: &Plan<'_>, progress: &mut dyn Progress) -> Result<Report, InstallError> {
    let manifest_bytes = read(&plan.source.join(MANIFEST_FILE))?;
    let signature = read(&plan.source.join(SIGNATURE_FILE))?;
    // The image that runs is the one to install: its own keyring is the newest that it can be signed under.
    let trust = trust::load(&plan.keys, None)?.trust;
    let manifest = verify_manifest(&manifest_bytes, &signature, trust.keyring())?;
    let content = SlotContent {
        manifest_bytes: &manifest_bytes,
        signature: &signature,
        manifest: &manifest,
    };
    let env = environment(plan.config)?;
    let system = plan.target.partitions[1];
    content
        .check_room(system.number.name(), system.bytes)
        .map_err(InstallError::NoRoom)?;
    let mut work = Work::new(plan, content, progress);
    work.places.release()?;
    work.say(Step::Partition);
    let mut warnings = work.places.divide()?;
    let places = work.places.clone();
    // The slots keep the disk busy, the other file systems a processor.
    thread::scope(|scope| -> Result<(), InstallError> {
        let others = scope.spawn(|| places.config_and_data());
        let slots = work.slots();
        if slots.is_ok() {
            work.say(Step::Finish);
        }
        let others = others.join().unwrap_or_else(|panic| resume_unwind(panic));
        slots?;
        Ok(others?)
    })?;
    places.efi(&env)?;
    let disks: Vec<&Path> = places
        .disks()
        .iter()
        .map(|disk| disk.path.as_path())
        .collect();
    let entries = set_boot_entries(&disks);
    warnings.extend(entries.err().map(|error| error.to_string()));
    Ok(Report {
        version: manifest.version.clone(),
        warnings,
    })
}

fn environment(config: &Config) -> Result<BootEnv, InstallError> {
    let text =
        kernel_arguments(config).map_err(|error| InstallError::Arguments(error.to_string()))?;
    let args = text
        .parse()
        .map_err(|error: qx_slots::EnvError| InstallError::Arguments(error.to_string()))?;
    Ok(BootEnv::installed(args))
}

fn read(path: &Path) -> Result<Vec<u8>, InstallError> {
    fs::read(path).map_err(|source| InstallError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use qx_slots::{KEYRING_FILE, KEYRING_SIGNATURE_FILE, Keyring, RECOVERY_FILE, SigningKey};

    #[test]
    fn the_environment_starts_slot_a_with_the_configured_arguments() {
        let mut config = Config::default();
        config.system.kernel_args = vec!["intel_iommu=on".parse().unwrap()];
        let env = environment(&config).unwrap();
        assert_eq!(env.confirmed, qx_slots::SlotName::A);
        assert_eq!(
            env.args.as_str(),
            "console=tty1 console=ttyS0,115200 intel_iommu=on"
        );
    }

    #[test]
    fn an_image_that_no_trusted_key_signed_is_refused_before_the_disk_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let keys = dir.path().join("keys");
        fs::create_dir(&keys).unwrap();
        let [recovery, release] = [1, 2].map(|seed| SigningKey::from_seed(&[seed; 32]));
        let keyring = Keyring::new(1, vec![release.public()], vec![]).unwrap();
        let bytes = keyring.to_bytes().unwrap();
        fs::write(keys.join(RECOVERY_FILE), recovery.public().to_hex()).unwrap();
        fs::write(keys.join(KEYRING_SIGNATURE_FILE), recovery.sign(&bytes)).unwrap();
        fs::write(keys.join(KEYRING_FILE), bytes).unwrap();
        let trust = trust::load(&keys, None).unwrap().trust;
        let error = verify_manifest(b"{}", &[0; 64], trust.keyring()).unwrap_err();
        let error = InstallError::from(error);
        assert!(error.disk_is_unchanged());
        assert_eq!(
            error.to_string(),
            "the image to install is not to be trusted"
        );
    }

    #[test]
    fn a_disk_that_was_written_to_is_not_called_unchanged() {
        let slot = SlotError::TooSmall {
            partition: "System A".into(),
            have_mib: 300,
            need_mib: 400,
        };
        assert!(InstallError::NoRoom(slot).disk_is_unchanged());
        let written = SlotError::Write {
            partition: "/dev/sda2".into(),
            source: io::ErrorKind::StorageFull.into(),
        };
        assert!(!InstallError::from(written).disk_is_unchanged());
    }
}
