//! What is in the root file system, and what must not be.

use std::fs;

use anyhow::{Result, ensure};
use qx_image_tests::{Entry, Root, iso};

const MIB: u64 = 1024 * 1024;

fn names_in_path(root: &Root) -> impl Iterator<Item = (&str, &Entry)> {
    root.entries().iter().filter_map(|entry| {
        let name = entry
            .path
            .strip_prefix("usr/bin/")
            .or_else(|| entry.path.strip_prefix("usr/sbin/"))?;
        Some((name, entry))
    })
}

#[test]
fn the_iso_is_no_larger_than_150_mib() -> Result<()> {
    let size = fs::metadata(iso()?)?.len();
    ensure!(
        size <= 150 * MIB,
        "the ISO has {size} bytes, {} too many",
        size - 150 * MIB
    );
    Ok(())
}

#[test]
fn no_package_manager_interpreter_or_compiler_is_left() -> Result<()> {
    const FORBIDDEN: [&str; 14] = [
        "apt", "dpkg", "perl", "python", "gcc", "g++", "cc", "ld", "as", "make", "ruby", "lua",
        "systemd", "debconf",
    ];
    let root = Root::open()?;
    let left: Vec<_> = names_in_path(root)
        // The dynamic loader is no linker.
        .filter(|(name, _)| *name != "ld.so")
        .filter(|(name, _)| {
            FORBIDDEN.iter().any(|forbidden| {
                name.strip_prefix(forbidden).is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with(['-', '.', '3']) || rest.starts_with("5.")
                })
            })
        })
        .map(|(name, _)| name)
        .collect();
    ensure!(left.is_empty(), "these must not be in the image: {left:?}");
    ensure!(!root.has("var/lib/dpkg"), "the package database is left");
    Ok(())
}

/// `crates/host` calls them by these paths; nothing else changes the host's network.
#[test]
fn the_tools_of_the_network_are_there_and_have_no_rival() -> Result<()> {
    let root = Root::open()?;
    for path in [
        "usr/bin/ip",
        "usr/sbin/bridge",
        "usr/sbin/dhcpcd",
        "usr/sbin/arping",
    ] {
        ensure!(root.has(path), "{path} is missing");
    }
    for path in ["usr/sbin/ifupdown-ng", "etc/network"] {
        ensure!(!root.has(path), "{path} is there");
    }
    Ok(())
}

#[test]
fn no_documents_or_locales_are_left() -> Result<()> {
    let root = Root::open()?;
    for path in [
        "usr/share/doc",
        "usr/share/man",
        "usr/share/info",
        "usr/share/locale",
    ] {
        ensure!(!root.has(path), "/{path} is in the image");
    }
    Ok(())
}

#[test]
fn nothing_runs_with_more_rights_than_its_user() -> Result<()> {
    let root = Root::open()?;
    let raised: Vec<_> = root
        .entries()
        .iter()
        .filter(|entry| entry.mode.starts_with('-') && entry.mode.contains(['s', 'S']))
        .map(|entry| &entry.path)
        .collect();
    ensure!(raised.is_empty(), "setuid or setgid: {raised:?}");
    Ok(())
}

#[test]
fn only_temporary_directories_can_be_written_by_everyone() -> Result<()> {
    let root = Root::open()?;
    let open: Vec<_> = root
        .entries()
        .iter()
        .filter(|entry| !entry.mode.starts_with('l') && entry.mode.as_bytes().get(8) == Some(&b'w'))
        .filter(|entry| !(entry.mode.starts_with('d') && entry.mode.ends_with('t')))
        .map(|entry| (&entry.mode, &entry.path))
        .collect();
    ensure!(open.is_empty(), "writable by everyone: {open:?}");
    Ok(())
}

#[test]
fn every_link_leads_somewhere() -> Result<()> {
    // Made at boot, or file systems of their own.
    const LATER: [&str; 5] = ["/run/", "/proc/", "/dev/", "/quantix/", "/data/"];
    let root = Root::open()?;
    let dangling: Vec<_> = root
        .entries()
        .iter()
        .filter_map(|entry| Some((&entry.path, entry.link.as_ref()?)))
        .filter(|(path, link)| {
            !LATER
                .iter()
                .any(|later| link.starts_with(later) || later.strip_suffix('/') == Some(link))
                && !link.trim_start_matches("../").starts_with("run")
                && !root.has(path)
        })
        .collect();
    ensure!(dangling.is_empty(), "dangling links: {dangling:?}");
    Ok(())
}

#[test]
fn the_programs_the_ui_and_the_branding_are_there() -> Result<()> {
    let root = Root::open()?;
    for program in [
        "usr/bin/qx",
        "usr/sbin/qx-node",
        "usr/sbin/qx-console",
        "usr/sbin/qx-config",
        "usr/sbin/qx-install",
        "usr/sbin/qx-trial",
        "usr/sbin/libvirtd",
        "usr/sbin/virtlogd",
        "usr/bin/qemu-system-x86_64",
        "usr/bin/qemu-img",
        "usr/bin/swtpm",
        "usr/sbin/nft",
        "usr/sbin/chronyd",
        "usr/sbin/sshd",
        "usr/sbin/mke2fs",
        "usr/sbin/mkfs.xfs",
        "usr/sbin/blkid",
        "usr/sbin/blockdev",
        "usr/bin/efibootmgr",
        "usr/sbin/lvm",
        "usr/sbin/mdadm",
        "usr/sbin/multipathd",
        "usr/sbin/iscsid",
        "usr/sbin/mount.nfs",
        "usr/sbin/smartctl",
        "usr/bin/etcd",
        "sbin/init",
        "bin/sh",
    ] {
        ensure!(root.has(program), "/{program} is missing");
    }
    ensure!(
        root.has("usr/share/quantix/ui/index.html"),
        "the UI is missing"
    );
    ensure!(
        root.has("usr/share/quantix/branding/logo.txt"),
        "the logo is missing"
    );
    ensure!(
        root.text("usr/lib/os-release")?.contains("ID=quantix-os\n"),
        "os-release names another system"
    );
    Ok(())
}

#[test]
fn guests_can_start_with_bios_uefi_and_secure_boot() -> Result<()> {
    let root = Root::open()?;
    for path in [
        "usr/share/seabios/bios-256k.bin",
        "usr/share/OVMF/OVMF_CODE_4M.fd",
        "usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
        "usr/share/OVMF/OVMF_VARS_4M.fd",
        "usr/share/OVMF/OVMF_VARS_4M.ms.fd",
    ] {
        ensure!(root.has(path), "/{path} is missing");
    }
    // libvirt offers what these descriptions name: each must be there.
    for entry in root.entries() {
        if !entry.path.starts_with("usr/share/qemu/firmware/") || !entry.path.ends_with(".json") {
            continue;
        }
        let description: serde_json::Value = serde_json::from_str(&root.text(&entry.path)?)?;
        for part in [
            "/mapping/executable/filename",
            "/mapping/nvram-template/filename",
            "/mapping/filename",
        ] {
            if let Some(file) = description
                .pointer(part)
                .and_then(serde_json::Value::as_str)
            {
                ensure!(
                    root.has(file.trim_start_matches('/')),
                    "{} names {file}, which is missing",
                    entry.path
                );
            }
        }
    }
    Ok(())
}
