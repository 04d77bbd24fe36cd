//! The configuration partition as the kernel and `qx_host::config` see it.
//!
//! The files are copied out and given to the product's own reader. The reader of ext4 replays the journal in
//! memory, as the kernel does when it mounts, and refuses what the kernel refuses. It does not know a journal
//! that was never used; there is nothing to replay then, and e2fsprogs read the files.

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
    let files = scratch.path().join("files");
    match copy_out(view, &files) {
        Ok(()) => {}
        Err(CopyError::Ext4(Ext4Error::Incompatible(_))) => {
            let copy = scratch.path().join("partition");
            copy_whole(view, &copy)?;
            dump(&copy, &files)?;
        }
        // The kernel refuses it, and qx-init repairs it.
        Err(CopyError::Ext4(_)) => {
            let copy = scratch.path().join("partition");
            if !repair(view, &copy)? {
                return Ok(None);
            }
            dump(&copy, &files)?;
        }
        Err(CopyError::Io(error)) => return Err(error).context("cannot copy files"),
    }
    Ok(peek(&files))
}

/// The configuration in a file with the partition's bytes, after a kernel has mounted it.
///
/// # Errors
/// When a temporary file cannot be made, or e2fsprogs are missing.
pub fn read_file(partition: &Path) -> Result<Option<Config>> {
    let scratch = tempfile::tempdir().context("cannot make a directory")?;
    let files = scratch.path().join("files");
    dump(partition, &files)?;
    Ok(peek(&files))
}

fn peek(directory: &Path) -> Option<Config> {
    let found = Store::new(directory).peek();
    (found.status.source != Source::Defaults).then_some(found.config)
}

/// The files that matter, by the reader in memory.
fn copy_out(view: &View, to: &Path) -> Result<(), CopyError> {
    let system = Ext4::load(Box::new(view.clone()))?;
    fs::create_dir_all(to.join(GENERATIONS))?;
    // A file that cannot be read is as good as missing.
    let one = |name: &str| match system.read(format!("/{name}").as_str()) {
        Ok(content) => fs::write(to.join(name), content),
        Err(_) => Ok(()),
    };
    one(CURRENT)?;
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

/// Does to a copy of the partition what qx-init does to one that cannot be mounted.
fn repair(view: &View, copy: &Path) -> Result<bool> {
    copy_whole(view, copy)?;
    let status = Command::new("e2fsck")
        .arg("-fy")
        .arg(copy)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("cannot run e2fsck")?;
    Ok(matches!(status.code(), Some(0 | 1)))
}

fn copy_whole(view: &View, copy: &Path) -> Result<()> {
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
    Ok(())
}

/// The files that matter, by e2fsprogs on a copy of the partition.
fn dump(copy: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for name in [CURRENT, GENERATIONS] {
        let request = format!("rdump {name} {}", to.display());
        // A file that it cannot read is not there afterwards: its status says nothing more.
        Command::new("debugfs")
            .args(["-R", &request])
            .arg(copy)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("cannot run debugfs")?;
    }
    Ok(())
}
