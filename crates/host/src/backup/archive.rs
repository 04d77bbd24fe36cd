//! The tar file of a backup. Written by the crate `tar`; read by comparing with what would be written: a header, a
//! gap or an end that differs in any bit is refused, so no trick of the format has a meaning here.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use tar::{Builder, EntryType, Header};

use super::index::{Index, Kind};
use super::{MOST_BYTES, OpenError};

const INDEX: &str = "backup.json";
const SIGNATURE: &str = "backup.json.sig";
const BLOCK: usize = 512;
/// A tar file ends with two empty blocks.
const END: usize = 2 * BLOCK;

/// A tar file with all parts of a backup.
pub(super) fn write(
    index: &[u8],
    signature: &[u8],
    contents: &[(String, Vec<u8>)],
) -> io::Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    let head = [(INDEX, index), (SIGNATURE, signature)];
    let rest = contents.iter().map(|(path, bytes)| (&**path, &**bytes));
    for (path, bytes) in head.into_iter().chain(rest) {
        builder.append(&header(path, bytes.len() as u64)?, bytes)?;
    }
    builder.into_inner()
}

/// The same for the same path and length: who owns a file and what may be done with it is in the index.
fn header(path: &str, bytes: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(header)
}

/// Whether `bytes` begin like a backup that is not encrypted.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(format!("{INDEX}\0").as_bytes()) && bytes.len() > BLOCK
}

/// The contents of files, by path.
#[derive(Debug)]
pub(super) struct Files {
    bytes: Vec<u8>,
    places: BTreeMap<String, Range<usize>>,
}

impl Files {
    pub(super) fn get(&self, path: &str) -> Option<&[u8]> {
        self.bytes.get(self.places.get(path)?.clone())
    }
}

/// Goes through a tar file from its start to its end.
pub(super) struct Reader {
    bytes: Vec<u8>,
    at: usize,
}

impl Reader {
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, OpenError> {
        if is_one(&bytes) {
            Ok(Self { bytes, at: 0 })
        } else {
            Err(OpenError::Foreign)
        }
    }

    /// The index and its signature: their lengths are known from their headers alone.
    pub(super) fn head(&mut self) -> Result<(Vec<u8>, Vec<u8>), OpenError> {
        let index = self.entry(INDEX, None)?;
        let signature = self.entry(SIGNATURE, None)?;
        Ok((self.bytes[index].to_vec(), self.bytes[signature].to_vec()))
    }

    /// The files that the index names, each held against its hash, and nothing behind them.
    pub(super) fn files(mut self, index: &Index) -> Result<Files, OpenError> {
        let mut places = BTreeMap::new();
        for entry in &index.entries {
            let Kind::File { bytes, blake3 } = &entry.kind else {
                continue;
            };
            let place = self.entry(&entry.path, Some(*bytes))?;
            let found = blake3::hash(&self.bytes[place.clone()]).to_hex();
            if found.as_str() != blake3 {
                let text = format!("{} is not what it was when it was backed up", entry.path);
                return Err(OpenError::Damaged(text));
            }
            places.insert(entry.path.clone(), place);
        }
        let end = &self.bytes[self.at..];
        if end.len() != END || end.iter().any(|byte| *byte != 0) {
            return Err(OpenError::Damaged(
                "its end is not where it should be".into(),
            ));
        }
        Ok(Files {
            bytes: self.bytes,
            places,
        })
    }

    /// Where the content of the next file lies.
    fn entry(&mut self, path: &str, bytes: Option<u64>) -> Result<Range<usize>, OpenError> {
        let cut = || OpenError::Damaged(format!("it breaks off before {path}"));
        let found = self.bytes.get(self.at..self.at + BLOCK).ok_or_else(cut)?;
        let length = match bytes {
            Some(bytes) => bytes,
            None => length_of(found).ok_or_else(cut)?,
        };
        let differs = || OpenError::Damaged(format!("{path} is not where it should be"));
        let expected = header(path, length).map_err(|_| differs())?;
        if found != expected.as_bytes().as_slice() {
            return Err(differs());
        }
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= MOST_BYTES)
            .ok_or(OpenError::TooLarge)?;
        let start = self.at + BLOCK;
        let end = start + length;
        let next = start + length.next_multiple_of(BLOCK);
        let gap = self.bytes.get(end..next).ok_or_else(cut)?;
        if gap.iter().any(|byte| *byte != 0) {
            return Err(differs());
        }
        self.at = next;
        Ok(start..end)
    }
}

fn length_of(block: &[u8]) -> Option<u64> {
    let mut header = Header::new_ustar();
    header.as_mut_bytes().copy_from_slice(block);
    header.entry_size().ok()
}
