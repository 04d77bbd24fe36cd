//! A disk as a base that is only read and the sectors that were written since. A [`State`] is one content
//! that the disk could have after a power cut: the disk with a few sectors changed.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::log::{Log, SECTOR};

const SECTOR_BYTES: usize = SECTOR as usize;
/// Fingerprints are kept for pieces of this many bytes; partitions start and end with them.
const PIECE: u64 = 1 << 20;

/// The bytes of a sector.
pub type Sector = [u8; SECTOR_BYTES];

/// Where the content of a sector comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The disk before the recording.
    Base,
    /// A place in the log.
    Log(u64),
    /// Nothing: it was discarded.
    Zero,
}

/// Disks so far: fingerprints of two of them are never taken for each other.
static DISKS: AtomicU64 = AtomicU64::new(0);

/// The disk with every write up to now.
pub struct Disk {
    number: u64,
    base: File,
    bytes: u64,
    log: Rc<Log>,
    /// Where each sector that was written comes from, and what it adds to its piece's fingerprint.
    sectors: HashMap<u64, (Origin, u128)>,
    pieces: HashMap<u64, u128>,
}

impl Disk {
    /// The disk as it was before `log`.
    ///
    /// # Errors
    /// When the length of `base` cannot be told.
    pub fn new(base: File, log: Rc<Log>) -> io::Result<Self> {
        Ok(Self {
            number: DISKS.fetch_add(1, Ordering::Relaxed),
            bytes: base.metadata()?.len(),
            base,
            log,
            sectors: HashMap::new(),
            pieces: HashMap::new(),
        })
    }

    /// Its length in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where a sector comes from now.
    #[must_use]
    pub fn origin(&self, sector: u64) -> Origin {
        let known = self.sectors.get(&sector);
        known.map_or(Origin::Base, |(origin, _)| *origin)
    }

    /// The content that a sector would have from there.
    ///
    /// # Errors
    /// When base or log cannot be read.
    pub fn content(&self, sector: u64, origin: Origin) -> io::Result<Sector> {
        let mut bytes = [0; SECTOR_BYTES];
        match origin {
            Origin::Base => self.base.read_exact_at(&mut bytes, sector * SECTOR)?,
            Origin::Log(place) => self.log.read(place, &mut bytes)?,
            Origin::Zero => {}
        }
        Ok(bytes)
    }

    /// Changes a sector for good.
    ///
    /// # Errors
    /// When base or log cannot be read.
    pub fn set(&mut self, sector: u64, origin: Origin) -> io::Result<()> {
        let new = match origin {
            Origin::Base => 0,
            _ => print(sector, &self.content(sector, origin)?),
        };
        let change = self.print(sector) ^ new;
        *self.pieces.entry(sector * SECTOR / PIECE).or_default() ^= change;
        self.sectors.insert(sector, (origin, new));
        Ok(())
    }

    /// What a sector adds to its piece's fingerprint. A sector of the base adds nothing.
    fn print(&self, sector: u64) -> u128 {
        let known = self.sectors.get(&sector);
        known.map_or(0, |(_, print)| *print)
    }
}

/// Depends on the content and the place; the order of writes does not matter.
fn print(sector: u64, content: &Sector) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&sector.to_le_bytes()).update(content);
    let mut half = [0; 16];
    for (byte, of_hash) in half.iter_mut().zip(hasher.finalize().as_bytes()) {
        *byte = *of_hash;
    }
    u128::from_le_bytes(half)
}

/// What a [`State`] holds, without the replay: can be kept, and read in another thread.
pub struct Snapshot {
    bytes: u64,
    base: File,
    log: File,
    sectors: HashMap<u64, Origin>,
    changed: BTreeMap<u64, Sector>,
}

impl Snapshot {
    /// Length of the disk in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Fills `bytes` from `offset`, whole sectors.
    ///
    /// # Errors
    /// Beyond the end, or when base or log cannot be read.
    pub fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.base.read_exact_at(bytes, offset)?;
        for (sector, bytes) in (offset / SECTOR..).zip(bytes.chunks_mut(SECTOR_BYTES)) {
            match (self.changed.get(&sector), self.sectors.get(&sector)) {
                (Some(content), _) => bytes.copy_from_slice(content),
                (None, Some(Origin::Log(place))) => self.log.read_exact_at(bytes, *place)?,
                (None, Some(Origin::Zero)) => bytes.fill(0),
                (None, Some(Origin::Base) | None) => {}
            }
        }
        Ok(())
    }
}

