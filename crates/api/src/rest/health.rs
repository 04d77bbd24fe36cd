//! Is the daemon alive, and can it manage VMs?

use serde::{Deserialize, Serialize};

/// Whether the host can manage VMs, and what each check said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Readiness {
    /// Every check passed.
    pub ready: bool,
    /// All checks, in a fixed order.
    pub checks: Vec<Check>,
}

/// One check of readiness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// What was checked: `hypervisor`, `data` or `network`.
    pub name: String,
    /// It passed.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}
