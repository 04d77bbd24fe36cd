//! Damage done on purpose to a copy of the ISO. Every function proves that it changed something: a fault
//! test whose fault did not happen must fail.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ed25519_dalek::pkcs8::DecodePrivateKey;
use ed25519_dalek::{Signer, SigningKey};

use crate::image::{self, Image};
use crate::iso9660;

/// What a boot says that refuses a changed image: shim, GRUB, the kernel's unpacking of the initramfs, and
/// qx-init each have words of their own.
pub const REFUSALS: [&str; 4] = [
    "bad shim signature",
    "invalid magic number",
    "Kernel panic",
    "Quantix-OS cannot start:",
];

/// A writable copy of an image.
pub struct TamperedIso {
    path: PathBuf,
    file: File,
}

impl TamperedIso {
    /// Copies `image` into `dir`.
    ///
    /// # Errors
    /// When the copy can't be written.
    pub fn copy(image: &Image, dir: &Path) -> Result<Self> {
        let path = dir.join("tampered.iso");
        fs::copy(image.iso(), &path)
            .with_context(|| format!("cannot copy the image to {}", path.display()))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {} for writing", path.display()))?;
        Ok(Self { path, file })
    }

    /// Where the copy is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Inverts one bit of a part under `/quantix`, at `per_mille` thousandths of its length.
    ///
    /// # Errors
    /// When the part is absent or the copy can't be changed.
    pub fn flip(&self, part: &str, per_mille: u64) -> Result<u64> {
        let offset = self.length(part)?.saturating_sub(1) * per_mille.min(1000) / 1000;
        self.flip_bit(part, offset, 2)?;
        Ok(offset)
    }

    /// Length of a part in bytes.
    ///
    /// # Errors
    /// When the part is absent.
    pub fn length(&self, part: &str) -> Result<u64> {
        Ok(self.find(part)?.length)
    }

    /// Inverts bit `bit` of the byte at `offset` of a part under `/quantix`.
    ///
    /// # Errors
    /// When the part is absent or shorter, or the copy can't be changed.
    pub fn flip_bit(&self, part: &str, offset: u64, bit: u8) -> Result<()> {
        let extent = self.find(part)?;
        ensure!(offset < extent.length, "{part} is shorter than {offset}");
        let mut byte = [0];
        self.file
            .read_exact_at(&mut byte, extent.offset + offset)
            .context("cannot read")?;
        byte[0] ^= 1 << bit;
        self.file
            .write_all_at(&byte, extent.offset + offset)
            .context("cannot write")
    }

    /// Replaces bytes inside a part by others of the same length.
    ///
    /// # Errors
    /// When `from` does not occur or the lengths differ.
    pub fn replace(&self, part: &str, from: &[u8], to: &[u8]) -> Result<()> {
        ensure!(
            from.len() == to.len() && from != to,
            "a replacement must differ and keep length"
        );
        let extent = self.find(part)?;
        let bytes = image::part(&self.path, part)?;
        let at = bytes
            .windows(from.len())
            .position(|window| window == from)
            .with_context(|| format!("{part} has nothing to replace"))?;
        self.file
            .write_all_at(to, extent.offset + at as u64)
            .context("cannot write")
    }

    /// Takes a part out of every directory that names it, by giving it another name.
    ///
    /// # Errors
    /// When it is absent already or still found afterwards.
    pub fn remove(&self, part: &str) -> Result<()> {
        for (offset, length) in self.find(part)?.records {
            let mut record = vec![0; length];
            self.file
                .read_exact_at(&mut record, offset)
                .context("cannot read")?;
            let name = part.rsplit('/').next().unwrap_or(part);
            let stem: Vec<u8> = name.bytes().take(4).collect();
            let wide: Vec<u8> = stem.iter().flat_map(|&byte| [0, byte]).collect();
            for at in 33..record.len() {
                for needle in [&stem, &wide] {
                    if record[at..].len() >= needle.len()
                        && record[at..at + needle.len()].eq_ignore_ascii_case(needle)
                    {
                        record[at + needle.len() - 1] ^= 0x01;
                    }
                }
            }
            self.file
                .write_all_at(&record, offset)
                .context("cannot write")?;
        }
        ensure!(self.find(part).is_err(), "{part} is still there");
        Ok(())
    }

    /// Cuts the file to `percent` of its length.
    ///
    /// # Errors
    /// When the copy can't be changed.
    pub fn truncate(&self, percent: u64) -> Result<()> {
        let length = self
            .file
            .metadata()
            .context("cannot look at the copy")?
            .len();
        self.file
            .set_len(length * percent / 100 / 2048 * 2048)
            .context("cannot truncate")
    }

    /// Signs the manifest as it stands with a key that the image does not know.
    ///
    /// # Errors
    /// When the copy can't be changed.
    pub fn sign_with_unknown_key(&self) -> Result<()> {
        self.sign_with(&SigningKey::from_bytes(&[7; 32]))
    }

    /// Signs the manifest as it stands with a key on file (PKCS#8 PEM).
    ///
    /// # Errors
    /// When the key can't be read or the copy can't be changed.
    pub fn sign_with_key_file(&self, key: &Path) -> Result<()> {
        let pem = fs::read_to_string(key)
            .with_context(|| format!("cannot read the signing key {}", key.display()))?;
        self.sign_with(&SigningKey::from_pkcs8_pem(&pem).context("not an ed25519 key")?)
    }

    fn sign_with(&self, key: &SigningKey) -> Result<()> {
        let manifest = image::part(&self.path, "manifest.json")?;
        let signature = key.sign(&manifest).to_bytes();
        let extent = self.find("manifest.sig")?;
        ensure!(
            extent.length == 64,
            "manifest.sig has {} bytes instead of 64",
            extent.length
        );
        self.file
            .write_all_at(&signature, extent.offset)
            .context("cannot write")
    }

    fn find(&self, part: &str) -> Result<iso9660::Extent> {
        iso9660::find(&self.path, &format!("/quantix/{part}"))
    }
}
