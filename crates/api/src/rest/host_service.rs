//! The host's services.

use serde::{Deserialize, Serialize};

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostServiceList {
    /// In a fixed order.
    pub items: Vec<HostService>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostService {
    /// Its name in OpenRC: `qx-node`, `libvirtd`, `chronyd` or `sshd`.
    pub name: String,
    /// How it does.
    pub state: HostServiceState,
}

/// How a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HostServiceState {
    /// It runs.
    Running,
    /// It is being started.
    Starting,
    /// It is being stopped.
    Stopping,
    /// It does not run, and is not meant to.
    Stopped,
    /// It is meant to run, but does not.
    Failed,
}
