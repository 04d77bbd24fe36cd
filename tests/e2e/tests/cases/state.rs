//! A host's configuration as a whole: backed up, restored on another machine, and forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use qx_e2e::installed::{
    BOOT, PASSWORD, blank, configuration, has_network, installs, make_a_network, make_a_vm_on,
    opens, opens_with,
};
use qx_e2e::run::one_time_password;
use qx_e2e::ssh::SshKey;
use qx_e2e::{Api, Bus, Image, Lab, Machine, guest, minutes, seed, tls};
use serde_json::{Value, json};

const GIB: u64 = 1 << 30;
const PASSPHRASE: &str = "four words for it";
/// Root's on the machine that a backup is restored on.
const OTHER_PASSWORD: &str = "another horse 43";

/// Installs on a blank disk by this answer file, and starts from it.
fn install(lab: &Lab, name: &str, answer: &str) -> Result<(PathBuf, Machine)> {
    let place = lab.dir().join(format!("{name}-answer"));
    std::fs::create_dir_all(&place)?;
    let disk = blank(&lab.dir().join(format!("{name}.img")), 2 * GIB)?;
    let machine = lab
        .machine(name)
        .memory_mib(1024)
        .drive(&disk, "raw", Bus::Virtio)
        .cd(Image::latest()?.iso())
        .usb_stick(&seed::volume(&place, answer)?)
        .start()?;
    installs(lab, &machine)?;
    Ok((disk, machine))
}

/// A host's address as it got it: `static` or `dhcp`.
fn origin(api: &Api) -> Result<String> {
    let host = api.get("/api/v1/host")?.expect(200)?;
    let addresses = host["addresses"].as_array().context("no addresses")?;
    let own = |address: &&Value| address["address"] == "10.0.2.15";
    let own = addresses.iter().find(own).context("not at 10.0.2.15")?;
    Ok(own["origin"].as_str().unwrap_or_default().to_owned())
}

fn same_vm(api: &Api, vm: &Value) -> Result<()> {
    let list = api.get("/api/v1/vms")?.expect(200)?;
    let now = &list["items"][0];
    for field in ["id", "name", "memory_mib", "vcpus", "firmware", "nics"] {
        ensure!(now[field] == vm[field], "{field} of the VM: {list}");
    }
    ensure!(now["state"] == "off", "VMs: {list}");
    Ok(())
}

/// The old host, as far as it must be found again.
struct Old {
    network: Value,
    vm: Value,
    certificate: String,
    token: String,
    backup: Vec<u8>,
    /// Its configuration partition.
    files: BTreeMap<String, Vec<u8>>,
}

#[test]
#[ignore = "two installations and five boots, about 15 minutes"]
fn a_backup_brings_the_configuration_to_a_fresh_installation() {
    Lab::run("Backup and restore", |lab| {
        let key = SshKey::make(lab.dir())?;
        let old = an_old_host(lab, &key)?;
        let answer = format!(
            "version = 1\n[install]\ndisk = \"auto\"\n[system]\nhostname = \"qx-new\"\n\
             root_password = \"{OTHER_PASSWORD}\"\n"
        );
        let (disk, mut machine) = install(lab, "new", &answer)?;
        let api = opens_with(&machine, OTHER_PASSWORD)?;
        wrong_restores_change_nothing(&api, &old.backup)?;

        let api = restored(&machine, &api, "skip_network=true", &old)?;
        ensure!(origin(&api)? == "dhcp", "the network was not skipped");
        let id = key.run(&mut machine, "cat /quantix/machine-id")?;
        let theirs = String::from_utf8_lossy(&old.files["machine-id"]).into_owned();
        ensure!(
            id != theirs,
            "two machines have one machine id without being asked to"
        );
        lab.step("everything but the network and what makes the machine itself is back");

        let api = restored(&machine, &api, "same_machine=true", &old)?;
        ensure!(origin(&api)? == "static", "the network did not come back");
        machine.shut_down(minutes(5))?;
        let now = configuration(&disk, &lab.dir().join("now"))?;
        same_files(&old.files, &now)?;
        lab.step("the network too, and this machine takes the place of the other");
        Ok(())
    });
}

/// Makes what a backup has to bring back, and one.
fn an_old_host(lab: &Lab, key: &SshKey) -> Result<Old> {
    let answer = format!(
        "version = 1\n[install]\ndisk = \"auto\"\n[system]\nhostname = \"qx-old\"\ntimezone = \"Europe/Berlin\"\n\
         root_password = \"correct horse 42\"\n{}[network.management]\nipv4 = {{ method = \"static\", \
         address = \"10.0.2.15/24\", gateway = \"10.0.2.2\" }}\n",
        key.table()?
    );
    let (disk, machine) = install(lab, "old", &answer)?;
    let api = opens(&machine)?;
    ensure!(origin(&api)? == "static", "the answer's network");
    let network = make_a_network(&api)?;
    let vm = make_a_vm_on(&api, "lab")?;
    let token = api
        .post("/api/v1/tokens", &json!({"name": "old", "role": "viewer"}))?
        .expect(201)?;
    let certificate = tls::fingerprint(machine.port(8443)?)?;
    let backup = api.download("/api/v1/host/backup", &json!({"passphrase": PASSPHRASE}))?;
    ensure!(
        backup.starts_with(b"age-encryption.org/v1"),
        "the backup is not encrypted"
    );
    machine.shut_down(minutes(5))?;
    let files = configuration(&disk, &lab.dir().join("old-files"))?;
    lab.step("a host was set up, and backed up");
    Ok(Old {
        network,
        vm,
        certificate,
        token: token["token"].as_str().unwrap_or_default().to_owned(),
        backup,
        files,
    })
}

