//! The host's configuration as a whole: backing it up, putting a backup in its place, forgetting it. What lies where,
//! and what the next boot does, is `qx_host`'s.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use qx_host::backup::{self, BackupError, MOST_BYTES, Maker, OpenError, Passphrase};
use qx_host::boot::BootInfo;
use qx_host::pending::{self, PendingError, Places, RestoreOptions, Scope};
use qx_host::power::{self, PowerAction, Switch};
use qx_model::access::{Actor, Operation};
use tokio::sync::Mutex;

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};

/// How a backup is protected: the caller has to say so.
#[derive(Debug, Clone)]
pub enum Protection {
    /// By a passphrase.
    Passphrase(String),
    /// Not at all: keys and password hashes can be read by whoever has the file.
    None,
}

/// A configuration as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupFile {
    /// What to call it.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What a restart will put into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The host's name then.
    pub hostname: String,
    /// Name of the host that made the backup.
    pub made_by: String,
    /// When it did.
    pub made_at: Timestamp,
    /// Version that ran there.
    pub version: String,
    /// Fingerprint of the SSH host key that signed it.
    pub signed_by: String,
    /// What of it is not taken, in sentences.
    pub notes: Vec<String>,
}

/// See the module. Clones share everything.
#[derive(Clone)]
pub struct HostState {
    places: Places,
    audit: Audit,
    switch: Switch,
    /// A backup may take much memory: one at a time.
    turn: Arc<Mutex<()>>,
}

impl HostState {
    pub(crate) fn new(places: Places, audit: Audit) -> Self {
        Self {
            places,
            audit,
            switch: power::request,
            turn: Arc::default(),
        }
    }

    /// The same with another power switch, for tests.
    #[must_use]
    pub fn with_switch(self, switch: Switch) -> Self {
        Self { switch, ..self }
    }

    /// Backs up the configuration of a host that is called `hostname` and runs `version`.
    ///
    /// # Errors
    /// When the passphrase is too short, or a file can't be read.
    pub async fn backup(
        &self,
        actor: &Actor,
        protection: Protection,
        maker: Maker,
    ) -> Result<BackupFile> {
        let work = async {
            let passphrase = match protection {
                Protection::Passphrase(text) => Some(passphrase(&text)?),
                Protection::None => None,
            };
            let _turn = self.turn.lock().await;
            let state = self.places.state.clone();
            let day = Timestamp::now().to_string();
            let day = day.split('T').next().unwrap_or_default();
            let end = if passphrase.is_some() {
                "tar.age"
            } else {
                "tar"
            };
            let name = format!("{}-{day}.{end}", maker.hostname);
            blocking(move || {
                let bytes = backup::create(&state, maker, passphrase.as_ref()).map_err(not_made)?;
                Ok(BackupFile { name, bytes })
            })
            .await
        };
        self.audit
            .change(actor, Operation::HostBackup, "host", work)
            .await
    }

    /// Checks a backup and restarts the host, which comes up with what is in it.
    ///
    /// # Errors
    /// When the backup is not one, its passphrase is wrong, or this host can't be changed now. Nothing has changed
    /// then.
    pub async fn restore(
        &self,
        actor: &Actor,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
        passphrase: Option<String>,
        options: RestoreOptions,
    ) -> Result<Restored> {
        let work = async {
            let passphrase = passphrase.as_deref().map(self::passphrase).transpose()?;
            let _turn = self.turn.lock().await;
            let bytes = take(body).await?;
            let (places, switch) = (self.places.clone(), self.switch);
            blocking(move || {
                let backup = backup::open(bytes, passphrase.as_ref()).map_err(not_opened)?;
                let staged =
                    pending::request_restore(&places, &backup, options).map_err(not_possible)?;
                restart(switch)?;
                let index = backup.index();
                let seconds = i64::try_from(index.made_at).unwrap_or_default();
                Ok(Restored {
                    hostname: staged.hostname,
                    made_by: index.hostname.clone(),
                    made_at: Timestamp::from_second(seconds).unwrap_or_default(),
                    version: index.version.clone(),
                    signed_by: backup.signer().to_owned(),
                    notes: staged.notes,
                })
            })
            .await
        };
        self.audit
            .change(actor, Operation::HostRestore, "host", work)
            .await
    }

