//! Updates of an installed host: good ones, refused ones, and broken ones that it comes back from by itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use qx_e2e::bundle::{self, Fault, Signer};
use qx_e2e::installed::{
    SLOT_A_OFFSET, blank, configuration, flip_in_slot, holds_what_must_last, installs, make_a_vm,
    opens,
};
use qx_e2e::updates::{RESTART, apply, confirmed, slot, upload, wait};
use qx_e2e::{Api, Bus, Image, Lab, Machine, MachineBuilder, minutes, seed, tls};
use serde_json::json;

const GIB: u64 = 1 << 30;
const SLOT_B_OFFSET: u64 = SLOT_A_OFFSET + (300 << 20);

fn answer(kernel_args: &str) -> String {
    format!(
        "version = 1\n[install]\ndisk = \"auto\"\n[system]\nhostname = \"qx-update\"\n\
         root_password = \"correct horse 42\"\nkernel_args = [{kernel_args}]\n"
    )
}

/// An installed host on a disk of 2 GiB, 1 GiB of memory.
fn install(
    lab: &Lab,
    kernel_args: &str,
    shape: impl FnOnce(MachineBuilder) -> MachineBuilder,
) -> Result<Machine> {
    let disk = blank(&lab.dir().join("disk.img"), 2 * GIB)?;
    let machine = shape(lab.machine("host"))
        .memory_mib(1024)
        .drive(&disk, "raw", Bus::Virtio)
        .cd(Image::latest()?.iso())
        .usb_stick(&seed::volume(lab.dir(), &answer(kernel_args))?)
        .start()?;
    installs(lab, &machine)?;
    Ok(machine)
}

#[test]
fn good_updates_are_confirmed_and_keep_everything_and_wrong_bundles_change_nothing() {
    Lab::run("Update A, B, A", |lab| {
        let machine = install(lab, "", |machine| machine)?;
        let mut api = opens(&machine)?;
        let vm = make_a_vm(&api)?;
        let certificate = tls::fingerprint(machine.port(8443)?)?;
        let disk = lab.dir().join("disk.img");

        wrong_bundles(lab, &api)?;
        let second = bundle::make(lab.dir(), "0.2.0", Fault::None)?;
        interrupted(&mut api, &second)?;
        lab.step("an upload that broke off was taken up again");
        apply(&api)?;
        confirmed(&mut api, "B", "0.2.0")?;
        lab.step("0.2.0 runs from slot B and is confirmed");

        upload(&api, &bundle::make(lab.dir(), "0.3.0", Fault::None)?)?;
        apply(&api)?;
        confirmed(&mut api, "A", "0.3.0")?;
        lab.step("0.3.0 runs from slot A and is confirmed");

        let machine = machine.shut_down(minutes(5))?;
        let before = configuration(&disk, &lab.dir().join("before"))?;
        holds_what_must_last(&before, &vm)?;
        let machine = machine.without_media().start()?;
        let mut api = opens(&machine)?;
        wait(&mut api, "0.3.0 to run", RESTART, |now| {
            slot(now, "A")["running"] == true
        })?;
        api.post("/api/v1/updates/rollback", &json!({"restart": true}))?
            .expect(200)?;
        confirmed(&mut api, "B", "0.2.0")?;
        lab.step("a person went back to 0.2.0");
        ensure!(
            tls::fingerprint(machine.port(8443)?)? == certificate,
            "the certificate changed"
        );
        let list = api.get("/api/v1/vms")?.expect(200)?;
        ensure!(list["items"][0]["id"] == vm["id"], "VMs: {list}");
        key_is_revoked(lab, &api)?;
        machine.shut_down(minutes(5))?;
        let after = configuration(&disk, &lab.dir().join("after"))?;
        same_but_the_update(&before, &after)
    });
}

/// Every file but the record of the update itself.
fn same_but_the_update(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
) -> Result<()> {
    for (name, content) in before.iter().filter(|(name, _)| *name != "update.json") {
        ensure!(after.get(name) == Some(content), "{name} did not survive");
    }
    Ok(())
}

