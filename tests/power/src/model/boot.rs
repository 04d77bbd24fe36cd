//! From power-on to a running system: GRUB's plan, what becomes of each slot in it, and the next power-on when
//! one fails. Pure.
//!
//! ```text
//!            ┌────────────────── restart ◄──────────────────┐
//!            ▼                                              │
//!  GRUB: next slot of the plan ─► kernel ─► qx-init ─ not verified: slot is marked failed
//!            │  ▲                    │         │
//!            │  └── refused ◄────────┘         └─ verified ─► the system runs
//!            └─ none left: never starts
//! ```

use anyhow::Result;
use qx_slots::{Because, BootEnv, Copies, CopyName, KernelArgs, Reason, SlotName, boot};

use super::slot::Slot;

/// More restarts than any trial takes.
const MOST_RESTARTS: usize = 16;

/// What qx-init does with an image that is not what was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// Refuses it: the product.
    Verifies,
    /// Starts it: a defect that tests make, to see that it is caught.
    Trusts,
}

/// What becomes of a machine that is turned on with this disk, and left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Firmware finds nothing to start here.
    NothingInstalled,
    /// The first slot that was tried runs.
    Boots {
        /// Which.
        slot: SlotName,
        /// Why GRUB chose it.
        because: Because,
    },
    /// Another slot was tried before, and did not start.
    RefusedThenBoots {
        /// What runs in the end.
        slot: SlotName,
        /// Why GRUB chose it.
        because: Because,
        /// What did not start.
        refused: SlotName,
    },
    /// A system runs that is not what was signed.
    BootsUnverified {
        /// Which slot it came from.
        slot: SlotName,
    },
    /// No system ever runs.
    Unbootable(Stuck),
}

/// Where a machine that never runs ends up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// GRUB has no menu.
    NoMenu,
    /// GRUB can load no slot.
    NoSlot,
    /// A kernel panics again and again.
    Panics,
    /// qx-init's recovery shell.
    Recovery,
}

/// Starts the machine with these copies of the boot environment. `slots` says what a slot holds.
///
/// # Errors
/// Those of `slots`.
pub(super) fn start(
    mut copies: Copies,
    init: Init,
    slots: &mut dyn FnMut(SlotName) -> Result<Slot>,
) -> Result<Class> {
    let mut refused = None;
    for _ in 0..MOST_RESTARTS {
        if let Some(class) = power_on(&mut copies, init, &mut refused, slots)? {
            return Ok(class);
        }
    }
    Ok(Class::Unbootable(Stuck::Panics))
}

/// One power-on; `None`: the machine restarts, and may fare better.
fn power_on(
    copies: &mut Copies,
    init: Init,
    refused: &mut Option<SlotName>,
    slots: &mut dyn FnMut(SlotName) -> Result<Slot>,
) -> Result<Option<Class>> {
    let plan = boot(copies);
    if let Some(counted) = plan.counted {
        count(copies, counted);
    }
    for attempt in plan.attempts {
        let (slot, because) = (attempt.slot, attempt.because);
        match (slots(slot)?, because) {
            (Slot::Refused, _) => {}
            (Slot::Crashes, Because::Pending) => {
                refused.get_or_insert(slot);
                return Ok(None);
            }
            (Slot::Crashes, _) => return Ok(Some(Class::Unbootable(Stuck::Panics))),
            (Slot::Unverified, _) if init == Init::Trusts => {
                return Ok(Some(Class::BootsUnverified { slot }));
            }
            (Slot::Unverified, Because::LastResort) => {
                return Ok(Some(Class::Unbootable(Stuck::Recovery)));
            }
            (Slot::Unverified, Because::EnvLost) => {
                refused.get_or_insert(slot);
                let renewed = BootEnv::renewed(slot.other(), KernelArgs::default());
                *copies = Copies {
                    first: Some(renewed.clone()),
                    second: Some(renewed),
                };
                condemn(copies, slot);
                return Ok(None);
            }
            (Slot::Unverified, Because::Pending | Because::Good) => {
                refused.get_or_insert(slot);
                condemn(copies, slot);
                return Ok(None);
            }
            (Slot::Whole, _) => {
                return Ok(Some(match *refused {
                    Some(refused) => Class::RefusedThenBoots {
                        slot,
                        because,
                        refused,
                    },
                    None => Class::Boots { slot, because },
                }));
            }
        }
        refused.get_or_insert(slot);
    }
    Ok(Some(Class::Unbootable(Stuck::NoSlot)))
}

