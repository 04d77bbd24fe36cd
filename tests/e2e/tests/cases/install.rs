//! From the medium onto a disk, and what of a host outlives its reboots.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::{Result, ensure};
use qx_e2e::installed::{
    BOOT, CONFIG_OFFSET, INSTALL, SLOT_A_OFFSET, blank, configuration, flip_in_slot,
    holds_what_must_last, installs, make_a_vm, opens,
};
use qx_e2e::machine::{DirectKernel, StoppedMachine};
use qx_e2e::run::one_time_password;
use qx_e2e::{Api, Bus, Image, Lab, Machine, image, minutes, seed, tls};
use serde_json::json;

const GIB: u64 = 1 << 30;
const ANSWER: &str = "version = 1\n[install]\ndisk = \"auto\"\n[system]\nhostname = \"qx-e2e\"\n\
    root_password = \"correct horse 42\"\nkernel_args = [\"intel_iommu=on\"]\n[ssh]\nenabled = true\n";

#[test]
fn an_unattended_installation_with_secure_boot_keeps_everything_over_a_reboot() {
    Lab::run("Unattended installation", |lab| {
        let disk = blank(&lab.dir().join("disk.img"), 2 * GIB)?;
        let machine = lab
            .machine("host")
            .secure_boot()
            .memory_mib(1024)
            .drive(&disk, "raw", Bus::Virtio)
            .cd(Image::latest()?.iso())
            .usb_stick(&seed::volume(lab.dir(), ANSWER)?)
            .start()?;
        machine
            .serial()
            .wait_screen("the progress of the installation", INSTALL, |screen| {
                let shown = screen.contains("Installing on /dev/vda: writing slot");
                (shown && screen.contains(" MB/s")).then_some(())
            })?;
        installs(lab, &machine)?;

        let api = installed(&machine, "qx-e2e")?;
        lab.step("it boots from the disk, and the answer file's password opens it");
        let vm = make_a_vm(&api)?;
        let certificate = tls::fingerprint(machine.port(8443)?)?;
        let shutdown = json!({"action": "shutdown"});
        api.post("/api/v1/host/power", &shutdown)?.expect(202)?;
        let machine = machine.wait_off(minutes(5))?;
        let before = configuration(&disk, &lab.dir().join("before"))?;
        holds_what_must_last(&before, &vm)?;
        let arguments = "\nqx_args=console=tty1 console=ttyS0,115200 intel_iommu=on\nqx_end=";
        let copies = occurrences(&disk, CONFIG_OFFSET, arguments.as_bytes())?;
        ensure!(copies == 2, "{copies} copies of the boot environment");

        let machine = machine.without_media().start()?;
        let api = installed(&machine, "qx-e2e")?;
        ensure!(
            tls::fingerprint(machine.port(8443)?)? == certificate,
            "the certificate changed"
        );
        let list = api.get("/api/v1/vms")?.expect(200)?;
        ensure!(list["items"][0]["id"] == vm["id"], "VMs: {list}");
        let machine = machine.shut_down(minutes(5))?;
        let after = configuration(&disk, &lab.dir().join("after"))?;
        for (name, content) in &before {
            ensure!(
                after.get(name) == Some(content),
                "{name} did not survive a reboot"
            );
        }
        lab.step("everything is there after a reboot without the medium");
        a_damaged_slot_is_passed_over(lab, &disk, machine.with_new_firmware()?)
    });
}

/// The disk starts by its removable path, too. Changes one bit of slot A's root file system. qx-init refuses it and
/// says so to the boot environment; GRUB starts slot B from then on.
fn a_damaged_slot_is_passed_over(lab: &Lab, disk: &Path, machine: StoppedMachine) -> Result<()> {
    flip_in_slot(disk, SLOT_A_OFFSET, "rootfs.squashfs", 50_000_000)?;
    let machine = machine.start()?;
    machine
        .serial()
        .wait_for("rootfs.squashfs was changed", BOOT)?;
    let api = opens(&machine)?;
    let host = api.get("/api/v1/host")?.expect(200)?;
    ensure!(host["boot"]["slot"] == "B", "boot: {}", host["boot"]);
    lab.step("slot A is damaged: slot B runs");
    let machine = machine.shut_down(minutes(5))?;
    let failed = b"\nqx_a=x\nqx_b=g\nqx_why_a=verify\nqx_why_b=-\n";
    let copies = occurrences(disk, CONFIG_OFFSET, failed)?;
    ensure!(copies == 2, "{copies} copies say that slot A failed");

    let machine = machine.start()?;
    opens(&machine)?;
    let text = machine.serial().text();
    ensure!(
        text.contains("Loading slot B") && !text.contains("Loading slot A"),
        "GRUB started the failed slot again"
    );
    machine.power_cut();
    lab.step("GRUB does not start slot A again");
    Ok(())
}

#[test]
fn a_wrong_answer_file_is_explained_and_touches_no_disk() {
    Lab::run("Wrong answer file", |lab| {
        let disk = blank(&lab.dir().join("disk.img"), 2 * GIB)?;
        let wrong = ANSWER
            .replace("disk =", "dsk =")
            .replace("hostname", "hostnam");
        let machine = lab
            .machine("host")
            .drive(&disk, "raw", Bus::Virtio)
            .cd(Image::latest()?.iso())
            .usb_stick(&seed::volume(lab.dir(), &wrong)?)
            .start()?;
        let serial = machine.serial();
        serial.wait_for("no disk was changed", BOOT)?;
        for words in ["line 3: unknown key `dsk`", "line 5: unknown key `hostnam`"] {
            serial.wait_for(words, minutes(1))?;
        }
        // Whoever reads this can log in and look.
        serial.wait_screen("the one-time password", minutes(1), one_time_password)?;
        machine.power_cut();
        ensure!(is_blank(&disk)?, "the disk was written to");
        Ok(())
    });
}

