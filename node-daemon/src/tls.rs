//! The daemon's key and certificate: made once per host, kept in its state directory.

use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use time::{Date, Month, OffsetDateTime, Time};

/// TLS, ready to serve.
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// SHA-256 of the certificate, as lower-case hex.
    pub(crate) fingerprint: String,
}

/// Loads `key.pem` and `cert.pem` of `directory`, made if absent. A pair that can't be used is kept
/// aside and replaced: a host that nobody can reach would be worse than one with a new fingerprint.
pub(crate) fn load(directory: &Path) -> anyhow::Result<Tls> {
    let (key, certificate) = (directory.join("key.pem"), directory.join("cert.pem"));
    if key.exists() || certificate.exists() {
        match server(&key, &certificate) {
            Ok(tls) => return Ok(tls),
            Err(error) => {
                tracing::error!(%error, "the TLS certificate can't be used: it is kept aside and made anew");
                for path in [&key, &certificate] {
                    // One of them may be missing.
                    let _ = fs::rename(path, path.with_extension("pem.unusable"));
                }
            }
        }
    }
    make(directory, &key, &certificate)
        .with_context(|| format!("making a TLS certificate in {}", directory.display()))?;
    server(&key, &certificate)
}

fn server(key: &Path, certificate: &Path) -> anyhow::Result<Tls> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("reading {}", certificate.display()))?;
    let first = chain
        .first()
        .with_context(|| format!("{} is empty", certificate.display()))?;
    let fingerprint = hex::encode(Sha256::digest(first));
    let key =
        PrivateKeyDer::from_pem_file(key).with_context(|| format!("reading {}", key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls {
        config: Arc::new(config),
        fingerprint,
    })
}

fn make(directory: &Path, key_path: &Path, certificate_path: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let certificate = parameters()?.self_signed(&key)?;
    // The certificate comes last: with it there, both are.
    write(key_path, key.serialize_pem().as_bytes(), 0o600)?;
    write(certificate_path, certificate.pem().as_bytes(), 0o644)?;
    fs::File::open(directory)?.sync_all()?;
    Ok(())
}

fn parameters() -> anyhow::Result<CertificateParams> {
    let hostname = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let mut names = vec!["localhost".to_owned()];
    if !hostname.is_empty() && hostname != "localhost" && hostname.is_ascii() {
        names.push(hostname.clone());
    }
    let mut parameters = CertificateParams::new(names)?;
    for address in [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ] {
        parameters
            .subject_alt_names
            .push(SanType::IpAddress(address));
    }
    parameters
        .distinguished_name
        .push(DnType::CommonName, hostname);
    parameters
        .distinguished_name
        .push(DnType::OrganizationName, "Quantix-OS");
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Fixed dates: at first boot the clock may be wrong by decades. It is trusted by fingerprint.
    parameters.not_before = midnight(2020)?;
    parameters.not_after = midnight(2049)?;
    Ok(parameters)
}

fn midnight(year: i32) -> anyhow::Result<OffsetDateTime> {
    let date = Date::from_calendar_date(year, Month::January, 1)?;
    Ok(OffsetDateTime::new_utc(date, Time::MIDNIGHT))
}

fn write(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let fresh = path.with_extension("pem.new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(fresh, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_certificate_is_made_once_and_its_key_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let tls = directory.path().join("tls");
        let first = load(&tls).unwrap().fingerprint;
        assert_eq!(load(&tls).unwrap().fingerprint, first);
        let mode = fs::metadata(tls.join("key.pem"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_broken_pair_is_kept_aside_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let first = load(directory.path()).unwrap().fingerprint;
        fs::write(directory.path().join("key.pem"), "nonsense").unwrap();
        assert_ne!(load(directory.path()).unwrap().fingerprint, first);
        assert!(directory.path().join("key.pem.unusable").exists());
    }
}
