//! What a half of an array says of itself: metadata 1.2 of Linux software RAID, 4 KiB behind the partition's start
//! (kernel source, include/uapi/linux/raid/md_p.h, struct mdp_superblock_1). Read only; pure but for reading.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

const MAGIC: u32 = 0xa92b_4efc;
const OFFSET: u64 = 4096;
const BYTES: usize = 4096;
/// Where the table of roles begins.
const ROLES: usize = 256;
const CHECKSUM: usize = 216;
/// Roles from here on are no place in the array: spare, faulty, journal.
const NO_ROLE: u16 = 0xfff0;
const SECTOR: u64 = 512;

/// One half's record of the array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superblock {
    /// The array's unique id.
    pub array: [u8; 16],
    /// Counts changes of the array: the higher, the newer.
    pub events: u64,
    /// This half's number in the table of roles.
    pub device: u32,
    /// Where its data starts, in bytes from the partition's start.
    pub data_offset: u64,
    roles: Vec<u16>,
}

impl Superblock {
    /// Reads that of the partition at `node`; `None` if it is part of no array.
    ///
    /// # Errors
    /// When the partition can't be read.
    pub fn read(node: &Path) -> io::Result<Option<Self>> {
        let mut bytes = vec![0; BYTES];
        File::open(node)?.read_exact_at(&mut bytes, OFFSET)?;
        Ok(Self::parse(&bytes))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        if u32_at(0)? != MAGIC || u32_at(4)? != 1 {
            return None;
        }
        let count = usize::try_from(u32_at(220)?).ok()?;
        let table = bytes.get(ROLES..ROLES.checked_add(count.checked_mul(2)?)?)?;
        let whole = bytes.get(..ROLES + table.len())?;
        if u32_at(CHECKSUM)? != checksum(whole) {
            return None;
        }
        Some(Self {
            array: bytes.get(16..32)?.try_into().ok()?,
            events: u64_at(200)?,
            device: u32_at(160)?,
            data_offset: u64_at(128)?.checked_mul(SECTOR)?,
            roles: table
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect(),
        })
    }

    /// Whether the device with this number has a place in the array.
    fn has_place(&self, device: u32) -> bool {
        let role = usize::try_from(device)
            .ok()
            .and_then(|device| self.roles.get(device));
        role.is_some_and(|role| *role < NO_ROLE)
    }

    fn places(&self) -> usize {
        self.roles.iter().filter(|role| **role < NO_ROLE).count()
    }
}

/// The sum of all words but the checksum's own, folded (`calc_sb_1_csum` of the kernel).
fn checksum(bytes: &[u8]) -> u32 {
    let mut sum: u64 = 0;
    for (index, word) in bytes.chunks(4).enumerate() {
        if index == CHECKSUM / 4 {
            continue;
        }
        let mut four = [0; 4];
        four[..word.len()].copy_from_slice(word);
        sum += u64::from(u32::from_le_bytes(four));
    }
    let folded = (sum & 0xffff_ffff) + (sum >> 32);
    u32::try_from(folded & 0xffff_ffff).unwrap_or_default()
}

/// Which halves of an array are up to date.
#[derive(Debug, PartialEq, Eq)]
pub struct Halves<T> {
    /// These have the newest content, as far as the newest record knows.
    pub current: Vec<T>,
    /// These were left out before, and hold something older.
    pub outdated: Vec<T>,
    /// How many the newest record counts.
    pub expected: usize,
}

