//! The states of a replay: what a power cut can leave, and nothing that it cannot.

use std::collections::{HashMap, HashSet};

use qx_power_tests::log::Log;
use qx_power_tests::replay::{Cut, Cuts, Moment, Replay};

use crate::log::file;
use crate::recorder::LogWriter;

const SECTORS: usize = 16;
const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;
const CUTS: Cuts = Cuts {
    seed: 5,
    losses: 50,
    tears: 20,
    torn_sectors: 0..SECTORS as u64 * 512,
};

/// One byte for each sector: what it holds. `None`: parts of two.
type Content = Vec<Option<u8>>;

/// Every state of this log on a disk of nines, with its fingerprint.
fn states(log: LogWriter, cuts: Cuts) -> Vec<(Moment, Content, u128)> {
    let base = file(&[9; SECTORS * 512]);
    let log = Log::open(file(&log.finish())).unwrap();
    let mut states = Vec::new();
    let replay = Replay::new(base, log, cuts).unwrap();
    replay
        .run(|moment, state| {
            let mut bytes = vec![0; SECTORS * 512];
            state.read_at(0, &mut bytes)?;
            let sectors = bytes.chunks(512);
            let content = sectors.map(|sector| {
                let same = sector.iter().all(|byte| *byte == sector[0]);
                same.then_some(sector[0])
            });
            states.push((
                moment,
                content.collect(),
                state.fingerprint(0..state.bytes()),
            ));
            Ok(())
        })
        .unwrap();
    states
}

fn of(states: &[(Moment, Content, u128)], entry: usize, cut: Cut) -> HashSet<Content> {
    let wanted = Moment { entry, cut };
    let found = states.iter().filter(|(moment, _, _)| *moment == wanted);
    found.map(|(_, content, _)| content.clone()).collect()
}

/// The disk of nines with these sectors changed.
fn with(sectors: &[(usize, u8)]) -> Content {
    let mut content = vec![Some(9); SECTORS];
    for (sector, byte) in sectors {
        content[*sector] = Some(*byte);
    }
    content
}

fn write(log: &mut LogWriter, sector: u64, bytes: &[u8], flags: u64) {
    let data: Vec<u8> = bytes.iter().flat_map(|byte| [*byte; 512]).collect();
    log.entry(sector, bytes.len() as u64, flags, &data);
}

#[test]
fn every_write_is_cut_after_it_and_within_it() {
    let mut log = LogWriter::new();
    write(&mut log, 2, &[1, 2, 3], 0);
    let states = states(log, CUTS);
    assert_eq!(states[0].1, with(&[]));
    let after = of(&states, 0, Cut::After);
    assert_eq!(after, [with(&[(2, 1), (3, 2), (4, 3)])].into());
    let torn = of(&states, 0, Cut::Torn);
    // In order, and a sector may hold parts of old and new.
    let mixed = |whole: &[(usize, u8)], sector: usize| {
        let mut content = with(whole);
        content[sector] = None;
        content
    };
    let expected = [
        mixed(&[], 2),
        mixed(&[(2, 1)], 3),
        mixed(&[(2, 1), (3, 2)], 4),
    ];
    assert_eq!(torn, expected.into());

    let mut log = LogWriter::new();
    write(&mut log, 2, &[1, 2, 3], 0);
    let whole_sectors = Cuts {
        torn_sectors: 0..0,
        ..CUTS
    };
    let torn = of(&self::states(log, whole_sectors), 0, Cut::Torn);
    assert_eq!(torn, [with(&[(2, 1)]), with(&[(2, 1), (3, 2)])].into());
}

#[test]
fn what_is_in_the_cache_may_be_lost_and_what_was_flushed_may_not() {
    let mut log = LogWriter::new();
    write(&mut log, 0, &[1], 0);
    log.entry(0, 0, FLUSH, &[]);
    write(&mut log, 1, &[2], 0);
    write(&mut log, 2, &[3], FUA);
    write(&mut log, 3, &[4], 0);
    let states = states(log, CUTS);
    let lost = of(&states, 4, Cut::Lost);
    for content in &lost {
        assert_eq!(content[0], Some(1), "it was flushed: {content:?}");
        assert_eq!(content[2], Some(3), "it went past the cache: {content:?}");
    }
    // The first may be missing while a later one is there.
    for (one, three) in [(9, 4), (2, 9), (9, 9)] {
        let content = with(&[(0, 1), (1, one), (2, 3), (3, three)]);
        assert!(lost.contains(&content), "{content:?} was never tried");
    }
    assert_eq!(of(&states, 1, Cut::Flushed), [with(&[(0, 1)])].into());
    assert_eq!(of(&states, 0, Cut::Lost), HashSet::new());
}

