//! A partition as sectors, past the page cache: what was written is on the medium, what is read comes from it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use qx_slots::BlockIo;
use rustix::fs::{FlockOperation, OFlags, flock};

/// Direct transfers need memory that is aligned to this; enough for every disk.
const ALIGNMENT: usize = 4096;

/// An open partition.
#[derive(Debug)]
pub struct RawPartition {
    file: File,
    sector_bytes: usize,
}

impl RawPartition {
    /// Opens `node`, whose disk has logical sectors of `sector_bytes`.
    ///
    /// # Errors
    /// When it can't be opened for reading and writing.
    pub fn open(node: &Path, sector_bytes: u32) -> io::Result<Self> {
        let flags = OFlags::DIRECT | OFlags::DSYNC;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
            .open(node)?;
        Ok(Self {
            file,
            sector_bytes: usize::try_from(sector_bytes).unwrap_or(ALIGNMENT),
        })
    }

    /// Waits until no other program holds it, and keeps others waiting until this is closed.
    ///
    /// # Errors
    /// What the system says.
    pub fn lock(&self) -> io::Result<()> {
        Ok(flock(&self.file, FlockOperation::LockExclusive)?)
    }
}

impl BlockIo for RawPartition {
    fn sector_bytes(&self) -> usize {
        self.sector_bytes
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut aligned = Aligned::new(bytes.len());
        self.file.read_exact_at(aligned.bytes(), offset)?;
        bytes.copy_from_slice(aligned.bytes());
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut aligned = Aligned::new(bytes.len());
        aligned.bytes().copy_from_slice(bytes);
        self.file.write_all_at(aligned.bytes(), offset)
    }
}

/// Memory whose start is aligned, made without `unsafe`: a little more is taken and the start is moved.
struct Aligned {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl Aligned {
    fn new(length: usize) -> Self {
        let memory = vec![0; length + ALIGNMENT];
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        Self {
            memory,
            start,
            length,
        }
    }

    fn bytes(&mut self) -> &mut [u8] {
        let end = self.start + self.length;
        self.memory.get_mut(self.start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_missing_partition_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("partition");
        std::fs::write(&path, [7; 16384]).unwrap();
        let partition = RawPartition::open(&path, 512).unwrap();
        partition.write_at(512, &[1; 1024]).unwrap();
        let mut bytes = [0; 2048];
        partition.read_at(0, &mut bytes).unwrap();
        assert_eq!(bytes[..512], [7; 512]);
        assert_eq!(bytes[512..1536], [1; 1024]);
        assert_eq!(bytes[1536..], [7; 512]);
        RawPartition::open(&directory.path().join("absent"), 512).unwrap_err();
        partition.read_at(16384, &mut bytes).unwrap_err();
    }
}
