//! What can be typed after `qx vm snapshot`.

use clap::{Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(crate) enum SnapshotCommand {
    /// List them as a tree.
    List {
        /// Name or id of the VM.
        vm: String,
    },
    /// Keep the VM as it is: with its memory if it runs, else its disks.
    Create {
        /// Name or id of the VM.
        vm: String,
        /// 1 to 63 letters, digits, '.', '_' or '-'.
        name: String,
        /// Free text.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Make the VM what it was. What it is now is lost.
    Revert {
        /// Name or id of the VM.
        vm: String,
        /// The snapshot.
        name: String,
        /// What the VM is to be afterwards.
        #[arg(long, value_enum, default_value_t = RevertTo::AsTaken)]
        to: RevertTo,
    },
    /// Forget one. Those after it lose nothing.
    Delete {
        /// Name or id of the VM.
        vm: String,
        /// The snapshot.
        name: String,
        /// Forget those after it too.
        #[arg(long)]
        children: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum RevertTo {
    /// What it was when the snapshot was taken.
    AsTaken,
    /// Running: from its memory, or powered on.
    Running,
    /// Off: the disks alone.
    Off,
}
