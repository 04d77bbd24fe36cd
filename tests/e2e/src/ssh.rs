//! Commands in a running host, by SSH: what a person would type on its second screen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::Machine;

/// A key of the test's own.
pub struct SshKey {
    file: PathBuf,
}

impl SshKey {
    /// Makes one in `dir`.
    ///
    /// # Errors
    /// When ssh-keygen does not.
    pub fn make(dir: &Path) -> Result<Self> {
        let file = dir.join("id_ed25519");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&file)
            .status()
            .context("cannot run ssh-keygen")?;
        ensure!(made.success(), "ssh-keygen ended with {made}");
        Ok(Self { file })
    }

    /// The `[ssh]` table that lets its owner in.
    ///
    /// # Errors
    /// When the key can't be read.
    pub fn table(&self) -> Result<String> {
        let public = fs::read_to_string(self.file.with_extension("pub"))?;
        let public = public.trim();
        Ok(format!(
            "[ssh]\nenabled = true\nauthorized_keys = [\"{public}\"]\n"
        ))
    }

    /// Runs `command` as root; what it printed.
    ///
    /// # Errors
    /// When nobody answers, or it fails; with what it complained about.
    pub fn run(&self, machine: &mut Machine, command: &str) -> Result<String> {
        let port = match machine.port(22) {
            Ok(port) => port,
            Err(_) => machine.forward_port(22)?,
        };
        let options = [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "ConnectTimeout=60",
            "BatchMode=yes",
        ];
        let mut ssh = Command::new("ssh");
        ssh.arg("-i").arg(&self.file);
        for option in options {
            ssh.args(["-o", option]);
        }
        let output = ssh
            .args(["-p", &port.to_string(), "root@127.0.0.1", command])
            .output()
            .context("cannot run ssh")?;
        let said = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "{command}: {}: {printed}{said}",
            output.status
        );
        Ok(printed)
    }
}
