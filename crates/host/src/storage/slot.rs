//! Writing a slot: every part is written as it comes, and then everything is read back from the device and hashed
//! before anybody relies on it. One hash judges both, what came and what the disk keeps; a checksum of what came tells
//! the one from the other when the hash is wrong.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crc32fast::Hasher as Crc32;
use qx_slots::{MANIFEST_FILE, Manifest, Part, PartError, SIGNATURE_FILE};

use super::filesystem::{Mounted, make_slot};

const BUFFER: usize = 1 << 20;
/// What the file system itself takes of a partition, generously.
const OVERHEAD: u64 = 8 << 20;

/// Where a slot's parts come from.
pub trait PartSource {
    /// The part's bytes from their start.
    ///
    /// # Errors
    /// When it is not there.
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>>;
}

/// A directory with the parts as files.
impl PartSource for PathBuf {
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(self.join(name))?))
    }
}

/// Why a slot was not written.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    /// Nothing was written.
    #[error("{partition} has {have_mib} MiB; this version needs {need_mib} MiB")]
    TooSmall {
        /// The partition's node.
        partition: String,
        /// Its size.
        have_mib: u64,
        /// What is needed.
        need_mib: u64,
    },
    /// The source is not what its manifest says, or cannot be read.
    #[error("the image to install is damaged")]
    Source(#[source] PartError),
    /// The partition cannot be written.
    #[error("cannot write {partition}")]
    Write {
        /// The partition's node.
        partition: String,
        /// What the system said.
        source: io::Error,
    },
    /// The partition does not keep what was written to it.
    #[error("{partition} does not keep what is written to it: replace the disk")]
    ReadBack {
        /// The partition's node.
        partition: String,
        /// What was found.
        source: PartError,
    },
}

/// What is written to a slot.
#[derive(Clone, Copy)]
pub struct SlotContent<'a> {
    /// The manifest's bytes, as they were signed.
    pub manifest_bytes: &'a [u8],
    /// The signature over them.
    pub signature: &'a [u8],
    /// The manifest, verified.
    pub manifest: &'a Manifest,
}

impl SlotContent<'_> {
    /// Bytes of all parts: what is written, and what is read back.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.manifest.parts().iter().map(|part| part.size).sum()
    }

    /// Whether a partition of this name and size can hold it.
    ///
    /// # Errors
    /// [`SlotError::TooSmall`].
    pub fn check_room(&self, partition: &str, bytes: u64) -> Result<(), SlotError> {
        let need = self.bytes() + OVERHEAD;
        if need <= bytes {
            return Ok(());
        }
        Err(SlotError::TooSmall {
            partition: partition.to_owned(),
            have_mib: bytes >> 20,
            need_mib: need.div_ceil(1 << 20),
        })
    }

    fn small_files(&self) -> [(&'static str, &[u8]); 2] {
        [
            (MANIFEST_FILE, self.manifest_bytes),
            (SIGNATURE_FILE, self.signature),
        ]
    }
}

/// Writes the slot on `partition` of `partition_bytes` and reads it back. `progress` is told of every
/// block written or read back: twice [`SlotContent::bytes`] in all. `scratch` is a directory to mount on.
///
/// # Errors
/// After any of them the slot holds nothing that may be started.
pub fn write_slot(
    partition: &Path,
    partition_bytes: u64,
    scratch: &Path,
    content: SlotContent<'_>,
    source: &dyn PartSource,
    progress: &mut dyn FnMut(u64),
) -> Result<(), SlotError> {
    let name = partition.display().to_string();
    content.check_room(&name, partition_bytes)?;
    let failed = |source| SlotError::Write {
        partition: name.clone(),
        source,
    };
    make_slot(partition).map_err(failed)?;
    let mounted = Mounted::new(partition, scratch, "ext4", false).map_err(failed)?;
    let came = fill(mounted.place(), &name, content, source, progress)?;
    mounted.close().map_err(failed)?;
    // Nothing of the file system is in memory any more: this reads the device.
    let mounted = Mounted::new(partition, scratch, "ext4", true).map_err(failed)?;
    check(mounted.place(), &name, content, &came, progress)?;
    mounted.close().map_err(failed)
}

