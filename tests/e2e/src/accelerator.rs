//! Which accelerator QEMU gets. A `/dev/kvm` that opens proves nothing (nested, filtered and broken ones
//! exist), so a probe guest has to run under it; the answer carries the reason for people to read.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result};

use crate::deadline::{Look, poll, seconds};
use crate::guest;

/// How QEMU runs a machine's instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accelerator {
    /// On the processor: a probe guest ran.
    Kvm,
    /// Translated in software.
    Tcg {
        /// Why not KVM, as the end of a sentence.
        reason: String,
    },
}

impl Accelerator {
    /// The best accelerator that works here. Probed once per process.
    pub fn best() -> &'static Self {
        static BEST: OnceLock<Accelerator> = OnceLock::new();
        BEST.get_or_init(|| match probe_kvm() {
            Ok(()) => Self::Kvm,
            Err(error) => Self::Tcg {
                reason: format!("{error:#}"),
            },
        })
    }

    /// Translation in software, for measurements that must not depend on the processor.
    pub fn tcg(reason: &str) -> Self {
        Self::Tcg {
            reason: reason.to_owned(),
        }
    }

    /// True when instructions run on the processor.
    pub fn is_kvm(&self) -> bool {
        matches!(self, Self::Kvm)
    }
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kvm => write!(f, "KVM"),
            Self::Tcg { reason } => write!(f, "TCG (software emulation: {reason})"),
        }
    }
}

/// Exit status of a QEMU whose guest wrote `guest::PROBE_CODE` to the debug-exit device.
const PROBE_EXIT: i32 = ((guest::PROBE_CODE as i32) << 1) | 1;

/// Boots a guest of ten bytes under KVM and expects its answer. With system management mode, which firmware with Secure
/// Boot needs: a `/dev/kvm` without it is one that runs ten bytes at times and our machines never.
fn probe_kvm() -> Result<()> {
    if !Path::new("/dev/kvm").exists() {
        anyhow::bail!("this machine has no /dev/kvm");
    }
    let dir = tempfile::tempdir().context("no temporary directory for the KVM probe")?;
    let disk = dir.path().join("probe.img");
    fs::write(&disk, guest::probe_image()).context("cannot write the KVM probe's disk")?;
    let (status, said) = run_probe(&disk)?;
    match (status.code(), said.lines().last()) {
        (Some(PROBE_EXIT), _) => Ok(()),
        (_, None) => anyhow::bail!("/dev/kvm is there, but QEMU ended with {status} under it"),
        (_, Some(said)) => {
            let said = said.trim_start_matches("qemu-system-x86_64: ");
            anyhow::bail!(
                "/dev/kvm is there, but QEMU can't use it: {}",
                said.trim_end_matches('.')
            )
        }
    }
}

/// How it ended, and what QEMU said.
fn run_probe(disk: &Path) -> Result<(ExitStatus, String)> {
    let mut qemu = Command::new("qemu-system-x86_64")
        .args([
            "-accel",
            "kvm",
            "-cpu",
            "host",
            "-machine",
            "q35,smm=on",
            "-m",
            "64",
            "-nodefaults",
        ])
        .args(["-display", "none", "-no-reboot"])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"])
        .arg("-drive")
        .arg(format!(
            "file={},format=raw,if=virtio,readonly=on",
            disk.display()
        ))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start qemu-system-x86_64")?;
    let ended = poll("the KVM probe guest", seconds(5), || {
        Ok(qemu
            .try_wait()?
            .map_or_else(|| Look::NotYet("it hangs".into()), Look::Done))
    });
    if ended.is_err() {
        qemu.kill().context("cannot end the KVM probe")?;
        qemu.wait().context("cannot reap the KVM probe")?;
        anyhow::bail!("/dev/kvm is there, but a probe guest hangs under it");
    }
    let mut said = String::new();
    if let Some(mut stderr) = qemu.stderr.take() {
        stderr
            .read_to_string(&mut said)
            .context("cannot read what QEMU said")?;
    }
    Ok((ended?, said))
}
