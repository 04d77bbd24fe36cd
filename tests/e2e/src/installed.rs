//! An installed host, from inside by its API and from outside by its disk: what the tests of installations and
//! of updates share.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::deadline::Look;
use crate::{Api, Lab, Machine, guest, minutes, poll};

/// From power-on to the end of an installation, and of one boot, under software emulation.
pub const INSTALL: std::time::Duration = minutes(30);
/// See `INSTALL`.
pub const BOOT: std::time::Duration = minutes(15);
/// Where slot A starts: after 1 MiB and the EFI partition.
pub const SLOT_A_OFFSET: u64 = (1 + 100) << 20;
/// Where the configuration's partition starts: after the EFI partition and two slots.
pub const CONFIG_OFFSET: u64 = (1 + 100 + 300 + 300) << 20;
/// What the console of a machine says that started from its disk.
const RESTARTED: &str = ", slot A";
/// Root's, in the answer files of these tests.
pub const PASSWORD: &str = "correct horse 42";

/// Inverts a bit of a file in the slot that starts at `slot` bytes, from outside.
///
/// # Errors
/// When it can't be done.
pub fn flip_in_slot(disk: &Path, slot: u64, file: &str, position: u64) -> Result<()> {
    let debugfs = |request: &str| -> Result<String> {
        let output = Command::new("debugfs")
            .args(["-R", request])
            .arg(format!("{}?offset={slot}", disk.display()))
            .output()
            .context("cannot run debugfs")?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let super_block = debugfs("show_super_stats -h")?;
    let size: u64 = super_block
        .lines()
        .find_map(|line| line.strip_prefix("Block size:")?.trim().parse().ok())
        .with_context(|| format!("debugfs: {super_block}"))?;
    let found = debugfs(&format!("bmap {file} {}", position / size))?;
    let block: u64 = found.parse().with_context(|| format!("debugfs: {found}"))?;
    ensure!(block > 0, "{file} has no block at {position}");
    let at = slot + block * size + position % size;
    let image = File::options().read(true).write(true).open(disk)?;
    let mut byte = [0];
    image.read_exact_at(&mut byte, at)?;
    image.write_all_at(&[byte[0] ^ 1], at)?;
    Ok(())
}

/// A sparse file of zeros.
///
/// # Errors
/// When it can't be done.
pub fn blank(path: &Path, size: u64) -> Result<std::path::PathBuf> {
    File::create(path)
        .and_then(|file| file.set_len(size))
        .with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path.to_owned())
}

/// Waits for the end of an installation, or the start of what was installed; the words of the screen then, with single
/// spaces.
///
/// # Errors
/// When it fails, or the firmware took no boot entry.
pub fn installs(lab: &Lab, machine: &Machine) -> Result<String> {
    // What the line carries is only what changed on the screen.
    let serial = machine.serial();
    // A machine that started what its disk had before has installed nothing.
    let began = Cell::new(false);
    let end = serial.wait_screen("the installation to end", INSTALL, |screen| {
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        let failed = ["The installation failed", "no disk was changed"];
        let done = words
            .split_once("Quantix-OS is installed on")
            .is_some_and(|(_, disks)| disks.contains('.'));
        // The words stand for ten seconds, in which the console of a machine that gets no time may not draw.
        began.set(began.get() || words.contains("Installing on"));
        let restarted = began.get() && words.contains(RESTARTED);
        (done || restarted || failed.iter().any(|failed| words.contains(failed))).then_some(words)
    })?;
    ensure!(
        end.contains("Quantix-OS is installed on") || end.contains(RESTARTED),
        "{end}"
    );
    ensure!(!end.contains("no boot entry"), "{end}");
    lab.step("installed");
    Ok(end)
}

/// Waits until the answer file's password opens the host, and it is ready. Until then it is a live system that answers,
/// with another password.
///
/// # Errors
/// When it can't be done.
pub fn opens(machine: &Machine) -> Result<Api> {
    opens_with(machine, PASSWORD)
}

/// The same with another password of root.
///
/// # Errors
/// When it can't be done.
pub fn opens_with(machine: &Machine, password: &str) -> Result<Api> {
    let mut api = machine.api()?;
    poll("the host to let us in", BOOT, || {
        Ok(match api.log_in("root", password) {
            Ok(_) => Look::Done(()),
            Err(error) => Look::NotYet(format!("{error:#}")),
        })
    })?;
    api.wait_ready(BOOT)?;
    Ok(api)
}

/// Makes a VM that leaves a definition and NVRAM behind.
///
/// # Errors
/// When the host refuses.
pub fn make_a_vm(api: &Api) -> Result<Value> {
    make_a_vm_on(api, "default")
}

