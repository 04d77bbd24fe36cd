//! The image under test: what `make iso` left in `output/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::iso9660;

/// The parts that the manifest names, as files under `/quantix` on the medium.
pub const PARTS: [&str; 3] = ["vmlinuz", "initramfs.img", "rootfs.squashfs"];

/// An ISO with its manifest.
#[derive(Debug, Clone)]
pub struct Image {
    iso: PathBuf,
    manifest: Manifest,
}

/// What tests need of the signed manifest.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// Product version, such as `0.1.0`.
    pub version: String,
    /// 16 hex digits.
    pub build_id: String,
    /// 16 hex digits of the signing key's BLAKE3.
    pub key_id: String,
}

/// The repository's `output/` directory.
pub fn output() -> PathBuf {
    repository().join("output")
}

/// The checkout that this program was built from.
pub fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

impl Image {
    /// The newest ISO in `output/`.
    ///
    /// # Errors
    /// When there is none (`make iso` makes it) or it has no manifest.
    pub fn latest() -> Result<Self> {
        let mut newest: Option<(std::time::SystemTime, PathBuf)> = None;
        let dir = output();
        for entry in fs::read_dir(&dir).into_iter().flatten() {
            let path = entry
                .with_context(|| format!("cannot list {}", dir.display()))?
                .path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("quantix-os-") && name.ends_with(".iso") {
                let modified = fs::metadata(&path).and_then(|data| data.modified());
                let modified =
                    modified.with_context(|| format!("cannot look at {}", path.display()))?;
                if newest.as_ref().is_none_or(|(time, _)| *time < modified) {
                    newest = Some((modified, path));
                }
            }
        }
        match newest {
            Some((_, iso)) => Self::open(&iso),
            None => bail!(
                "no quantix-os-*.iso in {}: run 'make iso' first",
                dir.display()
            ),
        }
    }

    /// An ISO somewhere else.
    ///
    /// # Errors
    /// When it can't be read or has no manifest.
    pub fn open(iso: &Path) -> Result<Self> {
        let bytes = part(iso, "manifest.json")?;
        let manifest = serde_json::from_slice(&bytes)
            .with_context(|| format!("the manifest of {} is not as it should be", iso.display()))?;
        Ok(Self {
            iso: iso.to_owned(),
            manifest,
        })
    }

    /// Path of the ISO.
    pub fn iso(&self) -> &Path {
        &self.iso
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

/// The bytes of one file under `/quantix` of an ISO.
///
/// # Errors
/// When it is absent or can't be read.
pub fn part(iso: &Path, name: &str) -> Result<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let extent = iso9660::find(iso, &format!("/quantix/{name}"))?;
    let mut bytes = vec![0; usize::try_from(extent.length).context("the part is too long")?];
    fs::File::open(iso)
        .and_then(|file| file.read_exact_at(&mut bytes, extent.offset))
        .with_context(|| format!("cannot read {name} from {}", iso.display()))?;
    Ok(bytes)
}
