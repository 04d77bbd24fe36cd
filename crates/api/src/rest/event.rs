//! What changed, as it happens.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Task, Vm};

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventType {
    /// A VM was made or changed; `vm` is its new state.
    #[serde(rename = "vm.changed")]
    VmChanged,
    /// A VM is gone; `vm_id` says which.
    #[serde(rename = "vm.removed")]
    VmRemoved,
    /// The image library changed; `image` says which file.
    #[serde(rename = "image.changed")]
    ImageChanged,
    /// Something that `GET /api/v1/networks` shows changed.
    #[serde(rename = "networks.changed")]
    NetworksChanged,
    /// Storage pools or volumes in them changed.
    #[serde(rename = "pools.changed")]
    PoolsChanged,
    /// Something that `GET /api/v1/host` shows changed.
    #[serde(rename = "host.changed")]
    HostChanged,
    /// Something that `GET /api/v1/updates` shows changed.
    #[serde(rename = "updates.changed")]
    UpdatesChanged,
    /// Users or API tokens changed.
    #[serde(rename = "access.changed")]
    AccessChanged,
    /// A VM's snapshots changed; `vm_id` says whose.
    #[serde(rename = "snapshots.changed")]
    SnapshotsChanged,
    /// A task is new or different; `task` is its new state.
    #[serde(rename = "task.changed")]
    TaskChanged,
    /// Events were missed: read everything again.
    #[serde(rename = "resync")]
    Resync,
}

impl EventType {
    /// As on the wire.
    #[must_use]
    pub fn name(self) -> String {
        // A variant without fields is a JSON string.
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => String::new(),
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Rises with each event; send the last one seen as `since` to continue from there.
    pub seq: u64,
    /// When it was seen.
    pub time: Timestamp,
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// Which VM, for events about one.
    pub vm_id: Option<Uuid>,
    /// The VM's new state, for `vm.changed`.
    pub vm: Option<Vm>,
    /// Which file of the image library, for `image.changed`.
    pub image: Option<String>,
    /// The task's new state without its log, for `task.changed`.
    pub task: Option<Task>,
}
