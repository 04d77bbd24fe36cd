//! Restarting the services that a person may want to restart.

use std::ffi::OsStr;
use std::io;
use std::time::Duration;

use crate::command;

const PROGRAM: &str = "/usr/sbin/rc-service";
/// libvirtd takes the longest.
const DEADLINE: Duration = Duration::from_secs(60);

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// API and web UI.
    Node,
    /// libvirtd.
    Hypervisor,
    /// chronyd.
    Time,
    /// sshd.
    Ssh,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Node, Self::Hypervisor, Self::Time, Self::Ssh];

    /// The name in OpenRC.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "qx-node",
            Self::Hypervisor => "libvirtd",
            Self::Time => "chronyd",
            Self::Ssh => "sshd",
        }
    }

    /// Stops and starts it; one that is down is started.
    ///
    /// # Errors
    /// When it does not start, with what it said.
    pub fn restart(self) -> io::Result<()> {
        let arguments = ["--quiet", self.name(), "restart"].map(OsStr::new);
        let done = command::run(PROGRAM, &arguments, DEADLINE).map_err(io::Error::other)?;
        if done.status.success() {
            return Ok(());
        }
        let said = format!("{} {}", done.stdout, done.stderr);
        let text = format!(
            "{} does not start ({}): {}",
            self.name(),
            done.status,
            said.trim()
        );
        Err(io::Error::other(text))
    }
}
