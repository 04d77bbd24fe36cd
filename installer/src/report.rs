//! Tells the console how an installation goes: `install.json` in the run directory, and a line in the log for
//! each step.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use qx_host::install_status::{InstallStatus, Phase};

use crate::install::{Progress, Step};

/// Time between two reports of the same step.
const PERIOD: Duration = Duration::from_millis(500);

/// See the module.
pub struct Reporter {
    run_dir: PathBuf,
    /// What every line begins with, such as "Installing on /dev/sda".
    what: String,
    step: Option<(Step, Instant, u64)>,
    last: Option<Instant>,
}

impl Reporter {
    /// Reports to `run_dir` what is done.
    #[must_use]
    pub fn new(run_dir: PathBuf, what: String) -> Self {
        Self {
            run_dir,
            what,
            step: None,
            last: None,
        }
    }

    fn tell(&self, step: Step, percent: u64, rate: Option<u64>) -> io::Result<()> {
        InstallStatus {
            phase: Phase::Running,
            summary: format!("{}: {}", self.what, step.words()),
            percent: u8::try_from(percent).ok(),
            bytes_per_second: rate,
            problems: Vec::new(),
        }
        .write(&self.run_dir)
    }
}

impl Progress for Reporter {
    fn at(&mut self, step: Step, done: u64, total: u64) {
        let now = Instant::now();
        let begun = match self.step {
            Some((current, at, from)) if current == step => Some((at, from)),
            _ => None,
        };
        if begun.is_none() {
            println!("{}: {}", self.what, step.words());
            self.step = Some((step, now, done));
        } else if self.last.is_some_and(|last| now - last < PERIOD) {
            return;
        }
        self.last = Some(now);
        let rate = begun.and_then(|(at, from)| {
            let millis = u64::try_from((now - at).as_millis()).ok()?;
            (done - from).saturating_mul(1000).checked_div(millis)
        });
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(0);
        // A screen that shows an older state is no reason to stop.
        if let Err(error) = self.tell(step, percent, rate) {
            println!("the progress cannot be shown: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_percent_are_told_and_not_every_block() {
        let dir = tempfile::tempdir().unwrap();
        let mut reporter = Reporter::new(dir.path().to_owned(), "Installing on /dev/sda".into());
        let status = || InstallStatus::read(dir.path()).unwrap();
        reporter.at(Step::SlotA, 0, 400);
        assert_eq!(status().summary, "Installing on /dev/sda: writing slot A");
        assert_eq!(status().percent, Some(0));
        reporter.at(Step::SlotA, 1, 400);
        assert_eq!(status().percent, Some(0), "told too often");
        reporter.at(Step::SlotB, 200, 400);
        assert_eq!(status().percent, Some(50));
        assert_eq!(status().bytes_per_second, None);
        reporter.at(Step::Finish, 400, 400);
        assert_eq!(status().percent, Some(100));
        assert_eq!(status().phase, Phase::Running);
    }
}
