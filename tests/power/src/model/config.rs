//! The configuration partition as the kernel and `qx_host::config` see it.
//!
//! The files are copied out and given to the product's own reader. A reader of ext4 that replays the journal
//! in memory does that in milliseconds; it knows fewer journals than the kernel, so where there is one and it
//! finds no configuration, e2fsprogs have the last word: they replay the journal of a copy of the partition.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use ext4_view::{Ext4, Ext4Error};
use qx_host::config::{Config, Source, Store};
use qx_slots::BlockIo;

use super::view::View;

const CURRENT: &str = "config.toml";
const GENERATIONS: &str = "config.d";
/// Where ext4 has its magic number.
const MAGIC: u64 = 1024 + 56;
/// Where it has its compatible features, and the one of a journal.
const FEATURES: u64 = 1024 + 92;
const HAS_JOURNAL: u8 = 4;
const CHUNK: usize = 1 << 16;

/// The configuration that a boot would use; `None` when it would use the built-in one.
///
/// # Errors
/// When a temporary file cannot be made, or e2fsprogs are missing.
pub(super) fn read(view: &View) -> Result<Option<Config>> {
    let mut magic = [0; 2];
    if view.read_at(MAGIC, &mut magic).is_err() || magic != [0x53, 0xef] {
        return Ok(None);
    }
    let scratch = tempfile::tempdir().context("cannot make a directory")?;
    let quick = scratch.path().join("quick");
    if copy_out(view, &quick).is_ok()
        && let Some(config) = peek(&quick)
    {
        return Ok(Some(config));
    }
    let mut features = [0; 4];
    if view.read_at(FEATURES, &mut features).is_err() || features[0] & HAS_JOURNAL == 0 {
        return Ok(None);
    }
    let sure = scratch.path().join("sure");
    dump(view, &scratch.path().join("partition"), &sure)?;
    Ok(peek(&sure))
}

fn peek(directory: &Path) -> Option<Config> {
    let found = Store::new(directory).peek();
    (found.status.source != Source::Defaults).then_some(found.config)
}

/// The files that matter, by the reader in memory.
fn copy_out(view: &View, to: &Path) -> Result<(), CopyError> {
    let system = Ext4::load(Box::new(view.clone()))?;
    fs::create_dir_all(to.join(GENERATIONS))?;
    let one = |name: &str| -> Result<(), CopyError> {
        let content = system.read(format!("/{name}").as_str())?;
        Ok(fs::write(to.join(name), content)?)
    };
    if system.exists(format!("/{CURRENT}").as_str())? {
        one(CURRENT)?;
    }
    let generations = format!("/{GENERATIONS}");
    if !system.exists(generations.as_str())? {
        return Ok(());
    }
    for entry in system.read_dir(generations.as_str())? {
        let name = entry?.file_name().display().to_string();
        if name != "." && name != ".." {
            one(&format!("{GENERATIONS}/{name}"))?;
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum CopyError {
    #[error(transparent)]
    Ext4(#[from] Ext4Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The files that matter, by e2fsprogs on a copy of the partition.
fn dump(view: &View, copy: &Path, to: &Path) -> Result<()> {
    let file = File::create(copy).context("cannot copy the partition")?;
    file.set_len(view.length())?;
    let mut chunk = vec![0; CHUNK];
    for offset in (0..view.length()).step_by(CHUNK) {
        let length = (view.length() - offset).min(CHUNK as u64);
        let (chunk, _) = chunk.split_at_mut(usize::try_from(length)?);
        view.read_at(offset, chunk)?;
        if chunk.iter().any(|byte| *byte != 0) {
            file.write_all_at(chunk, offset)?;
        }
    }
    fs::create_dir(to)?;
    // What they cannot make sense of is not there afterwards: their status says nothing more.
    quiet(
        Command::new("e2fsck")
            .args(["-y", "-E", "journal_only"])
            .arg(copy),
    )?;
    for name in [CURRENT, GENERATIONS] {
        let request = format!("rdump {name} {}", to.display());
        quiet(Command::new("debugfs").args(["-R", &request]).arg(copy))?;
    }
    Ok(())
}

fn quiet(command: &mut Command) -> Result<()> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    Ok(())
}
