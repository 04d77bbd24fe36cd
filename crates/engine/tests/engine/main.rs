//! The engine's promises, on the in-memory hypervisor and (module `real`) on libvirt and QEMU.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod access;
mod clones;
mod cloud_init;
mod consoles;
mod guests;
mod host;
mod host_care;
mod host_config;
mod host_network;
mod images;
mod networks;
mod real;
mod real_cloud_init;
mod real_guests;
mod snapshots;
mod storage;
mod tasks;
mod vms;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use qx_engine::{Announced, Engine, Error, Places, SerialConsole};
use qx_hypervisor::Hypervisor;
use qx_hypervisor::fake::Fake;
use qx_model::access::{Actor, Role};
use qx_model::vm::{DiskSource, DiskSpec, Firmware, Image, VmId, VmSpec};
use tempfile::TempDir;

/// Emulated guests on a busy machine are slow; nothing waits this long when all is well.
const PATIENCE: Duration = Duration::from_secs(90);

/// An engine on a fake.
struct Bench {
    engine: Engine,
    fake: Arc<Fake>,
    data: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let fake = Arc::new(Fake::default());
        let engine = engine(Arc::clone(&fake) as Arc<dyn Hypervisor>, data.path()).await;
        Self { engine, fake, data }
    }
}

/// Started, and done with its first look.
async fn engine(hypervisor: Arc<dyn Hypervisor>, data: &Path) -> Engine {
    let places = Places {
        data: data.to_owned(),
        shadow: data.join("shadow"),
        run: data.join("run"),
        state: data.join("state"),
    };
    let engine = Engine::start(hypervisor, places).await.unwrap();
    eventually("the first look", async || {
        engine.vms.list(&admin(), None, 1).await.is_ok()
    })
    .await;
    engine
}

fn admin() -> Actor {
    Actor {
        name: "admin".into(),
        role: Role::Admin,
        origin: "local".into(),
    }
}

fn viewer() -> Actor {
    Actor {
        name: "viewer".into(),
        role: Role::Viewer,
        origin: "local".into(),
    }
}

/// A small VM without disks.
fn spec(name: &str) -> VmSpec {
    VmSpec {
        id: VmId::random(),
        name: name.parse().unwrap(),
        description: String::new(),
        vcpus: 1,
        vcpus_max: None,
        memory_mib: 64,
        firmware: Firmware::Bios,
        tpm: false,
        disks: Vec::new(),
        cdrom: None,
        nics: Vec::new(),
        autostart: false,
        cloud_init: None,
    }
}

fn blank(size_bytes: u64) -> DiskSpec {
    DiskSpec {
        size_bytes: Some(size_bytes),
        source: DiskSource::Blank,
        pool: None,
    }
}

fn copy_of(image: &str) -> DiskSpec {
    DiskSpec {
        size_bytes: None,
        source: DiskSource::Image(image.parse().unwrap()),
        pool: None,
    }
}

async fn upload(engine: &Engine, name: &str, content: &[u8]) -> Result<Image, Error> {
    let pieces: Vec<_> = content
        .chunks(1000)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    engine
        .images
        .upload(
            &admin(),
            name.parse().unwrap(),
            stream::iter(pieces),
            Announced::default(),
        )
        .await
}

/// Polls until it holds.
async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Takes output until the text has come.
async fn read_until(console: &mut SerialConsole, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        match tokio::time::timeout(PATIENCE, console.output.recv()).await {
            Ok(Some(piece)) => seen.push_str(&String::from_utf8_lossy(&piece)),
            Ok(None) => panic!("the console ended after {seen:?}"),
            Err(_) => panic!("nothing more after {seen:?}"),
        }
    }
    seen
}

async fn type_in(console: &SerialConsole, text: &str) {
    console
        .input
        .send(Bytes::copy_from_slice(text.as_bytes()))
        .await
        .unwrap();
}
