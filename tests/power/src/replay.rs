//! From a log of writes to every state that a power cut could leave.
//!
//! What was written since the last flush lies in the disk's cache: any of it may be on the medium or not, and
//! what is being written at that moment may be there in part. So for every write there are: the state with
//! everything up to it; states with it torn between two sectors, or inside of one; and states in which any of
//! the cached writes are missing or torn, chosen by a seeded generator. Just before each flush, every single
//! cached write is missing once. A write that demanded to be on the
//! medium (FUA) is never missing once the machine went on.

use std::cell::RefCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::{Range, RangeInclusive};
use std::rc::Rc;

use anyhow::{Context, Result};
use fastrand::Rng;

use crate::disk::{Disk, Origin, Sector, State};
use crate::log::{self, Log, SECTOR};

/// A write of up to this many sectors may be torn inside of a sector.
const SMALL: u64 = 8;
/// A cache with up to this many sectors may lose any half of its writes; a larger one, up to [`FEW`].
const HALVED: usize = 4096;
const FEW: usize = 4;

/// How hard to look.
#[derive(Clone, Debug)]
pub struct Cuts {
    /// Seeds the choice of what is lost and torn.
    pub seed: u64,
    /// States with lost writes at each write; with 0, none are lost at flushes either.
    pub losses: usize,
    /// States with a torn write at each write.
    pub tears: usize,
    /// The bytes of the disk in which even a sector may be torn: its first bytes new, the others old. File
    /// systems take it that a disk never does that; the boot environment must not.
    pub torn_sectors: Range<u64>,
}

/// How a state came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// Everything so far is on the medium, and the machine knows it.
    Flushed,
    /// Everything so far is on the medium.
    After,
    /// The last write is there in part.
    Torn,
    /// Some of what was in the cache is missing.
    Lost,
}

/// Where in the log a state belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Number of the last entry that was begun; 0 is the first, and also stands for none at all.
    pub entry: usize,
    /// How the state came to be.
    pub cut: Cut,
}

/// What became of a write that was in the cache.
#[derive(Clone, Copy)]
enum Fate {
    Lost,
    /// So many sectors are there, and so many bytes of the next one.
    Torn(u64, usize),
}

struct Cached {
    sector: u64,
    count: u64,
    forced: bool,
}

/// A replay of one log.
pub struct Replay {
    disk: Rc<RefCell<Disk>>,
    log: Rc<Log>,
    cuts: Cuts,
    rng: Rng,
    cache: Vec<Cached>,
    /// For each sector in the cache: what it was before, and what each write made of it.
    history: HashMap<u64, (Origin, Vec<(usize, Origin)>)>,
}

impl Replay {
    /// Of `log`, which began when the disk was as `base`.
    ///
    /// # Errors
    /// When `base` cannot be read.
    pub fn new(base: File, log: Log, cuts: Cuts) -> Result<Self> {
        let log = Rc::new(log);
        let disk = Disk::new(base, Rc::clone(&log)).context("cannot read the disk")?;
        Ok(Self {
            disk: Rc::new(RefCell::new(disk)),
            log,
            rng: Rng::with_seed(cuts.seed),
            cuts,
            cache: Vec::new(),
            history: HashMap::new(),
        })
    }

    /// Shows every state to `visit`, in order; the first is the disk before the log, the last the disk after
    /// it, with nothing in the cache.
    ///
    /// # Errors
    /// The first one of `visit`, or when log or base cannot be read.
    pub fn run(mut self, mut visit: impl FnMut(Moment, &State) -> Result<()>) -> Result<()> {
        let entries = Rc::clone(&self.log);
        self.show(0, Cut::Flushed, &mut visit)?;
        for (entry, what) in entries.entries().iter().enumerate() {
            match what {
                log::Entry::Write {
                    sector,
                    count,
                    data,
                    fua,
                } => {
                    let origin = |index| Origin::Log(data + index * SECTOR);
                    self.put(*sector, *count, *fua, origin)?;
                    self.cut(entry, &mut visit)?;
                }
                log::Entry::Discard { sector, count } => {
                    self.put(*sector, *count, false, |_| Origin::Zero)?;
                    self.cut(entry, &mut visit)?;
                }
                log::Entry::Flush if self.cache.is_empty() => {}
                log::Entry::Flush => {
                    self.miss_each(entry, &mut visit)?;
                    self.cache.clear();
                    self.history.clear();
                    self.show(entry, Cut::Flushed, &mut visit)?;
                }
                log::Entry::Mark(_) => {}
            }
        }
        self.show(entries.entries().len(), Cut::Flushed, &mut visit)
    }

