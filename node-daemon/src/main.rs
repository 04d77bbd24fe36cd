//! qx-node: the node daemon. Reads its options, starts the node and waits for a signal.

use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use qx_node::{Node, Options};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    tracing_subscriber::registry()
        .with(options.log.clone())
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
        .init();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(run(options))
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let hypervisor = qx_libvirt::Libvirt::open(&options.hypervisor)
        .with_context(|| format!("starting the connection to {}", options.hypervisor))?;
    let node = Node::start(options, Arc::new(hypervisor)).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        // What supervises this program starts it again.
        () = node.ending() => tracing::info!("ending, to be started again"),
    }
    node.stop().await
}