#[test]
fn a_live_host_takes_the_configuration_of_an_answer_file_without_install() {
    Lab::run("Live configuration", |lab| {
        let disk = blank(&lab.dir().join("disk.img"), 2 * GIB)?;
        let answer = "version = 1\n[system]\nhostname = \"qx-live\"\nroot_password = \"correct horse 42\"\n\
            [network.management]\nipv4 = { method = \"static\", address = \"10.0.2.15/24\", \
            gateway = \"10.0.2.2\" }\n";
        let machine = lab
            .machine("host")
            .drive(&disk, "raw", Bus::Virtio)
            .cd(Image::latest()?.iso())
            .usb_stick(&seed::volume(lab.dir(), answer)?)
            .start()?;
        let api = opens(&machine)?;
        let host = api.get("/api/v1/host")?.expect(200)?;
        ensure!(host["hostname"] == "qx-live", "host: {host}");
        ensure!(host["boot"]["mode"] == "live", "host: {host}");
        ensure!(host["config"]["source"] == "current", "host: {host}");
        machine
            .serial()
            .wait_screen("the fixed address", minutes(1), |screen| {
                screen
                    .contains("https://10.0.2.15:8443/  (static)")
                    .then_some(())
            })?;
        machine.power_cut();
        ensure!(is_blank(&disk)?, "the disk was written to");
        Ok(())
    });
}

#[test]
fn an_answer_file_comes_from_a_web_server_that_the_kernel_command_line_names() {
    Lab::run("Answer file by HTTP", |lab| {
        let answer =
            "version = 1\n[system]\nhostname = \"qx-web\"\nroot_password = \"correct horse 42\"\n";
        let image = Image::latest()?;
        let machine = lab
            .machine("host")
            .cd(image.iso())
            .kernel(DirectKernel {
                kernel: image::output().join("vmlinuz"),
                initrd: image::output().join("initramfs.img"),
                arguments: format!(
                    "quantix.media={} quantix.seed={} panic=10 console=tty0 console=ttyS0,115200 quiet loglevel=3",
                    image.manifest().build_id,
                    seed::serve(answer)?
                ),
            })
            .start()?;
        let host = opens(&machine)?.get("/api/v1/host")?.expect(200)?;
        ensure!(host["hostname"] == "qx-web", "host: {host}");
        Ok(())
    });
}

#[test]
#[ignore = "two more installations, about 5 minutes"]
fn nvme_and_sata_disks_are_installed_on_and_never_taken_for_each_other() {
    Lab::run("NVMe and SATA", |lab| {
        let iso = Image::latest()?;
        let mut disks = Vec::new();
        for (name, bus, device) in [
            ("qx-nvme", Bus::Nvme, "/dev/nvme0n1"),
            ("qx-sata", Bus::Ahci, "/dev/sda"),
        ] {
            let disk = blank(&lab.dir().join(format!("{name}.img")), 2 * GIB)?;
            fs::create_dir_all(lab.dir().join(name))?;
            let answer = ANSWER.replace("qx-e2e", name);
            let machine = lab
                .machine(&format!("{name}-install"))
                .drive(&disk, "raw", bus)
                .cd(iso.iso())
                .usb_stick(&seed::volume(&lab.dir().join(name), &answer)?)
                .start()?;
            let installing = format!("Installing on {device}");
            machine
                .serial()
                .wait_screen(&installing, INSTALL, |screen| {
                    screen.contains(&installing).then_some(())
                })?;
            installs(lab, &machine)?;
            installed(&machine, name)?;
            machine.shut_down(minutes(5))?;
            disks.push((name, disk, bus));
        }
        // Both have the same labels, partition names and types.
        for turn in 0..2 {
            disks.reverse();
            let mut builder = lab.machine(&format!("both-{turn}"));
            for (_, disk, bus) in &disks {
                builder = builder.drive(disk, "raw", *bus);
            }
            let machine = builder.start()?;
            let (first, _, _) = &disks[0];
            installed(&machine, first)?;
            machine.shut_down(minutes(5))?;
            lab.step(&format!("{first} starts its own system beside the other"));
        }
        Ok(())
    });
}

fn is_blank(path: &Path) -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(path)?.blocks() == 0)
}

/// Waits for the host of the answer file, booted from its disk, and logs in.
fn installed(machine: &Machine, hostname: &str) -> Result<Api> {
    let api = opens(machine)?;
    let host = api.get("/api/v1/host")?.expect(200)?;
    for (field, expected) in [
        ("/hostname", json!(hostname)),
        ("/boot/mode", json!("slot")),
        ("/boot/slot", json!("A")),
        ("/data/kind", json!("disk")),
        ("/config/source", json!("current")),
        ("/config/problems", json!([])),
        ("/ssh_enabled", json!(true)),
    ] {
        let found = host.pointer(field).cloned().unwrap_or_default();
        ensure!(found == expected, "host{field} is {found}, not {expected}");
    }
    Ok(api)
}

/// How often `words` stand in the first `length` bytes of a file.
fn occurrences(path: &Path, length: u64, words: &[u8]) -> Result<usize> {
    let mut bytes = Vec::new();
    File::open(path)?.take(length).read_to_end(&mut bytes)?;
    Ok(bytes
        .windows(words.len())
        .filter(|found| *found == words)
        .count())
}