/// The same, plugged into this network.
///
/// # Errors
/// When the host refuses.
pub fn make_a_vm_on(api: &Api, network: &str) -> Result<Value> {
    api.put("/api/v1/images/guest.img", guest::marker_image())?
        .expect(201)?;
    let spec = json!({"name": "kept", "memory_mib": 64, "firmware": "uefi",
        "disks": [{"image": "guest.img"}], "nics": [{"network": network}]});
    let vm = api.post("/api/v1/vms", &spec)?.expect(201)?;
    starts(api, &vm)?;
    Ok(vm)
}

/// Makes a network with a DHCP reservation, `lab`, for the VM to hang on.
///
/// # Errors
/// When the host refuses.
pub fn make_a_network(api: &Api) -> Result<Value> {
    let reservation =
        json!({"mac": "52:54:00:aa:bb:cc", "address": "10.77.1.200", "name": "printer"});
    let dhcp = json!({"start": "10.77.1.10", "end": "10.77.1.99", "reservations": [reservation]});
    let spec =
        json!({"name": "lab", "mode": "nat", "ipv4": {"address": "10.77.1.1/24", "dhcp": dhcp}});
    api.post("/api/v1/networks", &spec)?.expect(201)
}

/// Whether there is a network like this one, whatever is plugged into it.
///
/// # Errors
/// When there is none, or it is different.
pub fn has_network(api: &Api, network: &Value) -> Result<()> {
    let path = format!(
        "/api/v1/networks/{}",
        network["id"].as_str().unwrap_or_default()
    );
    let now = api.get(&path)?.expect(200)?;
    for field in ["name", "mode", "autostart", "ipv4", "bridge", "vlan"] {
        ensure!(
            now[field] == network[field],
            "{field} of the network is different: {now}"
        );
    }
    Ok(())
}

/// Powers a VM on and off.
///
/// # Errors
/// When the host refuses.
pub fn starts(api: &Api, vm: &Value) -> Result<()> {
    let id = vm["id"].as_str().context("the VM has no id")?;
    for (action, state) in [("start", "running"), ("stop", "off")] {
        let path = format!("/api/v1/vms/{id}/{action}");
        let now = api.post(&path, &json!({}))?.expect(200)?;
        ensure!(now["state"] == state, "state after {action}: {now}");
    }
    Ok(())
}

/// Every file of the configuration partition, by its path.
///
/// # Errors
/// When it can't be done.
pub fn configuration(disk: &Path, into: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    fs::create_dir_all(into)?;
    let output = Command::new("debugfs")
        .arg("-R")
        .arg(format!("rdump / {}", into.display()))
        .arg(format!("{}?offset={CONFIG_OFFSET}", disk.display()))
        .output()
        .context("cannot run debugfs")?;
    ensure!(output.status.success(), "debugfs: {output:?}");
    let mut files = BTreeMap::new();
    collect(into, into, &mut files)?;
    Ok(files)
}

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let kind = fs::symlink_metadata(&path)?.file_type();
        if kind.is_dir() {
            collect(root, &path, files)?;
        } else if kind.is_file() {
            let name = path.strip_prefix(root)?.display().to_string();
            files.insert(name, fs::read(&path)?);
        }
    }
    Ok(())
}

/// Whether everything is there that a host must not lose, and the password is not.
///
/// # Errors
/// When something is missing.
pub fn holds_what_must_last(files: &BTreeMap<String, Vec<u8>>, vm: &Value) -> Result<()> {
    let id = vm["id"].as_str().context("the VM has no id")?;
    let has = |what: &str, test: &dyn Fn(&str, &[u8]) -> bool| {
        ensure!(
            files.iter().any(|(name, content)| test(name, content)),
            "{what} is not on the configuration partition: {:?}",
            files.keys()
        );
        Ok(())
    };
    for name in [
        "config.toml",
        "machine-id",
        "ssh/ssh_host_ed25519_key",
        "tls/key.pem",
        "tls/cert.pem",
        "iscsi/initiatorname.iscsi",
        "libvirt/qemu/networks/default.xml",
    ] {
        has(name, &|file, content| file == name && !content.is_empty())?;
    }
    let text = |content: &[u8]| String::from_utf8_lossy(content).contains(id);
    has("the VM's definition", &|file, content| {
        file.starts_with("libvirt/qemu/") && file.ends_with(".xml") && text(content)
    })?;
    has("the VM's NVRAM", &|file, content| {
        file.starts_with("libvirt/nvram/") && content.len() > 1024
    })?;
    let plain = files
        .values()
        .any(|content| String::from_utf8_lossy(content).contains(PASSWORD));
    ensure!(!plain, "the password is stored in plain text");
    Ok(())
}
