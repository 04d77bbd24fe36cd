//! The reader of logs.

use std::fs::File;
use std::io::Write;

use qx_power_tests::log::{Entry, Log, LogError};

use crate::recorder::LogWriter;

const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;
const MARK: u64 = 8;

pub(crate) fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn open(bytes: &[u8]) -> Result<Log, LogError> {
    Log::open(file(bytes))
}

fn one(sector: u64, count: u64, flags: u64, data: &[u8]) -> Vec<u8> {
    let mut log = LogWriter::new();
    log.entry(sector, count, flags, data);
    log.finish()
}

fn damaged(bytes: &[u8], words: &str) {
    let error = open(bytes).unwrap_err();
    assert!(matches!(error, LogError::Entry(0, _)), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn every_kind_of_entry_is_read() {
    let mut log = LogWriter::new();
    log.entry(8, 2, 0, &[1; 1024]);
    log.entry(0, 0, FLUSH, &[]);
    log.entry(9, 1, FUA, &[2; 512]);
    log.entry(100, 4000, DISCARD, &[]);
    log.entry(7, 1, FLUSH | FUA, &[3; 512]);
    let write = |sector, count, data, fua| Entry::Write {
        sector,
        count,
        data,
        fua,
    };
    let log = open(&log.finish()).unwrap();
    let expected = [
        write(8, 2, 1024, false),
        Entry::Flush,
        write(9, 1, 3072, true),
        Entry::Discard {
            sector: 100,
            count: 4000,
        },
        // A flush that comes with data is done before it.
        Entry::Flush,
        write(7, 1, 4608, true),
    ];
    assert_eq!(log.entries(), expected);
    let mut bytes = [0; 512];
    log.read(4608, &mut bytes).unwrap();
    assert_eq!(bytes, [3; 512]);
}

#[test]
fn a_mark_is_read_from_its_own_sector() {
    let mut bytes = one(0, 0, MARK, &[]);
    bytes[512 + 24] = 5;
    bytes[512 + 32..512 + 37].copy_from_slice(b"begun");
    let log = open(&bytes).unwrap();
    assert_eq!(log.entries(), [Entry::Mark("begun".to_owned())]);
    bytes[512 + 25] = 2;
    damaged(&bytes, "its mark has 517 bytes");
}

#[test]
fn large_sectors_are_counted_as_small_ones() {
    let mut bytes = vec![0; 3 * 4096];
    bytes[..8].copy_from_slice(&0x006a_7366_7773_6872_u64.to_le_bytes());
    bytes[8] = 1;
    bytes[16] = 1;
    bytes[24..28].copy_from_slice(&4096_u32.to_le_bytes());
    bytes[4096] = 3;
    bytes[4096 + 8] = 1;
    let expected = Entry::Write {
        sector: 24,
        count: 8,
        data: 8192,
        fua: false,
    };
    assert_eq!(open(&bytes).unwrap().entries(), [expected]);
}

#[test]
fn a_log_that_ends_early_is_refused_wherever_it_ends() {
    let mut log = LogWriter::new();
    log.entry(0, 0, FLUSH, &[]);
    log.entry(8, 2, 0, &[1; 1024]);
    let bytes = log.finish();
    open(&bytes).unwrap();
    let mut refused = 0;
    for length in 0..bytes.len() {
        open(&bytes[..length]).unwrap_err();
        refused += 1;
    }
    assert_eq!(refused, 512 + 512 + 512 + 1024);
}

#[test]
fn what_is_no_log_is_refused() {
    for (at, name) in [(0, "magic"), (8, "version"), (24, "sectors")] {
        let mut bytes = one(0, 1, 0, &[0; 512]);
        bytes[at] ^= 0x40;
        let error = open(&bytes).unwrap_err();
        assert!(matches!(error, LogError::NotALog(_)), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn entries_that_cannot_be_are_refused() {
    damaged(&one(0, 0, 1 << 40, &[]), "unknown flags");
    // QEMU leaves a hole where a request failed: the recording is not whole.
    damaged(&one(0, 0, 0, &[]), "it is empty");
    for (sector, count) in [(u64::MAX, 1), (u64::MAX / 512, 2), (1, u64::MAX)] {
        damaged(&one(sector, count, 0, &[]), "beyond any disk");
    }
    damaged(&one(0, 3, 0, &[0; 1024]), "its data is not in the log");
}
