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
use qx_slots::{Because, BootEnv, Copies, CopyName, Reason, SlotName, boot};

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
            (Slot::Unverified, Because::LastResort | Because::EnvLost) => {
                return Ok(Some(Class::Unbootable(Stuck::Recovery)));
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
