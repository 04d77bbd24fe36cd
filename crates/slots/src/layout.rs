//! Where things lie: the names of a slot's files and the numbers of a disk's partitions.

/// The signed description of a slot.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The ed25519 signature over the manifest's bytes: 64 raw bytes.
pub const SIGNATURE_FILE: &str = "manifest.sig";
/// The parts of a slot, in the order of the manifest.
pub const PART_NAMES: [&str; 3] = ["vmlinuz", "initramfs.img", ROOT_PART];
/// The part that becomes the root file system.
pub const ROOT_PART: &str = "rootfs.squashfs";
/// Where a medium keeps its slot directory; a system partition keeps it at its root.
pub const MEDIA_DIRECTORY: &str = "quantix";
/// Below a medium's slot directory: holds one empty file, named after the build id.
pub const BUILD_ID_DIRECTORY: &str = "id";

/// The partitions of a Quantix-OS disk, by their GPT number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionNumber {
    /// The EFI system partition.
    Efi = 1,
    /// Slot A.
    SystemA = 2,
    /// Slot B.
    SystemB = 3,
    /// `/quantix`: configuration, keys, definitions.
    Config = 4,
    /// `/data`: VM disks, images, logs.
    Data = 5,
}
