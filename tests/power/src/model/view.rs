//! A partition of a state, for whoever reads file systems.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use ext4_view::Ext4Read;
use qx_slots::BlockIo;

use crate::disk::State;

/// A partition that is only read.
#[derive(Clone)]
pub struct View {
    state: State,
    range: Range<u64>,
    at: u64,
}

impl View {
    /// These bytes of the disk.
    #[must_use]
    pub fn new(state: &State, range: Range<u64>) -> Self {
        Self {
            state: state.clone(),
            range,
            at: 0,
        }
    }

    /// Length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    fn read_within(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > self.length()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.state.read_at(self.range.start + offset, bytes)
    }
}

impl BlockIo for View {
    fn sector_bytes(&self) -> usize {
        512
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.read_within(offset, bytes)
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

impl Ext4Read for View {
    fn read(
        &mut self,
        start: u64,
        bytes: &mut [u8],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.read_within(start, bytes)?)
    }
}

impl Read for View {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let rest = self.length().saturating_sub(self.at);
        let length = rest.min(bytes.len() as u64);
        let (now, _) = bytes.split_at_mut(usize::try_from(length).unwrap_or_default());
        self.read_within(self.at, now)?;
        self.at += length;
        Ok(now.len())
    }
}

/// `fatfs` asks for a device that can be written even where it only reads.
impl Write for View {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for View {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
