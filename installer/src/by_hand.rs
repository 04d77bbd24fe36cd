//! An installation by an answer file that the console has made of a person's answers. As an unattended one, but
//! the machine stays on: whoever stands before it says what comes next.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use qx_host::config::parse_answer;

use crate::unattended::{Places, UNCHANGED, fail, perform, refuse, tell_installed};

/// Installs by the answer file at `file`, which must have an `[install]` table.
///
/// # Errors
/// When nothing was installed; the console shows the same.
pub fn run(places: &Places, file: &Path) -> Result<()> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let answer = match parse_answer(&text) {
        Ok(answer) => answer,
        Err(problems) => {
            let problems = problems.iter().map(ToString::to_string).collect();
            return fail(places, UNCHANGED, problems);
        }
    };
    let Some(wanted) = &answer.install else {
        let problem = "the answer file has no [install]".to_owned();
        return fail(places, UNCHANGED, vec![problem]);
    };
    match perform(places, wanted, &answer.config) {
        Ok(done) => {
            let summary = format!("Quantix-OS is installed on {}.", done.disks);
            tell_installed(places, &summary, done)
        }
        Err(error) => refuse(places, wanted, &error),
    }
}
