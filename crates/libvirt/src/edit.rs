//! Changes to a domain's XML. Only what a change names is touched; the rest, understood or not, stays as and
//! where it is.

use qx_hypervisor::{Error, Result};
use qx_model::edit::VmEdit;
use qx_model::vm::{Accelerator, Vm};

use crate::domain::{self, BOOTED};
use crate::xml::Element;

/// Changes the definition of `vm`, whose XML `domain` is. The name is not changed: libvirt has a call for it.
pub(crate) fn apply(
    domain: &mut Element,
    vm: &Vm,
    edit: &VmEdit,
    accelerator: Accelerator,
) -> Result<()> {
    match edit.description.as_deref() {
        None => {}
        Some("") => domain.remove("description"),
        Some(text) => domain.change("description", |description| description.say(text)),
    }
    if let Some(tags) = &edit.tags {
        let tags: Vec<&str> = tags.iter().map(|tag| tag.as_str()).collect();
        domain::note(domain, "tags", &tags.join(" "));
    }
    if edit.vcpus.is_some() || edit.vcpus_max.is_some() {
        let (vcpus, max) = edit.vcpus_of(vm);
        set_vcpus(domain, vcpus, max)?;
    }
    if let Some(memory) = edit.memory_mib {
        for name in ["memory", "currentMemory"] {
            domain.change(name, |element| {
                element.set("unit", "MiB");
                element.say(memory.to_string());
            });
        }
    }
    if let Some(model) = &edit.cpu_model {
        domain.change("cpu", |cpu| set_cpu(cpu, model.as_str(), accelerator));
    }
    if let Some(order) = &edit.boot_order {
        set_boot_order(domain, order);
    }
    if edit.tpm == Some(true) {
        domain::add_tpm(domain);
    }
    if let Some(order) = edit.autostart_order {
        domain::note(domain, domain::AUTOSTART_ORDER, &order.to_string());
    }
    if let Some(delay) = edit.autostart_delay_s {
        domain::note(domain, domain::AUTOSTART_DELAY, &delay.to_string());
    }
    Ok(())
}

fn set_vcpus(domain: &mut Element, vcpus: u32, max: u32) -> Result<()> {
    let topology = domain.child("cpu").and_then(|cpu| cpu.child("topology"));
    if let Some(topology) = topology {
        let in_socket = in_a_socket(topology);
        if !max.is_multiple_of(in_socket) {
            return Err(Error::Invalid {
                field: "vcpus_max",
                reason: format!(
                    "must be a multiple of {in_socket}, the vCPUs in a socket of this VM"
                ),
            });
        }
        domain.change("cpu", |cpu| {
            cpu.change("topology", |topology| {
                topology.set("sockets", (max / in_socket).to_string());
            });
        });
    }
    domain.change("vcpu", |element| {
        if vcpus == max {
            element.unset("current");
        } else {
            element.set("current", vcpus.to_string());
        }
        element.say(max.to_string());
    });
    // Which single ones are plugged in: libvirt writes it down anew.
    domain.remove("vcpus");
    Ok(())
}

fn in_a_socket(topology: &Element) -> u32 {
    ["dies", "clusters", "cores", "threads"]
        .into_iter()
        .filter_map(|name| topology.attribute(name)?.parse::<u32>().ok())
        .product::<u32>()
        .max(1)
}

/// Topology, NUMA cells and caches stay.
fn set_cpu(cpu: &mut Element, model: &str, accelerator: Accelerator) {
    cpu.retain(|child| !matches!(child.name(), "model" | "vendor" | "feature"));
    for name in ["mode", "match", "check", "migratable"] {
        cpu.unset(name);
    }
    if model == "host" {
        domain::all_of_the_host(cpu, accelerator);
    } else {
        cpu.set("mode", "custom");
        cpu.set("match", "exact");
        cpu.set("check", "none");
        let model = Element::new("model")
            .with("fallback", "forbid")
            .saying(model);
        cpu.push(model);
    }
}

fn set_boot_order(domain: &mut Element, order: &[String]) {
    // libvirt takes either this or an order of devices.
    domain.change("os", |os| os.remove("boot"));
    domain.change("devices", |devices| {
        for device in devices.elements_mut() {
            if BOOTED.contains(&device.name()) {
                device.remove("boot");
            }
            let Some(name) = domain::device_name(device) else {
                continue;
            };
            if let Some(place) = order.iter().position(|wanted| *wanted == name) {
                let boot = Element::new("boot").with("order", (place + 1).to_string());
                device.push(boot);
            }
        }
    });
}

#[cfg(test)]
mod tests;
