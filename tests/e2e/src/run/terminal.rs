//! The person's terminal in raw mode, put back as it was whatever happens.

use std::io::{IsTerminal, stdin, stdout};

use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Leaves the alternate screen, shows the cursor, resets colours: a guest cut off in the middle of a screen
/// leaves all three behind.
pub(super) const RESET: &str = "\x1b[?1049l\x1b[?25h\x1b[0m\r\n";

/// True when a person can both see and type.
pub(super) fn is_interactive() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

/// Raw mode until dropped.
pub(super) struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    pub(super) fn enter() -> Result<Self> {
        let before = tcgetattr(stdin()).context("cannot read the terminal's mode")?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw).context("cannot set the terminal's mode")?;
        Ok(Self { before })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // The terminal may be gone, and then there is nothing to put back.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}
