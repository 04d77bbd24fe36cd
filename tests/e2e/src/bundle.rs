//! Update bundles as a release makes them, and broken ones: signed by the key of this build, so that a host
//! takes them, and wrong inside.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use crate::image::{PARTS, output, repository};

/// What is wrong with the version in a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Its kernel finds no program to start, and panics.
    KernelPanics,
    /// The system's own init never does anything.
    InitHangs,
    /// The node daemon ends as soon as it is started.
    DaemonCrashes,
    /// No interface comes up.
    NoNetwork,
}

impl Fault {
    /// The file of the root file system that is replaced, and by what. Each script says that it ran, on the
    /// serial line.
    const fn replaced(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::None | Self::KernelPanics => None,
            Self::InitHangs => Some(("usr/sbin/init", "while :; do sleep 1000; done")),
            Self::DaemonCrashes => Some(("usr/sbin/qx-node", "exit 1")),
            Self::NoNetwork => Some(("usr/bin/ip", "exit 1")),
        }
    }

    /// What the serial line shows when the fault of this version has really happened.
    #[must_use]
    pub fn sign(self, version: &str) -> String {
        match self {
            Self::KernelPanics => "Kernel panic - not syncing".to_owned(),
            Self::None | Self::InitHangs | Self::DaemonCrashes | Self::NoNetwork => {
                format!("fault of {version} fired")
            }
        }
    }
}

/// Who signs a bundle.
#[derive(Clone, Debug)]
pub struct Signer {
    key: PathBuf,
    /// The directory with the keyring that the bundle brings.
    trust: PathBuf,
}

impl Signer {
    /// The key of this build.
    pub fn of_build() -> Self {
        Self {
            key: output().join("keys/dev.key"),
            trust: output().join("keys/trust"),
        }
    }

    /// A new key, and a keyring that revokes the key of this build; both made in `dir`.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn after_rotation(dir: &Path) -> Result<Self> {
        let (key, public) = (dir.join("next.key"), dir.join("next.pub"));
        run(image_tool()
            .args(["keygen", "--private"])
            .arg(&key)
            .arg("--public")
            .arg(&public))?;
        let trust = dir.join("next-trust");
        run(image_tool()
            .args(["rotate", "--recovery"])
            .arg(output().join("keys/recovery.key"))
            .arg("--keyring")
            .arg(output().join("keys/trust"))
            .arg("--new")
            .arg(&public)
            .arg("--out")
            .arg(&trust))?;
        Ok(Self { key, trust })
    }
}

/// Makes a bundle of `version` in `dir` from what the build left in `output/`, signed as the build is.
///
/// # Errors
/// When the build is not complete or a tool fails.
pub fn make(dir: &Path, version: &str, fault: Fault) -> Result<PathBuf> {
    make_signed(dir, version, fault, &Signer::of_build())
}

/// As [`make`], signed by somebody else.
///
/// # Errors
/// When the build is not complete or a tool fails.
pub fn make_signed(dir: &Path, version: &str, fault: Fault, signer: &Signer) -> Result<PathBuf> {
    let slot = dir.join(format!("slot-{version}"));
    fs::create_dir_all(&slot).context("cannot make a directory for the bundle")?;
    for part in PARTS {
        let (from, to) = (output().join(part), slot.join(part));
        fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    if fault == Fault::KernelPanics {
        fs::write(slot.join("initramfs.img"), empty_initramfs(dir)?)
            .context("cannot write an initramfs")?;
    }
    if let Some((file, script)) = fault.replaced() {
        let script = format!("echo {} >/dev/ttyS0\n{script}", fault.sign(version));
        pack_root(&slot.join("rootfs.squashfs"), file, &script)?;
    }
    let sequence = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock is before 1970")?;
    run(image_tool()
        .args(["sign", "--channel", "dev", "--release", version, "--slot"])
        .arg(&slot)
        .arg("--key")
        .arg(&signer.key)
        .args(["--sequence", &sequence.as_secs().to_string()]))?;
    let bundle = dir.join(format!("{version}.qxu"));
    run(Command::new("tar")
        .args(["--format=ustar", "-cf"])
        .arg(&bundle)
        .arg("-C")
        .arg(&signer.trust)
        .args(["keyring.json", "keyring.sig"])
        .arg("-C")
        .arg(&slot)
        .args(["manifest.json", "manifest.sig"])
        .args(PARTS))?;
    fs::remove_dir_all(&slot).context("cannot remove the bundle's parts")?;
    Ok(bundle)
}

/// The root file system with one file replaced by a script.
fn pack_root(target: &Path, file: &str, script: &str) -> Result<()> {
    // Beside the real one, so that every other file is the same one.
    let root = output().join("broken-rootfs");
    if root.exists() {
        fs::remove_dir_all(&root).context("cannot remove an older broken root")?;
    }
    run(Command::new("cp")
        .arg("-al")
        .arg(output().join("rootfs"))
        .arg(&root))?;
    let replaced = root.join(file);
    fs::remove_file(&replaced).with_context(|| format!("the root has no {file}"))?;
    fs::write(&replaced, format!("#!/bin/sh\n{script}\n"))
        .context("cannot write the broken file")?;
    fs::set_permissions(&replaced, fs::Permissions::from_mode(0o755))?;
    fs::remove_file(target).context("cannot replace the root file system")?;
    run(Command::new("mksquashfs")
        .arg(&root)
        .arg(target)
        .args(["-quiet", "-no-progress", "-no-xattrs"])
        // Quick to make; how small it is does not matter here.
        .args(["-comp", "zstd", "-Xcompression-level", "1"])
        .env_remove("SOURCE_DATE_EPOCH"))?;
    fs::remove_dir_all(&root).context("cannot remove the broken root")
}

/// An archive with a directory and no `/init`.
fn empty_initramfs(dir: &Path) -> Result<Vec<u8>> {
    let tree = dir.join("empty-initramfs");
    fs::create_dir_all(tree.join("dev")).context("cannot make a directory")?;
    let archive = dir.join("empty.cpio");
    run(Command::new("sh")
        .arg("-c")
        .arg("echo dev | cpio --quiet -o -H newc >\"$0\"")
        .arg(&archive)
        .current_dir(&tree))?;
    fs::read(&archive).context("cannot read the initramfs")
}

fn image_tool() -> Command {
    Command::new(repository().join("builder/image-tool.sh"))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
