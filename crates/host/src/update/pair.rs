//! An update on the two disks of a mirror: the slot of the other one is written from the first one's.

use std::io;
use std::path::Path;

use qx_slots::SlotName;

use super::{Installed, Progress};
use crate::mirror::{self, Standing};
use crate::storage::{Mounted, SlotContent, SlotError, write_slot};
use crate::system_disk::SystemDisk;

/// How far writing is, on one disk or two.
pub(super) struct Count {
    disks: u64,
    half: u64,
    done: u64,
}

impl Count {
    /// For so many disks, with `half` bytes to be written and read back on each.
    pub(super) const fn new(disks: u64, half: u64) -> Self {
        Self {
            disks,
            half,
            done: 0,
        }
    }

    /// So many more bytes were written or read back.
    pub(super) fn add(&mut self, bytes: u64, progress: &mut dyn Progress) {
        self.done += bytes;
        let (turns, rest) = (self.done / (2 * self.half), self.done % (2 * self.half));
        let written = turns * self.half + rest.min(self.half);
        progress.at(written, self.done - written, self.disks * self.half);
    }
}

impl Installed {
    /// A disk that the mirror left out is no place for an update: the other one has what counts.
    pub(super) fn check_is_current(&self, disk: &SystemDisk) -> io::Result<()> {
        match mirror::standing(disk, &self.devices)? {
            Standing::Outdated(other) => Err(io::Error::other(format!(
                "the system was started from {}, which the mirror had left out; {} is up to date. Run \
                 `qx-install mirror add {}` and restart first",
                disk.node.display(),
                other.node.display(),
                disk.node.display()
            ))),
            Standing::Single | Standing::Pair(_) | Standing::Alone => Ok(()),
        }
    }

    /// Writes the slot of the mirror's other disk from this disk's, which was read back.
    pub(super) fn copy_slot(
        &self,
        slot: SlotName,
        from: &Path,
        other: &SystemDisk,
        content: SlotContent<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), SlotError> {
        let failed = |source| SlotError::Write {
            partition: format!("the other disk of the mirror, {}", other.node.display()),
            source,
        };
        let target = other.partition(slot.partition()).map_err(failed)?;
        let place = self.scratch.with_extension("mirror");
        let mounted = Mounted::new(from, &place, "ext4", true).map_err(failed)?;
        let source = mounted.place().to_owned();
        let written = write_slot(
            &target.node,
            target.bytes,
            &self.scratch,
            content,
            &source,
            progress,
        );
        mounted.close().map_err(failed)?;
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    use qx_slots::Manifest;

    #[test]
    fn bytes_on_two_disks_are_counted_as_written_and_as_read_back() {
        struct Seen(Vec<(u64, u64, u64)>);
        impl Progress for Seen {
            fn warns(&mut self, _: &dyn Error) {}
            fn begins(&mut self, _: &Manifest, _: u64) {}
            fn at(&mut self, written: u64, read_back: u64, of: u64) {
                self.0.push((written, read_back, of));
            }
        }
        let (mut seen, mut count) = (Seen(Vec::new()), Count::new(2, 10));
        (0..8).for_each(|_| count.add(5, &mut seen));
        let told: Vec<_> = seen.0.iter().map(|(a, b, _)| (*a, *b)).collect();
        assert_eq!(
            told,
            [
                (5, 0),
                (10, 0),
                (10, 5),
                (10, 10),
                (15, 10),
                (20, 10),
                (20, 15),
                (20, 20)
            ]
        );
        assert!(seen.0.iter().all(|(_, _, of)| *of == 20));
    }
}
