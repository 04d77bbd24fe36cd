//! Changing the configuration of a running host, one part at a time: stored first, then in force at once. The
//! network is not among them: a change of it could cut off whoever made it.

use std::io;
use std::time::Duration;

use crate::accounts::{self, AccountError};
use crate::apply::{self, ApplyError, Paths};
use crate::config::{
    CaCertificate, Config, HostName, ProxyUrl, ServerName, Ssh, SshPublicKey, Store, StoreError,
    TimeZone, ValueError,
};
use crate::ssh_window;

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
    /// How long SSH is on can't be noted; everything is as before.
    #[error("nothing was changed: how long SSH is on cannot be noted")]
    Window(#[source] io::Error),
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

/// What is to be different; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    /// Host name.
    pub hostname: Option<HostName>,
    /// Local time.
    pub timezone: Option<TimeZone>,
    /// Time servers.
    pub ntp: Option<Vec<ServerName>>,
    /// Whether SSH is on, at every boot too.
    pub ssh_enabled: Option<bool>,
    /// Whose keys open it.
    pub ssh_authorized_keys: Option<Vec<SshPublicKey>>,
    /// SSH is on for so long, whatever is configured; zero ends that.
    pub ssh_for: Option<Duration>,
    /// The proxy for HTTPS, or that there is none.
    pub proxy: Option<Option<ProxyUrl>>,
    /// Authorities that are believed besides those of the image.
    pub ca_certificates: Option<Vec<CaCertificate>>,
}

/// Changes several settings at once: stored and written. Services follow by [`apply::follow`].
///
/// # Errors
/// See [`SettingsError`].
pub fn change(paths: &Paths, patch: Patch) -> Result<Vec<String>, SettingsError> {
    let window = match patch.ssh_for {
        Some(Duration::ZERO) => ssh_window::close(&paths.run),
        Some(time) => ssh_window::open(&paths.run, time),
        // Off is off.
        None if patch.ssh_enabled == Some(false) => ssh_window::close(&paths.run),
        None => Ok(()),
    };
    window.map_err(SettingsError::Window)?;
    store(paths, |config| {
        put(&mut config.system.hostname, patch.hostname);
        put(&mut config.system.timezone, patch.timezone);
        put(&mut config.system.ntp, patch.ntp);
        put(&mut config.ssh.enabled, patch.ssh_enabled);
        put(&mut config.ssh.authorized_keys, patch.ssh_authorized_keys);
        put(&mut config.proxy.https, patch.proxy);
        put(&mut config.proxy.ca_certificates, patch.ca_certificates);
    })
}

/// Lets services follow what was written: [`apply::follow`], but for tests.
pub type Follow = fn() -> io::Result<()>;

/// Turns SSH off again when its time is up, if it is; says whether anything was done.
///
/// # Errors
/// See [`SettingsError`].
pub fn end_ssh_window(paths: &Paths, follow: Follow) -> Result<bool, SettingsError> {
    if !ssh_window::is_noted(&paths.run) || ssh_window::left(&paths.run).is_some() {
        return Ok(false);
    }
    // The note goes last: cut off before, it is done once more.
    apply::apply(paths)?;
    follow().map_err(SettingsError::Services)?;
    ssh_window::close(&paths.run).map_err(SettingsError::Window)?;
    Ok(true)
}

fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// Changes what is stored and writes what follows from it. Returns what is wrong with the configuration besides:
/// of one that cannot be read, the newest good generation was changed.
fn store(paths: &Paths, change: impl FnOnce(&mut Config)) -> Result<Vec<String>, SettingsError> {
    let store = Store::new(&paths.state);
    let loaded = store.load();
    let mut config = loaded.config;
    let mut problems = loaded.status.problems;
    let before = config.clone();
    change(&mut config);
    if config != before || !problems.is_empty() {
        store.save(&config)?;
    }
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
    fn several_settings_change_at_once_and_ssh_for_a_while_is_not_stored() {
        let dir = tempfile::tempdir().unwrap();
        let paths = host(dir.path());
        let patch = Patch {
            hostname: "qx8".parse().ok(),
            ssh_for: Some(Duration::from_secs(600)),
            proxy: Some("http://proxy:3128".parse().ok()),
            ..Patch::default()
        };
        change(&paths, patch).unwrap();
        let on = paths.root.join("etc/nftables.d/ssh.nft");
        let stored = || Store::new(&paths.state).load().config;
        assert!(on.exists() && !stored().ssh.enabled);
        assert_eq!(stored().system.hostname.as_str(), "qx8");
        // Another change in the meantime leaves it on; an end is an end.
        let other = Patch {
            timezone: "UTC".parse().ok(),
            proxy: Some(None),
            ..Patch::default()
        };
        change(&paths, other).unwrap();
        assert!(on.exists() && stored().proxy.https.is_none());
        let followed = || end_ssh_window(&paths, || Ok(())).unwrap();
        assert!(!followed());
        ssh_window::open(&paths.run, Duration::ZERO).unwrap();
        assert!(followed() && !on.exists() && !followed());
        ssh_window::open(&paths.run, Duration::from_secs(600)).unwrap();
        apply::apply(&paths).unwrap();
        assert!(on.exists());
        let off = Patch {
            ssh_enabled: Some(false),
            ..Patch::default()
        };
        change(&paths, off).unwrap();
        assert!(!on.exists());
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
