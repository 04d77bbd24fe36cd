//! Finds files in an ISO 9660 image without mounting it (ECMA-119). What is read here is not verified
//! yet, so a hostile image meets a few bounded comparisons instead of the kernel's file system. Pure: the
//! caller reads.

use std::io;

const SECTOR: u64 = 2048;
/// Where the primary volume descriptor lies.
const DESCRIPTOR: u64 = 16 * SECTOR;
/// No directory of ours is longer than one sector; leave room for other people's.
const MAX_DIRECTORY: u64 = 256 * 1024;
const FLAG_DIRECTORY: u8 = 0x02;
const FLAG_MORE_EXTENTS: u8 = 0x80;

/// Reads exactly `length` bytes at `offset`.
pub(crate) trait ReadAt {
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>>;
}

/// Where a file or directory lies: bytes from the start of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// True when the image's first volume descriptor says that it is one.
pub(crate) fn is_image(image: &impl ReadAt) -> bool {
    descriptor(image).is_ok()
}

/// Finds a file by its path below the root. `None` when it is not there; names compare without case.
pub(crate) fn find(image: &impl ReadAt, path: &[&str]) -> io::Result<Option<Extent>> {
    let descriptor = descriptor(image)?;
    let root = descriptor.get(156..190).and_then(Record::read);
    let mut extent = root.ok_or_else(malformed)?.extent;
    for (depth, name) in path.iter().enumerate() {
        let directory = image.read_at(extent.offset, directory_length(extent)?)?;
        let Some(found) = records(&directory).find(|record| record.is_named(name)) else {
            return Ok(None);
        };
        let is_last = depth + 1 == path.len();
        if found.is_directory() == is_last || found.flags & FLAG_MORE_EXTENTS != 0 {
            return Err(malformed());
        }
        extent = found.extent;
    }
    Ok(Some(extent))
}

fn descriptor(image: &impl ReadAt) -> io::Result<Vec<u8>> {
    let descriptor = image.read_at(DESCRIPTOR, 2048)?;
    let block_size = descriptor.get(128..130);
    if descriptor.starts_with(b"\x01CD001\x01") && block_size == Some(&[0x00, 0x08]) {
        Ok(descriptor)
    } else {
        Err(malformed())
    }
}

fn directory_length(extent: Extent) -> io::Result<usize> {
    if extent.length > MAX_DIRECTORY {
        return Err(malformed());
    }
    usize::try_from(extent.length).map_err(|_| malformed())
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a readable ISO 9660 image")
}

/// One directory record.
struct Record<'a> {
    extent: Extent,
    flags: u8,
    name: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let number = |at: usize| {
            let field: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
            Some(u64::from(u32::from_le_bytes(field)))
        };
        let extent = Extent {
            offset: number(2)? * SECTOR,
            length: number(10)?,
        };
        let name_length = usize::from(*bytes.get(32)?);
        Some(Self {
            extent,
            flags: *bytes.get(25)?,
            name: bytes.get(33..33 + name_length)?,
        })
    }

    fn is_directory(&self) -> bool {
        self.flags & FLAG_DIRECTORY != 0
    }

    /// Names end in a version, and in a dot when they have no extension: `VMLINUZ.;1`.
    fn is_named(&self, name: &str) -> bool {
        let own = self
            .name
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default();
        own.strip_suffix(b".")
            .unwrap_or(own)
            .eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The records of a directory. None crosses a sector; a zero ends what a sector holds.
fn records(directory: &[u8]) -> impl Iterator<Item = Record<'_>> {
    directory.chunks(2048).flat_map(|sector| {
        let mut rest = sector;
        std::iter::from_fn(move || {
            let length = usize::from(*rest.first()?);
            let (record, after) = rest.split_at_checked(length).filter(|_| length > 0)?;
            rest = after;
            Record::read(record)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    impl ReadAt for Vec<u8> {
        fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
            let start = usize::try_from(offset).unwrap();
            let bytes = self.get(start..start.saturating_add(length));
            bytes
                .map(<[u8]>::to_vec)
                .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
        }
    }

    fn record(name: &[u8], sector: u32, length: u32, flags: u8) -> Vec<u8> {
        let size = (33 + name.len()).next_multiple_of(2);
        let mut bytes = vec![0; size];
        bytes[0] = size as u8;
        bytes[2..6].copy_from_slice(&sector.to_le_bytes());
        bytes[10..14].copy_from_slice(&length.to_le_bytes());
        bytes[25] = flags;
        bytes[32] = name.len() as u8;
        bytes[33..33 + name.len()].copy_from_slice(name);
        bytes
    }

    /// An image with /QUANTIX/VMLINUZ.;1 and /QUANTIX/ROOTFS.SQUASHFS;1.
    fn image() -> Vec<u8> {
        let mut image = vec![0; 24 * 2048];
        let mut put = |sector: usize, at: usize, bytes: &[u8]| {
            let start = sector * 2048 + at;
            image[start..start + bytes.len()].copy_from_slice(bytes);
        };
        put(16, 0, b"\x01CD001\x01");
        put(16, 128, &[0x00, 0x08]);
        put(16, 156, &record(b"\0", 18, 2048, FLAG_DIRECTORY));
        let own = record(b"\0", 18, 2048, FLAG_DIRECTORY);
        put(
            18,
            0,
            &[own.clone(), record(b"QUANTIX", 19, 4096, FLAG_DIRECTORY)].concat(),
        );
        put(19, 0, &[own, record(b"VMLINUZ.;1", 21, 100, 0)].concat());
        // In the directory's second sector.
        put(20, 0, &record(b"ROOTFS.SQUASHFS;1", 22, 3000, 0));
        image
    }

    #[test]
    fn files_are_found_in_any_sector_of_a_directory() {
        let image = image();
        let extent = |sector: u64, length| {
            Some(Extent {
                offset: sector * 2048,
                length,
            })
        };
        assert_eq!(
            find(&image, &["quantix", "vmlinuz"]).unwrap(),
            extent(21, 100)
        );
        assert_eq!(
            find(&image, &["quantix", "rootfs.squashfs"]).unwrap(),
            extent(22, 3000)
        );
        assert_eq!(find(&image, &["quantix", "nothing"]).unwrap(), None);
        assert_eq!(find(&image, &["vmlinuz"]).unwrap(), None);
    }

    #[test]
    fn a_directory_is_no_file_and_a_file_no_directory() {
        assert!(find(&image(), &["quantix"]).is_err());
        assert!(find(&image(), &["quantix", "vmlinuz", "x"]).is_err());
    }

    #[test]
    fn something_else_is_no_image() {
        assert!(is_image(&image()));
        assert!(!is_image(&vec![0; 40 * 2048]));
        assert!(!is_image(&Vec::new()));
        assert!(find(&vec![0xFF; 40 * 2048], &["x"]).is_err());
    }

    #[test]
    fn every_changed_byte_of_the_directories_is_survived() {
        let good = image();
        for offset in 16 * 2048..21 * 2048 {
            for value in [0x00, 0x7F, 0xFF] {
                let mut changed = good.clone();
                changed[offset] = value;
                // Any answer is fine, a panic is not.
                let _ = find(&changed, &["quantix", "rootfs.squashfs"]);
            }
        }
    }
}