    /// Restarts the host, which comes up as it was after its installation. `confirm` is the host's name, `hostname`,
    /// as typed by whoever means it.
    ///
    /// # Errors
    /// When another name was typed, or this host can't be changed now.
    pub async fn reset(
        &self,
        actor: &Actor,
        scope: Scope,
        confirm: &str,
        hostname: &str,
    ) -> Result<()> {
        let what = match scope {
            Scope::Configuration => "configuration",
            Scope::Everything => "everything",
        };
        let work = async {
            if confirm != hostname {
                let reason = "must be the name of this host, as GET /api/v1/host tells it";
                return Err(Error::field("confirm", reason));
            }
            let (places, switch) = (self.places.clone(), self.switch);
            blocking(move || {
                pending::request_reset(&places, scope).map_err(not_possible)?;
                restart(switch)
            })
            .await
        };
        self.audit
            .change(actor, Operation::HostReset, what, work)
            .await
    }

    /// Shuts the host down, or restarts it: running VMs are asked to shut down first.
    ///
    /// # Errors
    /// When the daemon does not run on a host that is ours, such as on a developer's machine, or init refuses.
    pub async fn power(&self, actor: &Actor, action: PowerAction) -> Result<()> {
        let what = match action {
            PowerAction::Off => "shutdown",
            PowerAction::Reboot => "reboot",
        };
        let work = async {
            let (run, switch) = (self.places.run.clone(), self.switch);
            blocking(move || {
                BootInfo::read(&run).map_err(|_| Error::Conflict {
                    reason: "this daemon does not run on a host that was booted from Quantix-OS"
                        .to_owned(),
                    hint: "shut the machine down by its own means".to_owned(),
                })?;
                switch(action).map_err(|error| Error::Unavailable {
                    reason: error.to_string(),
                    hint: "try it on the host's console (F12)".to_owned(),
                })
            })
            .await
        };
        self.audit
            .change(actor, Operation::HostPower, what, work)
            .await
    }

    /// Who this host is, for a backup of it.
    ///
    /// # Errors
    /// When the actor may not make one.
    pub fn maker(&self, actor: &Actor, hostname: String) -> Result<Maker> {
        authorize(actor, Operation::HostBackup)?;
        let boot = BootInfo::read(&self.places.run).ok();
        let version = boot.map(|boot| boot.version);
        Ok(Maker {
            hostname,
            version: version.unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
        })
    }
}

fn passphrase(text: &str) -> Result<Passphrase> {
    text.parse()
        .map_err(|error: qx_host::config::ValueError| Error::field("passphrase", error.to_string()))
}

/// All of an upload, as long as a backup may be.
async fn take(body: impl Stream<Item = io::Result<Bytes>> + Send) -> Result<Vec<u8>> {
    let mut body = std::pin::pin!(body);
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| Error::Conflict {
            reason: format!("the upload broke off: {error}"),
            hint: "nothing has changed; send the backup again".to_owned(),
        })?;
        if bytes.len() + piece.len() > MOST_BYTES {
            return Err(not_opened(OpenError::TooLarge));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn restart(switch: Switch) -> Result<()> {
    switch(PowerAction::Reboot).map_err(|error| Error::Unavailable {
        reason: format!("all is prepared, but the restart was refused: {error}"),
        hint: "it is carried out whenever the host starts next".to_owned(),
    })
}

fn not_made(error: BackupError) -> Error {
    match error {
        BackupError::TooLarge | BackupError::Name { .. } => Error::Conflict {
            reason: error.to_string(),
            hint: "then try again".to_owned(),
        },
        BackupError::Read { .. } | BackupError::Identity(_) | BackupError::Make { .. } => {
            Error::internal("backing up the configuration", error)
        }
    }
}

fn not_opened(error: OpenError) -> Error {
    match error {
        OpenError::NeedsPassphrase | OpenError::WrongPassphrase | OpenError::NotEncrypted => {
            Error::field("passphrase", error.to_string())
        }
        OpenError::Verify(_) => Error::internal("checking the backup's signature", error),
        other => Error::field("body", other.to_string()),
    }
}

fn not_possible(error: PendingError) -> Error {
    let hint = match &error {
        PendingError::NotInstalled(_) => "this needs an installed host",
        PendingError::NotKept => "look at the system disk",
        PendingError::OnTrial => "keep the version or go back to the other one first",
        PendingError::ResetAsked => "restart the host",
        PendingError::NoSpace { .. } => "remove VMs that are no longer needed",
        PendingError::Mark { .. } | PendingError::Io { .. } => {
            return Error::internal("preparing the change of the configuration", error);
        }
    };
    Error::Conflict {
        reason: error.to_string(),
        hint: hint.to_owned(),
    }
}
