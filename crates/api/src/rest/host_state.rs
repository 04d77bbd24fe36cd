//! The host's configuration as a whole: backing it up, putting a backup in its place, forgetting it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a backup is protected: by a passphrase, or not at all. One of the two has to be asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HostBackup {
    /// 12 to 256 characters, needed again to restore.
    #[serde(default)]
    pub passphrase: Option<String>,
    /// Leave it readable: keys and password hashes are in it.
    #[serde(default)]
    pub unencrypted: bool,
}

/// What the restart puts into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostRestored {
    /// The host's name then.
    pub hostname: String,
    /// Name of the host that made the backup.
    pub made_by: String,
    /// When it did.
    pub made_at: Timestamp,
    /// Version that ran there.
    pub version: String,
    /// Fingerprint of the SSH host key that signed it, as that host's console shows it.
    pub signed_by: String,
    /// What of the backup is not taken, in sentences.
    pub notes: Vec<String>,
}

/// A factory reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HostReset {
    /// What is forgotten.
    pub scope: ResetScope,
    /// The host's name, so that it is no mistake.
    pub confirm: String,
}

/// Down with the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HostPower {
    /// And up again, or not.
    pub action: HostPowerAction,
}

/// How a host goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HostPowerAction {
    /// It starts again.
    Reboot,
    /// It is switched off.
    Shutdown,
}

/// What a factory reset forgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResetScope {
    /// Settings, keys, certificates, users, API tokens and the audit log. VMs and images stay.
    Configuration,
    /// That, and everything on the data partition: VMs, images, figures.
    Everything,
}
