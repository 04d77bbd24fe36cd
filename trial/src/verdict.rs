//! Is the new version healthy? Pure: what was observed when goes in, a verdict comes out.

use std::time::Duration;

use qx_slots::Reason;

use crate::health::Health;

/// From the kernel's start; a host comes up in a tenth of it. Going back must be over within five minutes.
const DEADLINE: Duration = Duration::from_secs(180);
const SHORTEST: u64 = 20;
const LONGEST: u64 = 300;
/// It must have been healthy for so long without a break: a daemon that crashes and comes back is not.
const STEADY: Duration = Duration::from_secs(10);
/// Without a record of what was fine before.
const LEAST: &str = "hypervisor";
const NETWORK: &str = "network";

/// When a version that is not healthy is given up, after the kernel's start: `quantix.confirm=SECONDS`.
pub(crate) fn deadline(cmdline: &str) -> Duration {
    let asked = cmdline
        .split_ascii_whitespace()
        .filter_map(|word| word.strip_prefix("quantix.confirm="))
        .filter_map(|seconds| seconds.parse::<u64>().ok())
        .next_back();
    asked.map_or(DEADLINE, |seconds| {
        Duration::from_secs(seconds.clamp(SHORTEST, LONGEST))
    })
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is not decided.
    Wait,
    /// The version is good.
    Confirm,
    /// It is not.
    GiveUp(Reason),
}

/// Judges one trial.
pub(crate) struct Judge {
    required: Vec<String>,
    deadline: Duration,
    /// The daemon that has been healthy, and since when.
    steady: Option<(i32, Duration)>,
}

impl Judge {
    /// The version is held to the checks that were fine before.
    pub(crate) fn new(mut required: Vec<String>, deadline: Duration) -> Self {
        if required.is_empty() {
            required.push(LEAST.to_owned());
        }
        Self {
            required,
            deadline,
            steady: None,
        }
    }

    /// Takes in how the system is at `now`, counted from the kernel's start.
    pub(crate) fn observe(&mut self, now: Duration, health: &Health) -> Verdict {
        let wrong = match health {
            Health::Silent => Some(Reason::Daemon),
            Health::Answers { failing, .. } => self.first_wrong(failing),
        };
        let Health::Answers { pid, .. } = health else {
            return self.not_healthy(now, Reason::Daemon);
        };
        if let Some(reason) = wrong {
            return self.not_healthy(now, reason);
        }
        match self.steady {
            Some((same, since)) if same == *pid => {
                if now.saturating_sub(since) >= STEADY {
                    return Verdict::Confirm;
                }
            }
            Some(_) => {
                // It crashed between two looks.
                self.steady = Some((*pid, now));
                if now >= self.deadline {
                    return Verdict::GiveUp(Reason::Daemon);
                }
            }
            None => self.steady = Some((*pid, now)),
        }
        Verdict::Wait
    }

    fn not_healthy(&mut self, now: Duration, reason: Reason) -> Verdict {
        self.steady = None;
        if now >= self.deadline {
            Verdict::GiveUp(reason)
        } else {
            Verdict::Wait
        }
    }

    /// The reason for the first required check that fails; the network last, for it may fail because of others.
    fn first_wrong(&self, failing: &[String]) -> Option<Reason> {
        let required = |check: &&String| self.required.contains(check);
        let mut wrong: Vec<&String> = failing.iter().filter(required).collect();
        wrong.sort_by_key(|check| *check == NETWORK);
        wrong.first().map(|check| match check.as_str() {
            NETWORK => Reason::Network,
            _ => Reason::Services,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge() -> Judge {
        let required = ["hypervisor", "data", "network"].map(str::to_owned);
        Judge::new(required.to_vec(), DEADLINE)
    }

    fn failing(checks: &[&str]) -> Health {
        Health::Answers {
            pid: 7,
            failing: checks.iter().map(|&check| check.to_owned()).collect(),
        }
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_confirmed_after_ten_healthy_seconds() {
        let mut judge = judge();
        assert_eq!(judge.observe(at(5), &Health::Silent), Verdict::Wait);
        assert_eq!(judge.observe(at(20), &failing(&["network"])), Verdict::Wait);
        assert_eq!(judge.observe(at(21), &failing(&[])), Verdict::Wait);
        assert_eq!(judge.observe(at(30), &failing(&[])), Verdict::Wait);
        assert_eq!(judge.observe(at(31), &failing(&[])), Verdict::Confirm);
    }

    #[test]
    fn a_break_or_another_process_starts_the_ten_seconds_anew() {
        let mut broken = judge();
        broken.observe(at(20), &failing(&[]));
        broken.observe(at(28), &failing(&["data"]));
        assert_eq!(broken.observe(at(30), &failing(&[])), Verdict::Wait);
        assert_eq!(broken.observe(at(39), &failing(&[])), Verdict::Wait);

        let mut crashing = judge();
        for second in (20..200).step_by(4) {
            let pid = i32::try_from(second).unwrap();
            let health = Health::Answers {
                pid,
                failing: vec![],
            };
            let verdict = crashing.observe(at(second), &health);
            if second >= 180 {
                assert_eq!(verdict, Verdict::GiveUp(Reason::Daemon));
                return;
            }
            assert_eq!(verdict, Verdict::Wait, "{second}");
        }
        panic!("it was never given up");
    }

    #[test]
    fn what_fails_at_the_deadline_is_the_reason() {
        for (health, reason) in [
            (Health::Silent, Reason::Daemon),
            (failing(&["network"]), Reason::Network),
            (failing(&["network", "hypervisor"]), Reason::Services),
            (failing(&["data"]), Reason::Services),
        ] {
            assert_eq!(judge().observe(at(179), &health), Verdict::Wait);
            let verdict = judge().observe(at(180), &health);
            assert_eq!(verdict, Verdict::GiveUp(reason), "{health:?}");
        }
    }

    #[test]
    fn what_was_not_fine_before_the_update_is_not_asked_for() {
        let mut judge = Judge::new(vec!["hypervisor".into()], DEADLINE);
        let health = failing(&["network", "data"]);
        judge.observe(at(20), &health);
        assert_eq!(judge.observe(at(30), &health), Verdict::Confirm);

        let mut without_record = Judge::new(vec![], DEADLINE);
        let verdict = without_record.observe(at(180), &failing(&["hypervisor"]));
        assert_eq!(verdict, Verdict::GiveUp(Reason::Services));
    }

    #[test]
    fn healthy_for_a_moment_at_the_deadline_is_given_the_time_to_prove_it() {
        let mut judge = judge();
        assert_eq!(judge.observe(at(178), &failing(&[])), Verdict::Wait);
        assert_eq!(judge.observe(at(184), &failing(&[])), Verdict::Wait);
        assert_eq!(judge.observe(at(188), &failing(&[])), Verdict::Confirm);
    }

    #[test]
    fn the_deadline_comes_from_the_command_line_within_bounds() {
        assert_eq!(deadline("quiet quantix.confirm=60 panic=10\n"), at(60));
        assert_eq!(deadline("quantix.confirm=60 quantix.confirm=90"), at(90));
        assert_eq!(deadline("quantix.confirm=1"), at(SHORTEST));
        assert_eq!(deadline("quantix.confirm=9999"), at(LONGEST));
        for none in ["", "quantix.confirm=", "quantix.confirm=soon"] {
            assert_eq!(deadline(none), DEADLINE, "{none}");
        }
    }
}
