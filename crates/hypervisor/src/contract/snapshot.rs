//! Snapshots: a tree of states that a VM can be brought back to.

use qx_model::power::PowerState;
use qx_model::snapshot::{RevertTo, Snapshot, SnapshotSpec};
use qx_model::vm::{PowerAction, VmId};

use super::{Guests, Subject};
use crate::Error;

fn spec(name: &str, memory: bool) -> SnapshotSpec {
    SnapshotSpec {
        name: name.parse().unwrap(),
        description: format!("<{name}> & \"more\""),
        memory,
    }
}

impl Subject<'_> {
    /// Names with those of their parents, and which is current.
    fn tree(&self, id: VmId) -> Vec<(String, Option<String>, bool)> {
        let mut all: Vec<Snapshot> = self.hypervisor.snapshots(id).unwrap();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.into_iter()
            .map(|one| (one.name, one.parent, one.current))
            .collect()
    }

    fn takes(&self, id: VmId, name: &str, memory: bool) {
        self.hypervisor
            .take_snapshot(id, &spec(name, memory))
            .unwrap();
    }

    fn reverts(&self, id: VmId, name: &str, to: RevertTo, state: PowerState) {
        self.hypervisor.revert_snapshot(id, name, to).unwrap();
        assert_eq!(self.state(id), state, "{name} {to:?}");
    }

    pub(super) fn snapshots_while_off(&self) {
        let id = self.created("snapshot-off");
        assert!(self.hypervisor.snapshots(id).unwrap().is_empty());
        let refused = self.hypervisor.take_snapshot(id, &spec("m", true));
        assert!(
            matches!(refused, Err(Error::WrongState { .. })),
            "{refused:?}"
        );
        self.takes(id, "a", false);
        let taken = self.hypervisor.snapshots(id).unwrap().remove(0);
        assert_eq!(taken.description, "<a> & \"more\"");
        assert!(!taken.memory && taken.created_at > 0);
        let again = self.hypervisor.take_snapshot(id, &spec("a", false));
        assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
        self.takes(id, "b", false);
        self.reverts(id, "a", RevertTo::AsTaken, PowerState::Off);
        self.takes(id, "c", false);
        let parent = |name: &str| Some(name.to_owned());
        let expected = [
            ("a".to_owned(), None, false),
            ("b".to_owned(), parent("a"), false),
            ("c".to_owned(), parent("a"), true),
        ];
        assert_eq!(self.tree(id), expected);
        self.reverts(id, "b", RevertTo::Running, PowerState::Running);
        self.reverts(id, "c", RevertTo::Off, PowerState::Off);
        self.hypervisor.delete_snapshot(id, "a", false).unwrap();
        let expected = [("b".to_owned(), None, false), ("c".to_owned(), None, true)];
        assert_eq!(self.tree(id), expected);
        self.reverts(id, "b", RevertTo::AsTaken, PowerState::Off);
        self.takes(id, "d", false);
        self.hypervisor.delete_snapshot(id, "b", true).unwrap();
        assert_eq!(self.tree(id), [("c".to_owned(), None, false)]);
        // Forgotten with the VM.
        self.remove(id);
    }

    pub(super) fn snapshots_while_running(&self) {
        let id = self.booted("snapshot-running");
        let line = self.counting(id);
        let refused = self.hypervisor.take_snapshot(id, &spec("d", false));
        assert!(
            matches!(refused, Err(Error::WrongState { .. })),
            "{refused:?}"
        );
        self.takes(id, "m", true);
        assert!(self.hypervisor.snapshots(id).unwrap()[0].memory);
        assert_eq!(self.state(id), PowerState::Running);
        if let Some(mut line) = line {
            line.answers_once("+", "B");
            line.answers_once("+", "C");
        }
        self.reverts(id, "m", RevertTo::AsTaken, PowerState::Running);
        if self.guests == Guests::Real {
            // It had counted to one.
            self.line(id).answers_once("+", "B");
        }
        self.reverts(id, "m", RevertTo::Off, PowerState::Off);
        self.reverts(id, "m", RevertTo::Running, PowerState::Running);
        if self.guests == Guests::Real {
            self.line(id).answers_once("+", "B");
        }
        if self.guests != Guests::None {
            // Saved memory belongs to what the VM is now.
            self.hypervisor.power(id, PowerAction::Suspend).unwrap();
            let refused = self.hypervisor.take_snapshot(id, &spec("s", true));
            assert!(
                matches!(refused, Err(Error::WrongState { .. })),
                "{refused:?}"
            );
            self.reverts(id, "m", RevertTo::Off, PowerState::Off);
        }
        self.hypervisor.delete_snapshot(id, "m", false).unwrap();
        assert!(self.tree(id).is_empty());
        self.remove(id);
    }

    pub(super) fn snapshots_missing(&self) {
        let hypervisor = self.hypervisor;
        let nobody = VmId::random();
        let answers = [
            hypervisor.snapshots(nobody).map(drop),
            hypervisor.take_snapshot(nobody, &spec("a", false)),
            hypervisor.revert_snapshot(nobody, "a", RevertTo::AsTaken),
            hypervisor.delete_snapshot(nobody, "a", false),
        ];
        for answer in answers {
            assert!(matches!(answer, Err(Error::NoSuchVm(_))), "{answer:?}");
        }
        let id = self.created("snapshot-missing");
        let answers = [
            hypervisor.revert_snapshot(id, "a", RevertTo::AsTaken),
            hypervisor.delete_snapshot(id, "a", false),
        ];
        for answer in answers {
            assert!(
                matches!(answer, Err(Error::NoSuchSnapshot { .. })),
                "{answer:?}"
            );
        }
        self.remove(id);
    }
}
