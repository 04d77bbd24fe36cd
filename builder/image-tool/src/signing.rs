//! `keygen`, `sign` and `verify`: the manifest of a slot directory and the keys behind it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use qx_slots::{
    Hash, Limits, MANIFEST_FILE, Manifest, PART_NAMES, Part, PublicKey, SIGNATURE_FILE, SigningKey,
    verify_manifest, verify_part,
};

use crate::keyring;

/// Makes a key pair: a PKCS#8 PEM file that only its owner can read, and the public key as hex text.
pub(crate) fn keygen(private: &Path, public: &Path) -> Result<()> {
    let mut seed = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut seed))
        .context("cannot read /dev/urandom")?;
    let key = SigningKey::from_seed(&seed);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(private)
        .and_then(|mut file| {
            file.write_all(key.to_pem().map_err(std::io::Error::other)?.as_bytes())
        })
        .with_context(|| {
            format!(
                "cannot write {} (an existing key is kept)",
                private.display()
            )
        })?;
    write_public(&key.public(), public)
}

/// Writes the public half of a private key and prints its id.
pub(crate) fn export_public(private: &Path, public: &Path) -> Result<()> {
    let key = read_key(private)?.public();
    write_public(&key, public)?;
    println!("{}", key.id());
    Ok(())
}

/// Writes `manifest.json` and `manifest.sig` into a slot directory and prints the build id.
pub(crate) fn sign(
    slot: &Path,
    private: &Path,
    version: &str,
    channel: &str,
    limits: Limits,
) -> Result<()> {
    let key = read_key(private)?;
    let parts = PART_NAMES
        .iter()
        .map(|name| describe(slot, name))
        .collect::<Result<_>>()?;
    let manifest = Manifest::new(version, channel, key.public().id(), limits, parts)?;
    let bytes = manifest.to_bytes()?;
    write(&slot.join(MANIFEST_FILE), &bytes)?;
    write(&slot.join(SIGNATURE_FILE), &key.sign(&bytes))?;
    println!("{}", manifest.build_id);
    Ok(())
}

/// Judges a slot directory the way qx-init does at boot.
pub(crate) fn verify(slot: &Path, keys: &Path) -> Result<()> {
    let trusted = keyring::read(keys)?;
    let manifest = verify_manifest(
        &read(&slot.join(MANIFEST_FILE))?,
        &read(&slot.join(SIGNATURE_FILE))?,
        trusted.keyring(),
    )?;
    for part in manifest.parts() {
        let path = slot.join(&part.name);
        let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        verify_part(part, file)?;
    }
    println!(
        "{} {} {}",
        manifest.version, manifest.build_id, manifest.key_id
    );
    Ok(())
}

fn describe(slot: &Path, name: &str) -> Result<Part> {
    let bytes = read(&slot.join(name))?;
    Ok(Part {
        name: name.to_owned(),
        size: bytes.len() as u64,
        blake3: Hash::of(&bytes),
    })
}

pub(crate) fn read_key(path: &Path) -> Result<SigningKey> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the signing key {}", path.display()))?;
    SigningKey::from_pem(&text).with_context(|| format!("cannot use {}", path.display()))
}

pub(crate) fn read_public(path: &Path) -> Result<PublicKey> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the public key {}", path.display()))?;
    PublicKey::from_hex(&text).with_context(|| format!("cannot use {}", path.display()))
}

pub(crate) fn write_public(key: &PublicKey, path: &Path) -> Result<()> {
    write(path, format!("{}\n", key.to_hex()).as_bytes())
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
