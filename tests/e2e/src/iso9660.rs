//! Just enough of ISO 9660 (ECMA-119) to find where a file's bytes and its directory records lie, so that
//! tests can damage them. Reads names in their ISO, Rock Ridge (`NM`) or Joliet form.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, bail};

const SECTOR: u64 = 2048;
/// Volume descriptors start here, one a sector, until the terminator.
const FIRST_DESCRIPTOR: u64 = 16;

/// Where a file lies in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// Byte offset of its content.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Byte offset and length of each directory record that names it (one per name space).
    pub records: Vec<(u64, usize)>,
}

/// Finds a file by its path, such as `/quantix/vmlinuz`.
///
/// # Errors
/// When the image can't be read, is no ISO 9660, or has no such file.
pub fn find(iso: &Path, path: &str) -> Result<Extent> {
    let mut file =
        File::open(iso).with_context(|| format!("cannot open the image {}", iso.display()))?;
    let mut found: Option<Extent> = None;
    for root in roots(&mut file)? {
        let Some(extent) = walk(&mut file, root, path)? else {
            continue;
        };
        match &mut found {
            Some(first) => first.records.extend(extent.records),
            None => found = Some(extent),
        }
    }
    found.with_context(|| format!("{} has no file {path}", iso.display()))
}

/// A directory's content and how its names are written.
#[derive(Clone, Copy)]
struct Directory {
    offset: u64,
    length: u64,
    joliet: bool,
}

/// The root directory of each name space: the primary one and, when present, Joliet's.
fn roots(file: &mut File) -> Result<Vec<Directory>> {
    let mut roots = Vec::new();
    for sector in FIRST_DESCRIPTOR.. {
        let block = read(file, sector * SECTOR, SECTOR as usize)?;
        if &block[1..6] != b"CD001" {
            bail!("not an ISO 9660 image: no volume descriptor in sector {sector}");
        }
        match block[0] {
            1 | 2 => roots.push(Directory {
                offset: u64::from(little_endian(&block[158..162])) * SECTOR,
                length: u64::from(little_endian(&block[166..170])),
                joliet: block[0] == 2,
            }),
            255 => break,
            _ => {}
        }
    }
    Ok(roots)
}

fn walk(file: &mut File, root: Directory, path: &str) -> Result<Option<Extent>> {
    let mut here = root;
    let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
    while let Some(name) = names.next() {
        let Some(record) = entry(file, here, name)? else {
            return Ok(None);
        };
        if names.peek().is_none() {
            return Ok(Some(record));
        }
        here = Directory {
            offset: record.offset,
            length: record.length,
            joliet: root.joliet,
        };
    }
    Ok(None)
}

fn entry(file: &mut File, directory: Directory, name: &str) -> Result<Option<Extent>> {
    let content = read(file, directory.offset, usize::try_from(directory.length)?)?;
    let mut at = 0;
    while at < content.len() {
        let length = usize::from(content[at]);
        if length == 0 {
            // Records do not cross sectors; zeros fill the rest.
            at = (at / SECTOR as usize + 1) * SECTOR as usize;
            continue;
        }
        let record = content
            .get(at..at + length)
            .context("torn directory record")?;
        if names(record, directory.joliet)
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
        {
            return Ok(Some(Extent {
                offset: u64::from(little_endian(&record[2..6])) * SECTOR,
                length: u64::from(little_endian(&record[10..14])),
                records: vec![(directory.offset + at as u64, length)],
            }));
        }
        at += length;
    }
    Ok(None)
}

/// The names that a directory record gives its file.
fn names(record: &[u8], joliet: bool) -> Vec<String> {
    let end = 33 + usize::from(record[32]);
    let raw = &record[33..end.min(record.len())];
    let plain = if joliet {
        let units: Vec<u16> = raw
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    } else {
        String::from_utf8_lossy(raw).into_owned()
    };
    let plain = plain
        .split(';')
        .next()
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_owned();
    let mut names = vec![plain];
    // System use fields of Rock Ridge follow, at an even offset: signature, length, version, data.
    let mut at = end + (end & 1);
    while let Some(&[a, b, length, _, flags]) = record.get(at..at + 5).and_then(|f| f.as_array()) {
        if length < 4 {
            break;
        }
        if [a, b] == *b"NM"
            && flags == 0
            && let Some(name) = record.get(at + 5..at + usize::from(length))
        {
            names.push(String::from_utf8_lossy(name).into_owned());
        }
        at += usize::from(length);
    }
    names
}

fn read(file: &mut File, offset: u64, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(offset))
        .context("cannot seek in the image")?;
    file.read_exact(&mut bytes)
        .with_context(|| format!("the image ends before byte {}", offset + length as u64))?;
    Ok(bytes)
}

fn little_endian(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .rev()
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn finds_files_of_an_image_that_xorriso_made() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree/quantix/id");
        std::fs::create_dir_all(&tree).unwrap();
        std::fs::write(dir.path().join("tree/quantix/manifest.json"), "some bytes").unwrap();
        let iso = dir.path().join("test.iso");
        let status = Command::new("xorriso")
            .args(["-outdev", iso.to_str().unwrap(), "-joliet", "on", "-map"])
            .args([dir.path().join("tree").to_str().unwrap(), "/"])
            .output()
            .unwrap();
        assert!(status.status.success());
        let extent = find(&iso, "/quantix/manifest.json").unwrap();
        assert_eq!(extent.length, 10);
        assert_eq!(extent.records.len(), 2, "primary and Joliet");
        let bytes = std::fs::read(&iso).unwrap();
        let at = extent.offset as usize;
        assert_eq!(&bytes[at..at + 10], b"some bytes");
        assert!(find(&iso, "/quantix/absent").is_err());
    }
}