fn wrong_restores_change_nothing(api: &Api, backup: &[u8]) -> Result<()> {
    let path = "/api/v1/host/restore";
    let wrong = api.post_bytes(
        path,
        ("backup-passphrase", "not%20the%20right%20one"),
        backup,
    )?;
    ensure!(wrong.status == 422, "{wrong:?}");
    ensure!(
        wrong.body.to_string().contains("the passphrase is wrong"),
        "{wrong:?}"
    );
    let mut damaged = backup.to_vec();
    let last = damaged.last_mut().context("the backup is empty")?;
    *last ^= 1;
    let passphrase = PASSPHRASE.replace(' ', "%20");
    let refused = api.post_bytes(path, ("backup-passphrase", &passphrase), &damaged)?;
    ensure!(refused.status == 422, "{refused:?}");
    let host = api.get("/api/v1/host")?.expect(200)?;
    ensure!(host["hostname"] == "qx-new", "host: {host}");
    Ok(())
}

/// Restores, waits for the restart, and compares what the API shows with the old host.
fn restored(machine: &Machine, api: &Api, options: &str, old: &Old) -> Result<Api> {
    machine.serial().pass_over();
    let path = format!("/api/v1/host/restore?{options}");
    let passphrase = PASSPHRASE.replace(' ', "%20");
    let told = api
        .post_bytes(&path, ("backup-passphrase", &passphrase), &old.backup)?
        .expect(202)?;
    ensure!(told["hostname"] == "qx-old", "{told}");
    ensure!(told["made_by"] == "qx-old", "{told}");
    machine.serial().wait_for_next("Loading slot A", BOOT)?;
    let api = opens(machine)?;
    let host = api.get("/api/v1/host")?.expect(200)?;
    ensure!(host["hostname"] == "qx-old", "host: {host}");
    ensure!(host["config"]["problems"] == json!([]), "host: {host}");
    ensure!(host["ssh_enabled"] == true, "host: {host}");
    ensure!(
        tls::fingerprint(machine.port(8443)?)? == old.certificate,
        "the certificate is another one"
    );
    has_network(&api, &old.network)?;
    same_vm(&api, &old.vm)?;
    let with_token = Command::new(qx_e2e::image::output().join("programs/qx"))
        .args(["--url", &api.url(), "--fingerprint", &old.certificate])
        .args(["vm", "list"])
        .env("QX_TOKEN", &old.token)
        .output()
        .context("cannot run qx")?;
    ensure!(
        !with_token.status.success(),
        "an API token came back with the backup"
    );
    Ok(api)
}

/// Every file that a backup promises, byte by byte. Generations of the configuration are counted anew.
fn same_files(old: &BTreeMap<String, Vec<u8>>, now: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let promised = ["machine-id", "iscsi/", "ssh/", "tls/", "libvirt/"];
    let mut compared = 0;
    for (name, content) in old {
        if promised.iter().any(|part| name.starts_with(part)) {
            ensure!(
                now.get(name) == Some(content),
                "{name} is not as in the backup"
            );
            compared += 1;
        }
    }
    ensure!(compared > 8, "only {compared} files were compared");
    let text = |files: &BTreeMap<String, Vec<u8>>| -> Result<Vec<String>> {
        let config = files.get("config.toml").context("no config.toml")?;
        let mut lines: Vec<String> = String::from_utf8_lossy(config)
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        lines.retain(|line| !line.is_empty());
        Ok(lines)
    };
    let (old, now) = (text(old)?, text(now)?);
    ensure!(old == now, "config.toml: {old:?}, {now:?}");
    Ok(())
}

