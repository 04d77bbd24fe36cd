//! Two boot disks as a mirror, and installing where something lies already.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use qx_e2e::deadline::Look;
use qx_e2e::installed::{
    blank, has_network, installs, make_a_network, make_a_vm, make_a_vm_on, opens,
};
use qx_e2e::ssh::SshKey;
use qx_e2e::{Api, Bus, Image, Lab, Machine, minutes, poll, seed};
use serde_json::Value;

const GIB: u64 = 1 << 30;

fn answer(install: &str, key: &SshKey) -> Result<String> {
    Ok(format!(
        "version = 1\n[install]\n{install}\n[system]\nhostname = \"qx-pair\"\nroot_password = \"correct horse 42\"\n{}",
        key.table()?
    ))
}

/// Installs by an answer file on these disks; what the screen says at the end.
fn install(lab: &Lab, name: &str, disks: &[&PathBuf], answer: &str) -> Result<String> {
    let place = lab.dir().join(name);
    std::fs::create_dir_all(&place)?;
    let mut builder = lab.machine(&format!("{name}-machine"));
    // The medium first: what is on the disks is not started, until it was installed anew and restarts from there.
    builder = builder.cd(Image::latest()?.iso());
    for disk in disks {
        builder = builder.drive(disk, "raw", Bus::Virtio);
    }
    let machine = builder
        .usb_stick(&seed::volume(&place, answer)?)
        .stop_at_reboot()
        .start()?;
    let said = installs(lab, &machine)?;
    drop(machine.wait_off(minutes(5))?);
    Ok(said)
}

fn boot(lab: &Lab, name: &str, disks: &[&PathBuf]) -> Result<(Machine, Api)> {
    let mut builder = lab.machine(name);
    for disk in disks {
        builder = builder.drive(disk, "raw", Bus::Virtio);
    }
    let machine = builder.start()?;
    let api = opens(&machine)?;
    Ok((machine, api))
}

fn warnings(api: &Api) -> Result<String> {
    let host = api.get("/api/v1/host")?.expect(200)?;
    ensure!(host["data"]["kind"] == "disk", "host: {host}");
    let warnings = host["boot"]["warnings"].as_array();
    let warnings = warnings.context("the host tells no warnings")?;
    Ok(warnings
        .iter()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("\n"))
}

fn has_vm(api: &Api, vm: &Value) -> Result<()> {
    let list = api.get("/api/v1/vms")?.expect(200)?;
    let found = &list["items"][0];
    ensure!(
        found["id"] == vm["id"] && found["state"] == "off",
        "VMs: {list}"
    );
    Ok(())
}

fn has_image(api: &Api, name: &str) -> Result<()> {
    let images = api.get("/api/v1/images")?.expect(200)?;
    ensure!(images.to_string().contains(name), "images: {images}");
    Ok(())
}

/// Takes a disk into the mirror, and waits until everything is copied. By its serial number, which follows from its place
/// in the machine: the kernel's names don't.
fn add(lab: &Lab, machine: &mut Machine, api: &Api, key: &SshKey, disk: &str) -> Result<()> {
    let said = key.run(machine, &format!("qx-install mirror add {disk}"))?;
    ensure!(said.contains("can start the system alone"), "{said}");
    poll("the data to be copied", minutes(15), || {
        Ok(match warnings(api)? {
            none if none.is_empty() => Look::Done(()),
            some => Look::NotYet(some),
        })
    })?;
    lab.step(&format!("{disk} is part of the mirror again"));
    Ok(())
}