/// One content that the disk could have. Cheap to clone; to be used before the disk changes again.
#[derive(Clone)]
pub struct State {
    disk: Rc<RefCell<Disk>>,
    changed: Rc<BTreeMap<u64, Sector>>,
    pieces: Rc<HashMap<u64, u128>>,
}

impl State {
    /// The disk as it is, but for `changed`.
    ///
    /// # Errors
    /// When base or log cannot be read.
    pub fn new(disk: &Rc<RefCell<Disk>>, changed: BTreeMap<u64, Sector>) -> io::Result<Self> {
        let mut pieces: HashMap<u64, u128> = HashMap::new();
        {
            let disk = disk.borrow();
            for (sector, content) in &changed {
                // What is as it was before the recording leaves no trace, wherever it was put back from.
                let new = if *content == disk.content(*sector, Origin::Base)? {
                    0
                } else {
                    print(*sector, content)
                };
                let change = disk.print(*sector) ^ new;
                *pieces.entry(*sector * SECTOR / PIECE).or_default() ^= change;
            }
        }
        Ok(Self {
            disk: Rc::clone(disk),
            changed: Rc::new(changed),
            pieces: Rc::new(pieces),
        })
    }

    /// Length of the disk in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.disk.borrow().bytes
    }

    /// The same content, to be kept while the disk changes.
    ///
    /// # Errors
    /// When base or log cannot be shared.
    pub fn snapshot(&self) -> io::Result<Snapshot> {
        let disk = self.disk.borrow();
        let origins = disk.sectors.iter();
        Ok(Snapshot {
            bytes: disk.bytes,
            base: disk.base.try_clone()?,
            log: disk.log.file()?,
            sectors: origins
                .map(|(sector, (origin, _))| (*sector, *origin))
                .collect(),
            changed: BTreeMap::clone(&self.changed),
        })
    }

    /// Differs when the content of these bytes does, or the disk.
    #[must_use]
    pub fn fingerprint(&self, range: Range<u64>) -> u128 {
        let disk = self.disk.borrow();
        let of = |map: &HashMap<u64, u128>, piece| map.get(&piece).copied().unwrap_or_default();
        (range.start / PIECE..range.end.div_ceil(PIECE))
            .map(|piece| of(&disk.pieces, piece) ^ of(&self.pieces, piece))
            .fold(u128::from(disk.number), |sum, piece| sum ^ piece)
    }

    /// Fills `bytes` from `offset`, any bytes.
    ///
    /// # Errors
    /// Beyond the end, or when base or log cannot be read.
    pub fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let disk = self.disk.borrow();
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > disk.bytes) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (sector, skip) = (at / SECTOR, at % SECTOR);
            let run = self.run(&disk, sector, skip + rest.len() as u64);
            let length = (run * SECTOR - skip).min(rest.len() as u64);
            let (now, later) = rest.split_at_mut(usize::try_from(length).unwrap_or_default());
            match (self.changed.get(&sector), disk.origin(sector)) {
                (Some(content), _) => {
                    let start = usize::try_from(skip).unwrap_or_default();
                    now.copy_from_slice(&content[start..start + now.len()]);
                }
                (None, Origin::Base) => disk.base.read_exact_at(now, at)?,
                (None, Origin::Log(place)) => disk.log.read(place + skip, now)?,
                (None, Origin::Zero) => now.fill(0),
            }
            at += length;
            rest = later;
        }
        Ok(())
    }

    /// How many sectors from this one come from one place, one behind the other; at most those of `bytes`.
    fn run(&self, disk: &Disk, sector: u64, bytes: u64) -> u64 {
        if self.changed.contains_key(&sector) {
            return 1;
        }
        let first = disk.origin(sector);
        let follows = |index: u64| {
            let here = disk.origin(sector + index);
            let joined = match (first, here) {
                (Origin::Log(start), Origin::Log(place)) => place == start + index * SECTOR,
                _ => first == here,
            };
            joined && !self.changed.contains_key(&(sector + index))
        };
        (1..bytes.div_ceil(SECTOR))
            .find(|index| !follows(*index))
            .unwrap_or(bytes.div_ceil(SECTOR))
            .max(1)
    }
}
