//! API tokens: secrets for machines, with a role and an end. Owns the table, of which a copy is kept in
//! memory so that a request costs no query; only digests of the secrets are stored.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use qx_model::access::{Actor, Operation, Role};
use rusqlite::Connection;
use tokio::sync::watch;
use uuid::Uuid;

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::error::{Error, Result};
use crate::events::{EventKind, Events};
use crate::identity::{Identity, Validity};
use crate::secret::{self, Fingerprint};
use crate::store::Store;
use crate::users::ROOT;

/// What every token begins with, so that a leaked one is recognised.
const PREFIX: &str = "qxt_";
/// Tokens at once.
const MOST: usize = 1000;
/// Tokens of one user, so that nobody keeps others from making theirs; root has no such bound.
const MOST_OF_ONE: usize = 100;
/// How long one lasts, in seconds: a minute to ten years.
const LIFETIMES_S: RangeInclusive<u64> = 60..=315_360_000;
/// How exactly `last_used_at` is kept.
const USE_STEP_S: i64 = 60;

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Identity.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// Who made it.
    pub created_by: String,
    /// The account that it acts for: a user's name, or `root`. It may never do more than that account.
    pub owner: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// All tokens. Clones share them.
#[derive(Clone)]
pub struct Tokens {
    store: Store,
    audit: Audit,
    events: Events,
    known: Arc<Mutex<HashMap<Fingerprint, Known>>>,
}

struct Known {
    token: Token,
    /// Dropped on revocation: streams that watch it end.
    alive: watch::Sender<()>,
}

impl Tokens {
    pub(crate) async fn load(store: Store, audit: Audit, events: Events) -> Result<Self> {
        let rows = store.run("reading API tokens", read_all).await?;
        let known = rows
            .into_iter()
            .map(|(hash, token)| (hash, Known::new(token)))
            .collect();
        Ok(Self {
            store,
            audit,
            events,
            known: Arc::new(Mutex::new(known)),
        })
    }

    /// Makes a token and gives its secret, the only time that it is known.
    pub async fn create(
        &self,
        by: &Identity,
        name: String,
        role: Role,
        expires_in: Option<Duration>,
    ) -> Result<(Token, String)> {
        let target = format!("create {name} as {}", role.name());
        let work = async {
            let token = self.checked(by, name, role, expires_in)?;
            let secret = format!("{PREFIX}{}", secret::random()?);
            let hash = secret::fingerprint(&secret);
            let row = token.clone();
            self.store
                .run_durably("storing an API token", move |c| insert(c, hash, &row))
                .await?;
            self.lock().insert(hash, Known::new(token.clone()));
            // Whoever was shut out meanwhile leaves nothing behind.
            if let Err(ended) = by.still_holds() {
                self.remove(hash).await?;
                return Err(ended);
            }
            Ok((token, secret))
        };
        self.change(by, target, work).await
    }

    async fn change<T>(
        &self,
        by: &Identity,
        target: String,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let operation = Operation::TokenManage;
        let changed = self.audit.change(&by.actor, operation, target, work).await;
        if changed.is_ok() {
            self.events.publish(EventKind::AccessChanged);
        }
        changed
    }

    fn checked(
        &self,
        by: &Identity,
        name: String,
        role: Role,
        expires_in: Option<Duration>,
    ) -> Result<Token> {
        let length = name.chars().count();
        if !(1..=63).contains(&length) || name.chars().any(char::is_control) {
            let reason = "must be 1 to 63 characters, none of them a control character";
            return Err(Error::field("name", reason));
        }
        if expires_in.is_some_and(|time| !LIFETIMES_S.contains(&time.as_secs())) {
            return Err(Error::field(
                "expires_in_s",
                "must be 60 to 315360000 (ten years)",
            ));
        }
        if role > by.actor.role {
            let reason = format!("must not be above your own role, {}", by.actor.role.name());
            return Err(Error::field("role", reason));
        }
        let created_at = Timestamp::now();
        let expires_at = expires_in.map(|time| created_at + time);
        if let Some(end) = by.expires_at.filter(|_| by.by_token)
            && expires_at.is_none_or(|wanted| wanted > end)
        {
            let reason = format!("must end by {end}, when the token that asks for it does");
            return Err(Error::field("expires_in_s", reason));
        }
        self.has_room_for(&by.account)?;
        Ok(Token {
            id: Uuid::new_v4(),
            name,
            role,
            created_by: by.actor.name.clone(),
            owner: by.account.clone(),
            created_at,
            expires_at,
            last_used_at: None,
        })
    }

    fn has_room_for(&self, owner: &str) -> Result<()> {
        let known = self.lock();
        let own = known.values().filter(|known| known.token.owner == owner);
        let (owns, most) = match own.count() {
            own if own >= MOST_OF_ONE && owner != ROOT => ("of your own", MOST_OF_ONE),
            _ if known.len() >= MOST => ("on this host", MOST),
            _ => return Ok(()),
        };
        Err(Error::Conflict {
            reason: format!("there are {most} API tokens {owns} already"),
            hint: "revoke those that are no longer used".into(),
        })
    }

