//! TLS to a host whose certificate is pinned by fingerprint or signed by a given authority. There is no
//! third way: the web's authorities know nothing of a host in a rack.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Error;
use super::connect::Connection;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What makes a host's certificate good.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Its SHA-256, as hex with or without colons: shown on the host's console.
    Fingerprint(String),
    /// An authority that signed it: a PEM file.
    Authority(PathBuf),
    /// Nothing: the call fails with [`Error::Certificate`], which says what the fingerprint is.
    Unknown,
}

/// A host at the far end of TLS.
pub(crate) struct Remote {
    host: String,
    port: u16,
    authority: String,
    name: ServerName<'static>,
    connector: TlsConnector,
    refused: Arc<Mutex<Option<String>>>,
}

impl Remote {
    pub(crate) fn new(url: &str, trust: Trust) -> Result<Self, Error> {
        let bad = |reason: &str| Error::Address {
            address: url.to_owned(),
            reason: reason.to_owned(),
        };
        let uri: http::Uri = url.parse().map_err(|_| bad("it is not a URL"))?;
        if uri.scheme_str() != Some("https") || !uri.path().trim_end_matches('/').is_empty() {
            return Err(bad("it must look like https://HOST or https://HOST:PORT"));
        }
        let host = uri
            .host()
            .ok_or_else(|| bad("it names no host"))?
            .to_owned();
        let port = uri.port_u16().unwrap_or(8443);
        let bare = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name =
            ServerName::try_from(bare.clone()).map_err(|_| bad("its host name is malformed"))?;
        let refused = Arc::new(Mutex::new(None));
        let config = client_config(trust, Arc::clone(&refused))?;
        Ok(Self {
            authority: format!("{host}:{port}"),
            host: bare,
            port,
            name,
            connector: TlsConnector::from(Arc::new(config)),
            refused,
        })
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The fingerprint of the certificate that was last refused, once.
    pub(crate) fn refused_fingerprint(&self) -> Option<String> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            self.connector.connect(self.name.clone(), stream).await
        });
        let stream = connected
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(Box::new(stream))
    }
}

fn client_config(trust: Trust, refused: Arc<Mutex<Option<String>>>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Authority(path) => authority_verifier(&path, &provider)?,
        Trust::Fingerprint(text) => {
            let expected = parse_fingerprint(&text).ok_or_else(|| Error::Address {
                address: text,
                reason: "a fingerprint is 64 hexadecimal digits, with or without colons".to_owned(),
            })?;
            Arc::new(Pinned::new(Some(expected), &provider, refused))
        }
        Trust::Unknown => Arc::new(Pinned::new(None, &provider, refused)),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| Error::Tls {
            reason: e.to_string(),
        })?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

fn authority_verifier(
    path: &std::path::Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let failed = |reason: String| Error::Tls {
        reason: format!("{}: {reason}", path.display()),
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| failed(e.to_string()))? {
        let certificate = certificate.map_err(|e| failed(e.to_string()))?;
        roots.add(certificate).map_err(|e| failed(e.to_string()))?;
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|e| failed(e.to_string()))
}

fn parse_fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: String = text
        .chars()
        .filter(|c| *c != ':' && !c.is_whitespace())
        .collect();
    hex::decode(digits).ok()?.try_into().ok()
}

/// Accepts one certificate, whatever it says about itself.
#[derive(Debug)]
struct Pinned {
    expected: Option<[u8; 32]>,
    algorithms: WebPkiSupportedAlgorithms,
    refused: Arc<Mutex<Option<String>>>,
}

impl Pinned {
    fn new(
        expected: Option<[u8; 32]>,
        provider: &CryptoProvider,
        refused: Arc<Mutex<Option<String>>>,
    ) -> Self {
        let algorithms = provider.signature_verification_algorithms;
        Self {
            expected,
            algorithms,
            refused,
        }
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found: [u8; 32] = Sha256::digest(end_entity).into();
        if self.expected == Some(found) {
            return Ok(ServerCertVerified::assertion());
        }
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused = Some(hex::encode(found));
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General(
            "TLS 1.2 is not spoken here".to_owned(),
        ))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
