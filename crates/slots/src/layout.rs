//! Where things lie: the names of a slot's files, a disk's partitions, and the files of its EFI partition.

/// The signed description of a slot.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The ed25519 signature over the manifest's bytes: 64 raw bytes.
pub const SIGNATURE_FILE: &str = "manifest.sig";
/// The public half of the recovery key: 64 hexadecimal digits. Only images carry it.
pub const RECOVERY_FILE: &str = "recovery.pub";
/// The index of an update feed.
pub const INDEX_FILE: &str = "index.json";
/// The signature over it.
pub const INDEX_SIGNATURE_FILE: &str = "index.sig";
/// Which keys may sign manifests.
pub const KEYRING_FILE: &str = "keyring.json";
/// The recovery key's signature over the keyring's bytes: 64 raw bytes.
pub const KEYRING_SIGNATURE_FILE: &str = "keyring.sig";
/// The parts of a slot, in the order of the manifest.
pub const PART_NAMES: [&str; 3] = ["vmlinuz", "initramfs.img", ROOT_PART];
/// The part that becomes the root file system.
pub const ROOT_PART: &str = "rootfs.squashfs";
/// Where a medium keeps its slot directory; a system partition keeps it at its root.
pub const MEDIA_DIRECTORY: &str = "quantix";
/// Below a medium's slot directory: holds one empty file, named after the build id.
pub const BUILD_ID_DIRECTORY: &str = "id";

/// The two copies of the environment block on the EFI partition, 8.3 names from its root.
pub const ENV_FILES: [[&str; 2]; 2] = [["QUANTIX", "ENV1"], ["QUANTIX", "ENV2"]];

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

impl PartitionNumber {
    /// All of them, in the order of the disk.
    pub const ALL: [Self; 5] = [
        Self::Efi,
        Self::SystemA,
        Self::SystemB,
        Self::Config,
        Self::Data,
    ];

    /// The name in the partition table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Efi => "EFI",
            Self::SystemA => "System A",
            Self::SystemB => "System B",
            Self::Config => "Config",
            Self::Data => "Data",
        }
    }

    /// The partition type: the EFI system partition's of the UEFI specification; the others are ours, and
    /// the same on every Quantix-OS disk.
    #[must_use]
    pub const fn type_guid(self) -> &'static str {
        match self {
            Self::Efi => "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
            Self::SystemA | Self::SystemB => "5158D6A8-6E1C-4A0B-9C2B-51584F530001",
            Self::Config => "5158D6A8-6E1C-4A0B-9C2B-51584F530002",
            Self::Data => "5158D6A8-6E1C-4A0B-9C2B-51584F530003",
        }
    }
}
