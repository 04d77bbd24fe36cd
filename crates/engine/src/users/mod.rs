//! Users of this host beside root: a name, a role and a password each. Owns their table, of which a copy is
//! kept in memory, and what follows when one changes: their sessions end, and so do the streams of tokens that
//! they made. root is no row of it: the system's own account always works on the host itself.

mod change;
mod rows;
mod rules;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use qx_host::accounts;
use qx_model::access::{Actor, Operation, Role};
use qx_model::name::UserName;
use rusqlite::Connection;
use tokio::sync::OwnedMutexGuard;

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::events::{EventKind, Events};
use crate::identity::Identity;
use crate::sessions::Sessions;
use crate::store::Store;
use crate::tokens::Tokens;
pub use change::Change;
use rules::{Outcome, check};

/// The host's own administrator.
pub(crate) const ROOT: &str = "root";
/// Users at once.
const MOST: usize = 1000;

/// A user, without the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Identity; differs from all others by more than upper and lower case.
    pub name: UserName,
    /// What they may do.
    pub role: Role,
    /// May not log in, and neither may the tokens they made.
    pub disabled: bool,
    /// Who made them.
    pub created_by: String,
    /// When they were made.
    pub created_at: Timestamp,
    /// When their password was set last.
    pub password_changed_at: Timestamp,
    /// When they logged in last.
    pub last_login_at: Option<Timestamp>,
    /// Rises with each change of role, state or password.
    pub revision: u64,
}

struct Known {
    user: User,
    hash: String,
}

