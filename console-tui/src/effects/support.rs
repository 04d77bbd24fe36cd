//! What somebody who helps will ask for, as text.

use std::fs;

use crate::facts::Facts;
use crate::words;

/// Where the firmware's tables say what the machine is.
const DMI: &str = "/sys/class/dmi/id";

pub(super) fn text(facts: &Facts) -> String {
    let mut out = String::new();
    let mut say = |label: &str, value: String| {
        if !value.is_empty() {
            out.push_str(&format!("{label:<20}{value}\n"));
        }
    };
    let boot = facts.boot.as_ref();
    say("Version", words::version(boot));
    say("Runs from", words::origin_of_image(boot));
    if let Some(boot) = boot {
        say("Build", boot.build_id.clone());
        say("Signed by key", boot.key_id.clone());
        let watchdog = boot.watchdog.clone();
        say("Watchdog", watchdog.unwrap_or_else(|| "none".to_owned()));
    }
    let inventory = &facts.inventory;
    say("Kernel", inventory.kernel.clone());
    for (label, file) in [
        ("Manufacturer", "sys_vendor"),
        ("Product", "product_name"),
        ("Serial number", "product_serial"),
        ("Mainboard", "board_name"),
        ("Firmware", "bios_version"),
    ] {
        let value = fs::read_to_string(format!("{DMI}/{file}")).unwrap_or_default();
        say(label, value.trim().to_owned());
    }
    say("Processors", words::cpu(&inventory.cpu));
    say("Memory", words::memory_and_data(inventory));
    say("Host name", inventory.hostname.clone());
    for nic in &inventory.nics {
        let mac = nic
            .mac
            .map_or_else(|| "-".to_owned(), |mac| mac.to_string());
        let link = if nic.carrier == Some(true) {
            "link"
        } else {
            "no link"
        };
        say("Network card", format!("{} {mac} {link}", nic.name));
    }
    for address in &inventory.addresses {
        say(
            "Address",
            format!("{} on {}", address.address, address.interface),
        );
    }
    if let Some(certificate) = &facts.certificate {
        let [first, second] = words::fingerprint(certificate);
        say("Certificate SHA-256", first);
        say(" ", second);
    }
    for key in &facts.ssh {
        say("SSH key", format!("{} {}", key.algorithm, key.fingerprint));
    }
    for notice in words::notices(facts) {
        say("Notice", notice);
    }
    out
}
