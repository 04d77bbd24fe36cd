//! People who may log in, beside root.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Role;

/// A user to be made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserCreate {
    /// At most 32 letters, digits, `.`, `_` or `-`, beginning with a letter or a digit; not another user's in
    /// other case, and not `root`.
    pub name: String,
    /// 8 to 256 characters.
    pub password: String,
    /// What they may do.
    pub role: Role,
}

/// What is to change of a user; what is left out stays.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// What they may do from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether they and their tokens are kept out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// A new password, 8 to 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Identity.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// They and their tokens are kept out.
    pub disabled: bool,
    /// Who made them.
    pub created_by: String,
    /// When they were made.
    pub created_at: Timestamp,
    /// When their password was set last.
    pub password_changed_at: Timestamp,
    /// When they logged in last; `null` if never.
    pub last_login_at: Option<Timestamp>,
    /// Different whenever role, state or password are: the user's `ETag`, without quotes.
    pub revision: String,
}

/// Some of the users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserPage {
    /// By name.
    pub items: Vec<User>,
    /// To be sent as `cursor` for more; `null` at the end.
    pub next: Option<String>,
}

/// A change of one's own password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password so far.
    pub current_password: String,
    /// The one from now on, 8 to 256 characters.
    pub new_password: String,
}
