//! What screens ask of the machine, and what comes of it. Data only: `effects` does it.

use qx_host::config::AnswerFile;
use qx_host::disks::Disk;
use qx_host::install_status::InstallStatus;
use qx_host::power::PowerAction;

use crate::forms::Password;

/// What the main loop is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Check root's password, then send `Event::Checked`.
    Check(Password),
    /// Shut down or restart.
    Power(PowerAction),
    /// Send every cell again.
    Repaint,
    /// End the program (init starts it again).
    Quit,
    /// Look at what an installation can choose from.
    Look,
    /// Install.
    Install(Box<Answer>),
    /// Make the answer file's text.
    ShowAnswer(Box<Answer>),
    /// Write the answer file to a stick.
    SaveAnswer(Box<Answer>),
}

/// An answer file whose password is not hashed yet, which takes long enough to be felt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Everything else.
    pub file: AnswerFile,
    /// Root's password to be.
    pub password: Password,
}

/// What became of an action.
#[derive(Debug)]
pub enum Outcome {
    /// Init refused to shut down, and why.
    PowerFailed(String),
    /// What an installation can choose from, or why nothing could be seen.
    Looked(Result<Found, String>),
    /// An installation is over; how it ended, or why it did not start.
    Installed(Result<InstallStatus, String>),
    /// Text to show, with a title.
    Read(&'static str, Result<String, String>),
    /// Something was done: what, or why not.
    Done(Result<String, String>),
}

/// What an installation can choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The disks.
    pub disks: Vec<Disk>,
    /// Names of time zones.
    pub zones: Vec<String>,
}
