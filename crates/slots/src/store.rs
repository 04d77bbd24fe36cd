//! Reads and changes the two copies of the boot environment on the EFI partition, sector by sector, so that
//! a power cut at any point leaves a copy that can be believed.
//!
//! A file is never written through a file system here: FAT has no write that is whole or not at all, and a
//! tool that truncates first leaves nothing when the power goes between its two writes.

use std::io;

use thiserror::Error;

use crate::env::{BootEnv, ENV_BYTES};
use crate::fat::{self, Location};
use crate::layout::ENV_FILES;
use crate::state::{Copies, CopyName};

/// A partition, read and written in whole sectors.
pub trait BlockIo {
    /// Bytes of a sector: 512 or 4096.
    fn sector_bytes(&self) -> usize;

    /// Fills `bytes`, whole sectors, from `offset`.
    ///
    /// # Errors
    /// When the device cannot be read there.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Writes `bytes`, whole sectors, at `offset`, and returns when they are on the medium.
    ///
    /// # Errors
    /// When the device cannot be written there.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
}

/// Why the boot environment cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The partition cannot be read, or is no FAT file system.
    #[error("the EFI partition cannot be read")]
    Read(#[source] io::Error),
    /// A file is missing or is not what an installation makes.
    #[error(
        "{0} is missing on the EFI partition, or is not 512 bytes long: re-install the boot loader"
    )]
    File(&'static str),
    /// The device refused to write.
    #[error("the boot environment cannot be written")]
    Write(#[source] io::Error),
    /// What was read after writing is something else.
    #[error("the EFI partition does not keep what is written to it: the disk is failing")]
    ReadBack,
}

/// The boot environment on a partition.
pub struct EnvStore<'a> {
    device: &'a dyn BlockIo,
    offsets: [u64; 2],
}

impl<'a> EnvStore<'a> {
    /// Finds both files.
    ///
    /// # Errors
    /// When one is missing or has another length.
    pub fn open(device: &'a dyn BlockIo) -> Result<Self, StoreError> {
        let offset = |path: [&'static str; 2]| match fat::locate(device, &path) {
            Ok(Some(Location { offset, size })) if size as usize == ENV_BYTES => Ok(offset),
            Ok(_) => Err(StoreError::File(path[1])),
            Err(error) => Err(StoreError::Read(error)),
        };
        let [first, second] = ENV_FILES;
        let offsets = [offset(first)?, offset(second)?];
        Ok(Self { device, offsets })
    }

    /// Both copies; one that is torn or cannot be read is none.
    ///
    /// # Errors
    /// When neither can be read from the device.
    pub fn read(&self) -> Result<Copies, StoreError> {
        let [first, second] = self.offsets.map(|offset| self.sector(offset));
        let copy = |sector: &io::Result<Vec<u8>>| {
            let sector = sector.as_ref().ok()?;
            BootEnv::decode(sector.get(..ENV_BYTES)?).ok()
        };
        let copies = Copies {
            first: copy(&first),
            second: copy(&second),
        };
        match (first, second) {
            (Err(error), Err(_)) => Err(StoreError::Read(error)),
            _ => Ok(copies),
        }
    }

    /// Makes `env` the environment: the copy that is not in use is written and read back, then the other.
    /// After an error, or a power cut, the old or the new one is in force.
    ///
    /// # Errors
    /// When the device fails.
    pub fn write(&self, env: &BootEnv) -> Result<(), StoreError> {
        let copies = self.read()?;
        let in_use = copies.in_use();
        let next = match in_use {
            Some((_, current)) => current.followed_by(env.clone()),
            None => env.clone(),
        };
        let [first, second] = self.offsets;
        let order = match in_use {
            Some((CopyName::First, _)) => [second, first],
            Some((CopyName::Second, _)) | None => [first, second],
        };
        for offset in order {
            self.write_one(offset, &next)?;
        }
        Ok(())
    }

    fn write_one(&self, offset: u64, env: &BootEnv) -> Result<(), StoreError> {
        // Sectors of 4096 bytes hold padding behind the block. What cannot be read is replaced by nothing.
        let mut sector = self
            .sector(offset)
            .unwrap_or_else(|_| vec![0; self.device.sector_bytes()]);
        for (byte, new) in sector.iter_mut().zip(env.encode()) {
            *byte = new;
        }
        self.device
            .write_at(offset, &sector)
            .map_err(StoreError::Write)?;
        match self.sector(offset) {
            Ok(read) if read == sector => Ok(()),
            Ok(_) => Err(StoreError::ReadBack),
            Err(error) => Err(StoreError::Read(error)),
        }
    }

    /// The sector that a copy starts in; clusters start with sectors.
    fn sector(&self, offset: u64) -> io::Result<Vec<u8>> {
        let mut sector = vec![0; self.device.sector_bytes()];
        self.device.read_at(offset, &mut sector)?;
        Ok(sector)
    }
}
