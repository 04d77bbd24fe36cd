//! The `Hypervisor` trait over libvirt: the only crate that links it. Owns the connection, libvirt's event
//! thread, domain XML, storage calls and console streams. Knows neither HTTP nor users, and never falls
//! back: with libvirtd gone every call says so, until it is back.
//!
//! ```text
//!             virConnectOpen works                 close callback
//! Unreachable ────────────────────▶ Connected ─────────────────────▶ Unreachable
//!      ▲ keeper tries again, 0.1 s to 2 s apart │
//!      └────────────────────────────────────────┘
//! ```

mod agents;
mod clone;
mod connection;
mod devices;
mod domain;
mod edit;
mod error;
mod events;
mod hypervisor;
mod network;
mod networks;
mod pool;
mod pools;
mod screens;
mod serial;
mod snapshots;
mod storage;
#[cfg(feature = "testing")]
pub mod testing;
mod tune;
mod usage;
mod variables;
mod xml;

use std::path::Path;
use std::sync::{Arc, Mutex};

use connection::Shared;
use usage::Processes;

/// A hypervisor reached through libvirt.
pub struct Libvirt {
    shared: Arc<Shared>,
    processes: Mutex<Processes>,
}

impl Libvirt {
    /// Starts connecting to `uri`, such as `qemu:///system` or `test:///default`, and keeps at it for as
    /// long as the value lives. Fails only if threads can't be started.
    pub fn open(uri: &str) -> std::io::Result<Self> {
        virt::error::clear_error_callback();
        events::start_loop()?;
        Ok(Self {
            shared: Shared::start(uri)?,
            processes: Mutex::new(Processes::new(Path::new("/proc"))),
        })
    }
}

impl Drop for Libvirt {
    fn drop(&mut self) {
        self.shared.close();
    }
}
