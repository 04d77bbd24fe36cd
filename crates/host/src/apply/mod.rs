//! Putting the configuration into force at boot: load → plan (pure) → write. Runs before the network, so
//! that nothing has to be restarted. A part that fails becomes a problem in the status and does not stop
//! the rest: a host that boots half-configured can be repaired, one that does not boot cannot.

mod applied;
mod files;
mod plan;
mod services;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use qx_slots::{BootEnv, EnvError, KernelArgs, SlotName};

pub use applied::Applied;
pub use files::{Entry, write_all};
pub use plan::{Facts, plan};
pub use services::{follow, reconfigure};

use crate::accounts::{self, AccountError};
use crate::boot::{BootInfo, Mode};
use crate::boot_env::{self, Devices};
use crate::config::{Config, Status, Store, TimeZone, kernel_arguments};
use crate::durable;
use crate::first_boot;
use crate::identity;
use crate::network;
use crate::pending;
use crate::ssh_window;
use crate::update::UpdateRecord;

/// The file that shows the one-time password to the console, in the run directory.
pub const INITIAL_PASSWORD: &str = "initial-password";

/// Where things are; on the product `/`, `/quantix`, `/run/quantix`, `/sys`, `/dev` and `/proc/cmdline`.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The root that files are written under.
    pub root: PathBuf,
    /// The configuration's directory.
    pub state: PathBuf,
    /// The run directory.
    pub run: PathBuf,
    /// sysfs.
    pub sys: PathBuf,
    /// The directory of device nodes.
    pub dev: PathBuf,
    /// The kernel's command line.
    pub cmdline: PathBuf,
}

/// Why nothing could be applied at all.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The outcome could not be recorded.
    #[error("cannot write to {path}")]
    Run {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Loads the configuration, writes everything that follows from it, and records the outcome in the run
/// directory. May be repeated; a one-time password stays the same while the system runs.
///
/// # Errors
/// Only when the run directory cannot be written; everything else is in the status.
pub fn apply(paths: &Paths) -> Result<Status, ApplyError> {
    let run_error = |source| ApplyError::Run {
        path: paths.run.clone(),
        source,
    };
    fs::create_dir_all(&paths.run).map_err(run_error)?;
    let mut loaded = Store::new(&paths.state).load();
    // What is stored stays as it is.
    loaded.config.ssh.enabled |= ssh_window::left(&paths.run).is_some();
    let problems = &mut loaded.status.problems;
    problems.extend(pending::problem(&paths.run));
    problems.extend(first_boot::problems(&paths.run));
    problems.extend(network::problems(&paths.run));
    let shadow = fs::read_to_string(paths.root.join("etc/shadow")).unwrap_or_default();
    let root_hash = match root_password(&loaded.config, paths) {
        Ok(hash) => hash,
        Err(error) => {
            problems.push(format!(
                "root has no password, log-in is impossible: {error}"
            ));
            None
        }
    };
    let zone_exists = zone_exists(&paths.root, &loaded.config.system.timezone);
    if !zone_exists {
        let zone = &loaded.config.system.timezone;
        problems.push(format!(
            "time zone {zone} is not known to this release; using UTC"
        ));
    }
    let machine_id = identity::machine_id(&paths.state)
        .map_err(|error| problems.push(error.to_string()))
        .ok();
    let facts = Facts {
        machine_id,
        shadow,
        root_hash,
        zone_exists,
    };
    let entries = plan(&loaded.config, &facts);
    problems.extend(write_all(&paths.root, &entries));
    problems.extend(settle_boot(&loaded.config, paths).err());

    Applied::of(&loaded.config)
        .write(&paths.run)
        .map_err(run_error)?;
    loaded.status.write(&paths.run).map_err(run_error)?;
    Ok(loaded.status)
}

/// The boot loader's arguments follow the configuration; what changed counts from the next boot on. A trial
/// of the other slot that is over is recorded. A live boot has no environment.
fn settle_boot(config: &Config, paths: &Paths) -> Result<(), String> {
    let Ok(boot) = BootInfo::read(&paths.run) else {
        return Ok(());
    };
    if boot.mode == Mode::Live {
        return Ok(());
    }
    let failed = |error: String| format!("the boot environment cannot be changed: {error}");
    let text = kernel_arguments(config).map_err(|error| failed(error.to_string()))?;
    let args: KernelArgs = text
        .parse()
        .map_err(|error: EnvError| failed(error.to_string()))?;
    let devices = Devices {
        sys: paths.sys.clone(),
        dev: paths.dev.clone(),
    };
    let cmdline = fs::read_to_string(&paths.cmdline).unwrap_or_default();
    let running = boot.slot.as_deref().and_then(SlotName::of_name);
    if let Some(running) = running.filter(|_| has_lost_env(&cmdline)) {
        let renewed = BootEnv::renewed(running, args.clone());
        boot_env::renew(Path::new(&boot.source), &devices, &renewed)
            .map_err(|error| failed(error.to_string()))?;
    }
    let mut env = None;
    boot_env::change(Path::new(&boot.source), &devices, |now| {
        now.args = args;
        if let Some(running) = running {
            now.settle(running, refused_slot(&cmdline));
        }
        env = Some(now.clone());
    })
    .map_err(|error| failed(error.to_string()))?;
    let (Some(env), Some(mut update)) = (env, UpdateRecord::read(&paths.state)) else {
        return Ok(());
    };
    if update.settle(&env) {
        update
            .write(&paths.state)
            .map_err(|error| format!("the end of the last update cannot be recorded: {error}"))?;
    }
    Ok(())
}

/// Whether the boot loader could believe no copy of the environment.
fn has_lost_env(cmdline: &str) -> bool {
    let mut words = cmdline.split_ascii_whitespace();
    words.any(|word| word == "quantix.env=lost")
}

/// The slot whose kernel the boot loader could not start before it started this one.
fn refused_slot(cmdline: &str) -> Option<SlotName> {
    cmdline
        .split_ascii_whitespace()
        .find_map(|word| word.strip_prefix("quantix.refused="))
        .and_then(SlotName::of_letter)
}

/// Whether the release below `root` knows a time zone.
#[must_use]
pub fn zone_exists(root: &Path, zone: &TimeZone) -> bool {
    root.join(plan::ZONES.trim_start_matches('/'))
        .join(zone.as_str())
        .is_file()
}

/// The hash to give root, or `None` to leave the one it has: the configured one, or a one-time password's,
/// which is made unless this boot has one already.
fn root_password(config: &Config, paths: &Paths) -> Result<Option<String>, RootPasswordError> {
    let shown = paths.run.join(INITIAL_PASSWORD);
    if let Some(hash) = &config.system.root_password_hash {
        match fs::remove_file(&shown) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => return Ok(Some(hash.as_str().to_owned())),
        }
    }
    let shadow = paths.root.join("etc/shadow");
    if let Ok(password) = fs::read_to_string(&shown)
        && accounts::verify_root_password(&shadow, password.trim_end()).unwrap_or(false)
    {
        return Ok(None);
    }
    let (password, hash) = accounts::one_time_password()?;
    durable::replace(&shown, format!("{password}\n").as_bytes(), 0o600)?;
    Ok(Some(hash))
}

#[derive(Debug, thiserror::Error)]
enum RootPasswordError {
    #[error("{0}")]
    Account(#[from] AccountError),
    #[error("cannot keep the one-time password: {0}")]
    Keep(#[from] io::Error),
}
