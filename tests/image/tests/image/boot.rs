//! What boots: the kernel, the initramfs and the signed description of both and of the root.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use qx_image_tests::{Root, iso, product};
use qx_slots::{
    KEYRING_FILE, KEYRING_SIGNATURE_FILE, Keyring, MANIFEST_FILE, MEDIA_DIRECTORY, PART_NAMES,
    PublicKey, RECOVERY_FILE, SIGNATURE_FILE, verify_keyring, verify_manifest, verify_part,
};

/// Files of the ISO's slot directory, unpacked into a directory of this name.
fn slot_of_iso(name: &str) -> Result<PathBuf> {
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    fs::create_dir_all(&to)?;
    let mut xorriso = Command::new("xorriso");
    xorriso.args(["-osirrox", "on", "-indev"]).arg(iso()?);
    for file in PART_NAMES
        .into_iter()
        .chain([MANIFEST_FILE, SIGNATURE_FILE])
    {
        xorriso
            .arg("-extract")
            .arg(format!("/{MEDIA_DIRECTORY}/{file}"))
            .arg(to.join(file));
    }
    let answer = xorriso.output()?;
    ensure!(
        answer.status.success(),
        "xorriso: {}",
        String::from_utf8_lossy(&answer.stderr)
    );
    Ok(to)
}

fn trusted() -> Result<Keyring> {
    keyring(&product("keys/trust")?)
}

/// The keyring in a directory, signed by the recovery key beside it.
fn keyring(dir: &Path) -> Result<Keyring> {
    let recovery = fs::read_to_string(dir.join(RECOVERY_FILE))?;
    Ok(verify_keyring(
        &fs::read(dir.join(KEYRING_FILE))?,
        &fs::read(dir.join(KEYRING_SIGNATURE_FILE))?,
        &PublicKey::from_hex(&recovery)?,
    )?)
}

#[test]
fn the_iso_holds_the_parts_that_its_signed_manifest_describes() -> Result<()> {
    let slot = slot_of_iso("slot")?;
    let text = fs::read(slot.join(MANIFEST_FILE))?;
    let signature = fs::read(slot.join(SIGNATURE_FILE))?;
    let manifest = verify_manifest(&text, &signature, &trusted()?)?;
    for name in PART_NAMES {
        let part = manifest
            .part(name)
            .with_context(|| format!("{name} is not in the manifest"))?;
        verify_part(part, File::open(slot.join(name))?)?;
    }
    Ok(())
}

#[test]
fn an_installation_finds_signed_boot_programs_and_the_keyring_that_covers_this_image() -> Result<()>
{
    let root = Root::open()?;
    for name in ["shimx64.efi", "grubx64.efi", "mmx64.efi"] {
        let bytes = fs::read(root.path(&format!("usr/lib/quantix/boot/{name}")))?;
        ensure!(bytes.starts_with(b"MZ") && bytes.len() > 500_000, "{name}");
    }
    let menu = root.text("usr/lib/quantix/boot/grub.cfg")?;
    ensure!(
        menu.contains("quantix.partuuid="),
        "the menu starts no slot"
    );
    let slot = slot_of_iso("slot-of-keys")?;
    let keys = keyring(&root.path("usr/lib/quantix/keys"))?;
    let text = fs::read(slot.join(MANIFEST_FILE))?;
    verify_manifest(&text, &fs::read(slot.join(SIGNATURE_FILE))?, &keys)?;
    Ok(())
}

#[test]
fn one_changed_byte_in_the_manifest_is_refused() -> Result<()> {
    let slot = slot_of_iso("slot-changed")?;
    let mut text = fs::read(slot.join(MANIFEST_FILE))?;
    let signature = fs::read(slot.join(SIGNATURE_FILE))?;
    let middle = text.len() / 2;
    text[middle] ^= 1;
    ensure!(
        verify_manifest(&text, &signature, &trusted()?).is_err(),
        "a changed manifest was believed"
    );
    Ok(())
}

#[test]
fn the_kernel_is_signed_for_secure_boot() -> Result<()> {
    let kernel = fs::read(product("vmlinuz")?)?;
    let word = |at: usize| -> Result<usize> {
        let bytes = kernel.get(at..at + 4).context("the kernel is too short")?;
        Ok(u32::from_le_bytes(bytes.try_into()?) as usize)
    };
    ensure!(kernel.starts_with(b"MZ"), "not an EFI program");
    // PE32+: the certificate table is the fifth of the data directories, 112 bytes into the optional header.
    let optional = word(0x3c)? + 24;
    let (at, size) = (word(optional + 112 + 32)?, word(optional + 112 + 36)?);
    ensure!(
        size > 1000 && at + size <= kernel.len(),
        "the kernel carries no signature"
    );
    Ok(())
}

#[test]
fn microcode_comes_first_in_the_initramfs_and_uncompressed() -> Result<()> {
    let microcode = fs::read(product("microcode.cpio")?)?;
    let initramfs = fs::read(product("initramfs.img")?)?;
    for name in ["GenuineIntel.bin", "AuthenticAMD.bin"] {
        let path = format!("kernel/x86/microcode/{name}");
        ensure!(
            microcode
                .windows(path.len())
                .any(|window| window == path.as_bytes()),
            "{path} is missing"
        );
    }
    ensure!(
        initramfs.starts_with(&microcode),
        "the initramfs does not begin with the microcode"
    );
    Ok(())
}
