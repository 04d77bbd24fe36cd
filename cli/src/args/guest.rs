//! What can be typed after `qx vm guest`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum GuestCommand {
    /// Show what the agent in the guest tells of it.
    Info {
        /// Name or id of the VM.
        vm: String,
    },
    /// Whether the agent answers.
    Ping {
        /// Name or id of the VM.
        vm: String,
    },
    /// Its network interfaces and their addresses.
    Addresses {
        /// Name or id of the VM.
        vm: String,
    },
    /// Its mounted file systems.
    Filesystems {
        /// Name or id of the VM.
        vm: String,
    },
    /// Run a command in the guest, and end as it ended. No shell reads it.
    Exec {
        /// Name or id of the VM.
        vm: String,
        /// A variable, instead of the agent's own; again for more.
        #[arg(long, value_name = "NAME=VALUE")]
        env: Vec<String>,
        /// What it reads: a file of up to 256 KiB, or - for standard input.
        #[arg(long, value_name = "FILE")]
        input: Option<PathBuf>,
        /// Stop waiting after so many seconds; the command goes on.
        #[arg(long, value_name = "SECONDS")]
        timeout: Option<u64>,
        /// The command and its arguments.
        #[arg(required = true, last = true)]
        command: Vec<String>,
    },
    /// Whether a command has ended that `exec --no-wait` started; its output is told once.
    ExecStatus {
        /// Name or id of the VM.
        vm: String,
        /// The command's number.
        pid: u64,
    },
    /// Copy a file out of the guest.
    Read {
        /// Name or id of the VM.
        vm: String,
        /// The file in the guest.
        path: String,
        /// Where to, which must not be there yet; standard output if not given.
        file: Option<PathBuf>,
    },
    /// Copy a file into the guest, in the place of what is there.
    Write {
        /// Name or id of the VM.
        vm: String,
        /// The file here, or - for standard input.
        file: PathBuf,
        /// The file in the guest.
        path: String,
    },
    /// Hold its file systems still until they are thawed, all or those named.
    Freeze {
        /// Name or id of the VM.
        vm: String,
        /// Where they are mounted.
        mount_points: Vec<String>,
    },
    /// Let its file systems go on.
    Thaw {
        /// Name or id of the VM.
        vm: String,
    },
    /// Give back what its file systems do not use.
    Trim {
        /// Name or id of the VM.
        vm: String,
    },
    /// Set a password in the guest. It is asked for, or read from the first line of standard input.
    Password {
        /// Name or id of the VM.
        vm: String,
        /// Whose.
        user: String,
        /// What is given is a hash, as crypt makes.
        #[arg(long)]
        crypted: bool,
    },
    /// Set the guest's clock.
    Time {
        /// Name or id of the VM.
        vm: String,
        /// Such as 2026-01-31T12:00:00Z; the host's time if not given.
        #[arg(long)]
        at: Option<jiff::Timestamp>,
    },
    /// Have the agent shut the guest down.
    Shutdown {
        /// Name or id of the VM.
        vm: String,
    },
    /// Have the agent restart the guest.
    Reboot {
        /// Name or id of the VM.
        vm: String,
    },
}
