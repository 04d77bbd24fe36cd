//! What is remembered of the host, or of one VM, from one second to the next. Pure.

use std::collections::VecDeque;

use qx_model::metrics::{Mean, Values};

use super::history::Point;
use super::plan::{COARSE, FINE, RECENT_S, Tier};
use super::rates::{Reading, rates};

/// The tiers, and so the means that are under way.
pub(super) const TIERS: [Tier; 2] = [FINE, COARSE];

/// The host, or one VM.
#[derive(Debug, Default)]
pub(super) struct Subject {
    before: Option<Reading>,
    recent: VecDeque<Point>,
    means: [Mean; TIERS.len()],
}

impl Subject {
    /// Takes a reading of `second` (Unix time) in, and answers the figures since the one before.
    pub(super) fn take(&mut self, second: i64, reading: Reading) -> Values {
        let values = rates(self.before.as_ref(), &reading);
        self.before = Some(reading);
        self.recent.push_back((second, values));
        let oldest = second - RECENT_S.cast_signed();
        while self.recent.front().is_some_and(|point| point.0 < oldest) {
            self.recent.pop_front();
        }
        for mean in &mut self.means {
            mean.add(&values);
        }
        values
    }

    /// The mean of a tier's step that is over; the next one begins.
    pub(super) fn finish(&mut self, tier: usize) -> Values {
        std::mem::take(&mut self.means[tier]).values()
    }

    /// Whether there was a reading in the last minutes.
    pub(super) fn is_alive(&self, second: i64) -> bool {
        let oldest = second - RECENT_S.cast_signed();
        self.recent.back().is_some_and(|point| point.0 >= oldest)
    }

    pub(super) fn recent(&self) -> Vec<Point> {
        self.recent.iter().copied().collect()
    }
}
