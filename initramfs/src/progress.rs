//! What people see while the image is copied: nothing when that takes less than a second, a line that
//! counts up otherwise. Pure: time comes in, text goes out.

use std::time::Duration;

const MIB: u64 = 1024 * 1024;
/// Below this a boot stays silent.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is written anew.
const PERIOD: Duration = Duration::from_secs(1);

/// Counts a copy of a known length.
#[derive(Debug)]
pub(crate) struct Progress {
    total: u64,
    done: u64,
    next: Duration,
    shown: bool,
}

impl Progress {
    /// A copy of `total` bytes, none of them done.
    pub(crate) fn new(total: u64) -> Self {
        Self {
            total,
            done: 0,
            next: PATIENCE,
            shown: false,
        }
    }

    /// Counts `bytes` more. The text to show now, if it is time; `elapsed` is counted from the start.
    pub(crate) fn add(&mut self, bytes: u64, elapsed: Duration) -> Option<String> {
        self.done += bytes;
        if elapsed < self.next {
            return None;
        }
        self.next = elapsed + PERIOD;
        self.shown = true;
        Some(format!("\r{}", self.line(elapsed)))
    }

    /// The last text, when there was any before.
    pub(crate) fn finish(&self, elapsed: Duration) -> Option<String> {
        self.shown.then(|| format!("\r{}\n", self.line(elapsed)))
    }

    fn line(&self, elapsed: Duration) -> String {
        let percent = self
            .done
            .saturating_mul(100)
            .checked_div(self.total)
            .unwrap_or(100)
            .min(100);
        let millis = u64::try_from(elapsed.as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let rate = self.done.saturating_mul(1000) / millis / MIB;
        format!(
            "Checking and copying Quantix-OS to memory: {percent:3} % of {} MiB, {rate} MiB/s ",
            self.total / MIB
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_quick_copy_says_nothing() {
        let mut progress = Progress::new(100 * MIB);
        assert_eq!(progress.add(100 * MIB, ms(900)), None);
        assert_eq!(progress.finish(ms(950)), None);
    }

    #[test]
    fn a_slow_copy_counts_once_a_second() {
        let mut progress = Progress::new(100 * MIB);
        let shown: Vec<_> = (1..=40)
            .filter_map(|i| progress.add(MIB, ms(i * 100)))
            .collect();
        assert_eq!(shown.len(), 4);
        assert_eq!(
            shown[0],
            "\rChecking and copying Quantix-OS to memory:  10 % of 100 MiB, 10 MiB/s "
        );
        assert!(
            progress
                .finish(ms(4000))
                .unwrap()
                .ends_with(" 40 % of 100 MiB, 10 MiB/s \n")
        );
    }

    #[test]
    fn an_empty_or_overlong_copy_stays_within_bounds() {
        assert!(Progress::new(0).add(1, ms(2000)).unwrap().contains("100 %"));
        assert!(
            Progress::new(1)
                .add(u64::MAX, ms(2000))
                .unwrap()
                .contains("100 %")
        );
    }
}
