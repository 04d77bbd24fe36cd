//! What every handler shares.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use qx_engine::Engine;
use qx_host::inventory::Sources;
use tokio::sync::watch;

use crate::options::Options;
use crate::tickets::Tickets;

/// What every handler shares. Clones are the same.
#[derive(Clone)]
pub(crate) struct App {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) tickets: Tickets,
    pub(crate) sources: Sources,
    pub(crate) ui: PathBuf,
    /// Milliseconds from the kernel's start until this host was ready for the first time.
    pub(crate) ready_ms: OnceLock<u64>,
    closing: watch::Sender<bool>,
}

impl App {
    pub(crate) fn new(engine: Engine, options: &Options) -> Self {
        let sources = Sources {
            data: options.data_dir.clone(),
            run: options.run_dir.clone(),
            ..Sources::default()
        };
        Self {
            inner: Arc::new(Inner {
                engine,
                tickets: Tickets::default(),
                sources,
                ui: options.ui_dir.clone(),
                ready_ms: OnceLock::new(),
                closing: watch::channel(false).0,
            }),
        }
    }

    /// The host's name as the inventory tells it, which is what a reset is confirmed by.
    pub(crate) fn hostname(&self) -> String {
        let path = self.sources.proc.join("sys/kernel/hostname");
        let name = std::fs::read_to_string(path).unwrap_or_default();
        name.trim_end().to_owned()
    }

    /// Tells all streams to end.
    pub(crate) fn close(&self) {
        self.inner.closing.send_replace(true);
    }

    /// Returns when the daemon is stopping.
    pub(crate) async fn closing(&self) {
        // The sender lives as long as `self`.
        let _ = self
            .inner
            .closing
            .subscribe()
            .wait_for(|closing| *closing)
            .await;
    }
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}
