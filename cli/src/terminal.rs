//! The terminal's settings: changed for a while, put back however it ends.

use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;

use anyhow::{Context, Result, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Puts the terminal back when dropped.
pub(crate) struct Changed {
    before: Termios,
}

impl Changed {
    fn new(change: impl FnOnce(&mut Termios)) -> Result<Self> {
        let stdin = std::io::stdin();
        let before = tcgetattr(stdin.as_fd()).context("can't read the terminal's settings")?;
        let mut settings = before.clone();
        change(&mut settings);
        tcsetattr(stdin.as_fd(), OptionalActions::Now, &settings)
            .context("can't set the terminal")?;
        Ok(Self { before })
    }

    /// Every key goes through as it is.
    pub(crate) fn raw() -> Result<Self> {
        Self::new(Termios::make_raw)
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        let stdin = std::io::stdin();
        if let Err(error) = tcsetattr(stdin.as_fd(), OptionalActions::Now, &self.before) {
            eprintln!("qx: can't restore the terminal ({error}): type `reset`");
        }
    }
}

/// A secret that somebody chooses: asked for on a terminal, twice if it can't be looked up elsewhere, or the first line
/// of what is piped in.
pub(crate) fn new_secret(prompt: &str, twice: bool) -> Result<String> {
    let secret = match ask_password(prompt)? {
        Some(secret) => {
            if twice && ask_password("The same again")?.as_ref() != Some(&secret) {
                bail!("the two are not the same");
            }
            secret
        }
        None => {
            let mut line = String::new();
            let read = std::io::stdin().read_line(&mut line);
            read.context("can't read the password")?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    if secret.is_empty() {
        bail!("a password is needed: type it on a terminal, or pipe it in as one line");
    }
    Ok(secret)
}

/// Asks for a password, which is not shown; `None` without a terminal to ask on.
pub(crate) fn ask_password(prompt: &str) -> Result<Option<String>> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(None);
    }
    let hidden = Changed::new(|settings| settings.local_modes.remove(LocalModes::ECHO))?;
    eprint!("{prompt}: ");
    std::io::stderr()
        .flush()
        .context("can't write to the terminal")?;
    let mut line = String::new();
    let length = stdin
        .read_line(&mut line)
        .context("can't read the password")?;
    drop(hidden);
    eprintln!();
    if length == 0 {
        bail!("no password was given");
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}
