//! The mirrored pair of boot disks. Both have the same partitions. Each has an EFI partition and two slots of its
//! own, so that it can start alone; configuration and data are Linux software RAID 1 (metadata 1.2) over both.
//!
//! ```text
//!            disk 1                     disk 2
//!   EFI      own environment   ──────►  follows         written by boot_env, first disk first
//!   slots    own images        ──────►  follow          written by the updater, first disk first
//!   config   ├──────── /dev/md104 ────────┤
//!   data     ├──────── /dev/md105 ────────┤
//! ```
//!
//! A disk belongs to the pair as long as its half of the configuration is in sync, and that alone decides whether
//! its environment and slots follow. A disk that cannot follow is put out of both arrays, and the array's own
//! records on the remaining disk say so from then on, whatever comes back later. So an environment always
//! describes the slots of its own disk, and never the other's; GRUB reads its own disk's and nothing else.
//! A disk that was out comes back by [`rejoin`] alone: everything is copied anew.

mod arrays;
mod rejoin;
mod standing;
mod superblock;

pub use arrays::{assemble, assemble_arguments, create, node, stop};
pub use rejoin::{RejoinError, hold_slots, rejoin, source};
pub use standing::{Standing, exists, expel, follower, problems, standing};
pub use superblock::{Halves, Superblock, current};
