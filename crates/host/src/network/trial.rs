//! A change of the network that undoes itself unless somebody who can still reach the host keeps it. Pure:
//!
//! ```text
//!            begin              in force              kept, over a connection made since
//!  settled ────────▶ on trial ───────────▶ on trial ─────────────────────────────────────▶ settled, stored
//!     ▲                 │                     │
//!     └─────────────────┴─────────────────────┘  given up, or time is up: what is stored is in force again
//! ```
//!
//! What is stored stays what it was until the change is kept. So a host that loses power meanwhile comes up as
//! before, and undoing needs no memory of what was before. Times are milliseconds since the kernel started.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::in_force::network_of;
use crate::config::Management;

/// How long somebody has to keep a change, if they don't say.
pub const USUAL_TIME: Duration = Duration::from_secs(60);
/// The least that may be asked for: long enough for a switch to learn where the host is now.
pub const LEAST_TIME: Duration = Duration::from_secs(10);
/// The most.
pub const MOST_TIME: Duration = Duration::from_secs(600);

/// Where a change is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// What is stored is in force.
    Settled {
        /// The last change that did not last, if it was the last one.
        undone: Option<Undone>,
    },
    /// Something else is.
    OnTrial(Trial),
}

impl Default for Phase {
    fn default() -> Self {
        Self::Settled { undone: None }
    }
}

/// A change on trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The configuration's text with the network that is tried.
    pub text: String,
    /// How long somebody has to keep it once it is in force.
    pub within_ms: u64,
    /// Since when it is in force; none while it is being brought up.
    pub in_force_ms: Option<u64>,
    /// When it is undone.
    pub until_ms: u64,
}

impl Trial {
    /// The network that is tried.
    #[must_use]
    pub fn management(&self) -> Option<Management> {
        network_of(&self.text)
    }
}

/// Why a change did not last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undone {
    /// Nobody kept it in time.
    TimeIsUp,
    /// Somebody did not want it.
    GivenUp,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// Somebody wants another network.
    Begin {
        /// The configuration's text with it.
        text: String,
        /// How long to wait for somebody to keep it.
        within: Duration,
    },
    /// It was brought up.
    InForce,
    /// Somebody wants to keep it.
    Keep {
        /// When their connection was made.
        connected_ms: u64,
    },
    /// Somebody wants the old one back.
    GiveUp,
    /// Time passes.
    Tick,
}

/// What is to be done after it was recorded where the change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing.
    None,
    /// Bring the new network up.
    BringUp,
    /// Store it; before it is recorded.
    Store,
    /// Bring up what is stored; before it is recorded.
    Undo,
}

/// Why something is not possible now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// One change at a time.
    #[error("another change of the network waits to be confirmed")]
    OnTrial,
    /// There is no change.
    #[error("no change of the network waits to be confirmed")]
    Settled,
    /// It can't be known to work.
    #[error("the new network is still being set up")]
    TooEarly,
    /// It proves nothing.
    #[error(
        "this connection was made before the change, so it does not show that the host can still be reached"
    )]
    OldConnection,
}

/// What follows from an event at `now_ms`.
///
/// # Errors
/// When it is not possible now; nothing changes then.
pub(super) fn step(phase: &Phase, event: Event, now_ms: u64) -> Result<(Phase, Action), Refusal> {
    match (phase, event) {
        (Phase::Settled { .. }, Event::Begin { text, within }) => {
            let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
            let trial = Trial {
                text,
                within_ms,
                in_force_ms: None,
                until_ms: now_ms.saturating_add(within_ms),
            };
            Ok((Phase::OnTrial(trial), Action::BringUp))
        }
        (Phase::OnTrial(_), Event::Begin { .. }) => Err(Refusal::OnTrial),
        (Phase::OnTrial(trial), Event::InForce) if trial.in_force_ms.is_none() => {
            let trial = Trial {
                in_force_ms: Some(now_ms),
                until_ms: now_ms.saturating_add(trial.within_ms),
                ..trial.clone()
            };
            Ok((Phase::OnTrial(trial), Action::None))
        }
        (Phase::OnTrial(trial), Event::Keep { connected_ms }) => match trial.in_force_ms {
            None => Err(Refusal::TooEarly),
            Some(since) if connected_ms <= since => Err(Refusal::OldConnection),
            Some(_) => Ok((Phase::default(), Action::Store)),
        },
        (Phase::OnTrial(_), Event::GiveUp) => Ok((undone(Undone::GivenUp), Action::Undo)),
        (Phase::OnTrial(trial), Event::Tick) if now_ms >= trial.until_ms => {
            Ok((undone(Undone::TimeIsUp), Action::Undo))
        }
        (Phase::Settled { .. }, Event::Keep { .. } | Event::GiveUp) => Err(Refusal::Settled),
        (phase, Event::InForce | Event::Tick) => Ok((phase.clone(), Action::None)),
    }
}

