//! Finds where a file's bytes lie in a FAT12, FAT16 or FAT32 file system, without mounting it (Microsoft,
//! "FAT32 File System Specification", 2000). Everything that is read may be damaged: every number is
//! checked, and chains end.

use std::io;

use crate::store::BlockIo;

const DIRECTORY_ENTRY: usize = 32;
const ATTRIBUTE_DIRECTORY: u8 = 0x10;
const ATTRIBUTE_LABEL: u8 = 0x08;
/// Far more than a directory of an EFI partition has.
const MOST_DIRECTORY_BYTES: u64 = 1 << 20;

/// Where a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Byte offset of its first cluster, from the start of the file system.
    pub offset: u64,
    /// Its length in bytes.
    pub size: u32,
}

struct Fat<'a> {
    device: &'a dyn BlockIo,
    cluster_bytes: u64,
    fat_offset: u64,
    root_offset: u64,
    root_bytes: u64,
    data_offset: u64,
    clusters: u32,
    root_cluster: u32,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fat12,
    Fat16,
    Fat32,
}

/// The file at `path`, upper-case 8.3 names from the root. `Ok(None)`: there is none.
///
/// # Errors
/// When the device cannot be read or holds no FAT file system.
pub fn locate(device: &dyn BlockIo, path: &[&str]) -> io::Result<Option<Location>> {
    let fat = Fat::open(device)?;
    let Some((file, directories)) = path.split_last() else {
        return Ok(None);
    };
    let mut cluster = None;
    for name in directories {
        match fat.find(cluster, name, true)? {
            Some((found, _)) => cluster = Some(found),
            None => return Ok(None),
        }
    }
    let Some((cluster, size)) = fat.find(cluster, file, false)? else {
        return Ok(None);
    };
    let offset = fat.cluster_offset(cluster)?;
    Ok(Some(Location { offset, size }))
}

/// Where the directory `name` of the root begins, in bytes from the start of the file system. `Ok(None)`: there is
/// none.
///
/// # Errors
/// As [`locate`].
pub fn locate_directory(device: &dyn BlockIo, name: &str) -> io::Result<Option<u64>> {
    let fat = Fat::open(device)?;
    let found = fat.find(None, name, true)?;
    found
        .map(|(cluster, _)| fat.cluster_offset(cluster))
        .transpose()
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the FAT file system is damaged: {what}"),
    )
}

