//! Signing with the host's SSH key, by OpenSSH's own program (ssh-keygen(1), -Y; format in OpenSSH's
//! PROTOCOL.sshsig). People know that key: its fingerprint is on the console.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::OpenError;
use crate::command::{self, Finished};

/// The key, below the configuration's directory.
pub(super) const KEY: &str = "ssh/ssh_host_ed25519_key";
/// Keeps a signature of a backup from being taken for one of anything else.
const NAMESPACE: &str = "quantix-backup";
const SSH_KEYGEN: &str = "/usr/bin/ssh-keygen";
const DEADLINE: Duration = Duration::from_secs(20);

/// The signature over `message`, as text.
pub(super) fn sign(key: &Path, message: &[u8]) -> io::Result<Vec<u8>> {
    let done = keygen(
        &[
            "-q".as_ref(),
            "-Y".as_ref(),
            "sign".as_ref(),
            "-f".as_ref(),
            key.as_os_str(),
            "-n".as_ref(),
            NAMESPACE.as_ref(),
        ],
        message,
    )?;
    if done.status.success() {
        Ok((done.stdout + "\n").into_bytes())
    } else {
        Err(io::Error::other(format!(
            "ssh-keygen failed: {}",
            done.stderr
        )))
    }
}

/// Fingerprint of the key that signed `message`.
pub(super) fn verify(message: &[u8], signature: &[u8]) -> Result<String, OpenError> {
    let check = || -> io::Result<Finished> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(signature)?;
        keygen(
            &[
                "-Y".as_ref(),
                "check-novalidate".as_ref(),
                "-n".as_ref(),
                NAMESPACE.as_ref(),
                "-s".as_ref(),
                file.path().as_os_str(),
            ],
            message,
        )
    };
    let done = check().map_err(OpenError::Verify)?;
    let fingerprint = done
        .stdout
        .split_ascii_whitespace()
        .find(|word| word.starts_with("SHA256:"));
    match fingerprint {
        Some(fingerprint) if done.status.success() => Ok(fingerprint.to_owned()),
        _ => Err(OpenError::Damaged(
            "its list of files is not what was signed".to_owned(),
        )),
    }
}

fn keygen(arguments: &[&OsStr], message: &[u8]) -> io::Result<Finished> {
    let mut input: File = tempfile::tempfile()?;
    input.write_all(message)?;
    input.rewind()?;
    command::run_on(SSH_KEYGEN, arguments, Stdio::from(input), DEADLINE).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::ssh_fingerprints;
    use crate::identity;

    #[test]
    fn a_signature_names_its_key_and_holds_for_its_message_alone() {
        let state = tempfile::tempdir().unwrap();
        identity::ensure(state.path()).unwrap();
        let signature = sign(&state.path().join(KEY), b"message").unwrap();
        let shown = &ssh_fingerprints(&state.path().join("ssh"))[0].fingerprint;
        assert_eq!(&verify(b"message", &signature).unwrap(), shown);
        assert!(matches!(
            verify(b"massage", &signature),
            Err(OpenError::Damaged(_))
        ));
        assert!(matches!(
            verify(b"message", b"nonsense"),
            Err(OpenError::Damaged(_))
        ));
    }

    #[test]
    fn a_message_longer_than_a_pipe_holds_is_signed() {
        let state = tempfile::tempdir().unwrap();
        identity::ensure(state.path()).unwrap();
        let message = vec![b'x'; 300 << 10];
        let signature = sign(&state.path().join(KEY), &message).unwrap();
        verify(&message, &signature).unwrap();
    }
}
