//! Snapshots in memory.

use qx_model::power::PowerState;
use qx_model::snapshot::{RevertTo, Snapshot, SnapshotSpec, may_take};
use qx_model::vm::{Vm, VmId};

use super::Fake;
use super::machine::Machine;
use crate::snapshot::no_such_snapshot;
use crate::{Error, Result, Snapshots};

/// A state of a VM.
pub(super) struct Kept {
    snapshot: Snapshot,
    vm: Vm,
}

fn position(machine: &Machine, id: VmId, name: &str) -> Result<usize> {
    let named = |kept: &Kept| kept.snapshot.name == name;
    let found = machine.snapshots.iter().position(named);
    found.ok_or_else(|| no_such_snapshot(id, name))
}

fn make_current(machine: &mut Machine, name: &str) {
    for kept in &mut machine.snapshots {
        kept.snapshot.current = kept.snapshot.name == name;
    }
}

/// Of this snapshot and of those after it.
fn family(machine: &Machine, name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    let mut seen = 0;
    while seen < names.len() {
        let children = machine.snapshots.iter().map(|kept| &kept.snapshot);
        let children = children.filter(|one| one.parent.as_ref() == Some(&names[seen]));
        let children: Vec<String> = children.map(|one| one.name.clone()).collect();
        names.extend(children);
        seen += 1;
    }
    names
}

impl Snapshots for Fake {
    fn snapshots(&self, id: VmId) -> Result<Vec<Snapshot>> {
        let mut world = self.of(id)?;
        let machine = Self::machine(&mut world, id)?;
        Ok(machine
            .snapshots
            .iter()
            .map(|kept| kept.snapshot.clone())
            .collect())
    }

    fn take_snapshot(&self, id: VmId, spec: &SnapshotSpec) -> Result<()> {
        let mut world = self.of(id)?;
        let machine = Self::machine(&mut world, id)?;
        let name = spec.name.to_string();
        if position(machine, id, &name).is_ok() {
            return Err(Error::Exists {
                what: format!("a snapshot named {name}"),
            });
        }
        may_take(machine.vm.state, spec.memory).map_err(|(is, instead)| Error::WrongState {
            reason: format!("{is}: {instead}"),
        })?;
        let current = machine.snapshots.iter().find(|kept| kept.snapshot.current);
        let parent = current.map(|kept| kept.snapshot.name.clone());
        machine.taken += 1;
        let snapshot = Snapshot {
            name: name.clone(),
            description: spec.description.clone(),
            parent,
            created_at: machine.taken,
            memory: spec.memory,
            current: true,
        };
        let vm = machine.vm.clone();
        machine.snapshots.push(Kept { snapshot, vm });
        make_current(machine, &name);
        Ok(())
    }

    fn revert_snapshot(&self, id: VmId, name: &str, to: RevertTo) -> Result<()> {
        self.change(id, |machine| {
            let kept = &machine.snapshots[position(machine, id, name)?];
            let vm = kept.vm.clone();
            let running = match to {
                RevertTo::AsTaken => kept.snapshot.memory,
                RevertTo::Running => true,
                RevertTo::Off => false,
            };
            machine.vm = vm;
            machine.vm.state = match (running, to) {
                (true, RevertTo::AsTaken) => machine.vm.state,
                (true, _) => PowerState::Running,
                (false, _) => PowerState::Off,
            };
            machine.running = machine.vm.clone();
            make_current(machine, name);
            Ok(())
        })
    }

    fn delete_snapshot(&self, id: VmId, name: &str, children: bool) -> Result<()> {
        let mut world = self.of(id)?;
        let machine = Self::machine(&mut world, id)?;
        let gone = machine.snapshots[position(machine, id, name)?]
            .snapshot
            .clone();
        let names = match children {
            true => family(machine, name),
            false => vec![name.to_owned()],
        };
        let had_current = machine
            .snapshots
            .iter()
            .any(|kept| kept.snapshot.current && names.contains(&kept.snapshot.name));
        machine
            .snapshots
            .retain(|kept| !names.contains(&kept.snapshot.name));
        for kept in &mut machine.snapshots {
            if kept.snapshot.parent.as_deref() == Some(name) {
                kept.snapshot.parent.clone_from(&gone.parent);
            }
        }
        if let (true, Some(parent)) = (had_current, gone.parent) {
            make_current(machine, &parent);
        }
        Ok(())
    }
}
