//! Kernel modules and their firmware.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use qx_image_tests::{Profile, Root};

/// The driver families that the product promises (DESIGN, "The image").
const PROMISED: &[(&str, &[&str])] = &[
    (
        "storage",
        &[
            "nvme",
            "ahci",
            "virtio_blk",
            "virtio_scsi",
            "megaraid_sas",
            "mpt3sas",
            "hpsa",
            "smartpqi",
            "aacraid",
            "usb-storage",
            "uas",
            "iscsi_tcp",
            "dm-mod",
            "dm-crypt",
            "dm-snapshot",
            "dm-thin-pool",
            "dm-raid",
            "raid0",
            "raid1",
            "raid10",
            "raid456",
            "sd_mod",
            "sr_mod",
        ],
    ),
    (
        "network cards",
        &[
            "virtio_net",
            "e1000",
            "e1000e",
            "igb",
            "igc",
            "ixgbe",
            "i40e",
            "ice",
            "bnxt_en",
            "bnx2x",
            "tg3",
            "mlx4_en",
            "mlx5_core",
            "r8169",
            "atlantic",
            "be2net",
            "qede",
            "ena",
            "vmxnet3",
        ],
    ),
    (
        "network functions",
        &[
            "bridge",
            "8021q",
            "bonding",
            "tun",
            "macvtap",
            "vxlan",
            "veth",
            "nf_tables",
            "br_netfilter",
        ],
    ),
    ("fibre channel", &["qla2xxx", "lpfc", "dm-multipath"]),
    (
        "virtualization",
        &[
            "kvm",
            "kvm-intel",
            "kvm-amd",
            "vfio-pci",
            "vhost_net",
            "vhost_vsock",
        ],
    ),
    (
        "file systems",
        &[
            "xfs", "ext4", "nfs", "nfsv4", "vfat", "isofs", "overlay", "squashfs", "loop", "fuse",
        ],
    ),
    (
        "watchdogs, management and trust",
        &[
            "iTCO_wdt",
            "sp5100_tco",
            "i6300esb",
            "softdog",
            "hpwdt",
            "ipmi_si",
            "ipmi_devintf",
            "ipmi_watchdog",
            "tpm_tis",
        ],
    ),
    (
        "consoles",
        &[
            "usbhid",
            "hid-generic",
            "xhci-pci",
            "ehci-pci",
            "ast",
            "mgag200",
            "virtio-gpu",
            "bochs",
            "atkbd",
        ],
    ),
];

fn modules_directory(root: &Root) -> Result<String> {
    root.entries()
        .iter()
        .find_map(|entry| {
            let version = entry.path.strip_prefix("usr/lib/modules/")?;
            (!version.contains('/')).then(|| entry.path.clone())
        })
        .context("no kernel modules in the image")
}

/// Module names, loadable and built in, with `-` and `_` made equal.
fn modules(root: &Root) -> Result<BTreeSet<String>> {
    let directory = modules_directory(root)?;
    let mut names = BTreeSet::new();
    for list in ["modules.dep", "modules.builtin"] {
        for line in root.text(&format!("{directory}/{list}"))?.lines() {
            let path = line.split(':').next().unwrap_or_default();
            let name = path.rsplit('/').next().unwrap_or_default();
            names.insert(name.trim_end_matches(".ko").replace('-', "_"));
        }
    }
    Ok(names)
}

#[test]
fn every_promised_driver_is_there() -> Result<()> {
    let root = Root::open()?;
    let present = modules(root)?;
    let missing: Vec<_> = PROMISED
        .iter()
        .flat_map(|(family, names)| names.iter().map(move |name| (family, name)))
        .filter(|(_, name)| !present.contains(&name.replace('-', "_")))
        .collect();
    ensure!(missing.is_empty(), "missing drivers: {missing:?}");
    Ok(())
}

#[test]
fn every_module_finds_what_it_depends_on() -> Result<()> {
    let root = Root::open()?;
    let directory = modules_directory(root)?;
    for line in root.text(&format!("{directory}/modules.dep"))?.lines() {
        for path in line.replace(':', " ").split_whitespace() {
            ensure!(
                root.has(&format!("{directory}/{path}")),
                "{path} is missing"
            );
        }
    }
    Ok(())
}

#[test]
fn firmware_that_modules_ask_for_is_there_or_left_out_with_a_reason() -> Result<()> {
    let root = Root::open()?;
    let files: Vec<_> = root
        .entries()
        .iter()
        .filter(|entry| entry.path.ends_with(".ko"))
        .map(|entry| root.path(&entry.path))
        .collect();
    ensure!(
        files.len() > 300,
        "only {} modules: is this the image?",
        files.len()
    );
    let answer = Command::new("modinfo")
        .args(["-F", "firmware"])
        .args(&files)
        .output()?;
    ensure!(
        answer.status.success(),
        "modinfo: {}",
        String::from_utf8_lossy(&answer.stderr)
    );
    let asked: BTreeSet<String> = String::from_utf8(answer.stdout)?
        .lines()
        .map(str::to_owned)
        .collect();
    ensure!(
        asked.len() > 50,
        "modules name only {} firmware files",
        asked.len()
    );
    let absent = Profile::quantix().absent_firmware()?;
    let missing: Vec<_> = asked
        .iter()
        .filter(|name| !present(root, name) && !absent.contains(name))
        .collect();
    ensure!(
        missing.is_empty(),
        "firmware neither in the image nor 'absent' in firmware.conf: {missing:?}"
    );
    let unasked: Vec<_> = absent
        .iter()
        .filter(|name| !asked.contains(*name))
        .collect();
    ensure!(
        unasked.is_empty(),
        "firmware.conf excuses what nothing asks for: {unasked:?}"
    );
    Ok(())
}

#[test]
fn a_question_loads_no_vlan_driver_and_a_vlan_does() -> Result<()> {
    let root = Root::open()?;
    let would_load = |name: &str| -> Result<String> {
        let release = std::fs::read_dir(root.path("usr/lib/modules"))?
            .next()
            .context("no modules")??;
        let answer = Command::new("modprobe")
            .arg("-d")
            .arg(root.path(""))
            .arg("-C")
            .arg(root.path("etc/modprobe.d"))
            .arg("-S")
            .arg(release.file_name())
            .args(["--dry-run", "--verbose", name])
            .output()?;
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        ensure!(answer.status.success(), "modprobe {name}: {said}");
        Ok(String::from_utf8(answer.stdout)?)
    };
    ensure!(
        would_load("8021q")?.is_empty(),
        "what dhcpcd asks for loads"
    );
    let made = would_load("rtnl-link-vlan")?;
    ensure!(made.contains("/8021q.ko"), "what ip asks for: {made:?}");
    let checksum = would_load("libcrc32c")?;
    ensure!(
        checksum.contains("/libcrc32c.ko") && !checksum.contains("generic"),
        "{checksum:?}"
    );
    Ok(())
}

/// A name may hold one `*` (the driver picks a version).
fn present(root: &Root, name: &str) -> bool {
    let path = format!("usr/lib/firmware/{name}");
    let Some((before, after)) = path.split_once('*') else {
        return root.has(&path);
    };
    root.entries()
        .iter()
        .any(|entry| entry.path.starts_with(before) && entry.path.ends_with(after))
}
