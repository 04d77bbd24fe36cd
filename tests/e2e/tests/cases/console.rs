//! The console as a person at the serial line has it: installation by hand.

use anyhow::{Context, Result, ensure};
use qx_e2e::installed::{BOOT, INSTALL, PASSWORD, blank, opens};
use qx_e2e::{Bus, Image, Lab, Machine, minutes};

const GIB: u64 = 1 << 30;
const ENTER: &str = "\r";
const TAB: &str = "\t";
/// Empties a field.
const CLEAR: &str = "\x15";

#[test]
fn a_person_at_the_serial_line_installs_and_logs_in_to_what_was_installed() {
    Lab::run("Installation by hand", |lab| {
        let disk = blank(&lab.dir().join("disk.img"), 2 * GIB)?;
        let machine = lab
            .machine("host")
            .cpus(2)
            .memory_mib(1024)
            .drive(&disk, "raw", Bus::Virtio)
            .cd(Image::latest()?.iso())
            .start()?;
        at(&machine, "<F2/I> Install", BOOT)?;
        machine.serial().send("i")?;
        page(&machine, "1 of 9", "/dev/vda")?;
        machine.serial().send(ENTER)?;
        page(&machine, "2 of 9", "EFI partition")?;
        machine.serial().send(ENTER)?;
        page(&machine, "3 of 9", "Host name")?;
        machine.serial().send([CLEAR, "qx-hand", ENTER].concat())?;
        page(&machine, "4 of 9", "The same again")?;
        let password = [PASSWORD, TAB, PASSWORD, ENTER].concat();
        machine.serial().send(password)?;
        page(&machine, "5 of 9", "IPv4")?;
        lab.step("up to the network");
        // Down to IPv4, fixed; QEMU's network answers at this address.
        let network = [TAB, TAB, " ", TAB, "10.0.2.15/24", TAB, "10.0.2.2", ENTER].concat();
        machine.serial().send(network)?;
        page(&machine, "6 of 9", "Time zone")?;
        machine
            .serial()
            .send([CLEAR, "europe/berlin", ENTER].concat())?;
        page(&machine, "7 of 9", "SSH")?;
        machine.serial().send(ENTER)?;
        page(&machine, "8 of 9", "Europe/Berlin")?;
        machine.serial().send(ENTER)?;
        at(&machine, "Begin the installation?", minutes(1))?;
        machine.serial().send(ENTER)?;
        page(&machine, "9 of 9", "Installing on /dev/vda")?;
        lab.step("installing");
        at(&machine, "Quantix-OS is installed on /dev/vda.", INSTALL)?;
        at(&machine, "https://10.0.2.15:8443/", minutes(1))?;
        lab.step("installed; restarting from the disk");
        machine.serial().send("r")?;

        let api = opens(&machine)?;
        let host = api.get("/api/v1/host")?.expect(200)?;
        ensure!(host["hostname"] == "qx-hand", "host: {host}");
        ensure!(host["boot"]["mode"] == "slot", "host: {host}");
        at(&machine, "https://10.0.2.15:8443/  (static)", minutes(2))
    });
}

/// Waits until the screen shows `text`.
fn at(machine: &Machine, text: &str, within: std::time::Duration) -> Result<()> {
    let serial = machine.serial();
    serial
        .wait_screen(text, within, |screen| screen.contains(text).then_some(()))
        .context("the console")
}

/// Waits until the installation shows this page.
fn page(machine: &Machine, number: &str, text: &str) -> Result<()> {
    at(machine, number, minutes(2))?;
    at(machine, text, minutes(1))
}
