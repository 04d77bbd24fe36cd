//! TLS to a host whose certificate is its own: nobody vouches for it, so a test compares the fingerprint
//! with the one the host shows. Also single handshakes with a chosen protocol version.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    SupportedProtocolVersion,
};
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::tls::{TlsConfig, TlsProvider};

use crate::deadline::seconds;

/// Longest answer of one call: an emulated host may probe QEMU before it answers.
const ANSWER: Duration = seconds(90);

/// A TLS connection to a host.
pub type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// The cryptography that every client of the harness uses.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// An HTTPS client that takes any certificate, and any status as an answer. Each request has a connection of
/// its own: a host that refuses a body unread closes the connection, and trying again, as clients do that
/// keep connections, would hide a daemon that crashed.
pub fn agent() -> Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(provider())
        .disable_verification(true)
        .build();
    Agent::new_with_config(
        Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER))
            .max_redirects(0)
            .max_idle_connections(0)
            .build(),
    )
}

/// A client configuration that takes any certificate, limited to `versions`.
///
/// # Errors
/// When no version is left that the provider can speak.
pub fn client_config(versions: &[&'static SupportedProtocolVersion]) -> Result<ClientConfig> {
    let provider = provider();
    let algorithms = provider.signature_verification_algorithms;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .context("no usable TLS version")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(algorithms)))
        .with_no_client_auth())
}

/// Connects to a port of 127.0.0.1 and completes the handshake.
///
/// # Errors
/// When the port refuses, or the host refuses the versions offered.
pub fn connect(port: u16, versions: &[&'static SupportedProtocolVersion]) -> Result<TlsStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut socket = TcpStream::connect_timeout(&address, seconds(10))
        .with_context(|| format!("cannot connect to {address}"))?;
    socket
        .set_read_timeout(Some(seconds(30)))
        .context("socket")?;
    let name = ServerName::try_from("localhost").context("server name")?;
    let mut session = ClientConnection::new(Arc::new(client_config(versions)?), name)
        .context("cannot start a TLS session")?;
    while session.is_handshaking() {
        session
            .complete_io(&mut socket)
            .with_context(|| format!("TLS handshake with {address} failed"))?;
    }
    Ok(StreamOwned::new(session, socket))
}

/// SHA-256 of the certificate that a port of 127.0.0.1 shows, in lower-case hex.
///
/// # Errors
/// As `connect`; or when no certificate is shown.
pub fn fingerprint(port: u16) -> Result<String> {
    let stream = connect(port, rustls::ALL_VERSIONS)?;
    let certificate = stream
        .conn
        .peer_certificates()
        .and_then(|chain| chain.first())
        .context("the host showed no certificate")?;
    Ok(hex::encode(Sha256::digest(certificate)))
}

#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
