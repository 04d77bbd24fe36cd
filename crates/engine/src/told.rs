//! What a person is told of a failure: the same whether a request failed or a task, now or after a restart of
//! the daemon. Owns the sentences; which status they become is the interface's.

use qx_model::vm::FieldError;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What a person is told of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What can be done about it.
    pub kind: ToldKind,
    /// What happened, why, and what to do.
    pub detail: String,
    /// Each field that was refused.
    pub fields: Vec<FieldError>,
}

/// Failures, sorted by what can be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToldKind {
    /// The role is too low.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The present state does not allow it.
    Conflict,
    /// It was changed since it was read.
    Stale,
    /// A field is wrong.
    Invalid,
    /// Too many attempts: it may be tried again after a while.
    TooMany,
    /// The data disk is full.
    NoSpace,
    /// Something that it needs does not answer, or the daemon stopped.
    Unavailable,
    /// A fault of the daemon; its log has more.
    Internal,
}

impl Told {
    pub(crate) fn new(kind: ToldKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            fields: Vec::new(),
        }
    }

    fn hinted(kind: ToldKind, reason: impl std::fmt::Display, hint: &str) -> Self {
        Self::new(kind, format!("{reason}; {hint}"))
    }

    fn fields(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [one] => format!("{} {}", one.field, one.reason),
            many => format!("{} fields are wrong; see errors", many.len()),
        };
        Self {
            fields,
            ..Self::new(ToldKind::Invalid, detail)
        }
    }
}

impl Error {
    /// What a person is told of it.
    #[must_use]
    pub fn told(&self) -> Told {
        use ToldKind::{
            Conflict, Forbidden, Internal, NoSpace, NotFound, Stale, TooMany, Unavailable,
        };
        match self {
            Self::Forbidden { needs, .. } => {
                Told::new(Forbidden, format!("this needs the role {}", needs.name()))
            }
            Self::NotFound { .. } => Told::new(NotFound, self.to_string()),
            Self::Conflict { reason, hint } => Told::hinted(Conflict, reason, hint),
            Self::Stale { .. } => Told::hinted(Stale, self, "read it again and decide anew"),
            Self::Invalid(fields) => Told::fields(fields.clone()),
            Self::TooMany { retry_after } => {
                let seconds = retry_after.as_secs() + 1;
                Told::hinted(TooMany, self, &format!("try again in {seconds} seconds"))
            }
            Self::NoSpace { .. } => Told::hinted(
                NoSpace,
                self,
                "delete images, volumes or VMs that are no longer needed",
            ),
            Self::Cancelled => Told::hinted(Conflict, self, "ask again if that was not meant"),
            Self::Agent { fault, .. } => Told::hinted(Conflict, self, crate::guest::hint(fault)),
            Self::Refused { .. } => Told::new(Conflict, self.to_string()),
            Self::Unavailable { reason, hint } => Told::hinted(Unavailable, reason, hint),
            Self::Internal { .. } => Told::new(
                Internal,
                "the daemon failed; its log has more under this request_id",
            ),
        }
    }
}
