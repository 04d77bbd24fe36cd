//! The services that a person may want to look after, as OpenRC knows them.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::command;

/// libvirtd takes the longest.
const RESTART: Duration = Duration::from_secs(60);
/// A look at what OpenRC has written down.
const LOOK: Duration = Duration::from_secs(10);

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

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }
}

/// How a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// It is being started.
    Starting,
    /// It is being stopped.
    Stopping,
    /// It does not run, and is not meant to.
    Stopped,
    /// It is meant to run, but does not.
    Failed,
}

/// OpenRC's own program.
#[derive(Debug, Clone)]
pub struct OpenRc {
    /// `rc-service`.
    pub program: PathBuf,
    /// Has a name for each service that could not be started.
    pub failed: PathBuf,
}

impl Default for OpenRc {
    fn default() -> Self {
        Self {
            program: "/usr/sbin/rc-service".into(),
            failed: "/run/openrc/failed".into(),
        }
    }
}

impl OpenRc {
    /// How a service does.
    ///
    /// # Errors
    /// When OpenRC does not say, such as on a machine without it.
    pub fn state(&self, service: Service) -> io::Result<State> {
        let done = self.call(service, "status", LOOK)?;
        // The exit statuses of `status` in OpenRC's openrc-run.sh and supervise-daemon.sh.
        Ok(match done.status.code() {
            Some(0) => State::Running,
            Some(3) if self.failed.join(service.name()).exists() => State::Failed,
            Some(3) => State::Stopped,
            Some(4) => State::Stopping,
            Some(8 | 16) => State::Starting,
            // Crashed, and not supervised any more.
            Some(32 | 64) => State::Failed,
            _ => return Err(self.refused(service, "status", &done)),
        })
    }

    /// Stops and starts it; one that is down is started.
    ///
    /// # Errors
    /// When it does not start, with what it said.
    pub fn restart(&self, service: Service) -> io::Result<()> {
        let done = self.call(service, "restart", RESTART)?;
        if done.status.success() {
            return Ok(());
        }
        let said = said(&done);
        let text = format!(
            "{} does not start ({}): {said}",
            service.name(),
            done.status
        );
        Err(io::Error::other(text))
    }

    fn call(
        &self,
        service: Service,
        what: &str,
        deadline: Duration,
    ) -> io::Result<command::Finished> {
        let program = self.program.to_string_lossy();
        let arguments = ["--quiet", service.name(), what].map(OsStr::new);
        command::run(&program, &arguments, deadline).map_err(io::Error::other)
    }

    fn refused(&self, service: Service, what: &str, done: &command::Finished) -> io::Error {
        let program = self.program.display();
        let name = service.name();
        let text = format!(
            "{program} {name} {what} ended with {}: {}",
            done.status,
            said(done)
        );
        io::Error::other(text)
    }
}

fn said(done: &command::Finished) -> String {
    format!("{} {}", done.stdout, done.stderr).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// An OpenRC that answers with `script`. Another process writes it, so that no fork of this one holds it open.
    fn made(directory: &Path, script: &str) -> OpenRc {
        let program = directory.join("rc-service");
        let write = r#"printf '#!/bin/sh\n%s\n' "$2" >"$1" && chmod +x "$1""#;
        let written = Command::new("/bin/sh")
            .args(["-c", write, "sh"])
            .arg(&program)
            .arg(script)
            .status();
        assert!(written.unwrap().success());
        OpenRc {
            program,
            failed: directory.join("failed"),
        }
    }

    #[test]
    fn a_state_is_what_openrc_says() {
        let directory = tempfile::tempdir().unwrap();
        for (status, state) in [
            (0, State::Running),
            (3, State::Stopped),
            (4, State::Stopping),
            (8, State::Starting),
            (32, State::Failed),
        ] {
            let openrc = made(
                directory.path(),
                &format!("[ \"$*\" = '--quiet sshd status' ] && exit {status}; exit 99"),
            );
            assert_eq!(openrc.state(Service::Ssh).unwrap(), state, "{status}");
        }
        let openrc = made(directory.path(), "exit 3");
        fs::create_dir(directory.path().join("failed")).unwrap();
        fs::write(directory.path().join("failed/libvirtd"), "").unwrap();
        assert_eq!(openrc.state(Service::Hypervisor).unwrap(), State::Failed);
        assert_eq!(openrc.state(Service::Node).unwrap(), State::Stopped);
    }

    #[test]
    fn what_openrc_can_not_say_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let openrc = made(directory.path(), "echo no such service; exit 1");
        let error = openrc.state(Service::Time).unwrap_err().to_string();
        assert!(error.contains("chronyd status ended with"), "{error}");
        assert!(error.contains("no such service"), "{error}");
        let openrc = OpenRc {
            program: "/nonexistent".into(),
            ..OpenRc::default()
        };
        assert!(openrc.state(Service::Time).is_err());
    }

    #[test]
    fn a_service_that_does_not_start_says_why() {
        let directory = tempfile::tempdir().unwrap();
        let openrc = made(
            directory.path(),
            "[ \"$2 $3\" = 'sshd restart' ] || { echo bad key >&2; exit 1; }",
        );
        openrc.restart(Service::Ssh).unwrap();
        let error = openrc.restart(Service::Node).unwrap_err().to_string();
        assert!(error.starts_with("qx-node does not start"), "{error}");
        assert!(error.ends_with("bad key"), "{error}");
    }
}
