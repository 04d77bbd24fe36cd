//! What cloud-init in a new guest is to set up, from what was typed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use qx_api::rest::{CloudInit, GuestNic};

use crate::args::cloud_init as typed;
use crate::terminal;

/// The wish; none if nothing of it was typed.
pub(crate) fn wish(typed: typed::CloudInit) -> Result<Option<CloudInit>> {
    let nic = GuestNic {
        addresses: typed.addresses,
        gateways: typed.gateways,
        dns: typed.dns,
    };
    let password = typed
        .guest_password
        .then(|| terminal::new_secret("Password of the guest's account", true))
        .transpose()?;
    let mut ssh_keys = Vec::new();
    for file in &typed.ssh_keys {
        ssh_keys.extend(keys(&read(file)?));
    }
    let wish = CloudInit {
        hostname: typed.hostname,
        user: typed.guest_user,
        password,
        ssh_keys,
        user_data: typed.user_data.as_deref().map(read).transpose()?,
        network: Some(nic)
            .filter(|nic| *nic != GuestNic::default())
            .into_iter()
            .collect(),
    };
    Ok(Some(wish).filter(|wish| typed.cloud_init || *wish != CloudInit::default()))
}

/// Keys as in `authorized_keys`, without empty lines and comments.
fn keys(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        cloud_init: typed::CloudInit,
    }

    fn of(line: &[&str]) -> Option<CloudInit> {
        let line = Line::parse_from([&["qx"], line].concat());
        wish(line.cloud_init).unwrap()
    }

    #[test]
    fn nothing_is_wished_unless_something_is_typed() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["--cloud-init"]), Some(CloudInit::default()));
        let told = of(&[
            "--guest-user",
            "ops",
            "--address",
            "192.0.2.5/24",
            "--gateway",
            "192.0.2.1",
        ])
        .unwrap();
        assert_eq!(told.user.as_deref(), Some("ops"));
        let nic = GuestNic {
            addresses: vec!["192.0.2.5/24".into()],
            gateways: vec!["192.0.2.1".into()],
            dns: Vec::new(),
        };
        assert_eq!(told.network, [nic]);
    }

    #[test]
    fn a_file_of_keys_may_have_comments_and_empty_lines() {
        let found: Vec<_> = keys("# mine\n\n ssh-ed25519 A me \r\nssh-rsa B\n").collect();
        assert_eq!(found, ["ssh-ed25519 A me", "ssh-rsa B"]);
    }
}
