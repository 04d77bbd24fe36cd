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
const MOST: usize = 1024;
/// Sessions of one user at once, so that nobody pushes others out; their oldest makes room.
const MOST_OF_ONE: usize = 32;

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
        make_room(&mut sessions, MOST_OF_ONE, |session| {
            session.username == username
        });
        make_room(&mut sessions, MOST, |_| true);
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

    /// Ends all sessions of a user, but that of the cookie `kept`.
    pub(crate) fn close_all_of(&self, username: &str, kept: Option<&str>) {
        let kept = kept.map(secret::fingerprint);
        self.lock()
            .retain(|key, session| session.username != username || Some(*key) == kept);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Fingerprint, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the oldest of those that `counts` when there are `most` of them.
fn make_room(
    sessions: &mut HashMap<Fingerprint, Session>,
    most: usize,
    counts: impl Fn(&Session) -> bool,
) {
    let counted = || sessions.iter().filter(|(_, session)| counts(session));
    if counted().count() >= most
        && let Some(oldest) = counted()
            .min_by_key(|(_, session)| session.deadline)
            .map(|(key, _)| *key)
    {
        sessions.remove(&oldest);
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
            account: self.username.clone(),
            by_token: false,
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

    #[tokio::test]
    async fn all_sessions_of_a_user_end_but_the_one_that_is_kept() {
        let sessions = Sessions::default();
        let open = |name| sessions.open(name, Role::Viewer, "local".into()).unwrap();
        let (kept, _) = open("a");
        let (ended, mut identity) = open("a");
        let (other, _) = open("b");
        sessions.close_all_of("a", Some(&kept));
        let there = |cookie: &str| sessions.find(cookie, "local".into()).is_some();
        assert_eq!(
            (there(&kept), there(&ended), there(&other)),
            (true, false, true)
        );
        tokio::time::timeout(Duration::from_secs(5), identity.validity.ended())
            .await
            .unwrap();
    }

    #[test]
    fn the_number_of_sessions_is_bounded_and_nobody_pushes_others_out() {
        let sessions = Sessions::default();
        let open = |name: &str| sessions.open(name, Role::Admin, "local".into()).unwrap().0;
        let there = |cookie: &str| sessions.find(cookie, "local".into()).is_some();
        let root = open("root");
        let first = open("a");
        for _ in 0..MOST_OF_ONE {
            open("a");
        }
        assert!(there(&root) && !there(&first));
        assert_eq!(sessions.lock().len(), MOST_OF_ONE + 1);
        for n in 0..MOST {
            open(&n.to_string());
        }
        assert_eq!(sessions.lock().len(), MOST);
    }
}
