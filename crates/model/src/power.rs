//! A VM's power: the states it is seen in, what can be asked for, and which of it fits. Pure.
//!
//! ```text
//!             start                      pause
//!      Off ───────────▶ Running ───────────────────▶ Paused
//!     ▲ ▲ ▲              │  ▲ │ ▲───────────────────┘
//!     │ │ │ guest is off │  │ │        resume
//!     │ │ └─ShuttingDown◀┘  │ │ suspend (from Paused too)
//!     │ │       shutdown    │ ▼
//!     │ └─────────────────Saved      start goes on where the guest was
//!     │   stop: memory is dropped
//!     └── stop, from every state that is on
//!
//!   reset and reboot: Running stays Running.     Crashed: as Off, but QEMU or the guest failed.
//!   Suspended: the guest put itself to sleep (ACPI S3); resume wakes it.
//! ```

use serde::{Deserialize, Serialize};

use crate::access::Operation;

/// Observed power state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerState {
    /// vCPUs run.
    Running,
    /// In memory, vCPUs stopped.
    Paused,
    /// Asked to shut down, not off yet.
    ShuttingDown,
    /// Not running.
    Off,
    /// Not running, its memory on disk: a start goes on where it was.
    Saved,
    /// Stopped by a guest panic or a QEMU failure.
    Crashed,
    /// Guest is in ACPI S3.
    Suspended,
}

impl PowerState {
    /// Whether a process runs it.
    #[must_use]
    pub const fn is_on(self) -> bool {
        match self {
            Self::Running | Self::Paused | Self::ShuttingDown | Self::Suspended => true,
            Self::Off | Self::Saved | Self::Crashed => false,
        }
    }

    /// Whether neither a process nor saved memory holds its disks as they are.
    #[must_use]
    pub const fn is_off(self) -> bool {
        matches!(self, Self::Off | Self::Crashed)
    }
}

/// What can be asked of a VM's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PowerAction {
    /// Power on, or go on from saved memory.
    Start,
    /// Press the power button.
    Shutdown,
    /// Ask the guest to shut down and start again.
    Reboot,
    /// Press the reset button.
    Reset,
    /// Pull the plug; saved memory is dropped.
    Stop,
    /// Stop the vCPUs.
    Pause,
    /// Let them run again; wake a sleeping guest.
    Resume,
    /// Write the memory to disk and power off.
    Suspend,
}

/// Whether an action fits a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It can be done.
    Now,
    /// The state is already the one asked for.
    Already,
    /// It can't be done: what the VM is, and what to do instead.
    Never {
        /// Such as `is paused`.
        is: &'static str,
        /// Such as `resume it first`.
        instead: &'static str,
    },
}

impl PowerAction {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Start,
        Self::Shutdown,
        Self::Reboot,
        Self::Reset,
        Self::Stop,
        Self::Pause,
        Self::Resume,
        Self::Suspend,
    ];

    /// As in paths and on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Shutdown => "shutdown",
            Self::Reboot => "reboot",
            Self::Reset => "reset",
            Self::Stop => "stop",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Suspend => "suspend",
        }
    }

    /// What whoever asks for it must be allowed to do.
    #[must_use]
    pub const fn operation(self) -> Operation {
        match self {
            Self::Start => Operation::VmStart,
            Self::Shutdown => Operation::VmShutdown,
            Self::Reboot => Operation::VmReboot,
            Self::Reset => Operation::VmReset,
            Self::Stop => Operation::VmStop,
            Self::Pause => Operation::VmPause,
            Self::Resume => Operation::VmResume,
            Self::Suspend => Operation::VmSuspend,
        }
    }

    /// Whether it fits a VM in `state`: the one table of rules.
    #[must_use]
    pub const fn fits(self, state: PowerState) -> Fit {
        use PowerState::{Crashed, Off, Paused, Running, Saved, ShuttingDown, Suspended};
        const fn never(is: &'static str, instead: &'static str) -> Fit {
            Fit::Never { is, instead }
        }
        match (self, state) {
            (Self::Start, Off | Saved | Crashed)
            | (Self::Shutdown | Self::Reboot, Running)
            | (Self::Pause, Running)
            | (Self::Suspend, Running | Paused)
            | (Self::Resume, Paused | Suspended)
            | (Self::Reset, Running | Paused)
            | (Self::Stop, Running | Paused | ShuttingDown | Suspended | Saved) => Fit::Now,
            (Self::Start | Self::Resume, Running)
            | (Self::Shutdown, ShuttingDown | Off | Crashed)
            | (Self::Stop, Off | Crashed)
            | (Self::Pause, Paused)
            | (Self::Suspend, Saved) => Fit::Already,
            (_, Suspended) => never("sleeps", "resume it first"),
            (_, ShuttingDown) => never("is shutting down", "start it when it is off"),
            (_, Paused) => never("is paused", "resume it first"),
            (_, Saved) => never("is suspended, with its memory on disk", "start it first"),
            (_, Off | Crashed) => never("is off", "start it first"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: &[PowerState] = &[
        PowerState::Running,
        PowerState::Paused,
        PowerState::ShuttingDown,
        PowerState::Off,
        PowerState::Saved,
        PowerState::Crashed,
        PowerState::Suspended,
    ];

    #[test]
    fn from_every_state_something_leads_on() {
        for state in STATES {
            assert!(
                PowerAction::ALL
                    .iter()
                    .any(|action| action.fits(*state) == Fit::Now),
                "{state:?} is a dead end"
            );
        }
    }

    #[test]
    fn what_needs_a_process_is_never_for_a_vm_without_one() {
        let need = [
            PowerAction::Reboot,
            PowerAction::Reset,
            PowerAction::Pause,
            PowerAction::Resume,
        ];
        for (action, state) in need
            .iter()
            .flat_map(|action| STATES.iter().map(move |state| (action, state)))
            .filter(|(_, state)| !state.is_on())
        {
            assert!(
                matches!(action.fits(*state), Fit::Never { .. }),
                "{action:?} {state:?}"
            );
        }
    }

    #[test]
    fn the_plug_can_be_pulled_on_whatever_is_on() {
        for state in STATES.iter().filter(|state| state.is_on()) {
            assert_eq!(PowerAction::Stop.fits(*state), Fit::Now, "{state:?}");
        }
    }
}