#[test]
fn each_cached_write_is_missing_once_before_a_flush() {
    let mut log = LogWriter::new();
    for sector in 0..4 {
        write(&mut log, sector, &[1], if sector == 3 { FUA } else { 0 });
    }
    log.entry(0, 0, FLUSH, &[]);
    let all: Vec<_> = (0..4).map(|sector| (sector, 1)).collect();
    let expected = (0..3).map(|missing| {
        let mut content = with(&all);
        content[missing] = Some(9);
        content
    });
    let lost = of(&states(log, CUTS), 4, Cut::Lost);
    assert_eq!(lost, expected.collect());
}

#[test]
fn a_lost_write_uncovers_what_was_written_before_it() {
    let mut log = LogWriter::new();
    write(&mut log, 5, &[1, 1], 0);
    write(&mut log, 6, &[2, 2], 0);
    log.entry(7, 1, DISCARD, &[]);
    let states = states(log, CUTS);
    let expected = with(&[(5, 1), (6, 2), (7, 0)]);
    assert_eq!(of(&states, 2, Cut::After), [expected].into());
    let lost = of(&states, 2, Cut::Lost);
    let content = with(&[(5, 1), (6, 1), (7, 0)]);
    assert!(lost.contains(&content), "{content:?} was never tried");
    let content = with(&[(5, 1), (6, 2), (7, 2)]);
    assert!(lost.contains(&content), "{content:?} was never tried");
}

#[test]
fn fingerprints_are_equal_for_equal_content_only() {
    let mut log = LogWriter::new();
    write(&mut log, 1, &[1, 2], 0);
    write(&mut log, 2, &[3], 0);
    write(&mut log, 1, &[1, 2], 0);
    let whole_sectors = Cuts {
        torn_sectors: 0..0,
        ..CUTS
    };
    let (mut prints, mut contents) = (HashMap::new(), HashMap::new());
    for (_, content, print) in states(log, whole_sectors) {
        let known = prints.entry(print).or_insert_with(|| content.clone());
        assert_eq!(*known, content);
        assert_eq!(*contents.entry(content).or_insert(print), print);
    }
    assert!(prints.len() > 3);
}

#[test]
fn a_log_of_a_larger_disk_is_refused() {
    let mut log = LogWriter::new();
    write(&mut log, SECTORS as u64 - 1, &[1, 1], 0);
    let log = Log::open(file(&log.finish())).unwrap();
    let replay = Replay::new(file(&[9; SECTORS * 512]), log, CUTS).unwrap();
    let error = replay.run(|_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains("of a disk with 16"), "{error}");
}

#[test]
fn a_snapshot_stays_as_its_state_was_while_the_disk_changes() {
    let mut log = LogWriter::new();
    write(&mut log, 2, &[1, 2, 3], 0);
    log.entry(0, 4, DISCARD, &[]);
    log.entry(0, 0, FLUSH, &[]);
    write(&mut log, 1, &[4, 5], FUA);
    let log = Log::open(file(&log.finish())).unwrap();
    let base = file(&[9; SECTORS * 512]);
    let mut kept = Vec::new();
    let replay = Replay::new(base, log, CUTS).unwrap();
    replay
        .run(|_, state| {
            let mut bytes = vec![0; SECTORS * 512];
            state.read_at(0, &mut bytes)?;
            kept.push((bytes, state.snapshot()?));
            Ok(())
        })
        .unwrap();
    assert!(kept.len() > 100);
    for (bytes, snapshot) in kept {
        // From another thread, and from the middle.
        let read = std::thread::spawn(move || {
            let mut bytes = vec![0; (SECTORS - 1) * 512];
            snapshot.read_at(512, &mut bytes).unwrap();
            (snapshot.bytes(), bytes)
        });
        let (length, read) = read.join().unwrap();
        assert_eq!(length, bytes.len() as u64);
        assert_eq!(read, bytes[512..]);
    }
}