#[test]
#[ignore = "an installation and three boots, about 10 minutes"]
fn a_factory_reset_forgets_the_configuration_and_another_everything() {
    Lab::run("Factory resets", |lab| {
        let key = SshKey::make(lab.dir())?;
        let answer = format!(
            "version = 1\n[install]\ndisk = \"auto\"\n[system]\nhostname = \"qx-reset\"\n\
             root_password = \"correct horse 42\"\n{}",
            key.table()?
        );
        let (disk, mut machine) = install(lab, "host", &answer)?;
        let api = opens(&machine)?;
        let list = "cd /quantix && find . -type f | sed 's:^./::'";
        let first = key.run(&mut machine, list)?;
        let network = make_a_network(&api)?;
        let vm = a_vm_that_speaks(&api)?;
        let token = json!({"name": "old", "role": "viewer"});
        api.post("/api/v1/tokens", &token)?.expect(201)?;

        let reset = "qx host reset --scope configuration --confirm";
        let other = key.run(&mut machine, &format!("{reset} qx-other"));
        ensure!(other.is_err(), "another host's name was taken");
        let before = tls::fingerprint(machine.port(8443)?)?;
        machine.serial().pass_over();
        key.run(&mut machine, &format!("{reset} qx-reset"))?;
        let api = as_new(&machine, &before)?;
        same_vm(&api, &vm)?;
        has_network(&api, &network)?;
        speaks(&api, &vm)?;
        let images = api.get("/api/v1/images")?.expect(200)?;
        ensure!(images.to_string().contains("guest.img"), "{images}");
        lab.step("the configuration is forgotten; the VM is there and runs from its disk");

        let before = tls::fingerprint(machine.port(8443)?)?;
        let everything = |name: &str| json!({"scope": "everything", "confirm": name});
        let path = "/api/v1/host/reset";
        let old_name = api.post(path, &everything("qx-reset"))?;
        ensure!(old_name.status == 422, "{old_name:?}");
        machine.serial().pass_over();
        api.post(path, &everything("quantix"))?.expect(202)?;
        let api = as_new(&machine, &before)?;
        for path in ["vms", "images"] {
            let left = api.get(&format!("/api/v1/{path}"))?.expect(200)?;
            ensure!(left["items"] == json!([]), "{path} are left: {left}");
        }
        let networks = api.get("/api/v1/networks")?.expect(200)?;
        let names: Vec<&Value> = networks["items"].as_array().into_iter().flatten().collect();
        ensure!(
            names.len() == 1 && names[0]["name"] == "default",
            "{networks}"
        );
        machine.shut_down(minutes(5))?;
        let now = configuration(&disk, &lab.dir().join("now"))?;
        like_the_first(first.lines(), &now)?;
        lab.step("everything is forgotten");
        Ok(())
    });
}

/// A VM on the network `lab` whose disk is a boot sector that speaks on the serial line.
fn a_vm_that_speaks(api: &Api) -> Result<Value> {
    api.put("/api/v1/images/guest.img", guest::marker_image())?
        .expect(201)?;
    let spec = json!({"name": "kept", "memory_mib": 64, "firmware": "bios",
        "disks": [{"image": "guest.img"}], "nics": [{"network": "lab"}]});
    let vm = api.post("/api/v1/vms", &spec)?.expect(201)?;
    speaks(api, &vm)?;
    Ok(vm)
}

/// Runs it until it speaks.
fn speaks(api: &Api, vm: &Value) -> Result<()> {
    let id = vm["id"].as_str().context("the VM has no id")?;
    let act = |action: &str| -> Result<Value> {
        let path = format!("/api/v1/vms/{id}/{action}");
        api.post(&path, &json!({}))?.expect(200)
    };
    let now = act("start")?;
    ensure!(now["state"] == "running", "{now}");
    api.serial_console(id)?
        .wait_for(guest::MARKER, minutes(5))?;
    let now = act("stop")?;
    ensure!(now["state"] == "off", "{now}");
    Ok(())
}

/// Waits for the restart of a reset, and logs in with the one-time password; nothing that the host was known by may
/// be left.
fn as_new(machine: &Machine, certificate: &str) -> Result<Api> {
    let serial = machine.serial();
    serial.wait_for_next("Loading slot A", BOOT)?;
    let password = serial.wait_screen("the one-time password", BOOT, one_time_password)?;
    let old = machine.api()?.log_in("root", PASSWORD);
    ensure!(old.is_err(), "the old password opens it");
    let api = opens_with(machine, &password)?;
    let host = api.get("/api/v1/host")?.expect(200)?;
    for (field, expected) in [
        ("/hostname", json!("quantix")),
        ("/ssh_enabled", json!(false)),
        ("/config/source", json!("defaults")),
        ("/config/problems", json!([])),
        ("/boot/warnings", json!([])),
    ] {
        let found = host.pointer(field).cloned().unwrap_or_default();
        ensure!(found == expected, "host{field} is {found}, not {expected}");
    }
    ensure!(
        tls::fingerprint(machine.port(8443)?)? != certificate,
        "the certificate is the old one"
    );
    let tokens = api.get("/api/v1/tokens")?.expect(200)?;
    ensure!(tokens["items"] == json!([]), "{tokens}");
    Ok(api)
}

/// Whether nothing is on the configuration partition that was not there after the first boot.
fn like_the_first<'a>(
    first: impl Iterator<Item = &'a str>,
    now: &BTreeMap<String, Vec<u8>>,
) -> Result<()> {
    let first: BTreeSet<&str> = first.collect();
    let more: Vec<&String> = now
        .keys()
        .filter(|name| !first.contains(name.as_str()) && !name.starts_with("trust/"))
        .collect();
    ensure!(more.is_empty(), "the reset left {more:?}");
    ensure!(now.contains_key("machine-id"), "there was no first boot");
    Ok(())
}
