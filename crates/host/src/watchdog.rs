//! The machine's watchdog (linux/watchdog.h): resets the machine unless it hears from a program in time. One
//! program at a time has it: `qx-init`, on a trial boot `qx-trial`, then `qx-node`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use rustix::ioctl::{self, Opcode, Updater};

const DEVICE: &str = "/dev/watchdog0";
const IDENTITY: &str = "/sys/class/watchdog/watchdog0/identity";
const LOG_LEVEL: &str = "/proc/sys/kernel/printk";
const WDIOC_SETTIMEOUT: Opcode = 0xC004_5706;

/// A running watchdog.
#[derive(Debug)]
pub struct Watchdog {
    device: File,
    /// What the driver calls itself.
    pub identity: String,
}

impl Watchdog {
    /// Takes the machine's watchdog, which runs from then on; `None` when it has none.
    ///
    /// # Errors
    /// When another program has it.
    pub fn open() -> io::Result<Option<Self>> {
        let device = match OpenOptions::new().write(true).open(DEVICE) {
            Ok(device) => device,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let identity = fs::read_to_string(IDENTITY)
            .map_or_else(|_| "watchdog".to_owned(), |text| text.trim().to_owned());
        Ok(Some(Self { device, identity }))
    }

    /// Lets it fire after so many seconds without [`Self::keep_alive`].
    ///
    /// # Errors
    /// When the driver keeps a time of its own.
    pub fn set_timeout(&self, seconds: i32) -> io::Result<()> {
        let mut seconds = seconds;
        // SAFETY: WDIOC_SETTIMEOUT reads and writes one `int`.
        #[expect(unsafe_code, reason = "an ioctl that rustix has no function for")]
        let set = unsafe {
            ioctl::ioctl(
                &self.device,
                Updater::<WDIOC_SETTIMEOUT, i32>::new(&mut seconds),
            )
        };
        Ok(set?)
    }

    /// Starts the time anew.
    ///
    /// # Errors
    /// When the driver does not listen.
    pub fn keep_alive(&mut self) -> io::Result<()> {
        self.device.write_all(b"\0")
    }

    /// Stops it: whoever reads a message on the screen needs all the time in the world.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub fn disarm(mut self) -> io::Result<()> {
        self.device.write_all(b"V")
    }

    /// Leaves it running for the next program.
    ///
    /// # Errors
    /// When the driver does not listen any more.
    pub fn hand_over(mut self) -> io::Result<()> {
        let listened = self.keep_alive();
        // The kernel reports a running watchdog without a program as critical, which it is not here.
        let level = fs::read_to_string(LOG_LEVEL).unwrap_or_default();
        let quiet = |level: &str| fs::write(Path::new(LOG_LEVEL), level);
        let silenced = quiet("1").is_ok();
        drop(self.device);
        if let Some(level) = level.split_ascii_whitespace().next().filter(|_| silenced) {
            quiet(level)?;
        }
        listened
    }
}
