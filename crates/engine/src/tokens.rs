//! API tokens: secrets for machines, with a role and an end. Owns the table, of which a copy is kept in
//! memory so that a request costs no query; only digests of the secrets are stored.

use std::collections::HashMap;
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
use crate::identity::{Identity, Validity};
use crate::secret::{self, Fingerprint};
use crate::store::Store;

/// What every token begins with, so that a leaked one is recognised.
const PREFIX: &str = "qxt_";
/// Tokens at once.
const MOST: usize = 1000;
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
    known: Arc<Mutex<HashMap<Fingerprint, Known>>>,
}

struct Known {
    token: Token,
    /// Dropped on revocation: streams that watch it end.
    alive: watch::Sender<()>,
}

impl Tokens {
    pub(crate) async fn load(store: Store, audit: Audit) -> Result<Self> {
        let rows = store.run("reading API tokens", read_all).await?;
        let known = rows
            .into_iter()
            .map(|(hash, token)| (hash, Known::new(token)))
            .collect();
        Ok(Self {
            store,
            audit,
            known: Arc::new(Mutex::new(known)),
        })
    }

    /// Makes a token and gives its secret, the only time that it is known.
    pub async fn create(
        &self,
        actor: &Actor,
        name: String,
        role: Role,
        expires_in: Option<Duration>,
    ) -> Result<(Token, String)> {
        let target = name.clone();
        let work = async {
            let token = self.checked(actor, name, role, expires_in)?;
            let secret = format!("{PREFIX}{}", secret::random()?);
            let hash = secret::fingerprint(&secret);
            let row = token.clone();
            self.store
                .run_durably("storing an API token", move |c| insert(c, hash, &row))
                .await?;
            self.lock().insert(hash, Known::new(token.clone()));
            Ok((token, secret))
        };
        self.audit
            .change(
                actor,
                Operation::TokenManage,
                format!("create {target}"),
                work,
            )
            .await
    }

    fn checked(
        &self,
        actor: &Actor,
        name: String,
        role: Role,
        expires_in: Option<Duration>,
    ) -> Result<Token> {
        let length = name.chars().count();
        if !(1..=63).contains(&length) || name.chars().any(char::is_control) {
            let reason = "must be 1 to 63 characters, none of them a control character";
            return Err(Error::field("name", reason));
        }
        if expires_in.is_some_and(|time| !(60..=315_360_000).contains(&time.as_secs())) {
            return Err(Error::field(
                "expires_in_s",
                "must be 60 to 315360000 (ten years)",
            ));
        }
        if self.lock().len() >= MOST {
            return Err(Error::Conflict {
                reason: format!("there are {MOST} API tokens already"),
                hint: "revoke those that are no longer used".into(),
            });
        }
        let created_at = Timestamp::now();
        Ok(Token {
            id: Uuid::new_v4(),
            name,
            role,
            created_by: actor.name.clone(),
            created_at,
            expires_at: expires_in.map(|time| created_at + time),
            last_used_at: None,
        })
    }

    /// All tokens, oldest first.
    pub fn list(&self, actor: &Actor) -> Result<Vec<Token>> {
        authorize(actor, Operation::TokenManage)?;
        let mut tokens: Vec<Token> = self
            .lock()
            .values()
            .map(|known| known.token.clone())
            .collect();
        tokens.sort_by_key(|token| (token.created_at, token.id));
        Ok(tokens)
    }

    /// Revokes a token at once, for open streams too.
    pub async fn delete(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let work = async {
            let hash = {
                let known = self.lock();
                let found = known.iter().find(|(_, known)| known.token.id == id);
                found.map(|(hash, _)| *hash)
            };
            let hash = hash.ok_or_else(|| Error::NotFound {
                what: "API token",
                id: id.to_string(),
            })?;
            // Refused from now on, even if the disk should fail us.
            self.lock().remove(&hash);
            self.store
                .run_durably("revoking an API token", move |connection| {
                    connection.execute("DELETE FROM token WHERE hash = ?1", [hash])
                })
                .await
                .map(|_| ())
        };
        self.audit
            .change(actor, Operation::TokenManage, format!("delete {id}"), work)
            .await
    }

    /// Whose token it is, if it is good now.
    pub(crate) fn find(&self, secret: &str, origin: String) -> Option<Identity> {
        let hash = secret::fingerprint(secret);
        let mut tokens = self.lock();
        let known = tokens.get_mut(&hash)?;
        let now = Timestamp::now();
        let left = match known.token.expires_at {
            Some(end) => Some(Duration::try_from(end.duration_since(now)).ok()?),
            None => None,
        };
        self.note_use(hash, &mut known.token, now);
        let token = &known.token;
        Some(Identity {
            actor: Actor {
                name: format!("token:{}", token.name),
                role: token.role,
                origin,
            },
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
        "INSERT INTO token (id, name, role, hash, created_by, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            token.id.to_string(),
            &token.name,
            token.role.name(),
            hash,
            &token.created_by,
            token.created_at.as_millisecond(),
            token.expires_at.map(Timestamp::as_millisecond),
        ),
    )?;
    Ok(())
}

fn read_all(connection: &mut Connection) -> rusqlite::Result<Vec<(Fingerprint, Token)>> {
    let mut statement = connection.prepare(
        "SELECT id, name, role, hash, created_by, created_at, expires_at, last_used_at FROM token",
    )?;
    let time = |millisecond: i64| Timestamp::from_millisecond(millisecond).unwrap_or_default();
    let rows = statement.query_map([], |row| {
        let token = Token {
            id: row.get::<_, String>(0)?.parse().unwrap_or_default(),
            name: row.get(1)?,
            role: role(&row.get::<_, String>(2)?),
            created_by: row.get(4)?,
            created_at: time(row.get(5)?),
            expires_at: row.get::<_, Option<i64>>(6)?.map(time),
            last_used_at: row.get::<_, Option<i64>>(7)?.map(time),
        };
        Ok((row.get(3)?, token))
    })?;
    rows.collect()
}

/// What can't be read may do least.
fn role(name: &str) -> Role {
    [Role::Admin, Role::Operator]
        .into_iter()
        .find(|role| role.name() == name)
        .unwrap_or(Role::Viewer)
}
