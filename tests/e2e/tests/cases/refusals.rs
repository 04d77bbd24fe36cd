//! Damage and unsuitable machines: each has its outcome and its plain words, on the screen and the serial
//! line, and none of them boots into something that was changed.

use qx_e2e::run::one_time_password;
use qx_e2e::tamper::{REFUSALS, TamperedIso};
use qx_e2e::{Image, Lab, Machine, MachineBuilder, image, minutes};

use anyhow::{Result, ensure};

/// From power-on to qx-init's verdict under software emulation on a busy machine.
const VERDICT: std::time::Duration = minutes(10);

/// Damages a copy of the image, boots it, and expects every one of `words` from qx-init.
fn refused(name: &str, damage: impl FnOnce(&TamperedIso) -> Result<()>, words: &[&str]) {
    Lab::run(name, |lab| {
        let iso = TamperedIso::copy(&Image::latest()?, lab.dir())?;
        damage(&iso)?;
        let machine = lab.machine("host").cd(iso.path()).start()?;
        says(&machine, words)
    });
}

fn says(machine: &Machine, words: &[&str]) -> Result<()> {
    let serial = machine.serial();
    serial.wait_for("Quantix-OS cannot start:", VERDICT)?;
    for word in words {
        serial.wait_for(word, minutes(1))?;
    }
    // Whoever does not verify does not ask for a log-in either.
    ensure!(
        one_time_password(&serial.text()).is_none(),
        "it booted all the same"
    );
    Ok(())
}

#[test]
fn a_changed_byte_in_the_root_file_system() {
    refused(
        "Changed root file system",
        |iso| iso.flip("rootfs.squashfs", 500).map(drop),
        &[
            "is damaged or was changed",
            "rootfs.squashfs was changed",
            "SHA256SUMS",
        ],
    );
}

#[test]
fn a_changed_manifest() {
    refused(
        "Changed manifest",
        |iso| iso.replace("manifest.json", b"\"format\":1", b"\"format\":2"),
        &[
            "is not to be trusted",
            "no trusted key signed this manifest",
            "SHA256SUMS",
        ],
    );
}

#[test]
fn a_manifest_signed_with_another_key() {
    refused(
        "Wrong key",
        TamperedIso::sign_with_unknown_key,
        &[
            "is not to be trusted",
            "no trusted key signed this manifest",
        ],
    );
}

#[test]
fn a_missing_root_file_system() {
    refused(
        "Missing root file system",
        |iso| iso.remove("rootfs.squashfs"),
        &["rootfs.squashfs is missing on /dev/sr0"],
    );
}

/// The boot image lies at the end of the medium, so a download that was cut short does not even start. (The
/// firmware without Secure Boot would offer its shell.)
#[test]
fn a_truncated_image() {
    Lab::run("Truncated image", |lab| {
        let iso = TamperedIso::copy(&Image::latest()?, lab.dir())?;
        iso.truncate(70)?;
        let machine = lab.machine("host").secure_boot().cd(iso.path()).start()?;
        let serial = machine.serial();
        serial.wait_for("No bootable option or device was found", VERDICT)?;
        ensure!(!serial.text().contains("Quantix-OS"), "a part of it ran");
        Ok(())
    });
}

#[test]
fn a_changed_kernel_is_refused_by_secure_boot() {
    Lab::run("Changed kernel", |lab| {
        let iso = TamperedIso::copy(&Image::latest()?, lab.dir())?;
        iso.flip("vmlinuz", 700)?;
        let machine = lab.machine("host").secure_boot().cd(iso.path()).start()?;
        machine.serial().wait_for("bad shim signature", VERDICT)?;
        machine.serial().wait_for("Secure Boot refused it", VERDICT)
    });
}

#[test]
fn a_machine_with_512_mib() {
    too_small("512 MiB", |machine| machine.memory_mib(512));
}

fn too_small(name: &str, shape: impl FnOnce(MachineBuilder) -> MachineBuilder) {
    Lab::run(name, |lab| {
        let image = Image::latest()?;
        let machine = shape(lab.machine("host").cd(image.iso())).start()?;
        says(&machine, &["MiB of memory", "needs 1 GiB"])
    });
}

/// Real boots over changed bytes everywhere; the exhaustive rest is decided by the same verifying code in
/// the unit tests of `crates/slots` and `initramfs`.
#[test]
#[ignore = "24 boots take about 20 minutes"]
fn real_boots_of_flipped_images() {
    for part in image::PARTS.into_iter().chain(["manifest.json"]) {
        for per_mille in [3, 200, 400, 600, 800, 997] {
            Lab::run(&format!("Flip in {part} at {per_mille} per mille"), |lab| {
                let iso = TamperedIso::copy(&Image::latest()?, lab.dir())?;
                iso.flip(part, per_mille)?;
                let machine = lab.machine("host").secure_boot().cd(iso.path()).start()?;
                machine.serial().wait_text("a refusal", VERDICT, |text| {
                    REFUSALS
                        .iter()
                        .any(|words| text.contains(words))
                        .then_some(())
                })
            });
        }
    }
}
