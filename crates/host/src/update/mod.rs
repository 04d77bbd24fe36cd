//! Updating the system on its own disk: a bundle goes into the slot that does not run, is put on trial, and is
//! confirmed or given up. Says how; when, and for whom, is the engine's and `qx-trial`'s.
//!
//! ```text
//! bundle ─► signatures, ─► slot is "empty" ─► write, hash ─► read back, hash ─► slot is "good" ─► on trial
//!           floor, expiry  in the environment                                          │
//!                                              confirmed ◄─ healthy ─ qx-trial ◄─ restart
//!                                              failed    ◄─ not ────────┘
//! ```

mod feed;
mod installed;
mod pair;
mod ratchet;
#[cfg(test)]
mod real_devices;
mod record;
mod reinstall;
mod stage;

pub use feed::{FeedFiles, FeedRefusal};
pub use installed::{Installed, NotInstalled};
pub use ratchet::{FloorsLost, confirmed, floors};
pub(crate) use ratchet::{RATCHET_FILE, raise_floors};
pub use record::{Outcome, UpdateRecord};
pub use reinstall::RunningSlot;
pub use stage::{Origin, Progress, StageError};
