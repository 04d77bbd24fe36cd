//! Arms the watchdog once, so that a boot that hangs ends in a reset. qx-node owns it afterwards.
//!
//! Owns the device and the ioctl of linux/watchdog.h.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};

use rustix::ioctl::{self, Opcode, Updater};

use crate::log;

const DEVICE: &str = "/dev/watchdog0";
const WDIOC_SETTIMEOUT: Opcode = 0xC004_5706;
/// Longer than any boot takes from here to qx-node.
const TIMEOUT_SECONDS: i32 = 180;

/// A running watchdog.
pub(crate) struct Watchdog {
    device: File,
    /// What the driver calls itself.
    pub(crate) identity: String,
}

impl Watchdog {
    /// Starts the machine's watchdog; `None` when it has none.
    pub(crate) fn arm() -> io::Result<Option<Self>> {
        let device = match OpenOptions::new().write(true).open(DEVICE) {
            Ok(device) => device,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut seconds = TIMEOUT_SECONDS;
        // SAFETY: WDIOC_SETTIMEOUT reads and writes one `int`.
        #[expect(unsafe_code, reason = "an ioctl that rustix has no function for")]
        let set =
            unsafe { ioctl::ioctl(&device, Updater::<WDIOC_SETTIMEOUT, i32>::new(&mut seconds)) };
        let identity = fs::read_to_string("/sys/class/watchdog/watchdog0/identity")
            .map_or_else(|_| "watchdog".to_owned(), |text| text.trim().to_owned());
        if let Err(error) = set {
            log::warning(&format!("{identity} keeps its own time limit: {error}"));
        }
        log::info(&format!("{identity} fires after {seconds} s"));
        Ok(Some(Self { device, identity }))
    }

    /// Starts the time limit anew.
    pub(crate) fn keep_alive(&mut self) {
        if let Err(error) = self.device.write_all(b"\0") {
            log::warning(&format!("{} does not listen: {error}", self.identity));
        }
    }

    /// Stops it: whoever reads a message on the screen needs all the time in the world.
    pub(crate) fn disarm(mut self) {
        if let Err(error) = self.device.write_all(b"V") {
            log::warning(&format!("{} cannot be stopped: {error}", self.identity));
        }
    }

    /// Leaves it running for the system. The kernel reports that as critical, which it is not here.
    pub(crate) fn hand_over(mut self) {
        self.keep_alive();
        let level = fs::read_to_string("/proc/sys/kernel/printk").unwrap_or_default();
        let _ = fs::write("/proc/sys/kernel/printk", "1");
        drop(self.device);
        if let Some(level) = level.split_ascii_whitespace().next() {
            let _ = fs::write("/proc/sys/kernel/printk", level);
        }
    }
}
