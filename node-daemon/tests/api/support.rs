//! A daemon to test, and raw HTTP to say what no well-meaning client would.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use qx_api::client::{Client, EventStream, Trust};
use qx_api::rest::{Event, EventType, Problem, Role, Session, TokenCreate, Vm, VmCreate};
use qx_hypervisor::Hypervisor;
use qx_hypervisor::fake::Fake;
use qx_node::{Node, Options};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Made with `openssl passwd -6 -salt saltsalt pleaseletmein`.
const HASH: &str = "$6$saltsalt$DLp8rqDDHzc62TRLuxE5lcA2jU4ooYgB5qhgj93CCSodCdlvlztlsC7G9KOBGply41pz2hdr1kPFUxI9lc1F91";
pub(crate) const PASSWORD: &str = "pleaseletmein";

/// A running daemon and its files.
pub(crate) struct Daemon {
    pub(crate) node: Node,
    pub(crate) fake: Arc<Fake>,
    pub(crate) files: TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {} {:?}", self.status, self.body))
    }

    /// The problem document, which must be a whole one.
    pub(crate) fn problem(&self) -> Problem {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let problem: Problem = self.json();
        assert_eq!(problem.status, self.status);
        assert_eq!(problem.request_id, self.header("x-request-id"));
        assert!(
            !problem.title.is_empty() && problem.detail.len() > 10,
            "{problem:?}"
        );
        problem
    }
}

/// A request to be sent.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    pub(crate) body: Bytes,
}

pub(crate) fn ask<'a>(method: &'a str, path: &'a str) -> Ask<'a> {
    Ask {
        method,
        path,
        headers: Vec::new(),
        body: Bytes::new(),
    }
}

impl<'a> Ask<'a> {
    pub(crate) fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn json(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.with("content-type", "application/json")
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// A browser that is logged in.
pub(crate) struct Browser {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Daemon {
    pub(crate) async fn start() -> Self {
        let fake = Arc::new(Fake::default());
        Self::with(Arc::clone(&fake) as Arc<dyn Hypervisor>, fake).await
    }

    pub(crate) async fn with(hypervisor: Arc<dyn Hypervisor>, fake: Arc<Fake>) -> Self {
        let files = tempfile::tempdir().unwrap();
        for directory in ["data", "run"] {
            std::fs::create_dir(files.path().join(directory)).unwrap();
        }
        let shadow = format!("root:{HASH}:20000:0:99999:7:::\n");
        std::fs::write(files.path().join("shadow"), shadow).unwrap();
        Self::on(files, hypervisor, fake).await
    }

    /// Once more, on the files of a daemon that was stopped.
    pub(crate) async fn again(files: TempDir) -> Self {
        let fake = Arc::new(Fake::default());
        Self::on(files, Arc::clone(&fake) as Arc<dyn Hypervisor>, fake).await
    }

    async fn on(files: TempDir, hypervisor: Arc<dyn Hypervisor>, fake: Arc<Fake>) -> Self {
        let path = |name: &str| files.path().join(name).display().to_string();
        let options = Options::parse_from([
            "qx-node",
            "--https=127.0.0.1:0",
            "--grpc=127.0.0.1:0",
            &format!("--socket={}", path("node.sock")),
            &format!("--state-dir={}", path("state")),
            &format!("--data-dir={}", path("data")),
            &format!("--ui-dir={}", path("ui")),
            &format!("--run-dir={}", path("run")),
            &format!("--shadow={}", path("shadow")),
        ]);
        let node = Node::start(options, hypervisor).await.unwrap();
        let daemon = Self { node, fake, files };
        daemon.until_ready().await;
        daemon
    }

    async fn until_ready(&self) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while let Err(error) = self.local().vms().await {
            assert!(tokio::time::Instant::now() < deadline, "not ready: {error}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.files.path().join("node.sock")
    }

    /// As root on the host.
    pub(crate) fn local(&self) -> Client {
        Client::unix(self.socket())
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.node.https().port())
    }

    /// As a machine elsewhere.
    pub(crate) fn remote(&self, token: &str) -> Client {
        let trust = Trust::Fingerprint(self.node.fingerprint());
        Client::https(&self.url(), trust)
            .unwrap()
            .with_token(token.to_owned())
    }

    pub(crate) async fn token(&self, role: Role) -> String {
        let name = format!("{role:?}");
        let wish = TokenCreate {
            name,
            role,
            expires_in_s: None,
        };
        self.local().create_token(&wish).await.unwrap().token
    }

    pub(crate) async fn vm(&self, name: &str) -> Vm {
        self.local().create_vm(&wish(name)).await.unwrap()
    }

    /// TLS with the daemon's own certificate as the only authority.
    pub(crate) async fn tls(&self, port: u16, protocol: &[u8]) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        self.tls_on(stream, protocol).await
    }

    /// The same over a connection that stands.
    pub(crate) async fn tls_on(&self, stream: TcpStream, protocol: &[u8]) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        let certificate = self.files.path().join("state/tls/cert.pem");
        roots
            .add(CertificateDer::from_pem_file(certificate).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap()
    }

    /// Over HTTPS.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Answer {
        let stream = self.tls(self.node.https().port(), b"http/1.1").await;
        let host = format!("localhost:{}", self.node.https().port());
        exchange(TokioIo::new(stream), &host, ask).await
    }

    /// Over the Unix socket.
    pub(crate) async fn send_local(&self, ask: Ask<'_>) -> Answer {
        let stream = UnixStream::connect(self.socket()).await.unwrap();
        exchange(TokioIo::new(stream), "localhost", ask).await
    }

    pub(crate) async fn try_login(&self, username: &str, password: &str) -> Answer {
        let body = serde_json::json!({ "username": username, "password": password });
        self.send(ask("POST", "/api/v1/session").json(body.to_string()))
            .await
    }

    pub(crate) async fn login(&self) -> Browser {
        let answer = self.try_login("root", PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let cookie = answer
            .header("set-cookie")
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let csrf = answer.json::<Session>().csrf_token.unwrap();
        Browser { cookie, csrf }
    }
}

pub(crate) fn wish(name: &str) -> VmCreate {
    serde_json::from_value(serde_json::json!({ "name": name })).unwrap()
}

async fn exchange<S>(stream: TokioIo<S>, host: &str, ask: Ask<'_>) -> Answer
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut request = http::Request::builder().method(ask.method).uri(ask.path);
    if !ask.headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", host);
    }
    for (name, value) in ask.headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(ask.body)).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    }
}

/// The next event that is about neither a task nor the pool that each host makes for itself.
pub(crate) async fn not_of_tasks(events: &mut EventStream) -> Event {
    loop {
        let event = events.next().await.unwrap().unwrap();
        if ![EventType::TaskChanged, EventType::PoolsChanged].contains(&event.kind) {
            return event;
        }
    }
}

/// Polls until `check` gives something.
pub(crate) async fn eventually<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "never happened: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
