//! Snapshots of VMs.

use jiff::Timestamp;
use qx_model::name::SnapshotName;
use qx_model::snapshot as model;
use qx_model::vm::FieldError;
use serde::{Deserialize, Serialize};

/// A snapshot of a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// Unique among the VM's.
    pub name: String,
    /// Free text.
    pub description: String,
    /// The one that the VM was at when it was taken; `null` at the root of a tree.
    pub parent: Option<String>,
    /// When it was taken.
    pub created_at: Timestamp,
    /// It has memory and devices: the guest goes on from there. Otherwise it has the disks alone.
    pub memory: bool,
    /// The VM was at it last: taken or reverted to.
    pub current: bool,
}

impl From<model::Snapshot> for Snapshot {
    fn from(snapshot: model::Snapshot) -> Self {
        Self {
            name: snapshot.name,
            description: snapshot.description,
            parent: snapshot.parent,
            created_at: Timestamp::from_second(snapshot.created_at).unwrap_or_default(),
            memory: snapshot.memory,
            current: snapshot.current,
        }
    }
}

/// A VM's snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SnapshotPage {
    /// Oldest first.
    pub items: Vec<Snapshot>,
}

/// A snapshot to take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SnapshotCreate {
    /// 1 to 63 letters, digits, `.`, `_` or `-`.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    )]
    pub name: String,
    /// At most 1000 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub description: String,
    /// With memory, for a VM that runs; without, for one that is off.
    pub memory: bool,
}

impl SnapshotCreate {
    /// The wish, if its name is one.
    ///
    /// # Errors
    /// The name's rule.
    pub fn into_spec(self) -> Result<model::SnapshotSpec, Vec<FieldError>> {
        let name = SnapshotName::try_from(self.name)
            .map_err(|error| vec![FieldError::new("name", error.to_string())])?;
        Ok(model::SnapshotSpec {
            name,
            description: self.description,
            memory: self.memory,
        })
    }
}

/// What a VM is to be after it was reverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RevertTo {
    /// What it was when the snapshot was taken.
    #[default]
    AsTaken,
    /// Running: from its memory, or powered on.
    Running,
    /// Off: the disks alone.
    Off,
}

impl From<RevertTo> for model::RevertTo {
    fn from(to: RevertTo) -> Self {
        match to {
            RevertTo::AsTaken => Self::AsTaken,
            RevertTo::Running => Self::Running,
            RevertTo::Off => Self::Off,
        }
    }
}

/// How to revert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SnapshotRevert {
    /// What the VM is to be afterwards; `as_taken` if not given.
    #[serde(default)]
    pub to: RevertTo,
}
