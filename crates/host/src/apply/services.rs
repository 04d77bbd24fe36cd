//! Telling running services that `/etc` has changed.

use std::ffi::OsStr;
use std::io;
use std::time::Duration;

use crate::command;

const RECONFIGURE: &str = "/usr/lib/quantix/reconfigure";
/// A network restarts and a daemon or two.
const DEADLINE: Duration = Duration::from_secs(120);

/// Brings the services of a live system in line with what [`super::apply`] has written. The network goes down
/// for a moment.
///
/// # Errors
/// When the script can't be started, fails or hangs.
pub fn reconfigure() -> io::Result<()> {
    run(&[])
}

/// Brings all services but the network in line with what [`super::apply`] has written; VMs notice nothing.
///
/// # Errors
/// When the script can't be started, fails or hangs.
pub fn follow() -> io::Result<()> {
    run(&["services".as_ref()])
}

fn run(arguments: &[&OsStr]) -> io::Result<()> {
    let done = command::run(RECONFIGURE, arguments, DEADLINE).map_err(io::Error::other)?;
    if done.status.success() {
        return Ok(());
    }
    let text = format!("{RECONFIGURE} failed ({}): {}", done.status, done.stderr);
    Err(io::Error::other(text))
}
