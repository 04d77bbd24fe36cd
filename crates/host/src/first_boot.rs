//! What the first boot of an installation could not bring back: said on console, API and web UI until the next start.

use std::fs;
use std::io;
use std::path::Path;

/// In the run directory: one sentence a line.
const NOTE: &str = "firstboot-problems";

/// Leaves `problems` for [`problems`].
///
/// # Errors
/// When the run directory can't be written.
pub fn note(run: &Path, problems: &[String]) -> io::Result<()> {
    fs::create_dir_all(run)?;
    fs::write(run.join(NOTE), problems.join("\n"))
}

/// What was left, in words.
#[must_use]
pub fn problems(run: &Path) -> Vec<String> {
    // Most boots leave nothing.
    let text = fs::read_to_string(run.join(NOTE)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}
