//! Keeps the watchdog that the boot armed alive, for as long as this daemon really runs: a thread feeds
//! it while the runtime still turns. When it does not, the machine is reset.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use qx_host::boot::BootInfo;

use crate::options::Options;

/// Time between two feedings; the shortest time-out in use is 30 s.
const PERIOD: Duration = Duration::from_secs(3);
/// A runtime that has not turned for this long is hung.
const HUNG: Duration = Duration::from_secs(15);
/// Written before closing: stop watching (Documentation/watchdog/watchdog-api.rst of the kernel).
const MAGIC_CLOSE: &[u8] = b"V";
const FEED: &[u8] = b"\n";

/// A watchdog that is being fed.
pub(crate) struct Watchdog {
    stop: Arc<AtomicBool>,
    feeder: JoinHandle<()>,
}

impl Watchdog {
    /// Takes over the watchdog of this boot; `None` if there is none.
    pub(crate) fn start(options: &Options) -> anyhow::Result<Option<Self>> {
        let Some(driver) = BootInfo::read(&options.run_dir)
            .ok()
            .and_then(|boot| boot.watchdog)
        else {
            return Ok(None);
        };
        let path = options.watchdog.clone();
        let turns = Arc::new(AtomicU64::new(0));
        let turning = Arc::clone(&turns);
        tokio::spawn(async move {
            loop {
                turning.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PERIOD / 3).await;
            }
        });
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let feeder = std::thread::Builder::new()
            .name("watchdog".into())
            .spawn(move || {
                if let Some(device) = take(&path, &driver, &stopping) {
                    feed(device, &turns, &stopping);
                }
            })
            .context("starting the watchdog's thread")?;
        Ok(Some(Self { stop, feeder }))
    }

    /// Disarms it: the daemon is stopped on purpose.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.feeder.thread().unpark();
        // It has no way to panic.
        let _ = self.feeder.join();
    }
}

/// Opens the watchdog. While a slot is on trial `qx-trial` has it, and hands it over when the trial is over.
fn take(path: &Path, driver: &str, stop: &AtomicBool) -> Option<File> {
    let mut told = false;
    while !stop.load(Ordering::Relaxed) {
        match OpenOptions::new().write(true).open(path) {
            Ok(device) => return Some(device),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                if !told {
                    tracing::info!(driver, "another program feeds the watchdog");
                }
                told = true;
            }
            Err(error) => {
                tracing::error!(%error, driver, "the watchdog can't be opened; it will reset this host");
                return None;
            }
        }
        std::thread::park_timeout(PERIOD);
    }
    None
}

fn feed(device: File, turns: &AtomicU64, stop: &AtomicBool) {
    let turn = turns.load(Ordering::Relaxed);
    let mut feeder = Feeder {
        device,
        turn,
        since: Instant::now(),
        hung: false,
    };
    while !stop.load(Ordering::Relaxed) {
        feeder.step(turns.load(Ordering::Relaxed));
        std::thread::park_timeout(PERIOD);
    }
    if let Err(error) = feeder.device.write_all(MAGIC_CLOSE) {
        tracing::error!(%error, "the watchdog can't be disarmed");
    }
}

struct Feeder {
    device: File,
    /// The runtime's turn that was seen last, and when it was new.
    turn: u64,
    since: Instant,
    hung: bool,
}

impl Feeder {
    fn step(&mut self, turn: u64) {
        if turn != self.turn {
            (self.turn, self.since) = (turn, Instant::now());
        }
        let hung = self.since.elapsed() >= HUNG;
        if hung && !self.hung {
            tracing::error!("the daemon hangs: the watchdog is fed no more");
        }
        self.hung = hung;
        if !hung && let Err(error) = self.device.write_all(FEED) {
            tracing::error!(%error, "the watchdog can't be fed");
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    const BOOT: &str = r#"{"mode":"live","slot":null,"version":"0.1.0","build_id":"00112233aabbccdd",
        "key_id":"8899aabbccddeeff","source":"/dev/sr0","copy_ms":1,"copy_bytes":1,"watchdog":"softdog",
        "config":"ram","data":"ram","warnings":[]}"#;

    fn options(directory: &std::path::Path) -> Options {
        let run_dir = format!("--run-dir={}", directory.display());
        let device = format!("--watchdog={}", directory.join("watchdog").display());
        Options::parse_from(["qx-node", &run_dir, &device])
    }

    #[tokio::test]
    async fn an_armed_watchdog_is_fed_and_disarmed_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let device = directory.path().join("watchdog");
        std::fs::write(&device, "").unwrap();
        std::fs::write(directory.path().join("boot.json"), BOOT).unwrap();
        let watchdog = Watchdog::start(&options(directory.path()))
            .unwrap()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::fs::read(&device).unwrap() != FEED {
            assert!(Instant::now() < deadline, "it was not fed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        watchdog.stop();
        assert!(std::fs::read(&device).unwrap().ends_with(MAGIC_CLOSE));
    }

    #[tokio::test]
    async fn without_an_armed_watchdog_no_device_is_touched() {
        let directory = tempfile::tempdir().unwrap();
        assert!(
            Watchdog::start(&options(directory.path()))
                .unwrap()
                .is_none()
        );
        let unarmed = BOOT.replace(r#""softdog""#, "null");
        std::fs::write(directory.path().join("boot.json"), unarmed).unwrap();
        assert!(
            Watchdog::start(&options(directory.path()))
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn a_daemon_that_hangs_feeds_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let device = directory.path().join("watchdog");
        let file = File::create(&device).unwrap();
        let fed = |turn: u64, since: Instant| {
            let mut feeder = Feeder {
                device: file.try_clone().unwrap(),
                turn,
                since,
                hung: false,
            };
            let before = std::fs::read(&device).unwrap().len();
            feeder.step(7);
            std::fs::read(&device).unwrap().len() > before
        };
        let long_ago = Instant::now().checked_sub(2 * HUNG).unwrap();
        assert!(fed(7, Instant::now()));
        assert!(fed(6, long_ago), "it turned since");
        assert!(!fed(7, long_ago), "a hung daemon was fed for");
    }
}
