//! What a slot is: the signed set of files that Quantix-OS boots from, on a disk's system partition or
//! on a medium.
//!
//! Owns the manifest's format, its signature, the update bundle, the hashes of the parts, where things lie on a disk, and the
//! boot environment with its state machine.
//! It is pure: bytes come in, decisions go out. It must not know devices, mounts, processes or
//! the network; whoever reads the bytes hands them over.
//!
//! ```text
//! manifest.json ── signature checked ──► parsed ──► Part ──► PartVerifier ◄── bytes of vmlinuz,
//! manifest.sig  ──      (keys)                                               initramfs.img, rootfs.squashfs
//! ```

mod bundle;
mod env;
pub mod fat;
mod hash;
mod keys;
mod layout;
mod manifest;
mod parts;
mod signing;
mod state;
mod store;

pub use bundle::{Bundle, BundleError};
pub use env::{
    BootEnv, ENV_BYTES, EnvError, KernelArgs, MOST_ARGS, Pending, Reason, SlotName, SlotRecord,
    SlotState, Stage, TRIES,
};
pub use hash::Hash;
pub use keys::{KeyError, KeyId, Keyring, PublicKey};
pub use layout::{
    BUILD_ID_DIRECTORY, ENV_FILES, MANIFEST_FILE, MEDIA_DIRECTORY, PART_NAMES, PartitionNumber,
    ROOT_PART, SIGNATURE_FILE,
};
pub use manifest::{BuildId, Manifest, ManifestError, Part, verify_manifest};
pub use parts::{PartError, PartVerifier, verify_part};
pub use signing::{SigningError, SigningKey};
pub use state::{Attempt, Because, BootPlan, Copies, CopyName, TransitionError, boot};
pub use store::{BlockIo, EnvStore, StoreError};
