//! What identifies this host to a person who compares it with what a browser or ssh shows.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// The fingerprint of one SSH host key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshFingerprint {
    /// The kind of key, for instance `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:` and 43 characters, as `ssh` shows it.
    pub fingerprint: String,
}

/// SHA-256 of the first certificate in a PEM file as 64 lower-case hex digits; `None` when there is no
/// such file or no certificate in it.
#[must_use]
pub fn certificate_sha256(pem: &Path) -> Option<String> {
    let text = fs::read_to_string(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let packed: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(packed).ok()?;
    Some(hex::encode(Sha256::digest(der)))
}

/// Fingerprints of the `ssh_host_*_key.pub` files in `dir`, sorted by algorithm.
#[must_use]
pub fn ssh_fingerprints(dir: &Path) -> Vec<SshFingerprint> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut found: Vec<SshFingerprint> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("ssh_host_") && name.ends_with("_key.pub")
        })
        .filter_map(|entry| parse_public_key(&fs::read_to_string(entry.path()).ok()?))
        .collect();
    found.sort_by(|a, b| a.algorithm.cmp(&b.algorithm));
    found
}

fn parse_public_key(line: &str) -> Option<SshFingerprint> {
    let mut words = line.split_ascii_whitespace();
    let algorithm = words.next()?.to_owned();
    let blob = STANDARD.decode(words.next()?).ok()?;
    let digest = STANDARD_NO_PAD.encode(Sha256::digest(blob));
    Some(SshFingerprint {
        algorithm,
        fingerprint: format!("SHA256:{digest}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ssh_fingerprint_is_the_one_that_ssh_keygen_prints() {
        // Made with `ssh-keygen -t ed25519` and read back with `ssh-keygen -lf`.
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO4p9vGW8J0LfQ5b3MdoOVdoKa6Qxyr0yw8e2XWvJbUR x";
        let found = parse_public_key(key).unwrap();
        assert_eq!(found.algorithm, "ssh-ed25519");
        assert_eq!(
            found.fingerprint,
            "SHA256:vo3kHliDghXmTkldKK4deRR8QJ0p+OZ5u2W8EfSr3Zs"
        );
    }

    #[test]
    fn a_certificate_is_hashed_over_its_der_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cert.pem");
        fs::write(
            &path,
            "-----BEGIN CERTIFICATE-----\naGVs\nbG8=\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        assert_eq!(
            certificate_sha256(&path).unwrap(),
            hex::encode(Sha256::digest(b"hello"))
        );
        fs::write(&path, "no certificate").unwrap();
        assert_eq!(certificate_sha256(&path), None);
    }
}
