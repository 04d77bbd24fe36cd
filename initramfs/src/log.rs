//! Speaks to people: to the kernel log for later, and to every console when it matters now.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Notes for whoever reads the kernel log. Says nothing on the screen of a quiet boot.
pub(crate) fn info(text: &str) {
    kernel_log(6, text);
}

/// Something is not as it should be, and the boot goes on.
pub(crate) fn warning(text: &str) {
    kernel_log(4, text);
}

fn kernel_log(level: u8, text: &str) {
    // Without a kernel log there is nowhere left to complain to.
    if let Ok(mut log) = OpenOptions::new().write(true).open("/dev/kmsg") {
        // One write is one record.
        let _ = log.write_all(format!("<{level}>qx-init: {text}").as_bytes());
    }
}

/// The terminals that the kernel was told to use, such as `/dev/tty0` and `/dev/ttyS0`.
pub(crate) fn consoles() -> Vec<PathBuf> {
    let active = fs::read_to_string("/sys/class/tty/console/active").unwrap_or_default();
    let mut consoles: Vec<PathBuf> = active
        .split_ascii_whitespace()
        .map(|name| Path::new("/dev").join(name))
        .collect();
    if consoles.is_empty() {
        consoles.push("/dev/console".into());
    }
    consoles
}

/// Writes to every console. One that cannot be written to does not keep the others from hearing it.
pub(crate) fn say(text: &str) {
    for console in consoles() {
        let _ = write_to(&console, text);
    }
}

/// Writes to one console; terminals want a carriage return with each line end.
pub(crate) fn write_to(console: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(console)?
        .write_all(text.replace('\n', "\r\n").as_bytes())
}
