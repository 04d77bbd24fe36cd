//! What screens ask of the machine, and what comes of it. Data only: `effects` does it.

use qx_api::rest;
use qx_host::config::{AnswerFile, Config, Ssh};
use qx_host::disks::Disk;
use qx_host::install_status::InstallStatus;
use qx_host::logs::Log;
use qx_host::network_test::Line;
use qx_host::pending::Scope;
use qx_host::power::PowerAction;
use qx_host::service::Service;

use crate::forms::{Password, TimeValue};
use crate::screens::Subject;

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
    /// Read the configuration, for a form of it.
    ReadConfig(Subject),
    /// Put something into force.
    Change(Box<Change>),
    /// Test the network, step by step.
    TestNetwork,
    /// Read a log, unless it is still as it was at this mark; 0 was never.
    ReadLog(Log, u64),
    /// Restart a service.
    Restart(Service),
    /// Ask the daemon about updates, or for one.
    Updates(UpdateAsk),
    /// Gather what somebody who helps wants to know.
    Support,
    /// Give the terminal to a shell until it ends.
    Shell,
    /// Have the next boot make this host as it was after its installation.
    Reset(Scope),
}

/// A change of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Root's password.
    Password(Password),
    /// `[ssh]`.
    Ssh(Ssh),
    /// Time zone and servers.
    Time(TimeValue),
}

/// What a form of the configuration begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// What is configured.
    pub config: Config,
    /// Names of time zones.
    pub zones: Vec<String>,
}

/// A question about updates, or a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateAsk {
    /// How things are.
    Status,
    /// Restart into what was uploaded.
    Apply,
    /// Restart into the other version.
    Rollback,
    /// Write the running version into the other slot.
    Reinstall,
}

/// Where updates stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateView {
    /// As the daemon says.
    Daemon(Box<rest::Updates>),
    /// As the disk says, because the daemon does not answer.
    Disk {
        /// Why it does not.
        reason: String,
        /// The slots in words.
        lines: Vec<String>,
    },
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
    /// The configuration, for a form of it.
    Config(Subject, Box<Configured>),
    /// A step of the network test; `None` when it is over.
    Tested(Option<Line>),
    /// A log's text with a mark of its state; `None` when it is as it was.
    Log(Log, Result<Option<(String, u64)>, String>),
    /// Where updates stand.
    Updates(Result<UpdateView, String>),
    /// The next boot resets this host, or why it does not.
    Reset(Result<(), String>),
}

/// What an installation can choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The disks.
    pub disks: Vec<Disk>,
    /// Names of time zones.
    pub zones: Vec<String>,
}
