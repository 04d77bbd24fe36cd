//! A restore: the backup's files are laid beside the host's own, and the next boot exchanges them.
//!
//! ```text
//! STATE/restore/config.toml     the configuration to put into force
//! STATE/restore/files/PART      tls, ssh, libvirt, … as they shall be
//! STATE/before-restore/PART     as they were, until the next restore
//!
//! each PART at boot, by what is there:
//!   staged, own, nothing aside ──► put its own aside ──┐
//!   staged, own, and one aside ──► remove its own    ──┤ (made since by a boot that did not get so far)
//!   staged, none of its own    ──► move it in ◄────────┘
//!   not staged                 ──► done
//! ```

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::Path;

use qx_slots::{KEYRING_FILE, KEYRING_SIGNATURE_FILE};

use super::files::{Doing, exists, remove, rename, sync};
use super::{PendingError, Places};
use crate::backup::{Backup, Entry, Kind, configuration};
use crate::config::{self, Config, Store};
use crate::trust;
use crate::update;

const UNFINISHED: &str = "restore.new";
const STAGED: &str = "restore";
const FILES: &str = "files";
const CONFIG: &str = "config.toml";
const ASIDE: &str = "before-restore";
/// What is exchanged as a whole. Two more go with the machine.
const PARTS: [&str; 3] = ["libvirt", "ssh", "tls"];
const OF_THE_MACHINE: [&str; 2] = ["iscsi", "machine-id"];
/// What stays free besides.
const RESERVE: u64 = 4 << 20;

/// What of a backup is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// Keep this host's management network instead of the backup's.
    pub skip_network: bool,
    /// This machine takes the place of the one that made the backup: it gets its machine id and its iSCSI name,
    /// which no two machines may have.
    pub same_machine: bool,
}

/// What the next boot will put into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// The host's name then.
    pub hostname: String,
    /// What of the backup is not taken, in sentences.
    pub notes: Vec<String>,
}

/// What is to be done about one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    PutAside,
    RemoveOwn,
    MoveIn,
    Done,
}

const fn step(staged: bool, own: bool, aside: bool) -> Step {
    match (staged, own, aside) {
        (false, _, _) => Step::Done,
        (true, true, false) => Step::PutAside,
        (true, true, true) => Step::RemoveOwn,
        (true, false, _) => Step::MoveIn,
    }
}

pub(super) fn is_staged(state: &Path) -> bool {
    exists(&state.join(STAGED))
}

/// Lays the backup's files beside the host's own. Only the last step, a rename, makes them count.
pub(super) fn stage(
    places: &Places,
    backup: &Backup,
    options: RestoreOptions,
) -> Result<Staged, PendingError> {
    let state = &places.state;
    for old in [UNFINISHED, STAGED, ASIDE] {
        remove(&state.join(old))?;
    }
    check_space(state, backup)?;
    let config = config_of(state, backup, options)?;
    let unfinished = state.join(UNFINISHED);
    make_private(&unfinished)?;
    make_private(&unfinished.join(FILES))?;
    write(&unfinished.join(CONFIG), config.to_toml().as_bytes(), 0o600)?;
    for entry in &backup.index().entries {
        let root = entry.path.split('/').next().unwrap_or_default();
        let taken =
            PARTS.contains(&root) || (options.same_machine && OF_THE_MACHINE.contains(&root));
        if taken {
            lay(&unfinished.join(FILES), entry, backup)?;
        }
    }
    let mut notes = Vec::new();
    if !options.same_machine {
        notes.push("the machine id and the iSCSI name stay this machine's own".to_owned());
    }
    if options.skip_network {
        notes.push("the management network stays as it is".to_owned());
    }
    notes.extend(adopt_trust(places, backup).err());
    sync(state)?;
    rename(&unfinished, &state.join(STAGED))?;
    Ok(Staged {
        hostname: config.system.hostname.to_string(),
        notes,
    })
}

