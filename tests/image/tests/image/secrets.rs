//! Nothing in the image is a secret that every host would share.

use std::fs;

use anyhow::{Result, ensure};
use qx_image_tests::{Profile, Root, lines};

#[test]
fn no_account_has_a_password() -> Result<()> {
    let root = Root::open()?;
    for line in root.text("etc/shadow")?.lines() {
        let mut fields = line.split(':');
        let (name, hash) = (fields.next(), fields.next().unwrap_or_default());
        ensure!(
            matches!(hash, "*" | "!" | "!*" | "!!"),
            "account {name:?} can log in with a password that is in the image"
        );
    }
    Ok(())
}

#[test]
fn shadow_is_readable_by_root_alone() -> Result<()> {
    let root = Root::open()?;
    for entry in root.entries() {
        if matches!(entry.path.as_str(), "etc/shadow" | "etc/gshadow") {
            ensure!(
                entry.mode.ends_with("---"),
                "{} has mode {}",
                entry.path,
                entry.mode
            );
        }
    }
    Ok(())
}

#[test]
fn no_private_key_host_key_or_machine_id_is_in_the_image() -> Result<()> {
    let root = Root::open()?;
    for entry in root.entries() {
        let name = entry.path.rsplit('/').next().unwrap_or_default();
        ensure!(
            !name.starts_with("ssh_host_"),
            "/{} is a host key",
            entry.path
        );
        ensure!(
            entry.path != "etc/machine-id" || entry.link.is_some(),
            "/etc/machine-id is a file"
        );
        if !entry.mode.starts_with('-') {
            continue;
        }
        let bytes = fs::read(root.path(&entry.path))?;
        // Programs carry the words to recognise keys; text files carry keys.
        if bytes.starts_with(b"\x7fELF") {
            continue;
        }
        let head = &bytes[..bytes.len().min(65536)];
        for label in [
            "BEGIN PRIVATE KEY-----",
            "BEGIN RSA PRIVATE KEY-----",
            "BEGIN EC PRIVATE KEY-----",
            "BEGIN OPENSSH PRIVATE KEY-----",
        ] {
            let found = head
                .windows(label.len())
                .any(|window| window == label.as_bytes());
            ensure!(!found, "/{} holds a private key", entry.path);
        }
    }
    Ok(())
}

/// Such as libvirt's token, by which a caller is taken for the host itself.
#[test]
fn nothing_that_ran_during_the_build_left_a_file() -> Result<()> {
    let root = Root::open()?;
    let left: Vec<_> = root
        .entries()
        .iter()
        .filter(|entry| {
            [
                "run/",
                "tmp/",
                "var/cache/",
                "var/log/",
                "var/spool/",
                "var/tmp/",
            ]
            .iter()
            .any(|place| entry.path.starts_with(place))
                && entry.mode.starts_with('-')
        })
        .map(|entry| &entry.path)
        .collect();
    ensure!(left.is_empty(), "left by a program of the build: {left:?}");
    Ok(())
}

#[test]
fn no_identity_is_shared_by_every_host() -> Result<()> {
    let root = Root::open()?;
    for path in [
        "etc/iscsi/initiatorname.iscsi",
        "etc/hostname",
        "var/lib/dbus/machine-id",
        "etc/nvme/hostid",
        "etc/mdadm/mdadm.conf",
    ] {
        ensure!(!root.has(path), "/{path} is in the image");
    }
    Ok(())
}

#[test]
fn accounts_of_services_have_the_numbers_of_the_profile() -> Result<()> {
    let root = Root::open()?;
    let passwd = root.text("etc/passwd")?;
    let group = root.text("etc/group")?;
    let text = Profile::quantix().read("users.conf")?;
    for line in lines(&text) {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (table, start) = match fields.as_slice() {
            ["group", name, id] => (&group, format!("{name}:x:{id}:")),
            ["user", name, id, gid, _] => (&passwd, format!("{name}:x:{id}:{gid}:")),
            _ => anyhow::bail!("users.conf: can't read '{line}'"),
        };
        ensure!(
            table.lines().any(|entry| entry.starts_with(&start)),
            "no account begins with {start}"
        );
    }
    // A number that a package chose by itself changes with the package list.
    for entry in passwd.lines() {
        let mut fields = entry.split(':');
        let (name, id) = (
            fields.next().unwrap_or_default(),
            fields.nth(1).unwrap_or_default(),
        );
        let number: u32 = id.parse()?;
        ensure!(
            !(100..1000).contains(&number) || text.contains(&format!("user {name} {number} ")),
            "account {name} ({number}) is not in users.conf"
        );
    }
    Ok(())
}