#[test]
#[ignore = "two installations and five boots, about 20 minutes"]
fn a_mirrored_boot_pair_survives_the_loss_of_either_disk() {
    Lab::run("Mirrored pair", |lab| {
        let key = SshKey::make(lab.dir())?;
        let [one, two] = ["one", "two"].map(|name| lab.dir().join(format!("{name}.img")));
        for disk in [&one, &two] {
            blank(disk, 2 * GIB)?;
        }
        let wish = answer("disk = \"auto\"\nmirror = \"auto\"", &key)?;
        let said = install(lab, "install", &[&one, &two], &wish)?;
        ensure!(
            said.contains("installed on /dev/vda and /dev/vdb"),
            "{said}"
        );

        let (machine, api) = boot(lab, "both", &[&one, &two])?;
        ensure!(warnings(&api)?.is_empty(), "{}", warnings(&api)?);
        let vm = make_a_vm(&api)?;
        machine.shut_down(minutes(5))?;
        lab.step("both disks run");

        let (machine, api) = boot(lab, "second-alone", &[&two])?;
        let said = warnings(&api)?;
        ensure!(said.contains("has one disk left: /dev/vda"), "{said}");
        has_vm(&api, &vm)?;
        let image = b"\0written while the first disk was away".repeat(100);
        api.put("/api/v1/images/alone.img", image)?.expect(201)?;
        machine.shut_down(minutes(5))?;
        lab.step("the second disk runs alone");

        // The first one is out of date now, and the firmware starts it.
        let (mut machine, api) = boot(lab, "first-returns", &[&one, &two])?;
        let said = warnings(&api)?;
        ensure!(
            said.contains("which had been left out of the mirror and is out of date"),
            "{said}"
        );
        has_image(&api, "alone.img")?;
        add(lab, &mut machine, &api, &key, "serial:QXE2E0")?;
        machine.shut_down(minutes(5))?;

        let (machine, api) = boot(lab, "first-alone", &[&one])?;
        has_vm(&api, &vm)?;
        has_image(&api, "alone.img")?;
        machine.shut_down(minutes(5))?;
        lab.step("the first disk runs alone, with what was written without it");

        a_new_disk_takes_the_place_of_a_lost_one(lab, &one, &key)?;
        a_mirror_is_installed_anew_around_its_data(lab, &one, &key, &vm)
    });
}

fn a_new_disk_takes_the_place_of_a_lost_one(lab: &Lab, one: &PathBuf, key: &SshKey) -> Result<()> {
    let three = lab.dir().join("three.img");
    blank(&three, 3 * GIB)?;
    let (mut machine, api) = boot(lab, "replacement", &[one, &three])?;
    add(lab, &mut machine, &api, key, "serial:QXE2E1")?;
    machine.shut_down(minutes(5))?;
    Ok(())
}

fn a_mirror_is_installed_anew_around_its_data(
    lab: &Lab,
    one: &PathBuf,
    key: &SshKey,
    vm: &Value,
) -> Result<()> {
    let three = lab.dir().join("three.img");
    let wish = answer("keep_data = true", key)?;
    let said = install(lab, "again", &[one, &three], &wish)?;
    ensure!(
        said.contains("installed on /dev/vda and /dev/vdb"),
        "{said}"
    );
    let (machine, api) = boot(lab, "third-alone", &[&three])?;
    has_vm(&api, vm)?;
    has_image(&api, "alone.img")?;
    machine.power_cut();
    lab.step("the mirror was installed anew, and its new disk has everything");
    Ok(())
}

#[test]
#[ignore = "two installations and two boots, about 10 minutes"]
fn a_reinstall_that_keeps_data_brings_the_vms_back() {
    Lab::run("Keeping data", |lab| {
        let key = SshKey::make(lab.dir())?;
        let disk = lab.dir().join("disk.img");
        blank(&disk, 2 * GIB)?;
        let wish = answer("disk = \"auto\"\nsystem_mib = 320", &key)?;
        install(lab, "install", &[&disk], &wish)?;
        let (mut machine, api) = boot(lab, "before", &[&disk])?;
        let network = make_a_network(&api)?;
        let vm = make_a_vm_on(&api, "lab")?;
        a_bridge_that_will_be_gone(&key, &mut machine)?;
        let before = api.get("/api/v1/host")?.expect(200)?;
        machine.shut_down(minutes(5))?;

        let wish = answer("keep_data = true", &key)?.replace("qx-pair", "qx-again");
        install(lab, "again", &[&disk], &wish)?;
        let (mut machine, api) = boot(lab, "after", &[&disk])?;
        let host = api.get("/api/v1/host")?.expect(200)?;
        ensure!(host["hostname"] == "qx-again", "host: {host}");
        ensure!(
            host["certificate_sha256"] != before["certificate_sha256"],
            "the configuration partition was not written anew"
        );
        has_vm(&api, &vm)?;
        has_network(&api, &network)?;
        let problems = host["config"]["problems"].to_string();
        ensure!(
            problems.contains(
                "the network away leads to the bridge br9, which this host does not have"
            ),
            "problems: {problems}"
        );
        lab.step("the network is back with its reservation, and one that leads nowhere is named");
        let id = vm["id"].as_str().context("the VM has no id")?;
        let same = format!("cmp /data/vms/{id}/nvram /quantix/libvirt/nvram/kept_VARS.*");
        key.run(&mut machine, &same)?;
        let path = format!("/api/v1/vms/{id}/start");
        let now = api.post(&path, &serde_json::json!({}))?.expect(200)?;
        ensure!(now["state"] == "running", "VM: {now}");
        machine.power_cut();
        lab.step("the VM is back with its firmware variables, and starts");
        Ok(())
    });
}

