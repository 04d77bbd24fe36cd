//! Users, API tokens, the audit log and events, between gRPC and REST.

use jiff::Timestamp;

use super::v1;
use crate::rest;

impl From<rest::Role> for v1::Role {
    fn from(role: rest::Role) -> Self {
        match role {
            rest::Role::Viewer => Self::Viewer,
            rest::Role::Operator => Self::Operator,
            rest::Role::Admin => Self::Admin,
        }
    }
}

impl v1::Role {
    /// The role that a request names.
    ///
    /// # Errors
    /// When it names none.
    pub fn named(self) -> Result<rest::Role, rest::FieldProblem> {
        match self {
            Self::Viewer => Ok(rest::Role::Viewer),
            Self::Operator => Ok(rest::Role::Operator),
            Self::Admin => Ok(rest::Role::Admin),
            Self::Unspecified => Err(rest::FieldProblem {
                field: "role".into(),
                reason: "must be viewer, operator or admin".into(),
            }),
        }
    }
}

impl From<rest::User> for v1::User {
    fn from(user: rest::User) -> Self {
        Self {
            name: user.name,
            role: v1::Role::from(user.role).into(),
            disabled: user.disabled,
            created_by: user.created_by,
            created_at: user.created_at.to_string(),
            password_changed_at: user.password_changed_at.to_string(),
            last_login_at: text(user.last_login_at),
            revision: user.revision,
        }
    }
}

impl From<rest::Token> for v1::Token {
    fn from(token: rest::Token) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name,
            role: v1::Role::from(token.role).into(),
            created_by: token.created_by,
            owner: token.owner,
            created_at: token.created_at.to_string(),
            expires_at: text(token.expires_at),
            last_used_at: text(token.last_used_at),
        }
    }
}

impl From<rest::AuditEntry> for v1::AuditEntry {
    fn from(entry: rest::AuditEntry) -> Self {
        Self {
            id: entry.id,
            time: entry.time.to_string(),
            actor: entry.actor,
            origin: entry.origin,
            operation: entry.operation,
            target: entry.target,
            outcome: entry.outcome,
        }
    }
}

impl From<rest::Event> for v1::Event {
    fn from(event: rest::Event) -> Self {
        Self {
            seq: event.seq,
            time: event.time.to_string(),
            r#type: event.kind.name(),
            vm_id: event.vm_id.map(|id| id.to_string()),
            vm: event.vm.map(Into::into),
            image: event.image,
        }
    }
}

fn text(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}
