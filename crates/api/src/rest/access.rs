//! Who is asking: sessions, API tokens and the audit log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a user or a token may do; each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything that holds no secret.
    Viewer,
    /// Also runs VMs: power, console, images.
    Operator,
    /// Also changes the host and its users.
    Admin,
}

impl From<qx_model::access::Role> for Role {
    fn from(role: qx_model::access::Role) -> Self {
        match role {
            qx_model::access::Role::Viewer => Self::Viewer,
            qx_model::access::Role::Operator => Self::Operator,
            qx_model::access::Role::Admin => Self::Admin,
        }
    }
}

impl From<Role> for qx_model::access::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

/// Credentials of a person.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// User name; `root` is the host's own administrator.
    pub username: String,
    /// Password, in the clear inside TLS.
    pub password: String,
}

/// Who is logged in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// To be sent back as `X-CSRF-Token` with every request that changes something; `null` when the
    /// request was not authenticated by a cookie and so needs none.
    pub csrf_token: Option<String>,
    /// User, or token as in the audit log.
    pub username: String,
    /// What they may do.
    pub role: Role,
    /// When the session ends; `null` if it doesn't.
    pub expires_at: Option<Timestamp>,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenCreate {
    /// What it is for, 1 to 63 characters, shown in the audit log.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// Seconds until it stops working, 60 to 315,360,000 (ten years); never, when left out.
    #[serde(default)]
    pub expires_in_s: Option<u64>,
}

/// A token as made: the only time that its secret is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenSecret {
    /// Identity, for `DELETE /api/v1/tokens/{id}`.
    pub id: Uuid,
    /// To be sent as `Authorization: Bearer …`. Shown once.
    pub token: String,
    /// What it is for.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// When it stops working; `null` if it doesn't.
    pub expires_at: Option<Timestamp>,
}

/// A token that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    /// Identity.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// Who made it.
    pub created_by: String,
    /// The account that it acts for: it never may do more than that one, and ends with it.
    pub owner: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working; `null` if it doesn't.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute; `null` if never.
    pub last_used_at: Option<Timestamp>,
}

/// All tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenPage {
    /// Oldest first.
    pub items: Vec<Token>,
    /// To be sent as `cursor` for more; `null` at the end.
    pub next: Option<String>,
}

/// One change, or one try that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// Rises by one with each entry.
    pub id: u64,
    /// When.
    pub time: Timestamp,
    /// User, or token: `token:NAME`, with `USER/` before it when it is not root's.
    pub actor: String,
    /// Where from: an IP address, or `local` for the host itself.
    pub origin: String,
    /// What was asked, such as `vm_start`.
    pub operation: String,
    /// What it was asked of: a VM's id, an image's name; empty when there is none.
    pub target: String,
    /// `ok`, or why it failed.
    pub outcome: String,
}

/// Some of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditPage {
    /// Newest first.
    pub items: Vec<AuditEntry>,
    /// To be sent as `cursor` for older entries; `null` at the end.
    pub next: Option<String>,
}
