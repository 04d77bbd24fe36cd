//! Power: what each action does to the state and to the guest.

use qx_model::vm::{PowerAction, PowerState, VmId};

use super::{Guests, MARKER, Subject};
use crate::Error;

impl Subject<'_> {
    pub(super) fn power(&self) {
        let id = self.booted("power");
        assert_eq!(self.hypervisor.get(id).unwrap().state, PowerState::Running);
        self.refuses(id, &[PowerAction::Start, PowerAction::Resume]);
        self.hypervisor.shutdown(id).unwrap();
        // The boot sector takes no notice of its power button.
        if self.guests != Guests::Real {
            self.wait("the guest to shut down", || {
                self.state(id) == PowerState::Off
            });
            self.hypervisor.start(id).unwrap();
        }
        self.hypervisor.power(id, PowerAction::Reboot).unwrap();
        assert_eq!(self.state(id), PowerState::Running);
        self.hypervisor.stop(id).unwrap();
        assert_eq!(self.state(id), PowerState::Off);
        let needs_power = PowerAction::ALL
            .iter()
            .filter(|action| **action != PowerAction::Start);
        self.refuses(id, &needs_power.copied().collect::<Vec<_>>());
        self.remove(id);
    }

    pub(super) fn pause(&self) {
        let id = self.booted("pause");
        let mut line = self.counting(id);
        self.hypervisor.power(id, PowerAction::Pause).unwrap();
        assert_eq!(self.state(id), PowerState::Paused);
        self.refuses(
            id,
            &[
                PowerAction::Pause,
                PowerAction::Start,
                PowerAction::Shutdown,
            ],
        );
        if let Some(line) = &mut line {
            line.keeps_silent("+");
        }
        self.hypervisor.power(id, PowerAction::Resume).unwrap();
        assert_eq!(self.state(id), PowerState::Running);
        if let Some(line) = &mut line {
            // What was typed meanwhile has waited in the port.
            line.says("B");
        }
        self.remove(id);
    }

    pub(super) fn suspend(&self) {
        let id = self.booted("suspend");
        let line = self.counting(id);
        self.hypervisor.power(id, PowerAction::Suspend).unwrap();
        assert_eq!(self.state(id), PowerState::Saved);
        if let Some(line) = line {
            line.ends();
        }
        self.refuses(
            id,
            &[
                PowerAction::Suspend,
                PowerAction::Shutdown,
                PowerAction::Reset,
            ],
        );
        self.hypervisor.start(id).unwrap();
        assert_eq!(self.state(id), PowerState::Running);
        if self.guests == Guests::Real {
            self.line(id).answers_once("+", "B");
        }
        self.hypervisor.power(id, PowerAction::Suspend).unwrap();
        self.hypervisor.stop(id).unwrap();
        assert_eq!(self.state(id), PowerState::Off);
        self.hypervisor.start(id).unwrap();
        drop(self.counting(id));
        self.remove(id);
    }

    pub(super) fn reset(&self) {
        let id = self.booted("reset");
        let mut line = self.counting(id);
        self.hypervisor.power(id, PowerAction::Reset).unwrap();
        assert_eq!(self.state(id), PowerState::Running);
        if let Some(line) = &mut line {
            line.says(MARKER);
            line.answers_once("+", "A");
        }
        self.remove(id);
    }

    /// A real guest that has booted and counted to one; its line.
    pub(super) fn counting(&self, id: VmId) -> Option<super::Line> {
        (self.guests == Guests::Real).then(|| {
            let mut line = self.line(id);
            line.answers("\r", MARKER);
            line.answers_once("+", "A");
            line
        })
    }

    fn refuses(&self, id: VmId, actions: &[PowerAction]) {
        for action in actions {
            let refused = self.hypervisor.power(id, *action);
            assert!(
                matches!(refused, Err(Error::WrongState { .. })),
                "{action:?}: {refused:?}"
            );
        }
    }
}
