//! The host's settings.

use serde::{Deserialize, Serialize};

/// The host's settings, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostConfig {
    /// Changes with everything that is stored; the `ETag`.
    pub revision: String,
    /// Its name.
    pub hostname: String,
    /// Local time, by its name in the tz database.
    pub timezone: String,
    /// Time servers.
    pub ntp: Vec<String>,
    /// Remote shell.
    pub ssh: HostSsh,
    /// How the host reaches web servers.
    pub proxy: HostProxy,
}

/// Remote shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostSsh {
    /// It is on, at every boot too.
    pub enabled: bool,
    /// Keys that may log in as root; when there are any, passwords may not.
    pub authorized_keys: Vec<String>,
    /// How long it is on for now, in seconds, whatever `enabled` says; `null` if it is not.
    pub on_for_s: Option<u64>,
}

/// How the host reaches web servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostProxy {
    /// The proxy for HTTPS, such as `http://proxy.example.org:3128`.
    pub https: Option<String>,
    /// Authorities that are believed besides those of the image, in PEM.
    pub ca_certificates: Vec<String>,
}

/// What is to be different; what is not there stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HostConfigPatch {
    /// Labels of letters, digits and `-`, joined by `.`; at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Such as `Europe/Berlin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Names or addresses, at most 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ntp: Option<Vec<String>>,
    /// Remote shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<HostSshPatch>,
    /// How the host reaches web servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<HostProxyPatch>,
}

/// What is to be different about SSH.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HostSshPatch {
    /// On at every boot too, or off at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// All of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorized_keys: Option<Vec<String>>,
    /// On for so many minutes, at most a day, and not after a restart; 0 ends that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_for_minutes: Option<u32>,
}

/// What is to be different about the way to web servers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HostProxyPatch {
    /// `http://HOST:PORT`, or empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https: Option<String>,
    /// All of them, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<Vec<String>>,
}
