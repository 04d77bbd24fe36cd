//! `qx-image`: the build's own tool. Signs slot directories and keyrings, checks them, and writes the bill of
//! materials. The build scripts call it; it never runs on a host.

mod feed;
mod keyring;
mod sbom;
mod signing;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use qx_slots::{KeyId, Limits};

#[derive(Parser)]
#[command(
    name = "qx-image",
    version,
    about = "Signs and checks Quantix-OS images"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a signing key (PKCS#8 PEM) and its public half
    Keygen {
        /// The private key to write; an existing file is never overwritten
        #[arg(long)]
        private: PathBuf,
        /// The public key to write
        #[arg(long)]
        public: PathBuf,
    },
    /// Write the public half of a signing key and print its id
    Public {
        /// The private key to read
        #[arg(long)]
        private: PathBuf,
        /// The public key to write
        #[arg(long)]
        public: PathBuf,
    },
    /// Write keyring.json, keyring.sig and recovery.pub: which keys may sign images
    Keyring {
        /// The recovery key's private half
        #[arg(long)]
        recovery: PathBuf,
        /// Higher than that of every keyring before
        #[arg(long)]
        version: u64,
        /// Public key that may sign; may be given several times
        #[arg(long = "key", required = true)]
        keys: Vec<PathBuf>,
        /// Id of a key that may no longer sign; may be given several times
        #[arg(long, value_parser = key_id)]
        revoke: Vec<KeyId>,
        /// The directory to write them to, made when it is absent
        #[arg(long)]
        out: PathBuf,
    },
    /// Write the keyring after another one: a new key may sign, and every key before it no longer
    Rotate {
        /// The recovery key's private half
        #[arg(long)]
        recovery: PathBuf,
        /// The directory with the keyring of now
        #[arg(long)]
        keyring: PathBuf,
        /// The new public key
        #[arg(long)]
        new: PathBuf,
        /// The directory to write the next one to, made when it is absent
        #[arg(long)]
        out: PathBuf,
    },
    /// Write manifest.json and manifest.sig into a slot directory and print the build id
    Sign {
        /// The directory with vmlinuz, initramfs.img and rootfs.squashfs
        #[arg(long)]
        slot: PathBuf,
        /// The private key
        #[arg(long)]
        key: PathBuf,
        /// The release
        #[arg(long)]
        release: String,
        /// The stream of releases
        #[arg(long)]
        channel: String,
        /// Rises with every release
        #[arg(long)]
        sequence: u64,
        /// The least sequence number that a host accepts once this release was confirmed on it
        #[arg(long, default_value_t = 0)]
        floor: u64,
        /// Until when it may be written to a slot, in seconds since 1970
        #[arg(long)]
        expires: Option<u64>,
    },
    /// Judge a slot directory as qx-init does at boot; print version, build id and key id
    Verify {
        /// The directory to judge
        #[arg(long)]
        slot: PathBuf,
        /// The directory with recovery.pub, keyring.json and keyring.sig
        #[arg(long)]
        keys: PathBuf,
    },
    /// Write the index of an update feed: of every bundle in a directory, which a web server then serves
    Feed {
        /// The directory with the bundles (*.qxu)
        #[arg(long)]
        directory: PathBuf,
        /// The release key's private half
        #[arg(long)]
        key: PathBuf,
        /// The directory with recovery.pub, keyring.json and keyring.sig
        #[arg(long)]
        keys: PathBuf,
        /// Days until the index expires: it must be written anew before
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3650))]
        days: u64,
        /// Higher than that of every index before; the time when left out
        #[arg(long)]
        sequence: Option<u64>,
    },
    /// Write the software bill of materials (SPDX 2.3 JSON)
    Sbom {
        /// Package, version and architecture of each Debian package, tab separated
        #[arg(long)]
        debian: PathBuf,
        /// Cargo.lock of the programs
        #[arg(long)]
        cargo_lock: PathBuf,
        /// What `cargo tree --prefix none --format '{p}'` says of the programs
        #[arg(long)]
        cargo_tree: PathBuf,
        /// package-lock.json of the web UI
        #[arg(long)]
        npm_lock: PathBuf,
        /// The release
        #[arg(long)]
        release: String,
        /// RFC 3339 time in UTC, whole seconds
        #[arg(long)]
        created: String,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Keygen { private, public } => signing::keygen(&private, &public),
        Command::Public { private, public } => signing::export_public(&private, &public),
        Command::Sign {
            slot,
            key,
            release,
            channel,
            sequence,
            floor,
            expires,
        } => {
            let limits = Limits {
                sequence,
                floor,
                expires,
            };
            signing::sign(&slot, &key, &release, &channel, limits)
        }
        Command::Keyring {
            recovery,
            version,
            keys,
            revoke,
            out,
        } => keyring::make(&recovery, version, &keys, revoke, &out),
        Command::Rotate {
            recovery,
            keyring,
            new,
            out,
        } => keyring::rotate(&recovery, &keyring, &new, &out),
        Command::Feed {
            directory,
            key,
            keys,
            days,
            sequence,
        } => feed::make(&directory, &key, &keys, days, sequence),
        Command::Verify { slot, keys } => signing::verify(&slot, &keys),
        Command::Sbom {
            debian,
            cargo_lock,
            cargo_tree,
            npm_lock,
            release,
            created,
            out,
        } => {
            let mut components = sbom::debian_packages(&read_text(&debian)?)?;
            components.extend(sbom::cargo_lock(
                &read_text(&cargo_lock)?,
                &read_text(&cargo_tree)?,
            )?);
            components.extend(sbom::npm_lock(&read_text(&npm_lock)?)?);
            let document = sbom::document("quantix-os", &release, &created, &components);
            fs::write(&out, document).with_context(|| format!("cannot write {}", out.display()))
        }
    }
}

fn key_id(text: &str) -> Result<KeyId, &'static str> {
    KeyId::try_from(text.to_owned())
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
