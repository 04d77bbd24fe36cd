//! Which figures answer a question about the past. Pure.
//!
//! | kept | step | for |
//! |---|---|---|
//! | in memory | 1 s | 2 minutes |
//! | in the file | 10 s | 24 hours |
//! | in the file | 5 min | 30 days |

use crate::error::{Error, Result};

/// Seconds kept in memory.
pub(super) const RECENT_S: u64 = 120;
/// Step and age of what is kept in the file, in seconds.
pub(super) const FINE: Tier = Tier {
    step_s: 10,
    kept_s: 86_400,
};
pub(super) const COARSE: Tier = Tier {
    step_s: 300,
    kept_s: 30 * 86_400,
};
const SHORTEST_S: u64 = 10;
/// If nobody says otherwise: an hour.
const USUAL_S: u64 = 3600;
/// Points that an answer has at most when its step was not asked for.
const USUAL_POINTS: u64 = 720;

/// One resolution of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tier {
    pub(super) step_s: u64,
    pub(super) kept_s: u64,
}

impl Tier {
    /// The step, as SQL and times have it.
    pub(super) const fn step(self) -> i64 {
        self.step_s.cast_signed()
    }
}

/// Where to read, and how to arrange it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// `None` is what is in memory.
    pub(super) tier: Option<Tier>,
    pub(super) step_s: u64,
    pub(super) points: u64,
}

impl Plan {
    /// `range_s`: how far back; `step_s`: seconds that become one point.
    pub(super) fn new(range_s: Option<u64>, step_s: Option<u64>) -> Result<Self> {
        let range = range_s.unwrap_or(USUAL_S);
        if !(SHORTEST_S..=COARSE.kept_s).contains(&range) {
            return Err(Error::field("range_s", "must be 10 to 2592000 (30 days)"));
        }
        let tier = match (range, step_s) {
            (..=RECENT_S, None | Some(1..=9)) => None,
            (range, _) if range <= FINE.kept_s => Some(FINE),
            _ => Some(COARSE),
        };
        let unit = tier.map_or(1, |tier| tier.step_s);
        let step = step_s.unwrap_or_else(|| range.div_ceil(USUAL_POINTS).next_multiple_of(unit));
        if !(unit..=range).contains(&step) || !step.is_multiple_of(unit) {
            let reason = format!(
                "must be a multiple of {unit} from {unit} to range_s for this range: 1 s is kept for 2 minutes, \
                 10 s for 24 hours, 300 s for 30 days"
            );
            return Err(Error::field("step_s", reason));
        }
        Ok(Self {
            tier,
            step_s: step,
            points: range.div_ceil(step),
        })
    }

    /// Where the first point begins if the last one is to hold `now`: Unix time, aligned to the step.
    pub(super) fn start(&self, now: i64) -> i64 {
        let step = self.step_s.cast_signed();
        (now.div_euclid(step) + 1) * step - self.points.cast_signed() * step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(range: u64, step: Option<u64>) -> Option<(u64, u64, u64)> {
        let plan = Plan::new(Some(range), step).ok()?;
        Some((plan.tier.map_or(1, |t| t.step_s), plan.step_s, plan.points))
    }

    #[test]
    fn the_finest_figures_that_reach_back_far_enough_are_used() {
        assert_eq!(plan(60, None), Some((1, 1, 60)));
        assert_eq!(plan(3600, None), Some((10, 10, 360)));
        assert_eq!(plan(86_400, None), Some((10, 120, 720)));
        assert_eq!(plan(86_401, None).map(|p| p.0), Some(300));
        assert_eq!(plan(30 * 86_400, None), Some((300, 3600, 720)));
        assert_eq!(plan(60, Some(10)), Some((10, 10, 6)));
        assert_eq!(plan(86_400, Some(10)), Some((10, 10, 8640)));
    }

    #[test]
    fn a_step_that_is_not_kept_is_refused() {
        for (range, step) in [
            (3600, 1),
            (3600, 15),
            (3600, 0),
            (3600, 3610),
            (86_401, 10),
            (5, 1),
            (2_592_001, 300),
            (60, u64::MAX),
        ] {
            assert_eq!(plan(range, Some(step)), None, "{range} {step}");
        }
    }

    #[test]
    fn the_last_point_holds_now() {
        let plan = Plan::new(Some(60), Some(10)).unwrap();
        assert_eq!(plan.start(1_000_003), 999_950);
        assert_eq!(plan.start(1_000_009), 999_950);
        assert_eq!(plan.start(1_000_010), 999_960);
    }
}