/// Goes on with a restore where the last boot ended.
pub(super) fn carry_out(
    state: &Path,
    tell: &mut dyn FnMut(&str) -> io::Result<()>,
) -> Result<(), PendingError> {
    let staged = state.join(STAGED);
    let mut tell = |what: &str| tell(what).doing(|| what.to_owned());
    let config = read_config(&staged.join(CONFIG))?;
    tell("restore: the configuration is put into force")?;
    Store::new(state)
        .save(&config)
        .map_err(io::Error::other)
        .doing(|| "store the restored configuration".to_owned())?;
    make_private(&state.join(ASIDE))?;
    for part in PARTS.into_iter().chain(OF_THE_MACHINE) {
        let (from, own) = (staged.join(FILES).join(part), state.join(part));
        let aside = state.join(ASIDE).join(part);
        loop {
            match step(exists(&from), exists(&own), exists(&aside)) {
                Step::PutAside => {
                    tell(&format!("restore: {part} of this host is put aside"))?;
                    rename(&own, &aside)?;
                }
                Step::RemoveOwn => {
                    tell(&format!("restore: {part} is removed, its place is needed"))?;
                    remove(&own)?;
                }
                Step::MoveIn => {
                    tell(&format!("restore: {part} of the backup is put into force"))?;
                    rename(&from, &own)?;
                }
                Step::Done => break,
            }
        }
    }
    tell("restore: done")?;
    // In one step: a half-removed one would look like one to go on with.
    remove(&state.join(UNFINISHED))?;
    rename(&staged, &state.join(UNFINISHED))?;
    remove(&state.join(UNFINISHED))
}

fn config_of(
    state: &Path,
    backup: &Backup,
    options: RestoreOptions,
) -> Result<Config, PendingError> {
    let mut config = configuration(backup)
        .map_err(io::Error::other)
        .doing(|| "read the configuration in the backup".to_owned())?;
    if options.skip_network {
        config.management = Store::new(state).peek().config.management;
    }
    Ok(config)
}

fn read_config(path: &Path) -> Result<Config, PendingError> {
    let text = fs::read_to_string(path).doing(|| format!("read {}", path.display()))?;
    match config::parse(&text) {
        Ok(parsed) => Ok(parsed.config),
        Err(problems) => {
            let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Err(PendingError::Mark {
                path: path.to_owned(),
                reason: texts.join("; "),
            })
        }
    }
}

fn check_space(state: &Path, backup: &Backup) -> Result<(), PendingError> {
    let need: u64 = backup
        .index()
        .entries
        .iter()
        .map(|entry| match entry.kind {
            Kind::File { bytes, .. } => bytes.next_multiple_of(4096),
            Kind::Directory | Kind::Link { .. } => 4096,
        })
        .sum::<u64>()
        .saturating_add(RESERVE);
    let disk = rustix::fs::statvfs(state)
        .map_err(io::Error::from)
        .doing(|| format!("look at the free space of {}", state.display()))?;
    let have = disk.f_bavail.saturating_mul(disk.f_frsize);
    if have < need {
        return Err(PendingError::NoSpace {
            have_mib: have >> 20,
            need_mib: need.div_ceil(1 << 20),
        });
    }
    Ok(())
}

/// The newest keyring and the highest floors hold, wherever they come from.
fn adopt_trust(places: &Places, backup: &Backup) -> Result<(), String> {
    let failed = |error: &dyn std::error::Error| {
        format!("which releases the other host accepted is not taken over: {error}")
    };
    let file = |name: &str| backup.file(&format!("trust/{name}"));
    if let (Some(keyring), Some(signature)) = (file(KEYRING_FILE), file(KEYRING_SIGNATURE_FILE)) {
        trust::adopt(&places.keys, &places.state, keyring, signature)
            .map_err(|error| failed(&error))?;
    }
    if let Some(floors) = file(update::RATCHET_FILE) {
        update::raise_floors(&places.state, floors).map_err(|error| failed(&error))?;
    }
    Ok(())
}

fn lay(files: &Path, entry: &Entry, backup: &Backup) -> Result<(), PendingError> {
    let path = files.join(&entry.path);
    let make = || -> io::Result<()> {
        match &entry.kind {
            Kind::Directory => {
                fs::create_dir(&path)?;
                fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode))?;
            }
            Kind::File { .. } => {
                let content = backup.file(&entry.path).unwrap_or_default();
                create(&path, content, entry.mode)?;
            }
            Kind::Link { target } => return symlink(target, &path),
        }
        chown(&path, Some(entry.uid), Some(entry.gid))
    };
    make().doing(|| format!("write {}", path.display()))
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), PendingError> {
    create(path, content, mode).doing(|| format!("write {}", path.display()))
}

fn create(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(content)
}

fn make_private(path: &Path) -> Result<(), PendingError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .doing(|| format!("make {}", path.display()))
}