/// A network on a bridge that a person made by hand, which no configuration knows of.
fn a_bridge_that_will_be_gone(key: &SshKey, machine: &mut Machine) -> Result<()> {
    key.run(
        machine,
        "set -e; ip link add br9 type bridge; \
         echo '<network><name>away</name><forward mode=\"bridge\"/><bridge name=\"br9\"/></network>' >/run/away.xml; \
         virsh net-define /run/away.xml; virsh net-start away",
    )
    .map(drop)
}

#[test]
#[ignore = "two boots and an installation, about 8 minutes"]
fn what_the_live_system_assembled_does_not_stand_in_the_way_of_erasing() {
    Lab::run("Stale arrays", |lab| {
        let key = SshKey::make(lab.dir())?;
        let disk = lab.dir().join("disk.img");
        blank(&disk, 2 * GIB)?;
        let live = answer("", &key)?.replace("[install]\n", "");
        let mut machine = lab
            .machine("live")
            .cd(Image::latest()?.iso())
            .drive(&disk, "raw", Bus::Virtio)
            .usb_stick(&seed::volume(lab.dir(), &live)?)
            .start()?;
        opens(&machine)?;
        key.run(
            &mut machine,
            "set -e; mdadm --create /dev/md/old --run --level=1 --raid-devices=2 --metadata=1.2 /dev/vda missing; \
             lvm pvcreate -qq /dev/md/old; lvm vgcreate -qq vg /dev/md/old; \
             lvm lvcreate -qq -y -n root -L 200M vg; mkfs.xfs -q /dev/mapper/vg-root 2>/dev/null || \
             mke2fs -q /dev/mapper/vg-root; sync",
        )?;
        machine.power_cut();
        lab.step("an array with a volume group is on the disk");

        // The fault first: a live system assembles both by itself.
        assembled_by_itself(lab, &disk, &live, &key)?;
        let wish = answer("disk = \"/dev/vda\"\nwipe = true", &key)?;
        install(lab, "install", &[&disk], &wish)?;
        let (machine, _) = boot(lab, "installed", &[&disk])?;
        machine.power_cut();
        Ok(())
    });
}

fn assembled_by_itself(lab: &Lab, disk: &Path, live: &str, key: &SshKey) -> Result<()> {
    let place = lab.dir().join("again");
    std::fs::create_dir_all(&place)?;
    let mut machine = lab
        .machine("live-again")
        .cd(Image::latest()?.iso())
        .drive(disk, "raw", Bus::Virtio)
        .usb_stick(&seed::volume(&place, live)?)
        .start()?;
    opens(&machine)?;
    let told = key.run(&mut machine, "udevadm settle; qx-install disks --json")?;
    machine.power_cut();
    let disks: Value = serde_json::from_str(&told)?;
    let usage = &disks[0]["usage"];
    ensure!(usage["kind"] == "assembled", "disks: {told}");
    lab.step(&format!("the live system assembled {}", usage["by"]));
    Ok(())
}
