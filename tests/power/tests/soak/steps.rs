//! What a person does with a host that is recorded: changes its configuration, updates it, goes back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use qx_e2e::deadline::Look;
use qx_e2e::installed::{BOOT, PASSWORD};
use qx_e2e::{Api, Machine, poll};
use serde_json::json;

/// A key that root logs in with over SSH.
pub(crate) struct SshKey {
    private: PathBuf,
    /// As it stands in `authorized_keys`.
    pub(crate) public: String,
}

impl SshKey {
    pub(crate) fn make(dir: &Path) -> Result<Self> {
        let private = dir.join("key");
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
            .arg(&private))?;
        let public = fs::read_to_string(private.with_extension("pub"))?;
        Ok(Self {
            private,
            public: public.trim().to_owned(),
        })
    }

    fn run(&self, machine: &Machine, command: &str) -> Result<String> {
        run(Command::new("ssh")
            .args([
                "-q",
                "-o",
                "BatchMode=yes",
                "-o",
                "StrictHostKeyChecking=no",
            ])
            .args(["-o", "UserKnownHostsFile=/dev/null", "-i"])
            .arg(&self.private)
            .args(["-p", &machine.port(22)?.to_string(), "root@127.0.0.1"])
            .arg(command))
    }
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().context("cannot run ssh")?;
    ensure!(output.status.success(), "{command:?}: {output:?}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Edits the configuration as a person does, has it recorded as a generation, and starts the host with it.
pub(crate) fn renames(machine: &Machine, api: &mut Api, key: &SshKey, new: &str) -> Result<()> {
    let first = boot_id(machine, key, "")?;
    for command in [
        &format!("sed -i 's/^hostname = .*/hostname = \"{new}\"/' /quantix/config.toml"),
        "qx-config apply && test -s /quantix/config.d/00000002.blake3",
        "(sleep 1; reboot) >/dev/null 2>&1 </dev/null &",
    ] {
        key.run(machine, command)?;
    }
    boot_id(machine, key, &first)?;
    let look = |api: &mut Api| -> Result<String> {
        api.log_in("root", PASSWORD)?;
        let host = api.get("/api/v1/host")?.expect(200)?;
        Ok(host["hostname"].as_str().unwrap_or_default().to_owned())
    };
    poll("the host's new name", BOOT, || {
        Ok(match look(api) {
            Ok(name) if name == new => Look::Done(()),
            Ok(name) => Look::NotYet(name),
            Err(error) => Look::NotYet(format!("{error:#}")),
        })
    })
}

/// The kernel's name for this boot, once it is another one than `before`.
fn boot_id(machine: &Machine, key: &SshKey, before: &str) -> Result<String> {
    poll("SSH to answer from another boot", BOOT, || {
        Ok(
            match key.run(machine, "cat /proc/sys/kernel/random/boot_id") {
                Ok(boot) if boot != before => Look::Done(boot),
                Ok(boot) => Look::NotYet(boot),
                Err(error) => Look::NotYet(format!("{error:#}")),
            },
        )
    })
}

/// Uploads a bundle and restarts into it.
pub(crate) fn start(api: &Api, bundle: &Path) -> Result<()> {
    api.put_bundle(bundle, 0, None)?.expect(200)?;
    api.post("/api/v1/updates/apply", &json!({"restart": true}))?
        .expect(200)
        .map(drop)
}

/// Goes back to the other slot.
pub(crate) fn goes_back(api: &Api) -> Result<()> {
    api.post("/api/v1/updates/rollback", &json!({"restart": true}))?
        .expect(200)
        .map(drop)
}

/// Waits until a change of the running version has ended with `outcome`, and `slot` runs and is confirmed.
pub(crate) fn changes(
    api: &mut Api,
    slot: &str,
    outcome: &str,
    act: impl FnOnce(&Api) -> Result<()>,
) -> Result<()> {
    let before = api.get("/api/v1/updates")?.expect(200)?["last"]["started_at"].clone();
    act(api)?;
    let look = |api: &mut Api| -> Result<bool> {
        // Sessions end with the daemon.
        api.log_in("root", PASSWORD)?;
        let now = api.get("/api/v1/updates")?.expect(200)?;
        let slots = now["slots"].as_array().into_iter().flatten();
        let runs = slots.into_iter().any(|found| {
            found["name"] == slot && found["running"] == true && found["confirmed"] == true
        });
        let last = &now["last"];
        Ok(runs && last["outcome"] == outcome && last["started_at"] != before)
    };
    poll("the change to end", BOOT, || {
        Ok(match look(api) {
            Ok(true) => Look::Done(()),
            Ok(false) => Look::NotYet("not yet".to_owned()),
            Err(error) => Look::NotYet(format!("{error:#}")),
        })
    })
}
