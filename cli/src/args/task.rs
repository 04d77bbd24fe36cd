//! What can be typed after `qx task`.

use clap::Subcommand;
use uuid::Uuid;

#[derive(Subcommand)]
pub(crate) enum TaskCommand {
    /// List them, newest first.
    List {
        /// How many.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show one with its steps and its log.
    Show {
        /// Its id.
        id: Uuid,
    },
    /// Wait for the end of one.
    Wait {
        /// Its id.
        id: Uuid,
    },
    /// Ask one to stop. It does where it safely can.
    Cancel {
        /// Its id.
        id: Uuid,
    },
}
