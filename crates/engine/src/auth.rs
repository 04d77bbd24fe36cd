//! Finding out who is asking: passwords, session cookies and API tokens. Owns sessions and the limit on
//! failed log-ins; knows no header and no cookie syntax.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use qx_host::accounts::{self, AccountError};
use qx_model::access::{Actor, Operation, Role};
use tokio::sync::Semaphore;

use crate::audit::Audit;
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::limiter::Limiter;
use crate::sessions::{Sessions, origin};
use crate::tokens::Tokens;
use crate::users::{ROOT, Users};

/// Password checks at once: each costs a core for some time.
const CHECKS: usize = 2;
/// How long a log-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a log-in failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The one answer to a wrong name and a wrong password.
    #[error("user name or password is wrong")]
    Wrong,
    /// Too many failures from this address.
    #[error("too many failed log-ins from this address")]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// So many log-ins that this one had no turn.
    #[error("too many log-ins at the same time")]
    Busy,
    /// The password can't be checked.
    #[error("passwords can't be checked")]
    Accounts(#[from] AccountError),
    /// A fault of this program or its machine.
    #[error(transparent)]
    Internal(crate::Error),
}

/// What a password was checked against.
#[derive(PartialEq, Eq)]
struct Checked {
    role: Role,
    /// `None` for root, whose hash is the system's.
    hash: Option<String>,
}

/// Who is who. Clones share it.
#[derive(Clone)]
pub struct Auth {
    inner: Arc<Inner>,
}

struct Inner {
    shadow: PathBuf,
    sessions: Sessions,
    tokens: Tokens,
    users: Users,
    limiter: Mutex<Limiter>,
    checks: Semaphore,
    audit: Audit,
}

