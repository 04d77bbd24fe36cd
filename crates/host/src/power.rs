//! Turning the machine off and on again through the init system, so that services and guests are
//! stopped in order first.

use std::process::{Command, Stdio};

use rustix::system::{RebootCommand, reboot};

/// What to do with the power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerAction {
    /// Shut down and switch off.
    Off,
    /// Shut down and start again.
    Reboot,
}

/// Why it could not be asked for.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// The program could not be started.
    #[error("cannot start {program}")]
    Start {
        /// The program.
        program: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program refused.
    #[error("{program} failed: {message}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What it printed, or its exit status.
        message: String,
    },
}

/// Where the power switch is reached; tests that must not switch their machine off hand in their own.
pub type Switch = fn(PowerAction) -> Result<(), PowerError>;

/// Asks init to shut down; returns as soon as init has been told.
///
/// # Errors
/// When init's program is missing or refuses.
pub fn request(action: PowerAction) -> Result<(), PowerError> {
    let program = match action {
        PowerAction::Off => "/sbin/poweroff",
        PowerAction::Reboot => "/sbin/reboot",
    };
    let output = Command::new(program)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| PowerError::Start { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let message = if said.is_empty() {
        output.status.to_string()
    } else {
        said
    };
    Err(PowerError::Failed { program, message })
}

/// Restarts the machine without asking anybody, once everything that was written is on disk. Returns only
/// when the kernel refuses, with what it says.
#[must_use]
pub fn restart_at_once() -> std::io::Error {
    rustix::fs::sync();
    match reboot(RebootCommand::Restart) {
        Ok(()) => std::io::ErrorKind::Unsupported.into(),
        Err(error) => error.into(),
    }
}