    /// The disk after the last write.
    ///
    /// # Errors
    /// When log or base cannot be read.
    pub fn end(self) -> Result<State> {
        let mut last = None;
        let quiet = Cuts {
            losses: 0,
            tears: 0,
            ..self.cuts.clone()
        };
        Self {
            cuts: quiet,
            ..self
        }
        .run(|_, state| {
            last = Some(state.clone());
            Ok(())
        })?;
        last.context("the log shows no state")
    }

    fn put(
        &mut self,
        sector: u64,
        count: u64,
        forced: bool,
        origin: impl Fn(u64) -> Origin,
    ) -> Result<()> {
        let mut disk = self.disk.borrow_mut();
        let end = disk.bytes() / SECTOR;
        anyhow::ensure!(
            sector + count <= end,
            "the log has sectors {sector} to {} of a disk with {end}",
            sector + count
        );
        let write = self.cache.len();
        for index in 0..count {
            let (sector, new) = (sector + index, origin(index));
            let old = disk.origin(sector);
            // Discards of what was never written change nothing, and there are many.
            if new == Origin::Zero
                && old == Origin::Base
                && disk.content(sector, old)?.iter().all(|byte| *byte == 0)
            {
                continue;
            }
            let (_, writes) = self
                .history
                .entry(sector)
                .or_insert_with(|| (old, Vec::new()));
            writes.push((write, new));
            disk.set(sector, new)?;
        }
        self.cache.push(Cached {
            sector,
            count,
            forced,
        });
        Ok(())
    }

    fn show(
        &self,
        entry: usize,
        cut: Cut,
        visit: &mut impl FnMut(Moment, &State) -> Result<()>,
    ) -> Result<()> {
        let state = State::new(&self.disk, BTreeMap::new())?;
        visit(Moment { entry, cut }, &state)
    }

    /// The states of a power cut right after the write that is the last one in the cache.
    fn cut(
        &mut self,
        entry: usize,
        visit: &mut impl FnMut(Moment, &State) -> Result<()>,
    ) -> Result<()> {
        self.show(entry, Cut::After, visit)?;
        let last = self.cache.len() - 1;
        for _ in 0..self.cuts.tears {
            if let Some(fate) = self.tear(last)? {
                let state = self.state(&HashMap::from([(last, fate)]))?;
                let cut = Cut::Torn;
                visit(Moment { entry, cut }, &state)?;
            }
        }
        if last == 0 {
            return Ok(());
        }
        for _ in 0..self.cuts.losses {
            let fates = self.losses()?;
            if !fates.is_empty() {
                let state = self.state(&fates)?;
                let cut = Cut::Lost;
                visit(Moment { entry, cut }, &state)?;
            }
        }
        Ok(())
    }

    /// The states of a power cut just before a flush, each with one write missing.
    fn miss_each(
        &self,
        entry: usize,
        visit: &mut impl FnMut(Moment, &State) -> Result<()>,
    ) -> Result<()> {
        if self.cuts.losses == 0 || self.cache.len() == 1 {
            return Ok(());
        }
        let writes = self.cache.iter().enumerate();
        for (write, _) in writes.filter(|(_, write)| !write.forced) {
            let state = self.state(&HashMap::from([(write, Fate::Lost)]))?;
            let cut = Cut::Lost;
            visit(Moment { entry, cut }, &state)?;
        }
        Ok(())
    }

