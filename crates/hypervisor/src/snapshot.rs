//! The part of a hypervisor that keeps states of VMs.

use qx_model::snapshot::{RevertTo, Snapshot, SnapshotSpec};
use qx_model::vm::VmId;

use crate::{Error, Result};

/// Keeps snapshots. All calls block.
pub trait Snapshots {
    /// Those of one VM, in no order.
    fn snapshots(&self, id: VmId) -> Result<Vec<Snapshot>>;

    /// Keeps the VM as it is now, a child of the present snapshot, and the present one from now on.
    /// [`Error::Exists`] if the name is taken; [`Error::WrongState`] with a reason if the VM's state or one of
    /// its disks allows no such snapshot.
    fn take_snapshot(&self, id: VmId, spec: &SnapshotSpec) -> Result<()>;

    /// Makes the VM what it was: disks, configuration, and memory where there is some. What it is now is lost,
    /// saved memory too. [`Error::NoSuchSnapshot`].
    fn revert_snapshot(&self, id: VmId, name: &str, to: RevertTo) -> Result<()>;

    /// Forgets a snapshot. Its children become those of its parent, and lose nothing; with `children`, they
    /// are forgotten too. [`Error::NoSuchSnapshot`].
    fn delete_snapshot(&self, id: VmId, name: &str, children: bool) -> Result<()>;
}

/// [`Error::NoSuchSnapshot`].
#[must_use]
pub fn no_such_snapshot(vm: VmId, name: &str) -> Error {
    Error::NoSuchSnapshot {
        vm,
        name: name.to_owned(),
    }
}