/// Breaks the connection in the middle, looks, and sends the rest.
fn interrupted(api: &mut Api, bundle: &Path) -> Result<()> {
    let cut = 50_000_000;
    ensure!(
        api.put_bundle(bundle, 0, Some(cut)).is_err(),
        "the connection did not break"
    );
    let updates = wait(api, "the upload to break off", minutes(2), |now| {
        now["transfer"]["state"] == "interrupted"
    })?;
    let received = updates["transfer"]["received_bytes"]
        .as_u64()
        .context("no number of bytes")?;
    ensure!(received > 0 && received <= cut, "{updates}");
    ensure!(slot(&updates, "B")["state"] == "empty", "{updates}");
    let refused = api.put_bundle(bundle, received + 1, None)?;
    ensure!(refused.status == 409, "{refused:?}");
    let refused = api.post("/api/v1/updates/apply", &json!({"restart": true}))?;
    ensure!(refused.status == 409, "{refused:?}");
    let updates = api.put_bundle(bundle, received, None)?.expect(200)?;
    ensure!(slot(&updates, "B")["version"] == "0.2.0", "{updates}");
    Ok(())
}

/// What is not a bundle of ours is refused with its reason; slot B keeps what it has until a manifest was
/// believed, and can't be started after that.
fn wrong_bundles(lab: &Lab, api: &Api) -> Result<()> {
    let good = fs::read(bundle::make(lab.dir(), "0.1.1", Fault::None)?)?;
    let file = lab.dir().join("wrong.qxu");
    let refused = |bytes: &[u8], words: &str, state: &str| -> Result<()> {
        fs::write(&file, bytes)?;
        let reply = api.put_bundle(&file, 0, None)?;
        ensure!(reply.status == 422, "{words}: {reply:?}");
        ensure!(reply.body.to_string().contains(words), "{words}: {reply:?}");
        let updates = api.get("/api/v1/updates")?.expect(200)?;
        ensure!(slot(&updates, "B")["state"] == state, "{words}: {updates}");
        ensure!(
            updates["transfer"]["state"] == "failed",
            "{words}: {updates}"
        );
        Ok(())
    };
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    refused(b"no bundle", "ends too early", "good")?;
    // In the keyring's text, behind the header.
    let words = "the recovery key did not sign this keyring";
    refused(&flipped(600)[..100_000], words, "good")?;
    let manifest = b"\"build_id\"";
    let manifest = good.windows(manifest.len()).position(|at| at == manifest);
    let manifest = manifest.context("the bundle has no manifest")?;
    refused(
        &flipped(manifest)[..100_000],
        "no trusted key signed",
        "good",
    )?;
    // In the kernel. That is found when all of it is read back.
    refused(&flipped(5_000_000), "vmlinuz was changed", "empty")?;
    refused(&good[..20_000_000], "initramfs.img is", "empty")?;
    lab.step("wrong bundles are refused");
    Ok(())
}

/// The next key's release is taken because it brings the keyring that names it; from then on what the key of this
/// build signed is refused, with the old keyring that comes along.
fn key_is_revoked(lab: &Lab, api: &Api) -> Result<()> {
    let signer = Signer::after_rotation(lab.dir())?;
    let next = bundle::make_signed(lab.dir(), "0.4.0", Fault::None, &signer)?;
    let updates = upload(api, &next)?;
    ensure!(slot(&updates, "A")["version"] == "0.4.0", "{updates}");
    let old = lab.dir().join("old-key.qxu");
    let third = fs::read(lab.dir().join("0.3.0.qxu"))?;
    fs::write(&old, &third[..100_000])?;
    let reply = api.put_bundle(&old, 0, None)?;
    ensure!(reply.status == 422, "{reply:?}");
    ensure!(reply.body.to_string().contains("was revoked"), "{reply:?}");
    let updates = api.get("/api/v1/updates")?.expect(200)?;
    ensure!(slot(&updates, "A")["state"] == "good", "{updates}");
    lab.step("a release of the next key is taken, and none of the key before");
    Ok(())
}

/// One way in which a version can be broken.
struct Broken {
    version: &'static str,
    fault: Fault,
    reason: &'static str,
    /// Of what the console says.
    words: &'static str,
}

const BROKEN: [Broken; 4] = [
    Broken {
        version: "0.2.1",
        fault: Fault::KernelPanics,
        reason: "kernel",
        words: "its kernel crashed",
    },
    Broken {
        version: "0.2.2",
        fault: Fault::InitHangs,
        reason: "system",
        words: "the system crashed or hung",
    },
    Broken {
        version: "0.2.3",
        fault: Fault::DaemonCrashes,
        reason: "daemon",
        words: "its node daemon did not",
    },
    Broken {
        version: "0.2.4",
        fault: Fault::NoNetwork,
        reason: "network",
        words: "the management network",
    },
];

