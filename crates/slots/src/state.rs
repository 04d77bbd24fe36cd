//! The boot state machine: what GRUB does with an environment, and how our programs change it. Pure.
//!
//! ```text
//!            begin_write          written            make_pending
//!  good,x ───────────────▶ empty ─────────▶ good ────────────────▶ pending, 3 tries
//!                                            ▲                      │          │
//!                                            │ confirm (healthy)    │          │ mark_failed, or no try left
//!                                            └──────────────────────┘          ▼
//!                                                                        failed (reason)
//! ```

use thiserror::Error;

use crate::env::{BootEnv, Pending, Reason, SlotName, SlotRecord, SlotState, Stage, TRIES};

/// The two copies of the environment, as far as they can be believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// `env1`.
    pub first: Option<BootEnv>,
    /// `env2`.
    pub second: Option<BootEnv>,
}

/// One of the two copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyName {
    /// `env1`.
    First,
    /// `env2`.
    Second,
}

impl Copies {
    /// The copy that counts: the newer one, the first of two that are equally new.
    #[must_use]
    pub fn in_use(&self) -> Option<(CopyName, &BootEnv)> {
        match (&self.first, &self.second) {
            (Some(first), Some(second)) if second.generation > first.generation => {
                Some((CopyName::Second, second))
            }
            (Some(first), _) => Some((CopyName::First, first)),
            (None, Some(second)) => Some((CopyName::Second, second)),
            (None, None) => None,
        }
    }
}

/// Why GRUB starts a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It is on trial: `quantix.try=1`.
    Pending,
    /// It is good.
    Good,
    /// Nothing better is left: `quantix.last=1`. qx-init offers recovery instead of restarting for ever.
    LastResort,
    /// No copy of the environment can be believed: `quantix.env=lost`.
    EnvLost,
}

/// A slot that GRUB tries to start. It goes on to the next one at once when a kernel is refused or missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub slot: SlotName,
    /// Why.
    pub because: Because,
}

/// What GRUB does at one power-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootPlan {
    /// The environment as GRUB leaves it in the copies that it counts in.
    pub counted: Option<BootEnv>,
    /// The slots in their order; it restarts the machine when none can be started.
    pub attempts: Vec<Attempt>,
}

/// What GRUB does with these copies; `grub/disk.cfg` is held to it by `tests/grub.rs`.
#[must_use]
pub fn boot(copies: &Copies) -> BootPlan {
    let Some((_, env)) = copies.in_use() else {
        let lost = |slot| Attempt {
            slot,
            because: Because::EnvLost,
        };
        return BootPlan {
            counted: None,
            attempts: SlotName::BOTH.map(lost).to_vec(),
        };
    };
    let in_order = [env.confirmed, env.confirmed.other()];
    let attempt = |because| move |slot| Attempt { slot, because };
    let is_good = |slot: &SlotName| env.slot(*slot).state == SlotState::Good;
    let mut attempts = Vec::new();
    let mut counted = None;
    if let Some(pending) = env.pending
        && pending.left > 0
        && is_good(&pending.slot)
    {
        let mut env = env.clone();
        env.pending = Some(Pending {
            left: pending.left - 1,
            stage: Stage::Kernel,
            ..pending
        });
        counted = Some(env);
        attempts.push(attempt(Because::Pending)(pending.slot));
    }
    let good = in_order.into_iter().filter(is_good);
    attempts.extend(good.map(attempt(Because::Good)));
    attempts.extend(in_order.map(attempt(Because::LastResort)));
    BootPlan { counted, attempts }
}

/// Why the environment was not changed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TransitionError {
    /// The slot is what the host falls back to.
    #[error("slot {0} is the one that is known to work: it is never overwritten")]
    Confirmed(SlotName),
    /// There is nothing in it that could be started.
    #[error("slot {0} holds no image that was verified")]
    NotGood(SlotName),
}

impl BootEnv {
    /// Before a slot is overwritten: nothing starts it from here on.
    ///
    /// # Errors
    /// For the confirmed slot.
    pub fn begin_write(&mut self, slot: SlotName) -> Result<(), TransitionError> {
        if slot == self.confirmed {
            return Err(TransitionError::Confirmed(slot));
        }
        self.record(slot, SlotState::Empty, None);
        self.pending = None;
        Ok(())
    }

    /// The slot was written and read back.
    ///
    /// # Errors
    /// For the confirmed slot, which nobody writes.
    pub fn written(&mut self, slot: SlotName) -> Result<(), TransitionError> {
        if slot == self.confirmed {
            return Err(TransitionError::Confirmed(slot));
        }
        self.record(slot, SlotState::Good, None);
        Ok(())
    }

    /// Puts a good slot on trial from the next boot on.
    ///
    /// # Errors
    /// When it is the confirmed one, or holds nothing good.
    pub fn make_pending(&mut self, slot: SlotName) -> Result<(), TransitionError> {
        if slot == self.confirmed {
            return Err(TransitionError::Confirmed(slot));
        }
        if self.slot(slot).state != SlotState::Good {
            return Err(TransitionError::NotGood(slot));
        }
        self.pending = Some(Pending {
            slot,
            left: TRIES,
            stage: Stage::Untried,
        });
        Ok(())
    }

    /// The slot that waits for its trial is not tried.
    pub fn withdraw(&mut self, slot: SlotName) {
        if self.pending.is_some_and(|pending| pending.slot == slot) {
            self.pending = None;
        }
    }

    /// A try of this slot came so far. Does nothing for a slot that is not on trial.
    pub fn reached(&mut self, slot: SlotName, stage: Stage) {
        if let Some(pending) = &mut self.pending
            && pending.slot == slot
        {
            pending.stage = stage;
        }
    }

    /// The slot that runs is healthy: it is the one to fall back to now.
    ///
    /// # Errors
    /// When it is known not to be good.
    pub fn confirm(&mut self, slot: SlotName) -> Result<(), TransitionError> {
        if self.slot(slot).state != SlotState::Good {
            return Err(TransitionError::NotGood(slot));
        }
        self.confirmed = slot;
        self.record(slot, SlotState::Good, None);
        if self.pending.is_some_and(|pending| pending.slot == slot) {
            self.pending = None;
        }
        Ok(())
    }

    /// The slot does not work; it is started again only when nothing else is left.
    pub fn mark_failed(&mut self, slot: SlotName, reason: Reason) {
        self.record(slot, SlotState::Failed, Some(reason));
        if self.pending.is_some_and(|pending| pending.slot == slot) {
            self.pending = None;
        }
    }

    /// After a boot of `running`: a trial of the other slot that is over is recorded, with the reason that
    /// its last stage tells. `refused` is the slot whose kernel the boot loader would not start. Says
    /// whether anything changed.
    pub fn settle(&mut self, running: SlotName, refused: Option<SlotName>) -> bool {
        if let Some(slot) = refused.filter(|slot| *slot != running) {
            self.mark_failed(slot, Reason::Refused);
            return true;
        }
        let over = |pending: &Pending| pending.slot != running && pending.left == 0;
        let Some(pending) = self.pending.filter(over) else {
            return false;
        };
        let reason = match pending.stage {
            Stage::Untried | Stage::Kernel => Reason::Kernel,
            Stage::Init => Reason::Init,
            Stage::Verified | Stage::System => Reason::System,
        };
        self.mark_failed(pending.slot, reason);
        true
    }

    fn record(&mut self, slot: SlotName, state: SlotState, reason: Option<Reason>) {
        *self.slot_mut(slot) = SlotRecord { state, reason };
    }
}
