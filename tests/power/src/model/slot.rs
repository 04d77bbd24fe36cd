//! A slot as GRUB, the kernel and qx-init see it.

use ext4_view::{Ext4, Ext4Error};
use qx_slots::{
    Hash, Keyring, MANIFEST_FILE, Manifest, PART_NAMES, SIGNATURE_FILE, verify_manifest,
    verify_part,
};

use super::view::View;

/// What happens when a slot is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// GRUB cannot read kernel or initramfs, or Secure Boot refuses the kernel: it goes on to the next slot.
    Refused,
    /// The kernel starts and panics, because this initramfs does not belong to it: the machine restarts.
    Crashes,
    /// qx-init finds that the image is not what was signed.
    Unverified,
    /// Everything is as it was signed.
    Whole,
}

impl Slot {
    /// Looks at a partition. `images` are all that there are: a kernel of none of them has no signature that
    /// Secure Boot knows.
    #[must_use]
    pub fn read(view: &View, images: &[Manifest], keys: &Keyring) -> Self {
        let [kernel, initramfs, _] = PART_NAMES;
        let Ok(system) = Ext4::load(Box::new(view.clone())) else {
            return Self::Refused;
        };
        let (Ok(kernel_hash), Ok(initramfs_hash)) =
            (hash(&system, kernel), hash(&system, initramfs))
        else {
            return Self::Refused;
        };
        let is = |image: &Manifest, part: &str, hash: Hash| {
            image.part(part).is_some_and(|part| part.blake3 == hash)
        };
        let mut signed = images
            .iter()
            .filter(|image| is(image, kernel, kernel_hash))
            .peekable();
        if signed.peek().is_none() {
            return Self::Refused;
        }
        if !signed.any(|image| is(image, initramfs, initramfs_hash)) {
            return Self::Crashes;
        }
        if is_whole(&system, keys) {
            Self::Whole
        } else {
            Self::Unverified
        }
    }
}

fn path(name: &str) -> String {
    format!("/{name}")
}

fn hash(system: &Ext4, name: &str) -> Result<Hash, Ext4Error> {
    Ok(Hash::of(&system.read(path(name).as_str())?))
}

fn is_whole(system: &Ext4, keys: &Keyring) -> bool {
    let read = |name: &str| system.read(path(name).as_str());
    let (Ok(manifest), Ok(signature)) = (read(MANIFEST_FILE), read(SIGNATURE_FILE)) else {
        return false;
    };
    let Ok(manifest) = verify_manifest(&manifest, &signature, keys) else {
        return false;
    };
    manifest.parts().iter().all(|part| {
        let file = system.open(path(&part.name).as_str());
        file.is_ok_and(|file| verify_part(part, file).is_ok())
    })
}