/// Uploads, starts, and waits until the host is back on slot A by itself; with the reason in API, command line
/// and console.
fn fails_and_comes_back(
    lab: &Lab,
    machine: &Machine,
    api: &mut Api,
    broken: &Broken,
) -> Result<()> {
    let Broken {
        version,
        fault,
        reason,
        words,
    } = broken;
    let bundle = bundle::make(lab.dir(), version, *fault)?;
    upload(api, &bundle)?;
    fs::remove_file(&bundle)?;
    machine.serial().pass_over();
    apply(api)?;
    comes_back(lab, machine, api, version, reason, words)?;
    ensure!(
        machine.serial().text().contains(&fault.sign(version)),
        "{version} failed, but not because {fault:?}"
    );
    Ok(())
}

fn comes_back(
    lab: &Lab,
    machine: &Machine,
    api: &mut Api,
    version: &str,
    reason: &str,
    words: &str,
) -> Result<()> {
    let serial = machine.serial();
    serial.wait_for_next("Loading slot B", RESTART)?;
    let start = Instant::now();
    let updates = wait(api, "the host to go back", minutes(15), |now| {
        now["last"]["outcome"] == "failed" && now["last"]["version"] == version
    })?;
    let took = start.elapsed().as_secs();
    ensure!(slot(&updates, "A")["running"] == true, "{updates}");
    ensure!(slot(&updates, "B")["state"] == "failed", "{updates}");
    ensure!(
        slot(&updates, "B")["failure"]["reason"] == reason,
        "{updates}"
    );
    ensure!(updates["last"]["failure"]["reason"] == reason, "{updates}");
    let shown = command_line(machine, api)?;
    ensure!(shown.contains(words), "qx update status: {shown}");
    serial.wait_screen("the reason on the console", minutes(2), |screen| {
        let line = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        (line.contains(&format!("update to {version} failed")) && line.contains(words))
            .then_some(())
    })?;
    lab.step(&format!(
        "{version}: {reason}; back on slot A {took} s after the boot loader started slot B"
    ));
    Ok(())
}

/// What `qx update status` says from elsewhere.
fn command_line(machine: &Machine, api: &Api) -> Result<String> {
    let token = api
        .post("/api/v1/tokens", &json!({"name": "e2e", "role": "viewer"}))?
        .expect(201)?;
    let port = machine.port(8443)?;
    let output = Command::new(qx_e2e::image::output().join("programs/qx"))
        .args(["--url", &format!("https://127.0.0.1:{port}")])
        .args(["--fingerprint", &tls::fingerprint(port)?])
        .args(["update", "status"])
        .env("QX_TOKEN", token["token"].as_str().unwrap_or_default())
        .output()
        .context("cannot run qx")?;
    ensure!(output.status.success(), "qx: {output:?}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_version_whose_daemon_crashes_is_left_by_the_host_itself() {
    Lab::run("Broken update", |lab| {
        let machine = install(lab, "\"quantix.confirm=60\"", |machine| machine)?;
        let mut api = opens(&machine)?;
        fails_and_comes_back(lab, &machine, &mut api, &BROKEN[2])
    });
}

/// The image in the slot changes between its check and its start.
fn damaged_on_the_disk(lab: &Lab, machine: Machine, api: &mut Api) -> Result<Machine> {
    let version = "0.2.5";
    upload(api, &bundle::make(lab.dir(), version, Fault::None)?)?;
    api.post("/api/v1/updates/apply", &json!({"restart": false}))?
        .expect(200)?;
    let waiting = api.get("/api/v1/updates")?.expect(200)?;
    ensure!(waiting["last"]["outcome"] == "waiting", "{waiting}");
    let machine = machine.shut_down(minutes(5))?;
    let disk = lab.dir().join("disk.img");
    flip_in_slot(&disk, SLOT_B_OFFSET, "rootfs.squashfs", 50_000_000)?;
    let machine = machine.without_media().start()?;
    *api = machine.api()?;
    comes_back(
        lab,
        &machine,
        api,
        version,
        "verify",
        "its image on the disk is damaged",
    )?;
    Ok(machine)
}

#[test]
#[ignore = "five updates that fail, with the usual time limits: about 25 minutes"]
fn five_kinds_of_broken_update_end_on_the_old_slot_within_five_minutes() {
    Lab::run("Five broken updates", |lab| {
        let machine = install(lab, "", MachineBuilder::secure_boot)?;
        let mut api = opens(&machine)?;
        for broken in &BROKEN {
            fails_and_comes_back(lab, &machine, &mut api, broken)?;
        }
        damaged_on_the_disk(lab, machine, &mut api).map(drop)
    });
}
