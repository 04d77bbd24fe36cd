//! Notes when this host first became ready, on the clock that starts with the kernel: how long a boot took
//! is then known without anybody having asked while it ran. The note outlives a restart of the daemon.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use qx_host::boot::BootInfo;
use rustix::time::{ClockId, clock_gettime};

use crate::app::App;
use crate::options::Options;
use crate::rest::health::readiness;

/// Time between two looks, and so the error of the figure.
const INTERVAL: Duration = Duration::from_millis(50);

/// Looks until the host is ready or the daemon stops. Does nothing where no image of ours was booted.
pub(crate) fn start(options: &Options, app: &App) {
    if BootInfo::read(&options.run_dir).is_err() {
        return;
    }
    let note = options.run_dir.join("ready-ms");
    let app = app.clone();
    tokio::spawn(async move {
        let ready_ms = if let Some(noted) = read(&note) {
            noted
        } else {
            tokio::select! {
                () = app.closing() => return,
                () = wait_ready(&app) => {}
            }
            announce(&note)
        };
        // Nobody else sets it.
        let _ = app.ready_ms.set(ready_ms);
    });
}

async fn wait_ready(app: &App) {
    while !readiness(app).await.is_ok_and(|state| state.ready) {
        tokio::time::sleep(INTERVAL).await;
    }
}

/// What an earlier run of the daemon noted in this boot. The note lies in memory: no call here waits.
fn read(note: &Path) -> Option<u64> {
    fs::read_to_string(note).ok()?.trim().parse().ok()
}

fn announce(note: &Path) -> u64 {
    let now = Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default();
    let ready_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    tracing::info!("ready at {ready_ms} ms");
    if let Err(error) = fs::write(note, format!("{ready_ms}\n")) {
        tracing::warn!(path = %note.display(), %error, "the time of readiness can't be noted");
    }
    let log = OpenOptions::new().write(true).open("/dev/kmsg");
    if let Err(error) = log.and_then(|mut log| {
        // One write is one record.
        log.write_all(format!("<6>qx-node: ready at {ready_ms} ms").as_bytes())
    }) {
        tracing::warn!(%error, "the kernel log can't be written to");
    }
    ready_ms
}
