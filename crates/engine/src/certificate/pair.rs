//! A certificate and its key: parsed, found to belong together, and described (RFC 5280).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use jiff::Timestamp;
use qx_host::certificate_files::PemPair;
use qx_model::vm::FieldError;
use rustls::SignatureAlgorithm;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

/// Certificates from the host's own to its authority's.
const MOST: usize = 10;
/// Longest PEM text of certificates, or of a key, in bytes.
pub(super) const LONGEST: usize = 128 << 10;

/// What there is to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of its DER form, as lower-case hex.
    pub fingerprint: String,
    /// Whom it is for, as in `CN=qx1, O=Quantix-OS`.
    pub subject: String,
    /// Who says so.
    pub issuer: String,
    /// DNS names and IP addresses that it is good for.
    pub names: Vec<String>,
    /// It is good from then on.
    pub not_before: Timestamp,
    /// It is good until then.
    pub not_after: Timestamp,
    /// Kind of its key, such as `ECDSA P-256`.
    pub key: String,
    /// It vouches for itself: it is trusted by its fingerprint, or not at all.
    pub self_signed: bool,
    /// Certificates that are sent: itself and those that lead to its authority.
    pub chain: usize,
}

/// A certificate with its key, ready to be served.
#[derive(Debug)]
pub struct Pair {
    /// For rustls.
    pub certified: Arc<CertifiedKey>,
    /// For people.
    pub certificate: Certificate,
}

impl Pair {
    /// From PEM; what is broken is told at `certificate` and `key`.
    pub(super) fn parse(pem: &PemPair) -> Result<Self, Vec<FieldError>> {
        let of = |field: &'static str| move |reason: String| vec![FieldError::new(field, reason)];
        let (chain, key) = match (chain(&pem.chain), key(&pem.key)) {
            (Ok(chain), Ok(key)) => (chain, key),
            (chain, key) => {
                let chain = chain.err().map(of("certificate"));
                let key = key.err().map(of("key"));
                return Err([chain, key].into_iter().flatten().flatten().collect());
            }
        };
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let first = parsed(&chain, 0).map_err(of("certificate"))?;
        let certified =
            CertifiedKey::from_der(chain.clone(), key, &provider).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    of("key")("is not the key of the certificate".to_owned())
                }
                _ => of("key")(
                    "is of a kind that can't be used: take ECDSA P-256, ECDSA P-384, or RSA with 2048 to 8192 bits"
                        .to_owned(),
                ),
            })?;
        let certificate = describe(&chain, &first, certified.key.algorithm());
        Ok(Self {
            certificate: certificate.map_err(of("certificate"))?,
            certified: Arc::new(certified),
        })
    }
}

fn chain(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    length(text)?;
    let found: Result<Vec<_>, pem::Error> =
        CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let found = found.map_err(|error| format!("is not PEM: {error}"))?;
    match found.len() {
        0 if text.contains("PRIVATE KEY-----") => {
            Err("is a private key: the certificate belongs here".to_owned())
        }
        0 => Err("must begin with -----BEGIN CERTIFICATE-----".to_owned()),
        1..=MOST => Ok(found),
        more => Err(format!(
            "has {more} certificates: it may have {MOST}, the host's own first"
        )),
    }
}

fn key(text: &str) -> Result<PrivateKeyDer<'static>, String> {
    length(text)?;
    if text.contains("ENCRYPTED") {
        return Err(
            "is encrypted: decrypt it first, such as with: openssl pkey -in FILE".to_owned(),
        );
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
        pem::Error::NoItemsFound => "must begin with -----BEGIN PRIVATE KEY-----".to_owned(),
        error => format!("is not PEM: {error}"),
    })
}

fn length(text: &str) -> Result<(), String> {
    if text.len() > LONGEST {
        return Err(format!("must be at most {} KiB", LONGEST >> 10));
    }
    Ok(())
}

/// One of a chain, counted from 0.
pub(super) fn parsed<'a>(
    chain: &'a [CertificateDer<'_>],
    index: usize,
) -> Result<X509Certificate<'a>, String> {
    let der = chain.get(index).map_or(&[][..], AsRef::as_ref);
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(format!("has something behind certificate {}", index + 1)),
        Err(_) => Err(format!("has a broken certificate {}", index + 1)),
    }
}

fn describe(
    chain: &[CertificateDer<'_>],
    first: &X509Certificate<'_>,
    algorithm: SignatureAlgorithm,
) -> Result<Certificate, String> {
    let time =
        |seconds| Timestamp::from_second(seconds).map_err(|_| "has a date that is none".to_owned());
    let der = chain.first().map_or(&[][..], AsRef::as_ref);
    Ok(Certificate {
        fingerprint: hex::encode(Sha256::digest(der)),
        subject: first.subject().to_string(),
        issuer: first.issuer().to_string(),
        names: names(first),
        not_before: time(first.validity().not_before.timestamp())?,
        not_after: time(first.validity().not_after.timestamp())?,
        key: kind(first, algorithm),
        self_signed: first.subject().as_raw() == first.issuer().as_raw(),
        chain: chain.len(),
    })
}

/// Its subjectAltName.
pub(super) fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(found)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = found.value.general_names.iter();
    names.filter_map(name).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(|bytes| Ipv4Addr::from(bytes).to_string());
            let v6 = || <[u8; 16]>::try_from(*bytes).map(|bytes| Ipv6Addr::from(bytes).to_string());
            v4.or_else(|_| v6()).ok()
        }
        _ => None,
    }
}

fn kind(certificate: &X509Certificate<'_>, algorithm: SignatureAlgorithm) -> String {
    match (algorithm, certificate.public_key().parsed()) {
        (_, Ok(PublicKey::RSA(key))) => format!("RSA {}", key.key_size()),
        // Of P-521 the coordinates fill 66 bytes.
        (_, Ok(PublicKey::EC(point))) => format!("ECDSA P-{}", point.key_size().min(521)),
        (SignatureAlgorithm::ED25519, _) => "Ed25519".to_owned(),
        (other, _) => format!("{other:?}"),
    }
}
