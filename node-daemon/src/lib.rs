//! The node daemon: wires REST, WebSocket and gRPC to the engine. Owns sockets, TLS, HTTP and the mapping
//! between wire types and use cases; decides nothing about VMs.

mod announce;
mod app;
mod callers;
mod convert;
mod documents;
mod extract;
mod grpc;
mod guard;
mod listeners;
mod options;
mod problem;
mod prometheus;
mod requests;
mod rest;
mod tickets;
mod tls;
mod ui;
mod watchdog;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use qx_engine::Engine;
use qx_hypervisor::Hypervisor;

pub use options::Options;

use app::App;
use listeners::Listeners;
use watchdog::Watchdog;

/// A running daemon.
pub struct Node {
    engine: Engine,
    listeners: Listeners,
    watchdog: Option<Watchdog>,
}

/// What the host does about its own system by itself, until the daemon stops.
async fn follow_schedule(app: App) {
    let updates = app.engine.updates.clone();
    let healthy = || async { rest::updates::healthy(&app).await.ok() };
    tokio::select! {
        () = updates.follow_schedule(healthy) => {}
        () = app.closing() => {}
    }
}

impl Node {
    /// Starts everything; returns when all sockets accept connections.
    ///
    /// # Errors
    /// When a socket, the certificate or the database can't be had.
    pub async fn start(options: Options, hypervisor: Arc<dyn Hypervisor>) -> anyhow::Result<Self> {
        let engine = Engine::start(hypervisor, options.places())
            .await
            .with_context(|| format!("starting with the data in {}", options.data_dir.display()))?;
        let app = App::new(engine.clone(), &options);
        let tls = tls::Tls::new(engine.certificate.watch())?;
        let listeners = Listeners::start(&options, &app, tls).await?;
        let watchdog = Watchdog::start(&options)?;
        announce::start(&options, &app);
        tracing::info!(
            https = %listeners.https(),
            grpc = %listeners.grpc(),
            socket = %options.socket.display(),
            certificate = engine.certificate.fingerprint(),
            "serving"
        );
        tokio::spawn(follow_schedule(app));
        Ok(Self {
            engine,
            listeners,
            watchdog,
        })
    }

    /// Where REST is served.
    #[must_use]
    pub fn https(&self) -> SocketAddr {
        self.listeners.https()
    }

    /// Where gRPC is served.
    #[must_use]
    pub fn grpc(&self) -> SocketAddr {
        self.listeners.grpc()
    }

    /// SHA-256 of the certificate that is served now, as hex.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.engine.certificate.fingerprint()
    }

    /// Returns when somebody who may wants this daemon to be restarted: whoever runs it stops it then.
    pub async fn ending(&self) {
        self.engine.services.ending().await;
    }

    /// Stops serving: answers what was asked, closes streams, writes what is pending.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.listeners.stop().await;
        if let Some(watchdog) = self.watchdog {
            watchdog.stop();
        }
        self.engine.close().await.context("closing the database")
    }
}
