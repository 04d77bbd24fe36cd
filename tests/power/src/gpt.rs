//! Finds the partitions of a disk as firmware, GRUB and Linux do (UEFI specification, chapter 5): the table's
//! first copy counts, the one at the end of the disk if that is damaged, and neither without the protective
//! MBR.

use std::io;
use std::ops::Range;

use qx_slots::PartitionNumber;

use crate::disk::State;

const SECTOR: u64 = 512;
const SIGNATURE: &[u8] = b"EFI PART";
const HEADER: usize = 92;
const ENTRY: usize = 128;
/// More than any table has.
const MOST_ENTRIES: u64 = 1024;

/// Bytes at the start and at the end of a disk that the table lies in.
pub const MARGIN: u64 = 1 << 20;

/// Number and place of each partition, in bytes.
type Partitions = Vec<(u32, Range<u64>)>;

/// A partition table that can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    partitions: Partitions,
    /// Whether the first copy was damaged.
    pub from_backup: bool,
}

impl Table {
    /// Reads the table; `None` when no copy can be believed.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn read(state: &State) -> io::Result<Option<Self>> {
        let mut mbr = [0; 512];
        state.read_at(0, &mut mbr)?;
        let protective = mbr
            .get(446..510)
            .is_some_and(|entries| entries.chunks_exact(16).any(|entry| entry[4] == 0xee));
        if !protective || mbr[510..] != [0x55, 0xaa] {
            return Ok(None);
        }
        let last = state.bytes() / SECTOR - 1;
        for (lba, from_backup) in [(1, false), (last, true)] {
            if let Some(partitions) = copy(state, lba)? {
                return Ok(Some(Self {
                    partitions,
                    from_backup,
                }));
            }
        }
        Ok(None)
    }

    /// Where a partition lies, in bytes.
    #[must_use]
    pub fn partition(&self, number: PartitionNumber) -> Option<Range<u64>> {
        let found = |(known, _): &&(u32, Range<u64>)| *known == number as u32;
        let (_, range) = self.partitions.iter().find(found)?;
        Some(range.clone())
    }
}

/// The partitions of one copy, if both of its checksums are right.
fn copy(state: &State, lba: u64) -> io::Result<Option<Partitions>> {
    let mut header = [0; 512];
    state.read_at(lba * SECTOR, &mut header)?;
    let u32_at = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
    let mut summed = header;
    summed[16..20].fill(0);
    let is_whole = header.starts_with(SIGNATURE)
        && u32_at(12) as usize == HEADER
        && crc32fast::hash(&summed[..HEADER]) == u32_at(16)
        && u64_at(24) == lba;
    let (start, count) = (u64_at(72), u64::from(u32_at(80)));
    if !is_whole || u32_at(84) as usize != ENTRY || count > MOST_ENTRIES {
        return Ok(None);
    }
    let mut entries = vec![0; usize::try_from(count).unwrap_or_default() * ENTRY];
    if start >= state.bytes() / SECTOR {
        return Ok(None);
    }
    state.read_at(start * SECTOR, &mut entries)?;
    if crc32fast::hash(&entries) != u32_at(88) {
        return Ok(None);
    }
    let end = state.bytes();
    let partitions = (1..).zip(entries.as_chunks::<ENTRY>().0);
    Ok(Some(
        partitions
            .filter(|(_, entry)| entry[..16] != [0; 16])
            .map(|(number, entry)| {
                let lba = |at: usize| {
                    let bytes = entry[at..].first_chunk().copied().unwrap_or_default();
                    u64::from_le_bytes(bytes)
                };
                let byte = |lba: u64| lba.saturating_mul(SECTOR).min(end);
                (number, byte(lba(32))..byte(lba(40).saturating_add(1)))
            })
            .collect(),
    ))
}
