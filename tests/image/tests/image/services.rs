//! What starts at boot.

use anyhow::{Context, Result, ensure};
use qx_image_tests::Root;

const WANTED: [&str; 9] = [
    "qx-config",
    "qx-network",
    "qx-firewall",
    "virtlogd",
    "libvirtd",
    "qx-node",
    "qx-seed",
    "chronyd",
    "udev",
];

fn enabled(root: &Root) -> Vec<(&str, &str)> {
    root.entries()
        .iter()
        .filter_map(|entry| entry.path.strip_prefix("etc/runlevels/")?.split_once('/'))
        .collect()
}

#[test]
fn the_services_of_the_product_are_enabled() -> Result<()> {
    let root = Root::open()?;
    let enabled = enabled(root);
    let missing: Vec<_> = WANTED
        .iter()
        .filter(|wanted| !enabled.iter().any(|(_, name)| name == *wanted))
        .collect();
    ensure!(
        missing.is_empty(),
        "not enabled: {missing:?}; enabled: {enabled:?}"
    );
    Ok(())
}

#[test]
fn ssh_and_listeners_that_nothing_asked_for_are_off() -> Result<()> {
    let root = Root::open()?;
    for name in [
        "sshd",
        "rpcbind",
        "nfs-common",
        "iscsid",
        "etcd",
        "dbus",
        "virtlockd",
    ] {
        ensure!(
            !enabled(root).iter().any(|(_, service)| *service == name),
            "{name} starts at boot"
        );
    }
    Ok(())
}

#[test]
fn only_our_own_service_scripts_are_there_and_run() -> Result<()> {
    let root = Root::open()?;
    for entry in root.entries() {
        let Some(name) = entry.path.strip_prefix("etc/init.d/") else {
            continue;
        };
        if entry.link.is_some() {
            continue;
        }
        ensure!(
            entry.mode.starts_with("-rwxr-xr-x"),
            "{name} can't be run: {}",
            entry.mode
        );
        let text = root.text(&entry.path)?;
        let first = text.lines().next().context("empty service script")?;
        ensure!(
            first.ends_with("openrc-run"),
            "{name} is not one of our OpenRC scripts: it begins with {first}"
        );
    }
    Ok(())
}

#[test]
fn the_console_is_respawned_on_the_screen_and_the_serial_line() -> Result<()> {
    let inittab = Root::open()?.text("etc/inittab")?;
    for terminal in ["tty1", "ttyS0"] {
        ensure!(
            inittab.lines().any(|line| !line.starts_with('#')
                && line.contains(":respawn:")
                && line.contains(terminal)),
            "nothing is respawned on {terminal}"
        );
    }
    Ok(())
}

/// libvirt takes nothing but a link to the definition for the mark.
#[test]
fn the_default_network_starts_by_itself() -> Result<()> {
    let root = Root::open()?;
    let path = "usr/share/quantix/libvirt/qemu/networks/autostart/default.xml";
    let mark = root.entries().iter().find(|entry| entry.path == path);
    let link = mark.and_then(|entry| entry.link.as_deref());
    ensure!(link == Some("../default.xml"), "/{path}: {link:?}");
    ensure!(
        root.has("usr/share/quantix/libvirt/qemu/networks/default.xml"),
        "the network is missing"
    );
    Ok(())
}