impl<'a> Fat<'a> {
    fn open(device: &'a dyn BlockIo) -> io::Result<Self> {
        let boot = read(device, 0, 512)?;
        let u16_at = |at: usize| u64::from(u16::from_le_bytes([boot[at], boot[at + 1]]));
        let u32_at = |at: usize| u16_at(at) | u16_at(at + 2) << 16;
        if boot[510..] != [0x55, 0xaa] {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "there is no FAT file system",
            ));
        }
        let (sector, per_cluster, reserved) = (u16_at(11), u64::from(boot[13]), u16_at(14));
        let (fats, root_entries) = (u64::from(boot[16]), u16_at(17));
        let sectors = if u16_at(19) == 0 {
            u32_at(32)
        } else {
            u16_at(19)
        };
        let fat_sectors = if u16_at(22) == 0 {
            u32_at(36)
        } else {
            u16_at(22)
        };
        if !matches!(sector, 512 | 1024 | 2048 | 4096) || !per_cluster.is_power_of_two() {
            return Err(damaged("its boot sector has impossible sizes"));
        }
        let root_bytes = (root_entries * DIRECTORY_ENTRY as u64).next_multiple_of(sector);
        let fat_offset = reserved * sector;
        let root_offset = fat_offset + fats * fat_sectors * sector;
        let data_offset = root_offset + root_bytes;
        let clusters = (sectors * sector)
            .checked_sub(data_offset)
            .map(|bytes| bytes / (sector * per_cluster))
            .and_then(|clusters| u32::try_from(clusters).ok())
            .ok_or_else(|| damaged("its tables are longer than itself"))?;
        // The count alone decides (section 3.5 of the specification).
        let kind = match clusters {
            ..4085 => Kind::Fat12,
            4085..65525 => Kind::Fat16,
            _ => Kind::Fat32,
        };
        Ok(Self {
            device,
            cluster_bytes: sector * per_cluster,
            fat_offset,
            root_offset,
            root_bytes,
            data_offset,
            clusters,
            root_cluster: u32::try_from(u32_at(44)).unwrap_or_default(),
            kind,
        })
    }

    fn cluster_offset(&self, cluster: u32) -> io::Result<u64> {
        let index = cluster
            .checked_sub(2)
            .filter(|index| *index < self.clusters)
            .ok_or_else(|| damaged("a file lies outside of it"))?;
        Ok(self.data_offset + u64::from(index) * self.cluster_bytes)
    }

    /// The cluster after this one in its chain.
    fn next(&self, cluster: u32) -> io::Result<Option<u32>> {
        let number = u64::from(cluster);
        let (next, end) = match self.kind {
            Kind::Fat12 => {
                let pair = read(self.device, self.fat_offset + number * 3 / 2, 2)?;
                let pair = u32::from(u16::from_le_bytes([pair[0], pair[1]]));
                let next = if number % 2 == 0 {
                    pair & 0xfff
                } else {
                    pair >> 4
                };
                (next, 0xff8)
            }
            Kind::Fat16 => {
                let pair = read(self.device, self.fat_offset + number * 2, 2)?;
                (u32::from(u16::from_le_bytes([pair[0], pair[1]])), 0xfff8)
            }
            Kind::Fat32 => {
                let four = read(self.device, self.fat_offset + number * 4, 4)?;
                let next = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                (next & 0x0fff_ffff, 0x0fff_fff8)
            }
        };
        Ok((next < end).then_some(next))
    }

    /// An entry of the directory that starts at `cluster`; `None` is the root.
    fn find(
        &self,
        cluster: Option<u32>,
        name: &str,
        directory: bool,
    ) -> io::Result<Option<(u32, u32)>> {
        let fixed_root = cluster.is_none() && self.kind != Kind::Fat32;
        if fixed_root {
            let bytes = self.root_bytes.min(MOST_DIRECTORY_BYTES);
            let content = read(self.device, self.root_offset, to_usize(bytes))?;
            return Ok(entry(&content, name, directory));
        }
        let mut here = Some(cluster.unwrap_or(self.root_cluster));
        let mut seen = 0;
        while let Some(cluster) = here {
            if seen >= MOST_DIRECTORY_BYTES {
                return Err(damaged("a directory has no end"));
            }
            seen += self.cluster_bytes;
            let offset = self.cluster_offset(cluster)?;
            let content = read(self.device, offset, to_usize(self.cluster_bytes))?;
            if let Some(found) = entry(&content, name, directory) {
                return Ok(Some(found));
            }
            here = self.next(cluster)?;
        }
        Ok(None)
    }
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// First cluster and length of the entry with this name.
fn entry(content: &[u8], name: &str, directory: bool) -> Option<(u32, u32)> {
    let wanted = short_name(name);
    let entries = content.chunks_exact(DIRECTORY_ENTRY);
    for entry in entries.take_while(|entry| entry[0] != 0) {
        let attributes = entry[11];
        let is_directory = attributes & ATTRIBUTE_DIRECTORY != 0;
        if entry[..11] == wanted && attributes & ATTRIBUTE_LABEL == 0 && is_directory == directory {
            let half = |at: usize| u32::from(u16::from_le_bytes([entry[at], entry[at + 1]]));
            return Some((half(20) << 16 | half(26), half(28) | half(30) << 16));
        }
    }
    None
}

/// The eleven bytes that a directory has for a name.
fn short_name(name: &str) -> [u8; 11] {
    let mut short = [b' '; 11];
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let (left, right) = short.split_at_mut(8);
    for (place, byte) in left.iter_mut().zip(stem.bytes()) {
        *place = byte.to_ascii_uppercase();
    }
    for (place, byte) in right.iter_mut().zip(extension.bytes()) {
        *place = byte.to_ascii_uppercase();
    }
    short
}

/// Bytes of any place, by whole sectors of the device.
fn read(device: &dyn BlockIo, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let sector = device.sector_bytes() as u64;
    let start = offset / sector * sector;
    let end = (offset + length as u64).next_multiple_of(sector);
    let mut bytes = vec![0; to_usize(end - start)];
    device.read_at(start, &mut bytes)?;
    bytes.drain(..to_usize(offset - start));
    bytes.truncate(length);
    Ok(bytes)
}
