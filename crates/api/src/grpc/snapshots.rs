//! Snapshots, from REST to gRPC.

use super::v1;
use crate::rest;

impl From<rest::Snapshot> for v1::Snapshot {
    fn from(snapshot: rest::Snapshot) -> Self {
        Self {
            name: snapshot.name,
            description: snapshot.description,
            parent: snapshot.parent,
            created_at: snapshot.created_at.to_string(),
            memory: snapshot.memory,
            current: snapshot.current,
        }
    }
}
