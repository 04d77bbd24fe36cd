//! `qx completion`: needs no host.

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::args::Arguments;
use crate::output::text;

pub(crate) fn print(shell: Shell) -> Result<()> {
    text(script(shell)?)
}

fn script(shell: Shell) -> Result<String> {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "qx", &mut script);
    String::from_utf8(script).context("the script is not text")
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_s_script_knows_every_command() {
        for shell in Shell::value_variants() {
            let script = script(*shell).unwrap();
            for command in Arguments::command().get_subcommands() {
                let name = command.get_name();
                assert!(script.contains(name), "{shell} does not know {name}");
            }
        }
    }
}
