//! Endpoints of snapshots. What changes them answers a task.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Input, Method, Output, query};
use Access::Requires;
use Method::{Delete, Get, Post};

/// Snapshots.
pub const SNAPSHOT_LIST: Endpoint = Endpoint::new(
    "listVmSnapshots",
    Get,
    "/api/v1/vms/{id}/snapshots",
    Requires(Operation::SnapshotList),
    "A VM's snapshots, oldest first",
)
.answers(200, Output::Json("SnapshotPage"))
.fails(&[404, 503]);
/// Take one.
pub const SNAPSHOT_CREATE: Endpoint = Endpoint::new(
    "createVmSnapshot",
    Post,
    "/api/v1/vms/{id}/snapshots",
    Requires(Operation::SnapshotCreate),
    "Keep a VM as it is: with memory while it runs, the disks alone while it is off",
)
.takes(Input::Json("SnapshotCreate"))
.answers(202, Output::Json("Task"))
.fails(&[404, 503]);
/// Go back to one.
pub const SNAPSHOT_REVERT: Endpoint = Endpoint::new(
    "revertVmSnapshot",
    Post,
    "/api/v1/vms/{id}/snapshots/{name}/revert",
    Requires(Operation::SnapshotRevert),
    "Make a VM what it was; what it is now is lost",
)
.takes(Input::Json("SnapshotRevert"))
.answers(202, Output::Json("Task"))
.fails(&[404, 503]);
/// Forget one.
pub const SNAPSHOT_DELETE: Endpoint = Endpoint::new(
    "deleteVmSnapshot",
    Delete,
    "/api/v1/vms/{id}/snapshots/{name}",
    Requires(Operation::SnapshotDelete),
    "Forget a snapshot; those after it lose nothing",
)
.query(&[query(
    "children",
    "boolean",
    "Forget those after it too; they are kept if not given.",
)])
.answers(202, Output::Json("Task"))
.fails(&[404, 503]);
