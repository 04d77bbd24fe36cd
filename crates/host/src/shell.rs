//! A shell for somebody who is logged in at the machine. Every one leaves a line in the system's log.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, ExitStatus};

const SHELL: &str = "/bin/bash";
const SYSLOG: &str = "/dev/log";
/// Facility auth, severity notice (RFC 5424, section 6.2.1: 4 * 8 + 5).
const PRIORITY: u8 = 37;

/// Runs root's shell on this program's terminal until it ends. `terminal` is the terminal's name, for the log.
///
/// # Errors
/// When there is no shell.
pub fn run(terminal: &str) -> io::Result<ExitStatus> {
    log(&format!("root has opened a shell on {terminal}"));
    let status = Command::new(SHELL)
        .arg("--login")
        .current_dir("/root")
        .env("HOME", "/root")
        .env("USER", "root")
        .env("SHELL", SHELL)
        .status();
    log(&format!("the shell on {terminal} has ended"));
    status
}

/// Without a log the shell is needed all the more.
fn log(text: &str) {
    let line = format!("<{PRIORITY}>qx-console: {text}");
    let _ = UnixDatagram::unbound().and_then(|socket| socket.send_to(line.as_bytes(), SYSLOG));
}