/// Tells up-to-date halves of the array with id `array` from those that were left out: the record that saw the
/// most changes knows. Others' halves are passed over.
#[must_use]
pub fn current<T>(array: [u8; 16], found: Vec<(T, Superblock)>) -> Halves<T> {
    let mut found = found;
    found.retain(|(_, half)| half.array == array);
    let newest = found
        .iter()
        .map(|(_, half)| half)
        .max_by_key(|half| half.events)
        .cloned();
    let mut halves = Halves {
        current: Vec::new(),
        outdated: Vec::new(),
        expected: newest.as_ref().map_or(0, Superblock::places),
    };
    for (place, half) in found {
        let known = newest
            .as_ref()
            .is_some_and(|newest| newest.has_place(half.device));
        if known {
            halves.current.push(place);
        } else {
            halves.outdated.push(place);
        }
    }
    halves
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A superblock as `mdadm --create --level=1 --raid-devices=2` writes it, with these roles.
    fn bytes(events: u64, device: u32, roles: [u16; 2]) -> Vec<u8> {
        let mut bytes = vec![0; BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, &MAGIC.to_le_bytes());
        put(4, &1_u32.to_le_bytes());
        put(16, &[7; 16]);
        put(128, &2048_u64.to_le_bytes());
        put(160, &device.to_le_bytes());
        put(200, &events.to_le_bytes());
        put(220, &128_u32.to_le_bytes());
        for number in 0..128 {
            put(ROLES + 2 * number, &0xfffe_u16.to_le_bytes());
        }
        for (number, role) in roles.into_iter().enumerate() {
            put(ROLES + 2 * number, &role.to_le_bytes());
        }
        let sum = checksum(&bytes[..ROLES + 256]);
        bytes[CHECKSUM..CHECKSUM + 4].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    fn half(events: u64, device: u32, roles: [u16; 2]) -> Superblock {
        Superblock::parse(&bytes(events, device, roles)).unwrap()
    }

    #[test]
    fn a_half_is_read_and_anything_else_is_none() {
        let read = half(42, 1, [0, 1]);
        assert_eq!(
            (read.array, read.events, read.device, read.data_offset),
            ([7; 16], 42, 1, 1 << 20)
        );
        assert_eq!(Superblock::parse(&[0; BYTES]), None);
        for damaged in [17, 200, 300] {
            let mut torn = bytes(42, 1, [0, 1]);
            torn[damaged] ^= 1;
            assert_eq!(Superblock::parse(&torn), None, "byte {damaged}");
        }
        let mut huge = bytes(42, 1, [0, 1]);
        huge[220..224].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Superblock::parse(&huge), None);
    }

    #[test]
    fn the_newest_record_says_which_halves_are_up_to_date() {
        let both = vec![("a", half(9, 0, [0, 1])), ("b", half(9, 1, [0, 1]))];
        let halves = current([7; 16], both);
        assert_eq!(halves.current, ["a", "b"]);
        assert_eq!((halves.outdated.len(), halves.expected), (0, 2));

        // b was away while a changed.
        let away = vec![("a", half(20, 0, [0, 0xfffe])), ("b", half(9, 1, [0, 1]))];
        let halves = current([7; 16], away);
        assert_eq!((halves.current, halves.outdated), (vec!["a"], vec!["b"]));
        assert_eq!(halves.expected, 1);

        // Each ran alone; b longer.
        let split = vec![
            ("a", half(20, 0, [0, 0xfffe])),
            ("b", half(31, 1, [0xfffe, 1])),
        ];
        let halves = current([7; 16], split);
        assert_eq!((halves.current, halves.outdated), (vec!["b"], vec!["a"]));

        // A power cut between the two writes of one change.
        let torn = vec![("a", half(21, 0, [0, 1])), ("b", half(20, 1, [0, 1]))];
        assert_eq!(current([7; 16], torn).current, ["a", "b"]);
    }

    #[test]
    fn halves_of_other_arrays_are_passed_over_and_a_missing_one_is_expected() {
        let mut stranger = half(99, 0, [0, 1]);
        stranger.array = [8; 16];
        let halves = current([7; 16], vec![("s", stranger), ("a", half(9, 0, [0, 1]))]);
        assert_eq!(halves.current, ["a"]);
        assert_eq!(halves.expected, 2);
    }
}
