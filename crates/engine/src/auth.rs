//! Finding out who is asking: passwords, session cookies and API tokens. Owns sessions and the limit on
//! failed log-ins; knows no header and no cookie syntax.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use qx_host::accounts::{self, AccountError};
use qx_model::access::{Actor, Role};
use tokio::sync::Semaphore;

use crate::audit::Audit;
use crate::identity::Identity;
use crate::limiter::Limiter;
use crate::sessions::{Sessions, origin};
use crate::tokens::Tokens;

/// The host's own administrator.
const ROOT: &str = "root";
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

/// Who is who. Clones share it.
#[derive(Clone)]
pub struct Auth {
    inner: Arc<Inner>,
}

struct Inner {
    shadow: PathBuf,
    sessions: Sessions,
    tokens: Tokens,
    limiter: Mutex<Limiter>,
    checks: Semaphore,
    audit: Audit,
}

impl Auth {
    pub(crate) fn new(shadow: PathBuf, tokens: Tokens, audit: Audit) -> Self {
        Self {
            inner: Arc::new(Inner {
                shadow,
                sessions: Sessions::default(),
                tokens,
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
    ) -> Result<(String, Identity), LoginError> {
        let inner = &self.inner;
        if let Some(address) = from {
            let charged = lock(&inner.limiter).charge(address, Instant::now());
            charged.map_err(|retry_after| LoginError::TooMany { retry_after })?;
        }
        let checked = self.check(username, password).await;
        if let (Ok(()), Some(address)) = (&checked, from) {
            lock(&inner.limiter).forgive(address);
        }
        let result = checked.and_then(|()| {
            let opened = inner.sessions.open(ROOT, Role::Admin, origin(from));
            opened.map_err(LoginError::Internal)
        });
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

    async fn check(&self, username: &str, password: String) -> Result<(), LoginError> {
        let turn = tokio::time::timeout(PATIENCE, self.inner.checks.acquire()).await;
        let _turn = turn.map_err(|_| LoginError::Busy)?;
        let shadow = self.inner.shadow.clone();
        // Checked for every name, so that its timing does not tell which names exist.
        let checking =
            tokio::task::spawn_blocking(move || accounts::verify_root_password(&shadow, &password));
        let good = checking.await.map_err(|error| {
            LoginError::Internal(crate::Error::internal("checking a password", error))
        })??;
        if good && username == ROOT {
            Ok(())
        } else {
            Err(LoginError::Wrong)
        }
    }

    /// Whose session cookie it is.
    #[must_use]
    pub fn by_cookie(&self, cookie: &str, from: Option<IpAddr>) -> Option<Identity> {
        self.inner.sessions.find(cookie, origin(from))
    }

    /// Whose API token it is.
    #[must_use]
    pub fn by_token(&self, token: &str, from: Option<IpAddr>) -> Option<Identity> {
        self.inner.tokens.find(token, origin(from))
    }

    /// Ends the session of a cookie.
    pub fn logout(&self, identity: &Identity, cookie: &str) {
        self.inner.sessions.close(cookie);
        self.inner
            .audit
            .record(&identity.actor, "session_delete", "", "ok");
    }
}

fn lock(limiter: &Mutex<Limiter>) -> std::sync::MutexGuard<'_, Limiter> {
    limiter.lock().unwrap_or_else(PoisonError::into_inner)
}
