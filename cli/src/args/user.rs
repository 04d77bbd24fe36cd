//! What can be typed after `qx user`.

use clap::Subcommand;

use super::Role;

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// List them.
    List,
    /// Make one; the password is asked for, or read as a line from standard input.
    Create {
        /// At most 32 letters, digits, '.', '_' or '-'.
        name: String,
        /// What they may do.
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Change one. Their sessions end.
    Change {
        /// Who.
        name: String,
        /// What they may do from now on.
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// Keep them and their tokens out.
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// Let them in again.
        #[arg(long)]
        enable: bool,
        /// Set a new password, asked for as with create.
        #[arg(long)]
        password: bool,
    },
    /// Change one's own password; needs --url and --user.
    Password,
    /// Remove one, with the tokens they made.
    Delete {
        /// Who.
        name: String,
    },
}
