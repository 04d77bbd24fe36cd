//! Reads a part straight from its disk: past the page cache, so that the image is in memory once and not
//! twice, and nothing is copied more often than it must be.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;

use crate::iso9660::ReadAt;

/// What a direct read's place, length and memory must be a multiple of; enough for every disk.
pub(crate) const ALIGNMENT: usize = 4096;

/// A range of a file or device that is read from its start to its end.
pub(crate) struct Source {
    file: File,
    position: u64,
    end: u64,
}

impl Source {
    /// A range of a device.
    pub(crate) fn of_device(device: &Path, offset: u64, length: u64) -> io::Result<Self> {
        Ok(Self {
            file: open_direct(device)?,
            position: offset,
            end: offset + length,
        })
    }

    /// A whole file.
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        let file = open_direct(path)?;
        let end = file.metadata()?.len();
        Ok(Self {
            file,
            position: 0,
            end,
        })
    }
}

/// Opens for direct reads where the file system knows them.
fn open_direct(path: &Path) -> io::Result<File> {
    let direct = i32::try_from(OFlags::DIRECT.bits()).unwrap_or_default();
    match File::options().read(true).custom_flags(direct).open(path) {
        Err(error) if is_invalid(&error) => File::open(path),
        opened => opened,
    }
}

fn is_invalid(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::INVAL.raw_os_error())
}

impl Read for Source {
    /// Direct reads need a buffer that is a multiple of [`ALIGNMENT`] in place and length; with any other
    /// the page cache is used.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left.next_multiple_of(ALIGNMENT));
        let Some(buffer) = buffer.get_mut(..wanted).filter(|_| left > 0) else {
            return Ok(0);
        };
        let read = match self.file.read_at(buffer, self.position) {
            Err(error) if is_invalid(&error) => {
                // This disk's sectors are larger than the place is aligned to.
                fcntl_setfl(&self.file, OFlags::empty())?;
                self.file.read_at(buffer, self.position)?
            }
            read => read?,
        };
        let read = read.min(left);
        self.position += read as u64;
        Ok(read)
    }
}

/// A device for small reads.
pub(crate) struct Device(pub(crate) File);

impl ReadAt for Device {
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.0.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_range_is_read_exactly_whatever_the_buffer() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("disk");
        let content: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
        fs::write(&path, &content).unwrap();
        for (offset, length) in [(0, 100_000), (2048, 5000), (4096, 4096), (2048, 0)] {
            let mut bytes = Vec::new();
            Source::of_device(&path, offset, length)
                .unwrap()
                .read_to_end(&mut bytes)
                .unwrap();
            let (start, length) = (offset as usize, length as usize);
            assert_eq!(bytes, content[start..start + length]);
        }
        let mut bytes = Vec::new();
        Source::of_file(&path)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(bytes, content);
    }

    #[test]
    fn a_range_beyond_the_end_ends_early() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("disk");
        fs::write(&path, [7; 5000]).unwrap();
        let mut bytes = Vec::new();
        Source::of_device(&path, 2048, 9000)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(bytes, [7; 2952]);
    }
}
