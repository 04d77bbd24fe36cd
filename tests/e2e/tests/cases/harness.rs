//! The harness proves itself before it judges the product: its smallest guests run, and a machine's screen,
//! keyboard, serial line and power work, without any image of ours.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use qx_e2e::{Bus, Lab, guest, minutes};

#[test]
fn the_marker_guest_writes_its_marker() {
    let disk = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(disk.path(), guest::marker_image()).unwrap();
    let mut qemu = Command::new("setpriv")
        .args([
            "--pdeathsig",
            "KILL",
            "--",
            "qemu-system-x86_64",
            "-accel",
            "tcg",
            "-nodefaults",
            "-display",
            "none",
        ])
        .args(["-serial", "stdio", "-drive"])
        .arg(format!(
            "if=virtio,format=raw,file={}",
            disk.path().display()
        ))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(qemu.stdout.take().unwrap()).lines();
    // Twice: a console that opens late must see it too.
    let markers = lines
        .map_while(Result::ok)
        .filter(|line| line.contains(guest::MARKER))
        .take(2);
    let count = markers.count();
    qemu.kill().unwrap();
    qemu.wait().unwrap();
    assert_eq!(count, 2);
}

#[test]
fn an_empty_machine_shows_its_firmware_and_survives_a_power_cut() {
    Lab::run("Empty machine", |lab| {
        let mut machine = lab
            .machine("empty")
            .memory_mib(256)
            .disk(Bus::Virtio, 1)
            .start()?;
        machine.serial().wait_for("BdsDxe", minutes(2))?;
        let picture = lab.dir().join("screen.png");
        machine.screenshot(&picture)?;
        assert!(std::fs::read(&picture)?.starts_with(b"\x89PNG"));
        machine.press(&["ret"])?;
        let off = machine.power_cut();
        assert!(off.dir().join("disk0.qcow2").exists());
        let again = off.start()?;
        again.serial().wait_for("BdsDxe", minutes(2))?;
        assert!(again.port(8443)? != 0);
        Ok(())
    });
}
