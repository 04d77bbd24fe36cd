//! Checks the image on the medium and brings its root file system into memory.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use qx_host::trust;
use qx_host::watchdog::Watchdog;
use qx_slots::{MANIFEST_FILE, Manifest, Part, ROOT_PART, SIGNATURE_FILE, verify_manifest};
use rustix::mount::MountFlags;

use crate::copy::{CopyError, copy_verified};
use crate::failure::Failure;
use crate::medium::Medium;
use crate::progress::Progress;
use crate::watchdog::keep_alive;
use crate::{log, mounts};

const KEYS: &str = "/etc/quantix/keys";
/// A tmpfs of its own, as large as the image: nothing else can fill it.
const STORE: &str = "/image";

/// An image whose every byte was signed, with its root file system in memory.
pub(crate) struct Image {
    pub(crate) manifest: Manifest,
    /// The root file system's image. The file's name is gone already; its memory is free again when the
    /// last user of this descriptor is.
    pub(crate) root: File,
    /// How long checking and copying took.
    pub(crate) took: Duration,
    /// Length of the root file system's image.
    pub(crate) bytes: u64,
}

/// Verifies the manifest, then every part, and copies the root file system while it is hashed.
pub(crate) fn load(medium: &Medium, watchdog: &mut Option<Watchdog>) -> Result<Image, Failure> {
    let start = Instant::now();
    // Nothing is mounted yet: the image's own keyring, and none that the host kept.
    let trusted = trust::load(Path::new(KEYS), None)
        .map_err(io::Error::other)
        .map_err(Failure::system("read the trusted keys"))?;
    let manifest = verify_manifest(
        &medium.read_small(MANIFEST_FILE)?,
        &medium.read_small(SIGNATURE_FILE)?,
        trusted.trust.keyring(),
    )
    .map_err(|source| Failure::Manifest {
        place: medium.place(),
        source,
    })?;

    let (mut root, mut bytes) = (None, 0);
    for part in manifest.parts() {
        let source = medium.open(&part.name)?;
        let verdict = if part.name == ROOT_PART {
            bytes = part.size;
            let target = store(part).map_err(Failure::system("make room for the image"))?;
            let verdict = copy(part, source, &target, watchdog);
            root = Some(target);
            verdict
        } else {
            copy(part, source, io::sink(), watchdog)
        };
        verdict.map_err(|source| Failure::Part {
            place: medium.place(),
            source,
        })?;
    }
    let Some(root) = root else {
        return Err(Failure::Missing {
            name: ROOT_PART.to_owned(),
            place: medium.place(),
        });
    };
    Ok(Image {
        manifest,
        root,
        took: start.elapsed(),
        bytes,
    })
}

fn copy(
    part: &Part,
    source: impl Read + Send,
    target: impl Write,
    watchdog: &mut Option<Watchdog>,
) -> Result<(), CopyError> {
    let start = Instant::now();
    let mut progress = Progress::new(part.size);
    let verdict = copy_verified(part, source, target, |bytes| {
        if let Some(text) = progress.add(bytes, start.elapsed()) {
            log::say(&text);
            keep_alive(watchdog);
        }
    });
    if let Some(text) = progress.finish(start.elapsed()) {
        log::say(&text);
    }
    verdict
}

/// An empty file in memory with room for exactly this part.
fn store(part: &Part) -> io::Result<File> {
    let directory = Path::new(STORE);
    // Whole pages, and one for the directory.
    let size = part.size.next_multiple_of(4096) + 4096;
    mounts::tmpfs(
        directory,
        MountFlags::NOSUID | MountFlags::NODEV,
        // Large pages cost less to fill now and to read through later.
        &format!("size={size},huge=always"),
    )?;
    let path = directory.join(&part.name);
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    fs::remove_file(&path)?;
    mounts::detach(directory)?;
    Ok(file)
}
