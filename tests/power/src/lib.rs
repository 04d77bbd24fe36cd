//! Cuts the power after every write: replays what a machine wrote to its disk and says of every state that a
//! power cut could have left whether the machine starts from it, and what.
//!
//! ```text
//!  disk before ──┐
//!                ├─► Replay ─► State, State, … ─► Model ─► Verdict ─► Check ─► Report
//!  log of writes ┘   (after each write, torn,    (firmware, GRUB,    (what must
//!                     reordered)                  qx-init)            never be)
//! ```
//! Nothing is booted, so that tens of thousands of states take minutes. What it knows of the product comes
//! from the product's own crates; the boot programs themselves are held to those by other tests.

pub mod check;
pub mod disk;
pub mod gpt;
pub mod log;
pub mod model;
pub mod observed;
pub mod phase;
pub mod replay;
