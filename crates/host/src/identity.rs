//! What makes this host itself and no other: made once, at the first boot, and kept beside the
//! configuration. May be repeated, and may lose power at any point: a file is there whole or not at all.
//!
//! ```text
//! STATE/machine-id                       32 hex digits (machine-id(5)); libvirt tells hosts apart by it
//! STATE/ssh/ssh_host_ed25519_key, .pub   what ssh clients know this host by
//! STATE/iscsi/initiatorname.iscsi        the name that storage servers know it by (RFC 7143, section 4.2.7)
//! ```

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::durable;

const SSH_KEYGEN: &str = "/usr/bin/ssh-keygen";
/// Says whose naming authority it is, and since when (RFC 7143, section 4.2.7.4).
const INITIATOR_PREFIX: &str = "iqn.2026-01.org.quantix-os";

/// Why a part of the identity is missing.
#[derive(Debug, thiserror::Error)]
#[error("cannot make {path}: {source}")]
pub struct IdentityError {
    path: PathBuf,
    source: io::Error,
}

/// The host's machine id, made if there is none yet.
///
/// # Errors
/// When it can't be made.
pub fn machine_id(state: &Path) -> Result<String, IdentityError> {
    let path = state.join("machine-id");
    let read_or_make = || {
        if !is_there(&path) {
            make_machine_id(&path)?;
        }
        fs::read_to_string(&path)
    };
    match read_or_make() {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(source) => Err(IdentityError { path, source }),
    }
}

/// Whether [`ensure`] was here before, as far as its first file.
#[must_use]
pub fn is_made(state: &Path) -> bool {
    is_there(&state.join("machine-id"))
}

/// Makes what is missing below `state` (`/quantix` on the product). What is there stays as it is.
///
/// # Errors
/// The first file that could not be made; the others are made all the same.
pub fn ensure(state: &Path) -> Result<(), IdentityError> {
    let parts: [(&str, Make); 3] = [
        ("machine-id", make_machine_id),
        ("ssh/ssh_host_ed25519_key", ssh_key),
        ("iscsi/initiatorname.iscsi", initiator_name),
    ];
    let mut outcome = Ok(());
    for (name, make) in parts {
        let path = state.join(name);
        if is_there(&path) {
            continue;
        }
        let made = private_parent(&path).and_then(|()| make(&path));
        if let (Err(source), Ok(())) = (made, &outcome) {
            outcome = Err(IdentityError { path, source });
        }
    }
    outcome
}

/// Makes one file.
type Make = fn(&Path) -> io::Result<()>;

/// An empty file is what a power cut leaves of programs that do not sync.
fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

fn private_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().unwrap_or(path);
    if !parent.exists() {
        DirBuilder::new().mode(0o700).create(parent)?;
        durable::sync_parent(parent)?;
    }
    Ok(())
}

fn make_machine_id(path: &Path) -> io::Result<()> {
    durable::replace(path, format!("{}\n", random_hex::<16>()?).as_bytes(), 0o644)
}

fn initiator_name(path: &Path) -> io::Result<()> {
    let name = format!("InitiatorName={INITIATOR_PREFIX}:{}\n", random_hex::<6>()?);
    durable::replace(path, name.as_bytes(), 0o600)
}

/// The public half is written first: with the private one there, both are.
fn ssh_key(path: &Path) -> io::Result<()> {
    let (scratch, public) = (path.with_extension("scratch"), path.with_extension("pub"));
    let scratch_public = scratch.with_extension("scratch.pub");
    for left_over in [&scratch, &scratch_public] {
        match fs::remove_file(left_over) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let output = Command::new(SSH_KEYGEN)
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(&scratch)
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(io::Error::other(format!("ssh-keygen failed: {said}")));
    }
    durable::replace(&public, &fs::read(&scratch_public)?, 0o644)?;
    durable::replace(path, &fs::read(&scratch)?, 0o600)?;
    fs::remove_file(&scratch_public)?;
    fs::remove_file(&scratch)
}

fn random_hex<const BYTES: usize>() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(state: &Path) -> Vec<Vec<u8>> {
        [
            "machine-id",
            "ssh/ssh_host_ed25519_key",
            "ssh/ssh_host_ed25519_key.pub",
            "iscsi/initiatorname.iscsi",
        ]
        .map(|name| fs::read(state.join(name)).unwrap())
        .to_vec()
    }

    #[test]
    fn an_identity_is_made_once_and_stays() {
        let state = tempfile::tempdir().unwrap();
        ensure(state.path()).unwrap();
        let made = all(state.path());
        ensure(state.path()).unwrap();
        assert_eq!(all(state.path()), made);

        let id = String::from_utf8(made[0].clone()).unwrap();
        assert_eq!(id.trim_end().len(), 32);
        assert_eq!(machine_id(state.path()).unwrap(), id.trim_end());
        assert!(id.trim_end().bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        assert!(made[1].starts_with(b"-----BEGIN OPENSSH PRIVATE KEY-----"));
        assert!(made[2].starts_with(b"ssh-ed25519 "));
        assert!(made[3].starts_with(b"InitiatorName=iqn.2026-01.org.quantix-os:"));
        let left_over = fs::read_dir(state.path().join("ssh")).unwrap().count();
        assert_eq!(left_over, 2);
    }

    #[test]
    fn two_hosts_differ() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        ensure(one.path()).unwrap();
        ensure(other.path()).unwrap();
        for (one, other) in all(one.path()).iter().zip(all(other.path())) {
            assert_ne!(*one, other);
        }
    }

    #[test]
    fn what_a_power_cut_left_is_made_anew_and_the_rest_stays() {
        let state = tempfile::tempdir().unwrap();
        ensure(state.path()).unwrap();
        let made = all(state.path());
        let key = state.path().join("ssh/ssh_host_ed25519_key");
        fs::write(&key, "").unwrap();
        fs::write(key.with_extension("scratch"), "half a key").unwrap();
        ensure(state.path()).unwrap();
        let again = all(state.path());
        assert_ne!(again[1], made[1]);
        assert_ne!(again[1], b"");
        assert_eq!([&again[0], &again[3]], [&made[0], &made[3]]);
    }

    #[test]
    fn one_part_that_fails_does_not_cost_the_others() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("ssh"), "not a directory").unwrap();
        let error = ensure(state.path()).unwrap_err().to_string();
        assert!(error.contains("ssh_host_ed25519_key"), "{error}");
        assert!(is_there(&state.path().join("machine-id")));
        assert!(is_there(&state.path().join("iscsi/initiatorname.iscsi")));
    }
}
