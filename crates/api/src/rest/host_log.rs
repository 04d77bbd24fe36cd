//! The host's logs.

use serde::{Deserialize, Serialize};

/// Lines of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostLog {
    /// The log.
    pub log: HostLogName,
    /// The oldest first. Text as it was logged: it may hold what others sent to this host.
    pub lines: Vec<String>,
}

/// The logs of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HostLogName {
    /// Everything that services and the kernel say.
    #[default]
    System,
    /// What the node daemon says.
    Daemon,
    /// What the kernel says.
    Kernel,
    /// How this boot went.
    Boot,
    /// How the installation from this medium went.
    Install,
}

impl HostLogName {
    /// As on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Daemon => "daemon",
            Self::Kernel => "kernel",
            Self::Boot => "boot",
            Self::Install => "install",
        }
    }
}
