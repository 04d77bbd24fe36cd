//! What a person asked of a running host that only its next boot can do: put a backup's files in the place of the
//! host's own, or forget everything. Owns the marks on the configuration partition and what is done about them.
//!
//! ```text
//! running host                               next boot, before anything reads /quantix or /data
//! restore.new/ ──all synced, renamed──► restore/ ──parts moved into place──► restore.new/ ──► gone
//! reset.json.new ──synced, renamed────► reset.json ──all removed, data made anew──────────► gone
//! ```
//! Power may fail anywhere: until the first rename the host is the old one; from then on each boot goes on where the
//! last one ended, and the mark goes last. A reset overrules a restore.

mod files;
mod reset;
mod restore;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use qx_slots::BootEnv;

pub use reset::Scope;
pub use restore::{RestoreOptions, Staged};

use crate::backup::Backup;
use crate::boot::{Backing, BootInfo};
use crate::power;
use crate::trust::KEYS;
use crate::update::{Installed, NotInstalled};
use files::Doing as _;

/// In the run directory: why the last boot could not do what was asked of it.
const PROBLEM: &str = "pending-problem";

/// Where things are.
#[derive(Debug, Clone)]
pub struct Places {
    /// The configuration, `/quantix`.
    pub state: PathBuf,
    /// VM disks and the database, `/data`.
    pub data: PathBuf,
    /// The running system's records, `/run/quantix`.
    pub run: PathBuf,
    /// The keys that the image carries.
    pub keys: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            state: PathBuf::from("/quantix"),
            data: PathBuf::from("/data"),
            run: PathBuf::from("/run/quantix"),
            keys: PathBuf::from(KEYS),
        }
    }
}

/// Why nothing will be done, or was not.
#[derive(Debug, thiserror::Error)]
pub enum PendingError {
    /// A live system forgets everything by itself.
    #[error("{0}")]
    NotInstalled(NotInstalled),
    /// The mark would not outlive the restart.
    #[error(
        "the configuration partition is not in use: what is written to /quantix now is lost by a restart"
    )]
    NotKept,
    /// The configuration belongs to the verdict.
    #[error("a version of the system is on trial, or waits for its trial")]
    OnTrial,
    /// The next boot will forget everything anyway.
    #[error("a factory reset was asked for, and the next start carries it out")]
    ResetAsked,
    /// The new files do not fit beside the old ones.
    #[error(
        "the configuration partition has {have_mib} MiB free, and the restore needs {need_mib} MiB"
    )]
    NoSpace {
        /// What there is.
        have_mib: u64,
        /// What is needed.
        need_mib: u64,
    },
    /// A mark is there that this release does not understand.
    #[error("{path} can't be read: {reason}")]
    Mark {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk refused something.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
}

/// What a boot did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was asked for.
    Nothing,
    /// The files of a backup are in force.
    Restored,
    /// The host is as after its installation.
    Reset(Scope),
}

/// Has the next boot make this host as it was after its installation. Whoever asks restarts the machine then. Needs
/// no daemon.
///
/// # Errors
/// When the host is not installed, a version of the system is on trial, or the disk fails.
pub fn request_reset(places: &Places, scope: Scope) -> Result<(), PendingError> {
    may_change(places)?;
    reset::mark(&places.state, scope)
}

/// Has the next boot put the files of a backup in the place of this host's. Whoever asks restarts the machine then.
///
/// # Errors
/// As [`request_reset`]; besides when there is no room, or a reset was asked for.
pub fn request_restore(
    places: &Places,
    backup: &Backup,
    options: RestoreOptions,
) -> Result<Staged, PendingError> {
    may_change(places)?;
    if reset::is_marked(&places.state) {
        return Err(PendingError::ResetAsked);
    }
    restore::stage(places, backup, options)
}

/// Does at boot what was asked for, each step told to `tell`, and leaves a note for [`problem`] if it can't.
///
/// # Errors
/// When it can't; the next boot tries again.
pub fn at_boot(places: &Places, tell: fn(&str)) -> Result<Outcome, PendingError> {
    let mut told = |step: &str| {
        tell(step);
        Ok(())
    };
    let outcome = carry_out(places, &|| reset::renew_data(places), &mut told);
    if let Err(error) = &outcome {
        let text = format!("{error}; it is tried again at every start");
        // The boot's own log has it too.
        let _ = fs::create_dir_all(&places.run)
            .and_then(|()| fs::write(places.run.join(PROBLEM), text));
    }
    if let Ok(Outcome::Reset(Scope::Everything)) = outcome
        && BootInfo::read(&places.run).is_ok_and(|boot| boot.data == Backing::Ram)
    {
        // /data was in memory, because its file system was damaged; it is whole now, and the mark is gone.
        let source = power::restart_at_once();
        return Err(PendingError::Io {
            doing: "restart".to_owned(),
            source,
        });
    }
    outcome
}

/// Why what was asked for was not done at this boot, in words.
#[must_use]
pub fn problem(run: &Path) -> Option<String> {
    fs::read_to_string(run.join(PROBLEM)).ok()
}

/// The steps, each told before it is done. A step that `tell` refuses is not done, like all after it.
fn carry_out(
    places: &Places,
    renew_data: &dyn Fn() -> io::Result<()>,
    tell: &mut dyn FnMut(&str) -> io::Result<()>,
) -> Result<Outcome, PendingError> {
    if let Some(scope) = reset::read_mark(&places.state)? {
        reset::carry_out(places, scope, renew_data, tell)?;
        return Ok(Outcome::Reset(scope));
    }
    if restore::is_staged(&places.state) {
        restore::carry_out(&places.state, tell)?;
        return Ok(Outcome::Restored);
    }
    Ok(Outcome::Nothing)
}

fn may_change(places: &Places) -> Result<(), PendingError> {
    let installed =
        Installed::find(&places.run, &places.state).map_err(PendingError::NotInstalled)?;
    let boot = BootInfo::read(&places.run)
        .map_err(io::Error::other)
        .doing(|| "read how this system was started".to_owned())?;
    if boot.config == Backing::Ram {
        return Err(PendingError::NotKept);
    }
    // A boot environment that can't be read has no trial that could be disturbed.
    match installed.env() {
        Ok(env) if is_on_trial(&env) => Err(PendingError::OnTrial),
        Ok(_) | Err(_) => Ok(()),
    }
}

const fn is_on_trial(env: &BootEnv) -> bool {
    env.pending.is_some()
}

#[cfg(test)]
mod tests;
