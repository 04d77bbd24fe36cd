//! `qx host`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use qx_api::client::Client;
use qx_api::rest::{HostBackup, HostPower, HostPowerAction, HostReset, HostRestored, ResetScope};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::args::{Format, HostCommand, Scope};
use crate::files::{bar, open, pieces};
use crate::host_care;
use crate::host_config;
use crate::host_logs;
use crate::host_network;
use crate::output::{self, json, line, plain};
use crate::terminal::ask_password;

/// How every encrypted backup begins.
const SEALED: &[u8] = b"age-encryption.org/v1";

pub(crate) async fn run(
    client: &Client,
    format: Format,
    command: Option<HostCommand>,
) -> Result<()> {
    match command {
        None => output::host(format, &client.host().await?),
        Some(HostCommand::Backup {
            file,
            passphrase_file,
            unencrypted,
        }) => {
            let passphrase = match unencrypted {
                true => None,
                false => Some(passphrase(passphrase_file.as_deref(), true)?),
            };
            let wish = HostBackup {
                passphrase,
                unencrypted,
            };
            let bytes = client.back_up_host(&wish).await?;
            store(&file, &bytes)
        }
        Some(HostCommand::Restore {
            file,
            passphrase_file,
            skip_network,
            same_machine,
        }) => {
            let given = passphrase_file.as_deref();
            let restored = restore(client, &file, given, skip_network, same_machine).await?;
            show(format, &restored)
        }
        Some(HostCommand::Config { command }) => host_config::run(client, format, command).await,
        Some(HostCommand::Network { command }) => host_network::run(client, format, command).await,
        Some(HostCommand::Logs(wish)) => host_logs::run(client, format, wish).await,
        Some(HostCommand::Services { command }) => {
            host_care::services(client, format, command).await
        }
        Some(HostCommand::Certificate { command }) => {
            host_care::certificate(client, format, command).await
        }
        Some(HostCommand::SupportBundle { file }) => {
            host_care::support_bundle(client, format, &file).await
        }
        Some(HostCommand::Reboot) => {
            power(client, format, HostPowerAction::Reboot, "restarts").await
        }
        Some(HostCommand::Shutdown) => {
            power(client, format, HostPowerAction::Shutdown, "shuts down").await
        }
        Some(HostCommand::Reset { scope, confirm }) => {
            let scope = match scope {
                Scope::Configuration => ResetScope::Configuration,
                Scope::Everything => ResetScope::Everything,
            };
            client.reset_host(&HostReset { scope, confirm }).await?;
            if format == Format::Table {
                line(
                    "The host restarts and is reset. Its console shows a one-time password then.",
                )?;
            }
            Ok(())
        }
    }
}

async fn power(client: &Client, format: Format, action: HostPowerAction, does: &str) -> Result<()> {
    client.power_host(&HostPower { action }).await?;
    if format == Format::Table {
        line(format!(
            "The host {does}. VMs that run are asked to shut down first, for up to 2 minutes."
        ))?;
    }
    Ok(())
}

/// Nobody else may read it, and no file that is there is lost.
pub(crate) fn store(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("can't make {}", path.display()))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("can't write {}", path.display()))
}

async fn restore(
    client: &Client,
    path: &Path,
    given: Option<&Path>,
    skip_network: bool,
    same_machine: bool,
) -> Result<HostRestored> {
    let (mut file, size) = open(path).await?;
    let mut start = Vec::new();
    (&mut file)
        .take(SEALED.len() as u64)
        .read_to_end(&mut start)
        .await
        .with_context(|| format!("can't read {}", path.display()))?;
    file.rewind()
        .await
        .with_context(|| format!("can't read {}", path.display()))?;
    let passphrase = match (given, start == SEALED) {
        (None, false) => None,
        (given, _) => Some(passphrase(given, false)?),
    };
    let bar = bar(size);
    let content = pieces(file, bar.clone());
    let outcome = client
        .restore_host(
            size,
            content,
            passphrase.as_deref(),
            skip_network,
            same_machine,
        )
        .await;
    bar.finish_and_clear();
    Ok(outcome?)
}

fn passphrase(file: Option<&Path>, twice: bool) -> Result<String> {
    if let Some(path) = file {
        let text =
            fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    let Some(passphrase) = ask_password("Passphrase of the backup")? else {
        bail!(
            "there is no terminal to ask for the passphrase on: give it with --passphrase-file FILE"
        );
    };
    if twice && ask_password("The same again")?.as_deref() != Some(&*passphrase) {
        bail!("the two passphrases differ");
    }
    Ok(passphrase)
}

fn show(format: Format, restored: &HostRestored) -> Result<()> {
    if format == Format::Json {
        return json(restored);
    }
    lines(restored)
        .iter()
        .try_for_each(|text| line(plain(text)))
}

fn lines(restored: &HostRestored) -> Vec<String> {
    let mut lines = vec![
        format!(
            "Backup of {}, made {} by version {}, signed by SSH key {}",
            restored.made_by, restored.made_at, restored.version, restored.signed_by
        ),
        format!("The host restarts as {}.", restored.hostname),
    ];
    lines.extend(restored.notes.iter().map(|note| format!("Note: {note}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_overwrites_nothing_and_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("qx-backup-{}", std::process::id()));
        store(&path, b"one").unwrap();
        let error = store(&path, b"two").unwrap_err();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(error.to_string().starts_with("can't make "), "{error}");
        assert_eq!((mode & 0o777, kept.as_slice()), (0o600, b"one".as_slice()));
    }

    #[test]
    fn who_signed_a_backup_and_what_is_not_taken_is_said() {
        let restored = HostRestored {
            hostname: "qx1".into(),
            made_by: "old".into(),
            made_at: "2026-11-24T12:00:00Z".parse().unwrap(),
            version: "1.0.0".into(),
            signed_by: "SHA256:abc".into(),
            notes: vec!["the machine id stays".into()],
        };
        let lines = lines(&restored);
        assert!(lines[0].contains("Backup of old") && lines[0].contains("SHA256:abc"));
        assert_eq!(lines[2], "Note: the machine id stays");
    }
}
