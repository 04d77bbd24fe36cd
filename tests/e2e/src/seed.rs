//! The volume that carries the answer file of an unattended installation.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Makes a small FAT volume labelled `QX-SEED` in `dir`, with `answer` as `quantix.toml`.
///
/// # Errors
/// When the volume can't be made.
pub fn volume(dir: &Path, answer: &str) -> Result<PathBuf> {
    let (volume, text) = (dir.join("seed.img"), dir.join("quantix.toml"));
    fs::write(&text, answer).context("cannot write the answer file")?;
    let label = ["-n", "QX-SEED", "-C"];
    run(Command::new("mkfs.vfat")
        .args(label)
        .arg(&volume)
        .arg("1024"))?;
    run(Command::new("mcopy")
        .arg("-i")
        .arg(&volume)
        .arg(&text)
        .arg("::/quantix.toml"))?;
    Ok(volume)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
