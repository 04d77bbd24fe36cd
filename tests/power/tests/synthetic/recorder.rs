//! Records what is written to a disk, in the format of dm-log-writes.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use fastrand::Rng;
use qx_slots::{BlockIo, BootEnv, EnvStore};

const SECTOR: u64 = 512;
/// What a page cache writes in one go.
const CHUNK: usize = 16 << 10;
const FLUSH: u64 = 1;
const FUA: u64 = 2;

/// Makes a log, entry by entry.
pub(crate) struct LogWriter {
    bytes: Vec<u8>,
    entries: u64,
}

impl LogWriter {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; 512],
            entries: 0,
        }
    }

    pub(crate) fn entry(&mut self, sector: u64, count: u64, flags: u64, data: &[u8]) {
        let mut head = Vec::new();
        for word in [sector, count, flags, 0] {
            head.extend(word.to_le_bytes());
        }
        head.resize(512, 0);
        self.bytes.extend(head);
        self.bytes.extend(data);
        self.entries += 1;
    }

    /// The whole log, with a head that counts its entries.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let mut head = Vec::new();
        for word in [0x006a_7366_7773_6872_u64, 1, self.entries] {
            head.extend(word.to_le_bytes());
        }
        head.extend(512_u32.to_le_bytes());
        self.bytes[..head.len()].copy_from_slice(&head);
        self.bytes
    }
}

/// A disk whose writes are recorded.
pub(crate) struct Recorder {
    disk: File,
    log: RefCell<LogWriter>,
    rng: RefCell<Rng>,
}

impl Recorder {
    pub(crate) fn new(disk: File) -> Self {
        Self {
            disk,
            log: RefCell::new(LogWriter::new()),
            rng: RefCell::new(Rng::with_seed(7)),
        }
    }

    pub(crate) fn finish(self, log: &Path) {
        std::fs::write(log, self.log.into_inner().finish()).unwrap();
    }

    pub(crate) fn read(&self, range: Range<u64>) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
        self.disk.read_exact_at(&mut bytes, range.start).unwrap();
        bytes
    }

    /// Into the disk's cache.
    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) {
        self.put(offset, bytes, 0);
    }

    /// Past the disk's cache.
    pub(crate) fn write_through(&self, offset: u64, bytes: &[u8]) {
        self.put(offset, bytes, FUA);
    }

    fn put(&self, offset: u64, bytes: &[u8], flags: u64) {
        self.disk.write_all_at(bytes, offset).unwrap();
        let count = bytes.len() as u64 / SECTOR;
        let mut log = self.log.borrow_mut();
        log.entry(offset / SECTOR, count, flags, bytes);
    }

    pub(crate) fn flush(&self) {
        self.log.borrow_mut().entry(0, 0, FLUSH, &[]);
    }

    /// Changes the disk to hold `image` from `offset` on, as a page cache does: what differs, in any order,
    /// without a flush.
    pub(crate) fn write_image(&self, offset: u64, image: &[u8]) {
        let old = self.read(offset..offset + image.len() as u64);
        let chunks = image.chunks(CHUNK).zip(old.chunks(CHUNK)).enumerate();
        let mut changed: Vec<_> = chunks
            .filter(|(_, (new, old))| new != old)
            .map(|(index, (new, _))| (offset + (index * CHUNK) as u64, new))
            .collect();
        self.rng.borrow_mut().shuffle(&mut changed);
        assert!(!changed.is_empty(), "the sequence writes something");
        for (offset, chunk) in changed {
            self.write(offset, chunk);
        }
    }

    pub(crate) fn partition(&self, range: Range<u64>) -> Partition<'_> {
        Partition {
            recorder: self,
            range,
        }
    }
}

/// A partition of the recorded disk; what is written to it is on the medium before the next write begins.
pub(crate) struct Partition<'a> {
    recorder: &'a Recorder,
    range: Range<u64>,
}

impl BlockIo for Partition<'_> {
    fn sector_bytes(&self) -> usize {
        512
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let at = self.range.start + offset;
        self.recorder.disk.read_exact_at(bytes, at)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.recorder.write(self.range.start + offset, bytes);
        self.recorder.flush();
        Ok(())
    }
}

/// Changes the environment as the product does.
pub(crate) fn change(efi: &Partition<'_>, change: impl FnOnce(&mut BootEnv)) {
    let store = EnvStore::open(efi).unwrap();
    let copies = store.read().unwrap();
    let mut env = copies.in_use().unwrap().1.clone();
    change(&mut env);
    store.write(&env).unwrap();
}
