//! What a slot is: the signed set of files that Quantix-OS boots from, on a disk's system partition or
//! on a medium.
//!
//! Owns the formats of manifest and keyring, their signatures, the update bundle, the index of a feed, the
//! floors under sequence numbers, the hashes of the parts, where things lie on a disk, and the boot environment with its state machine.
//! It is pure: bytes come in, decisions go out. It must not know devices, mounts, processes or
//! the network; whoever reads the bytes hands them over.
//!
//! ```text
//! recovery.pub ─► keyring.json ─► manifest.json ─► Part ─► PartVerifier ◄─ bytes of vmlinuz, initramfs.img,
//!    checks       keyring.sig     manifest.sig                              rootfs.squashfs
//! ```

mod bundle;
mod env;
pub mod fat;
mod feed;
mod floors;
mod hash;
mod keyring;
mod keys;
mod layout;
mod manifest;
mod parts;
mod signing;
mod state;
mod store;
mod trust;

pub use bundle::{Bundle, BundleError};
pub use env::{
    BootEnv, ENV_BYTES, EnvError, KernelArgs, MOST_ARGS, Pending, Reason, SlotName, SlotRecord,
    SlotState, Stage, TRIES,
};
pub use feed::{FeedError, FeedIndex, MAX_INDEX_BYTES, Release, verify_index};
pub use floors::{AdmissionError, Floors};
pub use hash::Hash;
pub use keyring::{Keyring, KeyringError, MAX_KEYRING_BYTES, verify_keyring};
pub use keys::{KeyError, KeyId, PublicKey};
pub use layout::{
    BUILD_ID_DIRECTORY, ENV_FILES, INDEX_FILE, INDEX_SIGNATURE_FILE, KEYRING_FILE,
    KEYRING_SIGNATURE_FILE, MANIFEST_FILE, MEDIA_DIRECTORY, PART_NAMES, PartitionNumber,
    RECOVERY_FILE, ROOT_PART, SIGNATURE_FILE,
};
pub use manifest::{BuildId, Limits, Manifest, ManifestError, Part, verify_manifest};
pub use parts::{PartError, PartVerifier, verify_part};
pub use signing::{SigningError, SigningKey};
pub use state::{Attempt, Because, BootPlan, Copies, CopyName, TransitionError, boot};
pub use store::{BlockIo, EnvStore, StoreError};
pub use trust::Trust;
