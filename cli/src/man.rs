//! `qx man`: needs no host.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;

use crate::args::Arguments;

/// One page for `qx` and for each of its commands, as `man(1)` finds them.
pub(crate) fn write(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Arguments::command(), directory))
        .with_context(|| format!("can't write manual pages to {}", directory.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_that_shows_its_options() {
        let directory = std::env::temp_dir().join(format!("qx-man-{}", std::process::id()));
        write(&directory).unwrap();
        let page = |name: &str| fs::read_to_string(directory.join(format!("{name}.1"))).unwrap();
        for command in Arguments::command().get_subcommands() {
            let name = command.get_name();
            assert!(page(&format!("qx-{name}")).contains(".SH NAME"), "{name}");
        }
        assert!(page("qx-vm-create").contains("autostart"));
        assert!(page("qx").contains(".SH OPTIONS"));
        fs::remove_dir_all(directory).unwrap();
    }
}
