//! A clone of a VM as asked for. Pure.

use serde::Serialize;

use crate::name::VmName;
use crate::vm::{FieldError, VmId, check_description};

/// A new VM that is what another one is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VmClone {
    /// Chosen by the client, or by the engine.
    pub id: VmId,
    /// Unique on this host.
    pub name: VmName,
    /// Free text, at most 1,024 characters; `None` takes the other one's.
    pub description: Option<String>,
}

impl VmClone {
    /// Which rules it breaks.
    #[must_use]
    pub fn check(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_description(self.description.as_deref().unwrap_or_default(), &mut found);
        found
    }
}