impl Auth {
    pub(crate) fn new(
        shadow: PathBuf,
        sessions: Sessions,
        tokens: Tokens,
        users: Users,
        audit: Audit,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                shadow,
                sessions,
                tokens,
                users,
                limiter: Mutex::default(),
                checks: Semaphore::new(CHECKS),
                audit,
            }),
        }
    }

    /// Opens a session, and gives the secret of its cookie. `from` is `None` on the host itself, which
    /// no number of failures can lock out.
    pub async fn login(
        &self,
        username: &str,
        password: String,
        from: Option<IpAddr>,
    ) -> std::result::Result<(String, Identity), LoginError> {
        let inner = &self.inner;
        self.charge(from)?;
        let checked = self.check(username, password, from).await;
        let result = checked.and_then(|checked| self.admit(username, &checked, from));
        if result.is_ok() {
            inner.users.note_login(username);
        }
        let outcome = match &result {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        let actor = Actor {
            name: username.to_owned(),
            role: Role::Viewer,
            origin: origin(from),
        };
        inner.audit.record(&actor, "session_create", "", &outcome);
        result
    }

    fn admit(
        &self,
        username: &str,
        checked: &Checked,
        from: Option<IpAddr>,
    ) -> std::result::Result<(String, Identity), LoginError> {
        let sessions = &self.inner.sessions;
        let opened = sessions.open(username, checked.role, origin(from));
        let (cookie, identity) = opened.map_err(LoginError::Internal)?;
        // Whoever was changed during the check had no session yet that could be ended.
        if self.standing(username).as_ref() != Some(checked) {
            sessions.close(&cookie);
            return Err(LoginError::Wrong);
        }
        Ok((cookie, identity))
    }

    /// Books a wrong password in advance, so that guesses made at the same time count.
    fn charge(&self, from: Option<IpAddr>) -> std::result::Result<(), LoginError> {
        let Some(address) = from else { return Ok(()) };
        let charged = lock(&self.inner.limiter).charge(address, Instant::now());
        charged.map_err(|retry_after| LoginError::TooMany { retry_after })
    }

    fn standing(&self, username: &str) -> Option<Checked> {
        let users = &self.inner.users;
        Some(Checked {
            role: users.standing(username)?,
            hash: users.login_hash(username),
        })
    }

    /// What who knows the password may do. What was charged is forgiven when it is right.
    async fn check(
        &self,
        username: &str,
        password: String,
        from: Option<IpAddr>,
    ) -> std::result::Result<Checked, LoginError> {
        let turn = tokio::time::timeout(PATIENCE, self.inner.checks.acquire()).await;
        let _turn = turn.map_err(|_| LoginError::Busy)?;
        let standing = self.standing(username);
        let checking = if username == ROOT {
            let shadow = self.inner.shadow.clone();
            tokio::task::spawn_blocking(move || accounts::verify_root_password(&shadow, &password))
        } else {
            // As long for a name that nobody has, so that its timing does not tell which names exist.
            let hash = standing.as_ref().and_then(|found| found.hash.clone());
            tokio::task::spawn_blocking(move || {
                Ok(accounts::verify_password(&password, hash.as_deref()))
            })
        };
        let good = checking.await.map_err(|error| {
            LoginError::Internal(Error::internal("checking a password", error))
        })??;
        let checked = standing.filter(|_| good).ok_or(LoginError::Wrong)?;
        if let Some(address) = from {
            lock(&self.inner.limiter).forgive(address);
        }
        Ok(checked)
    }

    /// Changes the caller's own password. Their other sessions end; `cookie` is the one that stays. Wrong ones
    /// count as failed log-ins of `from`.
    pub async fn change_password(
        &self,
        by: &Identity,
        current: String,
        new: String,
        cookie: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<()> {
        let work = async {
            let cookie = cookie.ok_or_else(|| Error::Conflict {
                reason: "only somebody who is logged in has a password of their own".into(),
                hint: "log in with it; a token or root on the host itself has none".into(),
            })?;
            if by.account == ROOT {
                return Err(Error::Conflict {
                    reason: "root's password is part of the host's configuration".into(),
                    hint: "change it on the host's console or in config.toml".into(),
                });
            }
            self.charge(from).map_err(of_password)?;
            let checked = self.check(&by.account, current, from).await;
            let Checked { hash, .. } = checked.map_err(of_password)?;
            let users = &self.inner.users;
            users.set_own_password(by, hash, new, cookie).await
        };
        let audit = &self.inner.audit;
        let operation = Operation::PasswordChange;
        audit.change(&by.actor, operation, &by.account, work).await
    }

    /// Whose session cookie it is.
    #[must_use]
    pub fn by_cookie(&self, cookie: &str, from: Option<IpAddr>) -> Option<Identity> {
        self.inner.sessions.find(cookie, origin(from))
    }

    /// Whose API token it is.
    #[must_use]
    pub fn by_token(&self, token: &str, from: Option<IpAddr>) -> Option<Identity> {
        let users = &self.inner.users;
        let standing = |account: &str| users.standing(account);
        self.inner.tokens.find(token, origin(from), standing)
    }

    /// Ends the session of a cookie.
    pub fn logout(&self, identity: &Identity, cookie: &str) {
        self.inner.sessions.close(cookie);
        self.inner
            .audit
            .record(&identity.actor, "session_delete", "", "ok");
    }
}

/// Why one's own password was not changed.
fn of_password(error: LoginError) -> Error {
    match error {
        LoginError::Wrong => Error::field("current_password", "is wrong"),
        LoginError::TooMany { retry_after } => Error::TooMany { retry_after },
        LoginError::Internal(error) => error,
        LoginError::Busy | LoginError::Accounts(_) => Error::Unavailable {
            reason: error.to_string(),
            hint: "try again in a moment".into(),
        },
    }
}

fn lock(limiter: &Mutex<Limiter>) -> std::sync::MutexGuard<'_, Limiter> {
    limiter.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Events;
    use crate::store::Store;
    use crate::users::Change;

    #[tokio::test]
    async fn a_user_who_was_changed_while_their_password_was_checked_is_not_let_in() {
        let files = tempfile::tempdir().unwrap();
        let store = Store::open(&files.path().join("db")).unwrap();
        let (audit, sessions) = (Audit::new(store.clone()), Sessions::default());
        let shadow = files.path().join("shadow");
        let events = Events::new();
        let tokens = Tokens::load(store.clone(), audit.clone(), events.clone());
        let tokens = tokens.await.unwrap();
        let users = Users::load(
            store,
            audit.clone(),
            sessions.clone(),
            tokens.clone(),
            events,
            shadow.clone(),
        );
        let users = users.await.unwrap();
        let auth = Auth::new(shadow, sessions.clone(), tokens, users.clone(), audit);
        let root = Identity::local_root();
        let name: qx_model::name::UserName = "otto".parse().unwrap();
        let made = users.create(&root, name.clone(), "correct horse".into(), Role::Viewer);
        made.await.unwrap();
        let change = |role, disabled, password: Option<&str>| Change {
            role,
            disabled,
            password: password.map(Into::into),
        };
        for change in [
            change(None, None, Some("battery staple")),
            change(Some(Role::Operator), None, None),
            change(None, Some(true), None),
        ] {
            let checked = auth.standing("otto").unwrap();
            let (cookie, _) = auth.admit("otto", &checked, None).unwrap();
            users.update(&root, &name, None, change).await.unwrap();
            assert!(auth.by_cookie(&cookie, None).is_none());
            let late = auth.admit("otto", &checked, None);
            assert!(matches!(late, Err(LoginError::Wrong)));
        }
    }
}
