//! One recording, replayed and judged: an installation, a first boot, an update.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::check::{Check, Violation};
use crate::disk::State;
use crate::log::{Entry, Log};
use crate::model::{Class, Model};
use crate::replay::{Cut, Cuts, Moment, Replay};

/// Failures that are told in full.
const TOLD: usize = 20;

/// A recording.
#[derive(Clone, Debug)]
pub struct Phase {
    /// What the machine did, as the table names it.
    pub name: String,
    /// The disk before: a raw image.
    pub base: PathBuf,
    /// Its log of writes.
    pub log: PathBuf,
}

/// A state that must never be.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Where in the log.
    pub moment: Moment,
    /// What is wrong.
    pub violation: Violation,
    /// What becomes of the machine.
    pub class: Class,
}

/// What a replay came to.
#[derive(Debug)]
pub struct Report {
    /// The phase's name.
    pub name: String,
    /// Writes and discards in the log.
    pub writes: usize,
    /// Flushes in the log.
    pub flushes: usize,
    /// What becomes of the machine in each state that was judged, in their order.
    pub outcomes: Vec<Class>,
    /// States that differ from every other one, as far as they were written.
    pub distinct: usize,
    /// States by what becomes of the machine, and by how they came to be.
    pub classes: BTreeMap<String, BTreeMap<Cut, usize>>,
    /// Every state that must never be.
    pub failures: Vec<Failure>,
}

impl Phase {
    /// Replays it and judges every state.
    ///
    /// # Errors
    /// When base or log cannot be read.
    pub fn run(&self, model: &mut Model, cuts: Cuts) -> Result<Report> {
        let log = self.log()?;
        let count = |wanted: fn(&Entry) -> bool| log.entries().iter().filter(|e| wanted(e)).count();
        let mut report = Report {
            name: self.name.clone(),
            writes: count(|e| matches!(e, Entry::Write { .. } | Entry::Discard { .. })),
            flushes: count(|e| matches!(e, Entry::Flush)),
            outcomes: Vec::new(),
            distinct: 0,
            classes: BTreeMap::new(),
            failures: Vec::new(),
        };
        let mut seen = HashSet::new();
        let mut check = Check::default();
        Replay::new(open(&self.base)?, log, cuts)?.run(|moment, state| {
            let verdict = model.judge(state)?;
            report.outcomes.push(verdict.class);
            seen.insert(state.fingerprint(0..state.bytes()));
            let by_cut = report.classes.entry(verdict.class.to_string());
            *by_cut.or_default().entry(moment.cut).or_default() += 1;
            for violation in check.judge(moment.cut, &verdict) {
                report.failures.push(Failure {
                    moment,
                    violation,
                    class: verdict.class,
                });
            }
            Ok(())
        })?;
        report.distinct = seen.len();
        Ok(report)
    }

    /// Replays it in the same way and shows the states of these numbers, counted from 0 as in
    /// [`Report::outcomes`].
    ///
    /// # Errors
    /// The first one of `visit`, or when base or log cannot be read.
    pub fn revisit(
        &self,
        cuts: Cuts,
        wanted: &BTreeSet<usize>,
        mut visit: impl FnMut(usize, Moment, &State) -> Result<()>,
    ) -> Result<()> {
        let mut number = 0;
        Replay::new(open(&self.base)?, self.log()?, cuts)?.run(|moment, state| {
            if wanted.contains(&number) {
                visit(number, moment, state)?;
            }
            number += 1;
            Ok(())
        })
    }

    fn log(&self) -> Result<Log> {
        Log::open(open(&self.log)?)
            .with_context(|| format!("{} cannot be used", self.log.display()))
    }
}

fn open(path: &Path) -> Result<File> {
    File::open(path).with_context(|| format!("cannot open {}", path.display()))
}

impl Report {
    /// Whether any state has this wrong with it.
    #[must_use]
    pub fn has(&self, violation: Violation) -> bool {
        let mut failures = self.failures.iter();
        failures.any(|failure| failure.violation == violation)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} writes, {} flushes, {} states ({} distinct), {} failures",
            self.name,
            self.writes,
            self.flushes,
            self.outcomes.len(),
            self.distinct,
            self.failures.len()
        )?;
        let cuts = [Cut::Flushed, Cut::After, Cut::Torn, Cut::Lost];
        write!(f, "  {:<58}", "")?;
        for cut in cuts {
            write!(f, "{:>9}", cut.to_string())?;
        }
        for (class, by_cut) in &self.classes {
            write!(f, "\n  {class:<58}")?;
            for cut in cuts {
                write!(f, "{:>9}", by_cut.get(&cut).copied().unwrap_or_default())?;
            }
        }
        for failure in self.failures.iter().take(TOLD) {
            let Failure {
                moment,
                violation,
                class,
            } = failure;
            write!(
                f,
                "\n  entry {} ({}): {violation}; {class}",
                moment.entry, moment.cut
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flushed => "flushed",
            Self::After => "after",
            Self::Torn => "torn",
            Self::Lost => "lost",
        })
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingInstalled => f.write_str("nothing installed"),
            Self::Boots { slot, because } => write!(f, "boots {slot} ({because:?})"),
            Self::RefusedThenBoots {
                slot,
                because,
                refused,
            } => write!(
                f,
                "boots {slot} ({because:?}) after {refused} did not start"
            ),
            Self::BootsUnverified { slot } => write!(f, "boots {slot} unverified"),
            Self::Unbootable(stuck) => write!(f, "unbootable ({stuck:?})"),
        }
    }
}
