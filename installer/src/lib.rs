//! Installing Quantix-OS: which disks there are, whether an answer file is right, and the sequence of an
//! installation. What a disk or an answer is, and how a partition is written, belongs to `crates/host`.
//!
//! ```text
//! disks::list ─► target::Target::choose ─► losses, to be shown ─► install::install(Plan, Progress) ─► Report
//! ```

pub mod by_hand;
pub mod check;
pub mod disks;
pub mod fetch;
pub mod firstboot;
pub mod install;
pub mod mirror;
pub mod report;
pub mod target;
pub mod unattended;
mod work;
