//! Whether what a backup holds can be lived with: a host that was given it must come up and be reachable.

use super::Backup;
use crate::config::{Config, Problem, kernel_arguments, parse};

/// Why a file of a backup is refused.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The configuration has faults.
    #[error("the configuration in the backup is not accepted by this release: {}", list(.0))]
    Configuration(Vec<Problem>),
    /// It would not fit the boot environment.
    #[error("the kernel arguments in the backup's configuration cannot be stored: {0}")]
    KernelArguments(String),
    /// A file of the identity is not one.
    #[error("{path} in the backup is not {expected}")]
    Identity {
        /// The file.
        path: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

fn list(problems: &[Problem]) -> String {
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

pub(super) fn check(backup: &Backup) -> Result<(), ContentError> {
    configuration(backup)?;
    for (path, expected, good) in [
        (
            "machine-id",
            "a machine id",
            is_machine_id as fn(&str) -> bool,
        ),
        ("ssh/ssh_host_ed25519_key", "an SSH key", |text| {
            text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----")
        }),
        ("tls/key.pem", "a private key", |text| {
            text.contains("PRIVATE KEY-----")
        }),
        ("tls/cert.pem", "a certificate", |text| {
            text.contains("-----BEGIN CERTIFICATE-----")
        }),
        (
            "iscsi/initiatorname.iscsi",
            "the name of an iSCSI initiator",
            is_initiator,
        ),
    ] {
        let Some(bytes) = backup.file(path) else {
            continue;
        };
        if !std::str::from_utf8(bytes).is_ok_and(good) {
            return Err(ContentError::Identity { path, expected });
        }
    }
    Ok(())
}

/// The configuration in the backup.
pub(crate) fn configuration(backup: &Backup) -> Result<Config, ContentError> {
    let bytes = backup.file("config.toml").unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let config = parse(&text).map_err(ContentError::Configuration)?.config;
    kernel_arguments(&config).map_err(|error| ContentError::KernelArguments(error.to_string()))?;
    Ok(config)
}

fn is_machine_id(text: &str) -> bool {
    let id = text.trim_end();
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_initiator(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let name = lines
        .next()
        .and_then(|line| line.strip_prefix("InitiatorName="));
    name.is_some_and(|name| {
        name.starts_with("iqn.") || name.starts_with("eui.") || name.starts_with("naa.")
    }) && lines.next().is_none()
}
