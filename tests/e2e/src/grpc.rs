//! The host's gRPC port: the standard health service, asked over TLS with any certificate.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context, Result};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::deadline::seconds;
use crate::tls;

/// What the health service says about `service` (empty: the whole server), such as `Serving`.
///
/// # Errors
/// When the port refuses, does not speak HTTP/2 over TLS, or does not know the service.
pub fn health(port: u16, service: &str) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the gRPC client")?;
    runtime.block_on(async {
        let mut client = HealthClient::new(connect(port).await?);
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = client
            .check(request)
            .await
            .context("the health service refused")?;
        Ok(format!("{:?}", answer.into_inner().status()))
    })
}

async fn connect(port: u16) -> Result<Channel> {
    let mut config = tls::client_config(rustls::ALL_VERSIONS)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("localhost").context("server name")?;
    let dial = tower::service_fn(move |_: Uri| {
        let (connector, name) = (connector.clone(), name.clone());
        async move {
            let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
            Ok::<_, std::io::Error>(TokioIo::new(connector.connect(name, socket).await?))
        }
    });
    // Plain http for tonic's sake: the connector above already speaks TLS.
    Endpoint::from_shared(format!("http://127.0.0.1:{port}"))
        .context("address")?
        .connect_timeout(seconds(30))
        .timeout(seconds(60))
        .connect_with_connector(dial)
        .await
        .with_context(|| format!("cannot reach gRPC on port {port}"))
}