    /// Tokens of one's own, or all for an administrator; oldest first: at most `limit`, those after the token
    /// `after`, and what to pass as `after` for more. After a token that is gone by now it begins anew.
    pub fn list(
        &self,
        by: &Identity,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<(Vec<Token>, Option<Uuid>)> {
        authorize(&by.actor, Operation::TokenManage)?;
        let mut tokens: Vec<Token> = self
            .lock()
            .values()
            .map(|known| known.token.clone())
            .filter(|token| sees(by, token))
            .collect();
        tokens.sort_by_key(|token| (token.created_at, token.id));
        let seen = after.and_then(|id| tokens.iter().position(|token| token.id == id));
        tokens.drain(..seen.map_or(0, |at| at + 1));
        let more = tokens.len() > limit;
        tokens.truncate(limit);
        let next = tokens.last().filter(|_| more).map(|token| token.id);
        Ok((tokens, next))
    }

    /// Revokes a token at once, for open streams too.
    pub async fn delete(&self, by: &Identity, id: Uuid) -> Result<()> {
        let work = async {
            let hash = {
                let known = self.lock();
                let found = known
                    .iter()
                    .find(|(_, known)| known.token.id == id && sees(by, &known.token));
                found.map(|(hash, _)| *hash)
            };
            let hash = hash.ok_or_else(|| Error::NotFound {
                what: "API token",
                id: id.to_string(),
            })?;
            self.remove(hash).await
        };
        self.change(by, format!("delete {id}"), work).await
    }

    async fn remove(&self, hash: Fingerprint) -> Result<()> {
        // Refused from now on, even if the disk should fail us.
        self.lock().remove(&hash);
        let removed = self
            .store
            .run_durably("revoking an API token", move |connection| {
                connection.execute("DELETE FROM token WHERE hash = ?1", [hash])
            });
        removed.await.map(drop)
    }

    /// Ends the streams of a user's tokens: what these may do has changed.
    pub(crate) fn end_streams_of(&self, owner: &str) {
        for known in self.lock().values_mut() {
            if known.token.owner == owner {
                known.alive = watch::channel(()).0;
            }
        }
    }

    /// Refuses a user's tokens from now on; their rows go with the user's.
    pub(crate) fn forget_of(&self, owner: &str) {
        self.lock().retain(|_, known| known.token.owner != owner);
    }

    /// Whose token it is, if it is good now. `standing` tells what an account may do now.
    pub(crate) fn find(
        &self,
        secret: &str,
        origin: String,
        standing: impl Fn(&str) -> Option<Role>,
    ) -> Option<Identity> {
        let hash = secret::fingerprint(secret);
        let mut tokens = self.lock();
        let known = tokens.get_mut(&hash)?;
        let most = standing(&known.token.owner)?;
        let now = Timestamp::now();
        let left = match known.token.expires_at {
            Some(end) => Some(Duration::try_from(end.duration_since(now)).ok()?),
            None => None,
        };
        self.note_use(hash, &mut known.token, now);
        let token = &known.token;
        Some(Identity {
            actor: Actor {
                name: token.actor(),
                role: token.role.min(most),
                origin,
            },
            account: token.owner.clone(),
            by_token: true,
            csrf_token: None,
            expires_at: token.expires_at,
            validity: Validity {
                revoked: Some(known.alive.subscribe()),
                deadline: left.and_then(|left| Instant::now().checked_add(left)),
            },
        })
    }

    fn note_use(&self, hash: Fingerprint, token: &mut Token, now: Timestamp) {
        let now_s = now.as_second();
        let minute = now_s - now_s.rem_euclid(USE_STEP_S);
        let minute = Timestamp::from_second(minute).unwrap_or(now);
        if token.last_used_at != Some(minute) {
            token.last_used_at = Some(minute);
            self.store.post(move |connection| {
                let used = (minute.as_millisecond(), hash);
                let updated =
                    connection.execute("UPDATE token SET last_used_at = ?1 WHERE hash = ?2", used);
                if let Err(error) = updated {
                    tracing::warn!(%error, "the use of an API token could not be noted");
                }
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Fingerprint, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    /// Its bearer, for the audit log and whatever is for one caller alone: no other account's token is called so.
    fn actor(&self) -> String {
        match self.owner.as_str() {
            ROOT => format!("token:{}", self.name),
            owner => format!("{owner}/token:{}", self.name),
        }
    }
}

impl Known {
    fn new(token: Token) -> Self {
        Self {
            token,
            alive: watch::channel(()).0,
        }
    }
}

fn insert(connection: &mut Connection, hash: Fingerprint, token: &Token) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO token (id, name, role, hash, created_by, created_at, expires_at, owner)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            token.id.to_string(),
            &token.name,
            token.role.name(),
            hash,
            &token.created_by,
            token.created_at.as_millisecond(),
            token.expires_at.map(Timestamp::as_millisecond),
            &token.owner,
        ),
    )?;
    Ok(())
}

fn read_all(connection: &mut Connection) -> rusqlite::Result<Vec<(Fingerprint, Token)>> {
    let mut statement = connection.prepare(
        "SELECT id, name, role, hash, created_by, created_at, expires_at, last_used_at, owner
         FROM token",
    )?;
    let time = |millisecond: i64| Timestamp::from_millisecond(millisecond).unwrap_or_default();
    let rows = statement.query_map([], |row| {
        let token = Token {
            id: row.get::<_, String>(0)?.parse().unwrap_or_default(),
            name: row.get(1)?,
            role: Role::named(&row.get::<_, String>(2)?),
            created_by: row.get(4)?,
            owner: row.get(8)?,
            created_at: time(row.get(5)?),
            expires_at: row.get::<_, Option<i64>>(6)?.map(time),
            last_used_at: row.get::<_, Option<i64>>(7)?.map(time),
        };
        Ok((row.get(3)?, token))
    })?;
    rows.collect()
}

/// People see their own tokens, a token those of its account that are not above it, an administrator all.
fn sees(by: &Identity, token: &Token) -> bool {
    let own = token.owner == by.account && (!by.by_token || token.role <= by.actor.role);
    own || by.actor.role == Role::Admin
}
