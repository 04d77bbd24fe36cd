//! Snapshots of VMs: what one is, and which can be taken of a VM in which state. Pure.

use serde::{Deserialize, Serialize};

use crate::name::SnapshotName;
use crate::power::PowerState;
use crate::vm::FieldError;

/// Longest description, in characters.
pub const LONGEST_DESCRIPTION: usize = 1000;

/// A snapshot to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSpec {
    /// What it is called, unique among the VM's.
    pub name: SnapshotName,
    /// Free text.
    pub description: String,
    /// With memory and devices, so that the guest goes on from there; else the disks alone.
    pub memory: bool,
}

impl SnapshotSpec {
    /// Which rules it breaks.
    #[must_use]
    pub fn check(&self) -> Vec<FieldError> {
        if self.description.chars().count() <= LONGEST_DESCRIPTION {
            return Vec::new();
        }
        let reason = format!("must have at most {LONGEST_DESCRIPTION} characters");
        vec![FieldError::new("description", reason)]
    }
}

/// A snapshot of a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Unique among the VM's; one that another program took may hold anything.
    pub name: String,
    /// Free text.
    pub description: String,
    /// The one that the VM was at when it was taken.
    pub parent: Option<String>,
    /// When it was taken, in seconds since 1970.
    pub created_at: i64,
    /// It has memory and devices: a guest goes on from there.
    pub memory: bool,
    /// The VM was at it last: taken or reverted to.
    pub current: bool,
}

/// What a VM is to be after it was reverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevertTo {
    /// What it was when the snapshot was taken.
    AsTaken,
    /// Running: from its memory, or powered on.
    Running,
    /// Off: the disks alone.
    Off,
}

/// Why a VM in this state gets no such snapshot, in a sentence.
///
/// # Errors
/// The sentence, and what to do.
pub fn may_take(state: PowerState, memory: bool) -> Result<(), (&'static str, &'static str)> {
    match state {
        PowerState::Running | PowerState::Paused if memory => Ok(()),
        PowerState::Running | PowerState::Paused => Err((
            "a snapshot of the disks alone needs a VM that is off",
            "take it with memory: the VM can be reverted to it powered off, which is the same for its disks",
        )),
        PowerState::Off | PowerState::Crashed if memory => Err((
            "the VM is off: it has no memory to keep",
            "take it without memory, or start the VM first",
        )),
        PowerState::Off | PowerState::Crashed => Ok(()),
        PowerState::Saved => Err((
            "the VM's memory is on disk",
            "start it, which goes on from there, or drop its memory first",
        )),
        PowerState::ShuttingDown | PowerState::Suspended => Err((
            "the VM is between two states: its guest shuts down or sleeps",
            "wait until it is off or runs",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_takes_the_snapshots_that_mean_something_there() {
        use PowerState::{Crashed, Off, Paused, Running, Saved, ShuttingDown, Suspended};
        for (state, with, without) in [
            (Running, true, false),
            (Paused, true, false),
            (Off, false, true),
            (Crashed, false, true),
            (Saved, false, false),
            (ShuttingDown, false, false),
            (Suspended, false, false),
        ] {
            assert_eq!(may_take(state, true).is_ok(), with, "{state:?} with memory");
            assert_eq!(may_take(state, false).is_ok(), without, "{state:?} without");
        }
    }

    #[test]
    fn a_description_has_a_limit() {
        let spec = |length| SnapshotSpec {
            name: "a".parse().unwrap(),
            description: "ä".repeat(length),
            memory: true,
        };
        assert!(spec(LONGEST_DESCRIPTION).check().is_empty());
        assert_eq!(
            spec(LONGEST_DESCRIPTION + 1).check()[0].field,
            "description"
        );
    }
}
