//! Sessions of people who logged in with a password. In memory: a restart of the daemon ends them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use qx_model::access::{Actor, Role};
use tokio::sync::watch;

use crate::error::Result;
use crate::identity::{Identity, Validity};
use crate::secret::{self, Fingerprint};

/// How long a session lasts.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// Sessions at once; the oldest makes room.
const MOST: usize = 256;

/// All sessions. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Sessions {
    sessions: Arc<Mutex<HashMap<Fingerprint, Session>>>,
}

struct Session {
    username: String,
    role: Role,
    csrf_token: String,
    expires_at: Timestamp,
    deadline: Instant,
    /// Dropped with the session: streams that watch it end.
    alive: watch::Sender<()>,
}

impl Sessions {
    /// A new session and the secret of its cookie.
    pub(crate) fn open(
        &self,
        username: &str,
        role: Role,
        origin: String,
    ) -> Result<(String, Identity)> {
        let cookie = secret::random()?;
        let session = Session {
            username: username.to_owned(),
            role,
            csrf_token: secret::random()?,
            expires_at: Timestamp::now() + LIFETIME,
            deadline: Instant::now() + LIFETIME,
            alive: watch::channel(()).0,
        };
        let identity = session.identity(origin);
        let mut sessions = self.lock();
        let now = Instant::now();
        sessions.retain(|_, session| session.deadline > now);
        if sessions.len() >= MOST
            && let Some(oldest) = sessions
                .iter()
                .min_by_key(|(_, session)| session.deadline)
                .map(|(key, _)| *key)
        {
            sessions.remove(&oldest);
        }
        sessions.insert(secret::fingerprint(&cookie), session);
        Ok((cookie, identity))
    }

    /// Whose cookie it is.
    pub(crate) fn find(&self, cookie: &str, origin: String) -> Option<Identity> {
        let sessions = self.lock();
        let session = sessions.get(&secret::fingerprint(cookie))?;
        (session.deadline > Instant::now()).then(|| session.identity(origin))
    }

    /// Ends a session; fine if there is none.
    pub(crate) fn close(&self, cookie: &str) {
        self.lock().remove(&secret::fingerprint(cookie));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Fingerprint, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn identity(&self, origin: String) -> Identity {
        Identity {
            actor: Actor {
                name: self.username.clone(),
                role: self.role,
                origin,
            },
            csrf_token: Some(self.csrf_token.clone()),
            expires_at: Some(self.expires_at),
            validity: Validity {
                revoked: Some(self.alive.subscribe()),
                deadline: Some(self.deadline),
            },
        }
    }
}

/// An address as the audit log has it.
pub(crate) fn origin(address: Option<IpAddr>) -> String {
    address.map_or_else(
        || "local".to_owned(),
        |address| address.to_canonical().to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_session_is_gone_and_its_streams_end() {
        let sessions = Sessions::default();
        let (cookie, mut identity) = sessions.open("root", Role::Admin, "local".into()).unwrap();
        assert!(sessions.find(&cookie, "local".into()).is_some());
        assert!(sessions.find(&cookie[1..], "local".into()).is_none());
        sessions.close(&cookie);
        assert!(sessions.find(&cookie, "local".into()).is_none());
        tokio::time::timeout(Duration::from_secs(5), identity.validity.ended())
            .await
            .unwrap();
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let sessions = Sessions::default();
        let (first, _) = sessions.open("root", Role::Admin, "local".into()).unwrap();
        for _ in 0..MOST {
            sessions.open("root", Role::Admin, "local".into()).unwrap();
        }
        assert!(sessions.lock().len() <= MOST);
        assert!(sessions.find(&first, "local".into()).is_none());
    }
}