/// GRUB counts in the copy that is in use, and in the other if it is as new.
fn count(copies: &mut Copies, counted: BootEnv) {
    let both = match (&copies.first, &copies.second) {
        (Some(first), Some(second)) => first.is_as_new_as(second),
        _ => false,
    };
    match copies.in_use().map(|(copy, _)| copy) {
        _ if both => {
            copies.first = Some(counted.clone());
            copies.second = Some(counted);
        }
        Some(CopyName::First) => copies.first = Some(counted),
        Some(CopyName::Second) => copies.second = Some(counted),
        None => {}
    }
}

/// qx-init marks the slot failed, in both copies.
fn condemn(copies: &mut Copies, slot: SlotName) {
    if let Some((_, env)) = copies.in_use() {
        let mut next = env.clone();
        next.mark_failed(slot, Reason::Verify);
        let next = env.followed_by(next);
        copies.first = Some(next.clone());
        copies.second = Some(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED_B: Class = Class::RefusedThenBoots {
        slot: SlotName::A,
        because: Because::Good,
        refused: SlotName::B,
    };

    /// Slot B is on trial.
    fn trial() -> Copies {
        let mut env = BootEnv::installed(KernelArgs::default());
        env.begin_write(SlotName::B).unwrap();
        env.written(SlotName::B).unwrap();
        env.make_pending(SlotName::B).unwrap();
        Copies {
            first: Some(env.clone()),
            second: Some(env),
        }
    }

    /// The outcome, and how often slot B was tried.
    fn starts(copies: Copies, a: Slot, b: Slot) -> (Class, usize) {
        let mut tries = 0;
        let class = start(copies, Init::Verifies, &mut |slot| {
            tries += usize::from(slot == SlotName::B);
            Ok(if slot == SlotName::A { a } else { b })
        });
        (class.unwrap(), tries)
    }

    #[test]
    fn a_trial_that_panics_has_three_tries_and_then_the_confirmed_slot_runs() {
        let outcome = starts(trial(), Slot::Whole, Slot::Crashes);
        assert_eq!(outcome, (REFUSED_B, 3));
    }

    #[test]
    fn a_trial_that_is_not_verified_or_refused_has_one_try() {
        let outcome = starts(trial(), Slot::Whole, Slot::Unverified);
        assert_eq!(outcome, (REFUSED_B, 1));
        let outcome = starts(trial(), Slot::Whole, Slot::Refused);
        assert_eq!(outcome, (REFUSED_B, 1));
    }

    #[test]
    fn a_confirmed_slot_that_panics_is_started_for_ever() {
        let copies = trial();
        let (class, _) = starts(copies, Slot::Crashes, Slot::Refused);
        assert_eq!(class, Class::Unbootable(Stuck::Panics));
    }

    #[test]
    fn without_any_slot_there_is_no_end_but_a_named_one() {
        let (class, _) = starts(trial(), Slot::Refused, Slot::Refused);
        assert_eq!(class, Class::Unbootable(Stuck::NoSlot));
        let (class, _) = starts(trial(), Slot::Unverified, Slot::Unverified);
        assert_eq!(class, Class::Unbootable(Stuck::Recovery));
    }

    #[test]
    fn without_an_environment_slot_b_runs_if_slot_a_does_not() {
        let lost = Copies::default;
        let (class, _) = starts(lost(), Slot::Refused, Slot::Whole);
        let because = Because::EnvLost;
        let (slot, refused) = (SlotName::B, SlotName::A);
        let expected = Class::RefusedThenBoots {
            slot,
            because,
            refused,
        };
        assert_eq!(class, expected);
        let (class, _) = starts(lost(), Slot::Unverified, Slot::Whole);
        let because = Because::Good;
        let expected = Class::RefusedThenBoots {
            slot,
            because,
            refused,
        };
        assert_eq!(class, expected);
        let (class, _) = starts(lost(), Slot::Unverified, Slot::Unverified);
        assert_eq!(class, Class::Unbootable(Stuck::Recovery));
    }

    #[test]
    fn an_init_that_trusts_is_told_apart() {
        let trusting = |state| start(trial(), Init::Trusts, &mut |_| Ok(state)).unwrap();
        let slot = SlotName::B;
        assert_eq!(trusting(Slot::Unverified), Class::BootsUnverified { slot });
        let because = Because::Pending;
        assert_eq!(trusting(Slot::Whole), Class::Boots { slot, because });
    }
}