    /// Where a write is torn; `None` when it cannot be.
    fn tear(&mut self, write: usize) -> Result<Option<Fate>> {
        let Some(Cached { sector, count, .. }) = self.cache.get(write) else {
            return Ok(None);
        };
        let (sector, count) = (*sector, *count);
        let inside = count <= SMALL && self.cuts.torn_sectors.contains(&(sector * SECTOR));
        Ok(match count {
            0 => None,
            _ if inside => {
                let whole = self.rng.u64(0..count);
                let bytes = self.bytes(write, sector + whole)?;
                Some(Fate::Torn(whole, self.rng.usize(bytes)))
            }
            1 => None,
            _ => Some(Fate::Torn(self.rng.u64(1..count), 0)),
        })
    }

    /// The places within a sector at which a torn write of it shows: after the first byte that it changes, and
    /// before the last one.
    fn bytes(&self, write: usize, sector: u64) -> Result<RangeInclusive<usize>> {
        let everywhere = 1..=511;
        let Some((before, writes)) = self.history.get(&sector) else {
            return Ok(everywhere);
        };
        let Some(index) = writes.iter().position(|(number, _)| *number == write) else {
            return Ok(everywhere);
        };
        let old = index.checked_sub(1).and_then(|index| writes.get(index));
        let (Some((_, new)), old) = (writes.get(index), old.map_or(*before, |(_, old)| *old))
        else {
            return Ok(everywhere);
        };
        let disk = self.disk.borrow();
        let (old, new) = (disk.content(sector, old)?, disk.content(sector, *new)?);
        let differs = |index: &usize| old.get(*index) != new.get(*index);
        let (first, last) = ((0..512).find(differs), (0..512).rev().find(differs));
        Ok(match (first, last) {
            (Some(first), Some(last)) if first < last => first + 1..=last,
            _ => everywhere,
        })
    }

    /// What becomes of the cache this time.
    fn losses(&mut self) -> Result<HashMap<usize, Fate>> {
        let free: Vec<usize> = (0..self.cache.len())
            .filter(|write| self.cache.get(*write).is_some_and(|write| !write.forced))
            .collect();
        let half = self.history.len() <= HALVED && self.rng.bool();
        let chosen: Vec<usize> = if half {
            free.into_iter().filter(|_| self.rng.bool()).collect()
        } else {
            let few = self.rng.usize(1..=FEW);
            self.rng.choose_multiple(free, few)
        };
        let mut fates = HashMap::new();
        for write in chosen {
            let torn = if self.rng.bool() {
                self.tear(write)?
            } else {
                None
            };
            fates.insert(write, torn.unwrap_or(Fate::Lost));
        }
        Ok(fates)
    }

    /// The disk when these writes of the cache are not there as they should be.
    fn state(&self, fates: &HashMap<usize, Fate>) -> Result<State> {
        let disk = self.disk.borrow();
        let mut changed = BTreeMap::new();
        for write in fates.keys().filter_map(|write| self.cache.get(*write)) {
            for sector in write.sector..write.sector + write.count {
                let Some((before, writes)) = self.history.get(&sector) else {
                    continue;
                };
                if let Entry::Vacant(place) = changed.entry(sector) {
                    place.insert(self.sector(&disk, sector, *before, writes, fates)?);
                }
            }
        }
        drop(disk);
        Ok(State::new(&self.disk, changed)?)
    }

    fn sector(
        &self,
        disk: &Disk,
        sector: u64,
        before: Origin,
        writes: &[(usize, Origin)],
        fates: &HashMap<usize, Fate>,
    ) -> Result<Sector> {
        let mut content = disk.content(sector, before)?;
        for (write, origin) in writes {
            let index = self.cache.get(*write).map_or(0, |w| sector - w.sector);
            let bytes = match fates.get(write) {
                None => content.len(),
                Some(Fate::Torn(whole, _)) if index < *whole => content.len(),
                Some(Fate::Torn(whole, bytes)) if index == *whole => *bytes,
                Some(Fate::Torn(..) | Fate::Lost) => 0,
            };
            let new = disk.content(sector, *origin)?;
            for (old, new) in content.iter_mut().zip(new).take(bytes) {
                *old = new;
            }
        }
        Ok(content)
    }
}
