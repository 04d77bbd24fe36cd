//! Reads a log of writes in the format of Linux' dm-log-writes target (`drivers/md/dm-log-writes.c`), as
//! QEMU's `blklogwrites` driver makes it: a super block, then entries; each fills whole sectors and is
//! followed by the data that was written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use thiserror::Error;

/// `0x6a736677736872`, "jsfwshr", and the one version there is.
const MAGIC: u64 = 0x006a_7366_7773_6872;
const VERSION: u64 = 1;
const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;
const MARK: u64 = 8;
/// What the format defines further (`LOG_METADATA_FLAG`): says who wrote, and changes nothing.
const METADATA: u64 = 16;
const SUPER_BYTES: usize = 28;
const ENTRY_BYTES: usize = 32;
/// Sectors are counted in this unit by everything above this module.
pub const SECTOR: u64 = 512;

/// One thing that reached the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Data was written.
    Write {
        /// First sector of 512 bytes.
        sector: u64,
        /// How many.
        count: u64,
        /// Where the data starts in the log, in bytes.
        data: u64,
        /// Whether it was on the medium before the machine went on.
        fua: bool,
    },
    /// The content is no longer needed, and reads as zeros from then on.
    Discard {
        /// First sector of 512 bytes.
        sector: u64,
        /// How many.
        count: u64,
    },
    /// Everything before is on the medium.
    Flush,
    /// A note of whoever made the log.
    Mark(String),
}

/// Why a log was refused.
#[derive(Debug, Error)]
pub enum LogError {
    /// The file cannot be read.
    #[error("the log cannot be read")]
    Read(#[source] io::Error),
    /// The super block is something else.
    #[error("this is no log of writes: {0}")]
    NotALog(String),
    /// An entry cannot be: its number, and why.
    #[error("entry {0} of the log is damaged: {1}")]
    Entry(u64, String),
}

/// A log of writes.
#[derive(Debug)]
pub struct Log {
    file: File,
    entries: Vec<Entry>,
}

impl Log {
    /// Reads every entry; data stays in the file.
    ///
    /// # Errors
    /// When the file is no log, or ends before its last entry does.
    pub fn open(file: File) -> Result<Self, LogError> {
        let length = file.metadata().map_err(LogError::Read)?.len();
        let mut head = [0; SUPER_BYTES];
        file.read_exact_at(&mut head, 0)
            .map_err(|_| LogError::NotALog("it is shorter than its head".to_owned()))?;
        let [magic, version, count] = words(&head);
        if magic != MAGIC || version != VERSION {
            let text = format!("magic {magic:#x}, version {version}");
            return Err(LogError::NotALog(text));
        }
        let sector = u64::from(u32::from_le_bytes([head[24], head[25], head[26], head[27]]));
        if !(SECTOR..=1 << 16).contains(&sector) || !sector.is_power_of_two() {
            let text = format!("sectors of {sector} bytes");
            return Err(LogError::NotALog(text));
        }
        let mut reader = Reader {
            file: &file,
            sector,
            length,
            // The super block has a sector of its own.
            at: sector,
        };
        let mut entries = Vec::new();
        for number in 0..count {
            let entry = reader.entry();
            entries.extend(entry.map_err(|text| LogError::Entry(number, text))?);
        }
        Ok(Self { file, entries })
    }

    /// A log in which nothing was written: the disk stays as `base`.
    #[must_use]
    pub fn none(base: File) -> Self {
        Self {
            file: base,
            entries: Vec::new(),
        }
    }

    /// What was logged, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The file with the data, opened once more.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// The data of a write, from its place in the log.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, data: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, data)
    }
}

/// Little-endian numbers of 64 bits.
fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

struct Reader<'a> {
    file: &'a File,
    sector: u64,
    length: u64,
    at: u64,
}

impl Reader<'_> {
    /// The next entry: one, or a write and the flush that came with it.
    fn entry(&mut self) -> Result<Vec<Entry>, String> {
        let mut head = [0; ENTRY_BYTES];
        self.exact(&mut head, self.at)?;
        let [sector, count, flags, data_length] = words(&head);
        if flags & !(FLUSH | FUA | DISCARD | MARK | METADATA) != 0 {
            return Err(format!("it has unknown flags, {flags:#x}"));
        }
        if flags & MARK != 0 {
            return self.mark(data_length);
        }
        self.at += self.sector;
        let scale = self.sector / SECTOR;
        let scaled = |number: u64| number.checked_mul(scale).ok_or("it lies beyond any disk");
        let (start, length) = (scaled(sector)?, scaled(count)?);
        start
            .checked_add(length)
            .and_then(|end| end.checked_mul(SECTOR))
            .ok_or("it lies beyond any disk")?;
        if flags == 0 && length == 0 {
            // QEMU leaves such a hole where a request failed.
            return Err("it is empty".to_owned());
        }
        // A flush that carries data comes before the data (dm-log-writes: REQ_PREFLUSH).
        let mut entries = Vec::new();
        if flags & FLUSH != 0 {
            entries.push(Entry::Flush);
        }
        if flags & DISCARD != 0 {
            entries.push(Entry::Discard {
                sector: start,
                count: length,
            });
        } else if length > 0 {
            let data = self.at;
            self.at += length * SECTOR;
            if self.at > self.length {
                return Err("its data is not in the log".to_owned());
            }
            entries.push(Entry::Write {
                sector: start,
                count: length,
                data,
                fua: flags & FUA != 0,
            });
        }
        Ok(entries)
    }

    /// A mark's text lies in the rest of its sector.
    fn mark(&mut self, length: u64) -> Result<Vec<Entry>, String> {
        if length > self.sector - ENTRY_BYTES as u64 {
            return Err(format!("its mark has {length} bytes"));
        }
        let mut text = vec![0; usize::try_from(length).unwrap_or_default()];
        self.exact(&mut text, self.at + ENTRY_BYTES as u64)?;
        self.at += self.sector;
        let text = String::from_utf8_lossy(&text);
        Ok(vec![Entry::Mark(text.trim_end_matches('\0').to_owned())])
    }

    fn exact(&self, bytes: &mut [u8], at: u64) -> Result<(), String> {
        self.file
            .read_exact_at(bytes, at)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => "the log ends before it".to_owned(),
                _ => error.to_string(),
            })
    }
}
