//! Who is asking, once that is known, and for how long it holds.

use std::time::Instant;

use jiff::Timestamp;
use qx_model::access::{Actor, Role};
use tokio::sync::watch;

use crate::error::{Error, Result};

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Identity {
    /// For authorisation and the audit log.
    pub actor: Actor,
    /// Whose account it is: a user's name, or `root`; for a token, the account that made it.
    pub account: String,
    /// An API token, not a person: what it makes has its bounds.
    pub by_token: bool,
    /// The session's CSRF token; `None` when no cookie was involved.
    pub csrf_token: Option<String>,
    /// When it ends, for people.
    pub expires_at: Option<Timestamp>,
    /// When it ends, for programs.
    pub validity: Validity,
}

impl Identity {
    /// Whoever is root on this host already.
    #[must_use]
    pub fn local_root() -> Self {
        Self {
            actor: Actor {
                name: "root".into(),
                role: Role::Admin,
                origin: "local".into(),
            },
            account: "root".into(),
            by_token: false,
            csrf_token: None,
            expires_at: None,
            validity: Validity {
                revoked: None,
                deadline: None,
            },
        }
    }

    /// An error when the session or token has ended since the request began. Asked right before a change that
    /// would outlive it.
    pub(crate) fn still_holds(&self) -> Result<()> {
        if self.validity.is_over() {
            return Err(Error::Conflict {
                reason: "the session or token that asked has ended meanwhile".into(),
                hint: "log in again".into(),
            });
        }
        Ok(())
    }
}

/// How long an identity holds: streams must end when it does.
#[derive(Debug, Clone)]
pub struct Validity {
    /// Its sender is dropped on revocation.
    pub(crate) revoked: Option<watch::Receiver<()>>,
    pub(crate) deadline: Option<Instant>,
}

impl Validity {
    fn is_over(&self) -> bool {
        let revoked = self.revoked.as_ref();
        let expired = self.deadline.is_some_and(|end| end <= Instant::now());
        expired || revoked.is_some_and(|revoked| revoked.has_changed().is_err())
    }

    /// Returns when the identity has been revoked or has expired.
    pub async fn ended(&mut self) {
        let revoked = async {
            match &mut self.revoked {
                Some(revoked) => while revoked.changed().await.is_ok() {},
                None => std::future::pending().await,
            }
        };
        let expired = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = revoked => {}
            () = expired => {}
        }
    }
}
