//! The user-data: the guest's own, or a `#cloud-config` with account, password and keys.

use qx_host::accounts::guest_hash;
use qx_host::config::SshPublicKey;
use qx_model::cloud_init::CloudInit;
use qx_model::vm::{FieldError, VmId};
use serde_json::{Map, Value, json};

use super::checked;
use crate::error::{Error, Result};

const MOST_KEYS: usize = 64;
const LARGEST: usize = 512 << 10;
/// How user-data of every kind that cloud-init knows begins, but for compressed ones, which are no text
/// (<https://docs.cloud-init.io/en/latest/explanation/format.html>).
const BEGINNINGS: [&str; 9] = [
    "#cloud-config",
    "#!",
    "#include",
    "#cloud-boothook",
    "#part-handler",
    "## template: jinja",
    "Content-Type:",
    "MIME-Version:",
    "From ",
];

/// The password is hashed with a salt that is always the same for this VM: equal wishes give equal documents.
pub(super) fn user_data(
    id: VmId,
    wish: &CloudInit,
    broken: &mut Vec<FieldError>,
) -> Result<String> {
    if let Some(own) = &wish.user_data {
        check_own(own, wish, broken);
        return Ok(own.clone());
    }
    let mut config = Map::new();
    // The host name is one that programs in the guest can look up.
    config.insert("manage_etc_hosts".into(), true.into());
    if let Some(user) = &wish.user {
        check_user(user, broken);
        config.insert("user".into(), user.as_str().into());
    }
    if let Some(hash) = password_hash(id, wish, broken)? {
        config.insert("password".into(), hash.into());
        config.insert("chpasswd".into(), json!({ "expire": false }));
    }
    if wish.ssh_keys.len() > MOST_KEYS {
        let reason = format!("must be at most {MOST_KEYS}");
        broken.push(FieldError::new("ssh_keys", reason));
    }
    let keys = wish.ssh_keys.iter().enumerate();
    let keys = keys.map(|(i, key)| {
        checked::<SshPublicKey>(key.trim(), format!("ssh_keys[{i}]"), broken).into()
    });
    let keys: Vec<Value> = keys.collect();
    if !keys.is_empty() {
        config.insert("ssh_authorized_keys".into(), keys.into());
    }
    Ok(format!("#cloud-config\n{}\n", Value::from(config)))
}

/// A hash that is slow to guess from, of the password of a wish that has one; the fault is noted.
pub(crate) fn password_hash(
    id: VmId,
    wish: &CloudInit,
    broken: &mut Vec<FieldError>,
) -> Result<Option<String>> {
    let Some(password) = wish.password.as_ref().map(|password| &*password.0) else {
        return Ok(None);
    };
    if !(1..=256).contains(&password.len()) || password.chars().any(char::is_control) {
        let reason = "must be 1 to 256 characters without control characters";
        broken.push(FieldError::new("password", reason));
        return Ok(None);
    }
    let (salt, _) =
        id.0.as_bytes()
            .split_first_chunk::<12>()
            .ok_or_else(|| Error::internal("making a salt", "an id has fewer than 12 bytes"))?;
    guest_hash(password, *salt)
        .map(Some)
        .map_err(|error| Error::internal("hashing a guest's password", error))
}

fn check_own(own: &str, wish: &CloudInit, broken: &mut Vec<FieldError>) {
    let reason = "must be left out with `user_data`, which says all of it";
    let beside = [
        ("user", wish.user.is_some()),
        ("password", wish.password.is_some()),
        ("ssh_keys", !wish.ssh_keys.is_empty()),
    ];
    let beside = beside.into_iter().filter(|(_, given)| *given);
    broken.extend(beside.map(|(name, _)| FieldError::new(name, reason)));
    if own.len() > LARGEST {
        broken.push(FieldError::new("user_data", "must be at most 512 KiB"));
    }
    if !BEGINNINGS.iter().any(|start| own.starts_with(start)) {
        let reason = "must begin with a line that cloud-init knows, such as `#cloud-config` or `#!/bin/sh`: \
                      the guest would ignore it";
        broken.push(FieldError::new("user_data", reason));
    }
}

/// As Debian's `useradd` has it.
fn check_user(user: &str, broken: &mut Vec<FieldError>) {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let rest = |byte: u8| first(byte) || byte.is_ascii_digit() || byte == b'-';
    let good = user.bytes().next().is_some_and(first) && user.bytes().all(rest);
    if !good || user.len() > 32 {
        let reason = "must be 1 to 32 lower-case letters, digits, '_' or '-', and start with a letter or '_'";
        broken.push(FieldError::new("user", reason));
    }
}