const fn undone(why: Undone) -> Phase {
    Phase::Settled { undone: Some(why) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn begin() -> Event {
        Event::Begin {
            text: "new".into(),
            within: USUAL_TIME,
        }
    }

    #[test]
    fn a_change_is_kept_only_over_a_connection_that_was_made_since() {
        let (phase, action) = step(&Phase::default(), begin(), 1000).unwrap();
        assert_eq!(action, Action::BringUp);
        let keep = |phase: &Phase, connected_ms| step(phase, Event::Keep { connected_ms }, 3000);
        assert_eq!(keep(&phase, 2000), Err(Refusal::TooEarly));
        let (phase, _) = step(&phase, Event::InForce, 1500).unwrap();
        assert_eq!(keep(&phase, 1500), Err(Refusal::OldConnection));
        let kept = (Phase::Settled { undone: None }, Action::Store);
        assert_eq!(keep(&phase, 1501), Ok(kept));
    }

    #[test]
    fn time_begins_when_the_network_is_up_and_then_is_up_itself() {
        let (phase, _) = step(&Phase::default(), begin(), 1000).unwrap();
        let (phase, _) = step(&phase, Event::InForce, 9000).unwrap();
        let (same, action) = step(&phase, Event::Tick, 68_999).unwrap();
        assert_eq!((&same, action), (&phase, Action::None));
        let (settled, action) = step(&phase, Event::Tick, 69_000).unwrap();
        assert_eq!(action, Action::Undo);
        assert_eq!(settled, undone(Undone::TimeIsUp));
        assert_eq!(step(&settled, Event::GiveUp, 70_000), Err(Refusal::Settled));
    }

    #[test]
    fn a_network_that_never_comes_up_is_undone_too() {
        let (phase, _) = step(&Phase::default(), begin(), 1000).unwrap();
        let (_, action) = step(&phase, Event::Tick, 61_000).unwrap();
        assert_eq!(action, Action::Undo);
    }

    proptest! {
        /// Whatever happens in whatever order: nothing is stored without a later connection, and no trial outlives its time.
        #[test]
        fn nothing_is_stored_without_a_connection_that_works(
            events in prop::collection::vec((0_u8..5, 1_u64..40_000, 0_u64..200_000), 1..40),
        ) {
            let (mut phase, mut now) = (Phase::default(), 0);
            for (kind, passed, connected_ms) in events {
                now += passed;
                let event = match kind {
                    0 => begin(),
                    1 => Event::InForce,
                    2 => Event::Keep { connected_ms },
                    3 => Event::GiveUp,
                    _ => Event::Tick,
                };
                let ticked = event == Event::Tick;
                let Ok((next, action)) = step(&phase, event, now) else { continue };
                if action == Action::Store {
                    let Phase::OnTrial(trial) = &phase else { panic!("stored while settled") };
                    prop_assert!(trial.in_force_ms.is_some_and(|since| connected_ms > since));
                }
                if let (Phase::OnTrial(trial), true) = (&next, ticked) {
                    prop_assert!(now < trial.until_ms);
                }
                phase = next;
            }
        }
    }
}
