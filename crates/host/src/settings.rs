//! Changing the configuration of a running host, one part at a time: stored first, then in force at once. The
//! network is not among them: a change of it could cut off whoever made it.

use std::io;

use crate::accounts::{self, AccountError};
use crate::apply::{self, ApplyError, Paths};
use crate::config::{Config, ServerName, Ssh, Store, StoreError, TimeZone, ValueError};

/// Why a setting was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The password may not be set.
    #[error("the password {0}")]
    Password(ValueError),
    /// It could not be hashed.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The hash is of no kind that the configuration takes.
    #[error("the password's hash {0}")]
    Hash(ValueError),
    /// It could not be stored; everything is as before.
    #[error("nothing was changed: the configuration cannot be stored")]
    Store(#[from] StoreError),
    /// It is stored and counts from the next boot on.
    #[error("it is stored, but in force only after a restart")]
    Apply(#[from] ApplyError),
    /// It is stored and written, but services don't follow.
    #[error("it is stored, but services do not follow it before a restart")]
    Services(#[source] io::Error),
}

/// Sets root's password: for the console, SSH and the web UI at once, and for all boots to come. Sessions that
/// are open stay open.
///
/// # Errors
/// See [`SettingsError`].
pub fn set_root_password(paths: &Paths, password: &str) -> Result<Vec<String>, SettingsError> {
    accounts::check_password(password).map_err(SettingsError::Password)?;
    let hash = accounts::hash_password(password)?;
    let hash = hash.parse().map_err(SettingsError::Hash)?;
    store(paths, |config| {
        config.system.root_password_hash = Some(hash)
    })
}

/// Turns SSH on or off, and says whose keys open it.
///
/// # Errors
/// See [`SettingsError`].
pub fn set_ssh(paths: &Paths, ssh: Ssh) -> Result<Vec<String>, SettingsError> {
    let problems = store(paths, |config| config.ssh = ssh)?;
    apply::follow().map_err(SettingsError::Services)?;
    Ok(problems)
}

/// Sets local time and where the clock is set from.
///
/// # Errors
/// See [`SettingsError`].
pub fn set_time(
    paths: &Paths,
    timezone: TimeZone,
    ntp: Vec<ServerName>,
) -> Result<Vec<String>, SettingsError> {
    let problems = store(paths, |config| {
        config.system.timezone = timezone;
        config.system.ntp = ntp;
    })?;
    apply::follow().map_err(SettingsError::Services)?;
    Ok(problems)
}

/// Changes what is stored and writes what follows from it. Returns what is wrong with the configuration besides:
/// of one that cannot be read, the newest good generation was changed.
fn store(paths: &Paths, change: impl FnOnce(&mut Config)) -> Result<Vec<String>, SettingsError> {
    let store = Store::new(&paths.state);
    let loaded = store.load();
    let mut config = loaded.config;
    change(&mut config);
    store.save(&config)?;
    let mut problems = loaded.status.problems;
    problems.extend(apply::apply(paths)?.problems);
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::config::Source;

    fn host(dir: &Path) -> Paths {
        for name in ["root/etc", "state", "run", "sys", "dev"] {
            fs::create_dir_all(dir.join(name)).unwrap();
        }
        fs::write(dir.join("root/etc/shadow"), "root:*:1::::::\n").unwrap();
        Paths {
            root: dir.join("root"),
            state: dir.join("state"),
            run: dir.join("run"),
            sys: dir.join("sys"),
            dev: dir.join("dev"),
            cmdline: dir.join("cmdline"),
        }
    }

    #[test]
    fn a_new_password_counts_at_once_and_at_the_next_boot_and_nothing_else_changes() {
        let dir = tempfile::tempdir().unwrap();
        let paths = host(dir.path());
        let mut before = Config::default();
        before.system.hostname = "qx7".parse().unwrap();
        before.ssh.enabled = true;
        Store::new(&paths.state).save(&before).unwrap();
        set_root_password(&paths, "correct horse").unwrap();
        let shadow = paths.root.join("etc/shadow");
        let opens = |word| accounts::verify_root_password(&shadow, word).unwrap();
        assert!(opens("correct horse") && !opens("correct house"));
        let mut after = Store::new(&paths.state).load().config;
        assert!(after.system.root_password_hash.take().is_some());
        assert_eq!(after, before);
    }

    #[test]
    fn a_bad_password_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let paths = host(dir.path());
        let error = set_root_password(&paths, "short").unwrap_err();
        assert!(error.to_string().contains("8 to 256"), "{error}");
        assert!(!paths.state.join("config.toml").exists());
    }

    #[test]
    fn of_an_unreadable_configuration_the_newest_good_one_is_changed_and_it_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let paths = host(dir.path());
        let mut before = Config::default();
        before.system.hostname = "qx7".parse().unwrap();
        let store = Store::new(&paths.state);
        store.save(&before).unwrap();
        fs::write(paths.state.join("config.toml"), "version = 1\n[sytem]\n").unwrap();
        let problems = set_root_password(&paths, "correct horse").unwrap();
        assert!(problems[0].contains("sytem"), "{problems:?}");
        let after = store.load();
        assert_eq!(after.status.source, Source::Current);
        assert_eq!(after.config.system.hostname.as_str(), "qx7");
    }

    #[test]
    fn what_cannot_be_stored_leaves_everything_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let paths = host(dir.path());
        fs::remove_dir(&paths.state).unwrap();
        fs::write(&paths.state, "in its way").unwrap();
        let error = set_root_password(&paths, "correct horse").unwrap_err();
        assert!(matches!(error, SettingsError::Store(_)), "{error}");
        let shadow = fs::read_to_string(paths.root.join("etc/shadow")).unwrap();
        assert_eq!(shadow, "root:*:1::::::\n");
    }
}
