//! The certificate that the host is known by.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A certificate (RFC 5280).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostCertificate {
    /// SHA-256 of its DER form, as lower-case hex.
    pub sha256: String,
    /// Whom it is for.
    pub subject: String,
    /// Who says so.
    pub issuer: String,
    /// DNS names and IP addresses that it is good for.
    pub names: Vec<String>,
    /// It is good from then on.
    pub not_before: Timestamp,
    /// It is good until then.
    pub not_after: Timestamp,
    /// Kind of its key, such as `ECDSA P-256`.
    pub key: String,
    /// It vouches for itself: it is trusted by its fingerprint, or not at all.
    pub self_signed: bool,
    /// Certificates that are sent: itself, and those that lead to its authority.
    pub chain: u32,
}

/// A certificate to serve with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HostCertificatePut {
    /// PEM: the host's own, and behind it those that lead to its authority; at most 10.
    pub certificate: String,
    /// PEM: its private key, not encrypted (PKCS #8, PKCS #1 or SEC 1). It is never answered.
    pub key: String,
}