/// Writes the slot's files into `directory`. The checksums of the parts as they came.
fn fill(
    directory: &Path,
    partition: &str,
    content: SlotContent<'_>,
    source: &dyn PartSource,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<u32>, SlotError> {
    let parts = content.manifest.parts().iter();
    let came = parts
        .map(|part| write_part(part, directory, source, progress, partition))
        .collect::<Result<_, _>>()?;
    let write = || -> io::Result<()> {
        for (file, bytes) in content.small_files() {
            let mut file = File::create(directory.join(file))?;
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        File::open(directory)?.sync_all()
    };
    write().map_err(|source| SlotError::Write {
        partition: partition.to_owned(),
        source,
    })?;
    Ok(came)
}

fn write_part(
    part: &Part,
    directory: &Path,
    source: &dyn PartSource,
    progress: &mut dyn FnMut(u64),
    partition: &str,
) -> Result<u32, SlotError> {
    let lost = |offset, error| SlotError::Source(unreadable(&part.name, offset, error));
    let failed = |source| SlotError::Write {
        partition: partition.to_owned(),
        source,
    };
    let mut from = source.open(&part.name).map_err(|error| lost(0, error))?;
    let mut to = File::create(directory.join(&part.name)).map_err(failed)?;
    let (mut crc, mut seen) = (Crc32::new(), 0);
    let mut buffer = vec![0; BUFFER];
    while seen <= part.size {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(lost(seen, error)),
        };
        let block = buffer.get(..count).unwrap_or_default();
        crc.update(block);
        to.write_all(block).map_err(failed)?;
        seen += count as u64;
        progress(count as u64);
    }
    if seen != part.size {
        return Err(SlotError::Source(PartError::Length {
            name: part.name.clone(),
            expected: part.size,
            actual: seen,
        }));
    }
    to.sync_all().map_err(failed)?;
    Ok(crc.finalize())
}

/// Compares every file in `directory` with what was to be written. `came` has the checksums of the parts.
fn check(
    directory: &Path,
    partition: &str,
    content: SlotContent<'_>,
    came: &[u32],
    progress: &mut dyn FnMut(u64),
) -> Result<(), SlotError> {
    let differs = |source| SlotError::ReadBack {
        partition: partition.to_owned(),
        source,
    };
    for (part, came) in content.manifest.parts().iter().zip(came) {
        let path = directory.join(&part.name);
        let file = File::open(&path).map_err(|error| differs(unreadable(&part.name, 0, error)))?;
        match qx_slots::verify_part(part, Counted(file, progress)) {
            Ok(()) => {}
            Err(error @ PartError::Hash { .. }) if keeps(&path, *came) => {
                return Err(SlotError::Source(error));
            }
            Err(error) => return Err(differs(error)),
        }
    }
    for (file, bytes) in content.small_files() {
        let found = fs::read(directory.join(file));
        let same = found.and_then(|found| {
            let other = || io::Error::other("it is not what was written");
            (found == bytes).then_some(()).ok_or_else(other)
        });
        same.map_err(|error| differs(unreadable(file, 0, error)))?;
    }
    Ok(())
}

/// Whether the file is what came, whatever that was. One that can't be read isn't.
fn keeps(path: &Path, came: u32) -> bool {
    let mut crc = Crc32::new();
    let mut buffer = vec![0; BUFFER];
    let mut read = || -> io::Result<()> {
        let mut file = File::open(path)?;
        loop {
            let count = file.read(&mut buffer)?;
            match buffer.get(..count) {
                None | Some([]) => return Ok(()),
                Some(block) => crc.update(block),
            }
        }
    };
    read().is_ok() && crc.finalize() == came
}

fn unreadable(name: &str, offset: u64, source: io::Error) -> PartError {
    PartError::Read {
        name: name.to_owned(),
        offset,
        source,
    }
}

/// Tells of what is read.
struct Counted<'a, R>(R, &'a mut dyn FnMut(u64));

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        (self.1)(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qx_slots::{Hash, Limits, PART_NAMES, SigningKey};

    struct Slot {
        manifest: Manifest,
        bytes: Vec<u8>,
        source: tempfile::TempDir,
        target: tempfile::TempDir,
    }

    impl Slot {
        fn new() -> Self {
            let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let key = SigningKey::from_seed(&[1; 32]);
            let parts = PART_NAMES.map(|name| {
                let content = name.as_bytes().repeat(300_000);
                fs::write(source.path().join(name), &content).unwrap();
                Part {
                    name: name.to_owned(),
                    size: content.len() as u64,
                    blake3: Hash::of(&content),
                }
            });
            let manifest = Manifest::new(
                "1.0.0",
                "dev",
                key.public().id(),
                Limits::default(),
                parts.to_vec(),
            )
            .unwrap();
            let bytes = manifest.to_bytes().unwrap();
            Self {
                manifest,
                bytes,
                source,
                target,
            }
        }

        fn content(&self) -> SlotContent<'_> {
            SlotContent {
                manifest_bytes: &self.bytes,
                signature: b"signature",
                manifest: &self.manifest,
            }
        }

        /// The checksums of what came, and how much was told.
        fn fill(&self) -> Result<(Vec<u32>, u64), SlotError> {
            let source = self.source.path().to_owned();
            let mut done = 0;
            let mut count = |bytes| done += bytes;
            let came = fill(
                self.target.path(),
                "/dev/sda2",
                self.content(),
                &source,
                &mut count,
            )?;
            Ok((came, done))
        }

        fn check(&self, came: &[u32]) -> Result<u64, SlotError> {
            let mut done = 0;
            let mut count = |bytes| done += bytes;
            let content = self.content();
            check(self.target.path(), "/dev/sda2", content, came, &mut count)?;
            Ok(done)
        }

        fn write(&self) -> Result<(), SlotError> {
            let (came, _) = self.fill()?;
            self.check(&came).map(drop)
        }
    }

    fn said(error: &SlotError) -> String {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        format!("{error}: {}", cause.unwrap_or_default())
    }

    #[test]
    fn what_was_written_is_read_back_and_every_byte_is_counted() {
        let slot = Slot::new();
        let bytes = slot.content().bytes();
        let (came, done) = slot.fill().unwrap();
        assert_eq!(done, bytes);
        assert_eq!(slot.check(&came).unwrap(), bytes);
    }

    #[test]
    fn a_source_that_is_not_what_was_signed_is_refused_and_the_part_named() {
        for (damage, words) in [
            (
                (|bytes: &mut Vec<u8>| bytes[1_000_000] ^= 1) as fn(&mut Vec<u8>),
                "was changed",
            ),
            (|bytes| bytes.truncate(1000), "is 1000 bytes long"),
            (|bytes| bytes.extend([0; 5000]), "bytes long"),
        ] {
            let slot = Slot::new();
            let path = slot.source.path().join("initramfs.img");
            let mut bytes = fs::read(&path).unwrap();
            damage(&mut bytes);
            fs::write(&path, bytes).unwrap();
            let error = said(&slot.write().unwrap_err());
            assert!(
                error.contains("damaged: initramfs.img") && error.contains(words),
                "{error}"
            );
        }
    }

    #[test]
    fn a_missing_part_is_named() {
        let slot = Slot::new();
        fs::remove_file(slot.source.path().join("vmlinuz")).unwrap();
        let error = said(&slot.fill().unwrap_err());
        assert!(error.contains("vmlinuz cannot be read"), "{error}");
    }

    #[test]
    fn a_byte_that_changes_on_the_disk_is_found_wherever_it_is() {
        for name in PART_NAMES
            .into_iter()
            .chain([MANIFEST_FILE, SIGNATURE_FILE])
        {
            let slot = Slot::new();
            let (came, _) = slot.fill().unwrap();
            let path = slot.target.path().join(name);
            let mut bytes = fs::read(&path).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            fs::write(&path, bytes).unwrap();
            let error = said(&slot.check(&came).unwrap_err());
            assert!(
                error.contains("replace the disk") && error.contains(name),
                "{error}"
            );
        }
    }

    #[test]
    fn a_source_that_was_changed_and_a_disk_that_changes_it_once_more_are_the_disks_fault() {
        let slot = Slot::new();
        fs::write(
            slot.source.path().join("vmlinuz"),
            "vmlinux".repeat(300_000),
        )
        .unwrap();
        let (came, _) = slot.fill().unwrap();
        let path = slot.target.path().join("vmlinuz");
        let mut bytes = fs::read(&path).unwrap();
        bytes[7] ^= 1;
        fs::write(&path, bytes).unwrap();
        let error = said(&slot.check(&came).unwrap_err());
        assert!(error.contains("replace the disk"), "{error}");
    }

    #[test]
    fn a_partition_that_is_too_small_is_refused_before_anything_is_written() {
        let slot = Slot::new();
        let source = slot.source.path().to_owned();
        let partition = slot.target.path().join("absent");
        let error = write_slot(
            &partition,
            1 << 20,
            slot.target.path(),
            slot.content(),
            &source,
            &mut |_| (),
        )
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("has 1 MiB; this version needs 19 MiB"),
            "{error}"
        );
    }
}