/// All users. Clones share them.
#[derive(Clone)]
pub struct Users {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    audit: Audit,
    sessions: Sessions,
    tokens: Tokens,
    events: Events,
    shadow: PathBuf,
    known: Mutex<BTreeMap<String, Known>>,
    /// One change after the other, so that rules about all users hold.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Users {
    pub(crate) async fn load(
        store: Store,
        audit: Audit,
        sessions: Sessions,
        tokens: Tokens,
        events: Events,
        shadow: PathBuf,
    ) -> Result<Self> {
        let rows = store.run("reading users", rows::read_all).await?;
        let known = rows.into_iter().map(|(user, hash)| {
            let name = user.name.to_string();
            (name, Known { user, hash })
        });
        let inner = Inner {
            known: Mutex::new(known.collect()),
            store,
            audit,
            sessions,
            tokens,
            events,
            shadow,
            turn: Arc::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Users by name: at most `limit`, those after `after`; and what to pass as `after` for more.
    pub fn list(
        &self,
        actor: &Actor,
        after: Option<&UserName>,
        limit: usize,
    ) -> Result<(Vec<User>, Option<UserName>)> {
        authorize(actor, Operation::UserManage)?;
        let known = self.known();
        let from = after.map_or(Bound::Unbounded, |name| Bound::Excluded(name.as_str()));
        let mut left = known.range::<str, _>((from, Bound::Unbounded));
        let page = left.by_ref().take(limit);
        let page: Vec<User> = page.map(|(_, known)| known.user.clone()).collect();
        let more = left.next().is_some();
        let next = page.last().filter(|_| more).map(|user| user.name.clone());
        Ok((page, next))
    }

    /// One user.
    pub fn get(&self, actor: &Actor, name: &UserName) -> Result<User> {
        authorize(actor, Operation::UserManage)?;
        self.find(name)
    }

    /// Makes a user.
    pub async fn create(
        &self,
        by: &Identity,
        name: UserName,
        password: String,
        role: Role,
    ) -> Result<User> {
        let target = format!("create {name} as {}", role.name());
        let work = async {
            let hash = hashed("password", password).await?;
            let turn = self.turn(by).await?;
            self.free(&name)?;
            // A token that was made while an earlier user of that name was deleted is not theirs.
            self.inner.tokens.forget_of(name.as_str());
            let row = name.to_string();
            let store = &self.inner.store;
            store
                .run_durably("making a user", move |c| rows::delete(c, &row))
                .await?;
            let now = Timestamp::now();
            let user = User {
                name,
                role,
                disabled: false,
                created_by: by.actor.name.clone(),
                created_at: now,
                password_changed_at: now,
                last_login_at: None,
                revision: 1,
            };
            self.put(turn, user.clone(), hash, None).await?;
            Ok(user)
        };
        self.change(&by.actor, target, work).await
    }

    /// Changes a user; with `revision`, only if it still is the one that the caller saw. Their sessions end.
    pub async fn update(
        &self,
        by: &Identity,
        name: &UserName,
        revision: Option<Vec<String>>,
        change: Change,
    ) -> Result<User> {
        let target = change.of(name);
        let work = async {
            let hash = match change.password {
                Some(password) => Some(hashed("password", password).await?),
                None => None,
            };
            let turn = self.turn(by).await?;
            let before = self.find(name)?;
            if revision.is_some_and(|known| !known.contains(&before.revision.to_string())) {
                return Err(Error::Stale {
                    what: format!("the user {name}"),
                });
            }
            let mut user = before.clone();
            user.role = change.role.unwrap_or(before.role);
            user.disabled = change.disabled.unwrap_or(before.disabled);
            if user == before && hash.is_none() {
                return Ok(before);
            }
            let outcome = Outcome {
                role: Some(user.role),
                disabled: user.disabled,
            };
            self.check(&before, outcome, by)?;
            user.revision += 1;
            if hash.is_some() {
                user.password_changed_at = Timestamp::now();
            }
            let hash = match hash {
                Some(hash) => hash,
                None => self.hash_of(name)?,
            };
            self.put(turn, user.clone(), hash, None).await?;
            Ok(user)
        };
        self.change(&by.actor, target, work).await
    }

    /// Removes a user, their sessions and the tokens they made.
    pub async fn delete(&self, by: &Identity, name: &UserName) -> Result<()> {
        let work = async {
            let _turn = self.turn(by).await?;
            let before = self.find(name)?;
            self.check(&before, Outcome::GONE, by)?;
            // Refused from now on, even if the disk should fail us.
            self.known().remove(name.as_str());
            self.inner.sessions.close_all_of(name.as_str(), None);
            self.inner.tokens.forget_of(name.as_str());
            self.inner.events.publish(EventKind::AccessChanged);
            let row = name.to_string();
            self.inner
                .store
                .run_durably("removing a user", move |c| rows::delete(c, &row))
                .await
        };
        self.change(&by.actor, format!("delete {name}"), work).await
    }

    /// Sets a user's own password, if the one so far still has the hash that was `checked`. All their sessions
    /// but `cookie`'s end.
    pub(crate) async fn set_own_password(
        &self,
        by: &Identity,
        checked: Option<String>,
        password: String,
        cookie: &str,
    ) -> Result<()> {
        let name = by.account.as_str();
        let hash = hashed("new_password", password).await?;
        let turn = self.turn(by).await?;
        if self.login_hash(name) != checked {
            return Err(Error::Conflict {
                reason: "the password was changed meanwhile".into(),
                hint: "give the new one as the current password".into(),
            });
        }
        let mut user = match self.known().get(name) {
            Some(known) => known.user.clone(),
            None => return Err(not_found(name)),
        };
        user.revision += 1;
        user.password_changed_at = Timestamp::now();
        self.put(turn, user, hash, Some(cookie.to_owned())).await
    }

    /// The hash to compare a password with; `None` for who can't log in.
    pub(crate) fn login_hash(&self, name: &str) -> Option<String> {
        let known = self.known();
        let found = known.get(name).filter(|known| !known.user.disabled)?;
        Some(found.hash.clone())
    }

    /// What an account may do now; `None` when it is disabled or gone.
    pub(crate) fn standing(&self, name: &str) -> Option<Role> {
        if name == ROOT {
            return Some(Role::Admin);
        }
        let known = self.known();
        let found = known.get(name).filter(|known| !known.user.disabled)?;
        Some(found.user.role)
    }

    pub(crate) fn note_login(&self, name: &str) {
        let now = Timestamp::now();
        if let Some(known) = self.known().get_mut(name) {
            known.user.last_login_at = Some(now);
        }
        let name = name.to_owned();
        self.inner.store.post(move |connection| {
            if let Err(error) = rows::note_login(connection, &name, now) {
                tracing::warn!(%error, "a log-in could not be noted");
            }
        });
    }

    /// Waits for the turn to change something. Who lost their session or token before it came changes nothing.
    async fn turn(&self, by: &Identity) -> Result<OwnedMutexGuard<()>> {
        let turn = Arc::clone(&self.inner.turn).lock_owned().await;
        by.still_holds()?;
        Ok(turn)
    }

    fn check(&self, user: &User, outcome: Outcome, by: &Identity) -> Result<()> {
        let root = accounts::root_can_log_in(&self.inner.shadow);
        let known = self.known();
        let others = known.values().map(|known| &known.user);
        let others = others.filter(|other| other.name != user.name);
        check(user, outcome, &by.account, others, root)
    }

    /// Names that differ only in case would be taken for each other by people.
    fn free(&self, name: &UserName) -> Result<()> {
        let known = self.known();
        let same = |taken: &str| taken.eq_ignore_ascii_case(name.as_str());
        if same(ROOT) || known.keys().any(|taken| same(taken)) {
            return Err(Error::Conflict {
                reason: format!("there is a user named {name} already"),
                hint: "choose another name".into(),
            });
        }
        if known.len() >= MOST {
            return Err(Error::Conflict {
                reason: format!("there are {MOST} users already"),
                hint: "delete those that are no longer needed".into(),
            });
        }
        Ok(())
    }

    async fn change<T>(
        &self,
        actor: &Actor,
        target: String,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let audit = &self.inner.audit;
        let operation = Operation::UserManage;
        audit.change(actor, operation, target, work).await
    }

    /// Stores a user and ends what they have open: all, or with the cookie of one's own session only one's other
    /// sessions. Goes on when the caller goes away, or what is in force would not be what is stored.
    async fn put(
        &self,
        turn: OwnedMutexGuard<()>,
        user: User,
        hash: String,
        own: Option<String>,
    ) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        let putting = tokio::spawn(async move {
            let _turn = turn;
            let row = (user.clone(), hash.clone());
            let put = move |c: &mut Connection| rows::put(c, &row.0, &row.1);
            inner.store.run_durably("storing a user", put).await?;
            let name = user.name.to_string();
            let known = Known { user, hash };
            inner.known().insert(name.clone(), known);
            inner.sessions.close_all_of(&name, own.as_deref());
            if own.is_none() {
                inner.tokens.end_streams_of(&name);
            }
            inner.events.publish(EventKind::AccessChanged);
            Ok(())
        });
        putting
            .await
            .map_err(|error| Error::internal("storing a user", error))?
    }

    fn find(&self, name: &UserName) -> Result<User> {
        let known = self.known();
        let found = known.get(name.as_str()).map(|known| known.user.clone());
        found.ok_or_else(|| not_found(name.as_str()))
    }

    fn hash_of(&self, name: &UserName) -> Result<String> {
        let known = self.known();
        let found = known.get(name.as_str()).map(|known| known.hash.clone());
        found.ok_or_else(|| not_found(name.as_str()))
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.inner.known()
    }
}

impl Inner {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(name: &str) -> Error {
    Error::NotFound {
        what: "user",
        id: name.to_owned(),
    }
}

/// Hashing takes a tenth of a second.
async fn hashed(field: &'static str, password: String) -> Result<String> {
    blocking(move || {
        accounts::check_password(&password)
            .map_err(|error| Error::field(field, error.to_string()))?;
        accounts::hash_password(&password).map_err(|error| Error::internal("hashing", error))
    })
    .await
}
