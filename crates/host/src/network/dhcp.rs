//! The DHCP client, dhcpcd. `/etc/dhcpcd.conf` says how it asks; `dhcp-event` gets the name servers.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::command;

const CLIENT: &str = "/usr/sbin/dhcpcd";
/// To be heard by the running client.
const DEADLINE: Duration = Duration::from_secs(10);

/// Starts a client on `interface` and does not wait for it: before it goes to the background it asks the kernel for
/// modules, and the boot has other things to do meanwhile. It ends by itself only when the interface is gone.
pub(super) fn start(interface: &str) -> Result<(), String> {
    let mut client = Command::new(CLIENT)
        .arg(interface)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("DHCP does not start: cannot run {CLIENT}: {error}"))?;
    // Collected when it has gone to the background; what is wrong then stands in the system's log.
    thread::spawn(move || client.wait());
    Ok(())
}

/// Lets the client on `interface` ask again, at once; one that is gone is started.
pub(super) fn ask_again(interface: &str) -> Result<(), String> {
    run(&["--rebind", interface])
}

/// Ends the client on `interface`. What it has set stays, and its lease is not given back: the change may be undone.
pub(super) fn stop(interface: &str) -> Result<(), String> {
    run(&["--exit", interface])
}

fn run(arguments: &[&str]) -> Result<(), String> {
    let words: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    let done = command::run(CLIENT, &words, DEADLINE).map_err(|error| error.to_string())?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!(
        "{CLIENT} {} failed ({}): {}",
        arguments.join(" "),
        done.status,
        done.stderr
    ))
}
