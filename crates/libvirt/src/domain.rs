//! Domain XML: a wish becomes a definition, and any domain, ours or not, becomes what people see.
//! Elements as libvirt's `formatdomain` documentation defines them.

use std::path::{Path, PathBuf};

use qx_hypervisor::{Definition, DiskFile, Limits};
use qx_model::device::{DiskLimits, NicLimits};
use qx_model::vm::{Accelerator, Disk, Firmware, Nic, NicSpec, PowerState, Vm, VmId};

use crate::screens;
use crate::xml::Element;

/// The devices below that every VM has, and QEMU's USB controller.
const OWN_DEVICES: usize = 5;
/// Disks and NICs that can be plugged into a running VM.
const FREE_PORTS: usize = 8;
/// Kinds of device that can have a place in the boot order.
pub(crate) const BOOTED: &[&str] = &["disk", "interface", "hostdev", "redirdev"];
/// Our element in a domain's metadata.
const OURS: &str = "quantix:vm";
/// Its attribute that tells a repeated wish from another one.
pub(crate) const MARK: &str = "mark";
/// Its attributes that the script which starts VMs with the host reads too.
pub(crate) const AUTOSTART_ORDER: &str = "autostart-order";
pub(crate) const AUTOSTART_DELAY: &str = "autostart-delay";
/// Namespace of our own metadata in a domain.
pub(crate) const NAMESPACE: &str = "https://quantix-os.org/xmlns/vm/1";

/// The serial number that tells the drive of [`Definition::cloud_init`] from those for people.
pub(crate) const CLOUD_INIT: &str = "cloud-init";

/// The definition of a new VM.
pub(crate) fn define(definition: &Definition, accelerator: Accelerator) -> Element {
    let spec = &definition.spec;
    let number = |name: &str, value: u64| Element::new(name).saying(value.to_string());
    let mut domain = Element::new("domain")
        .with("type", kind(accelerator))
        .holding(Element::new("name").saying(spec.name.as_str()))
        .holding(Element::new("uuid").saying(spec.id.to_string()))
        .holding(Element::new("description").saying(spec.description.as_str()))
        .holding(metadata(definition))
        .holding(number("memory", spec.memory_mib).with("unit", "MiB"))
        .holding(vcpus(spec.vcpus, spec.vcpus_max));
    if accelerator == Accelerator::Test {
        // The test driver emulates no machine: it knows neither firmware nor processor models.
        let kind = Element::new("type").saying("hvm");
        domain.push(Element::new("os").holding(kind));
    } else {
        domain.push(os(spec.firmware));
        domain.push(features(spec.firmware));
        domain.push(cpu(accelerator));
        domain.push(clock());
    }
    domain.push(devices(definition, accelerator));
    domain
}

fn vcpus(now: u32, max: Option<u32>) -> Element {
    let element = Element::new("vcpu");
    match max {
        Some(max) if max > now => element
            .with("current", now.to_string())
            .saying(max.to_string()),
        _ => element.saying(now.to_string()),
    }
}

fn metadata(definition: &Definition) -> Element {
    let ours = Element::new("quantix:vm")
        .with("xmlns:quantix", NAMESPACE)
        .with(MARK, &*definition.mark)
        .with("firmware", firmware_name(definition.spec.firmware));
    Element::new("metadata").holding(ours)
}

fn firmware_name(firmware: Firmware) -> &'static str {
    match firmware {
        Firmware::Bios => "bios",
        Firmware::Uefi => "uefi",
        Firmware::UefiSecureBoot => "uefi_secure_boot",
    }
}

pub(crate) fn kind(accelerator: Accelerator) -> &'static str {
    match accelerator {
        Accelerator::Kvm => "kvm",
        Accelerator::Tcg => "qemu",
        Accelerator::Test => "test",
    }
}

/// libvirt picks the firmware files that have these features.
fn os(firmware: Firmware) -> Element {
    let kind = Element::new("type")
        .with("arch", "x86_64")
        .with("machine", "q35")
        .saying("hvm");
    let os = Element::new("os").holding(kind);
    let secure = match firmware {
        Firmware::Bios => return os,
        Firmware::Uefi => "no",
        Firmware::UefiSecureBoot => "yes",
    };
    let feature = |name: &str| {
        Element::new("feature")
            .with("enabled", secure)
            .with("name", name.to_owned())
    };
    os.with("firmware", "efi").holding(
        Element::new("firmware")
            .holding(feature("enrolled-keys"))
            .holding(feature("secure-boot")),
    )
}

fn features(firmware: Firmware) -> Element {
    let features = Element::new("features")
        .holding(Element::new("acpi"))
        .holding(Element::new("apic"));
    match firmware {
        // Without system management mode a guest could rewrite the variables that hold the keys.
        Firmware::UefiSecureBoot => features.holding(Element::new("smm").with("state", "on")),
        Firmware::Bios | Firmware::Uefi => features,
    }
}

/// All that the host's processor, or QEMU's emulation, can do.
pub(crate) fn cpu(accelerator: Accelerator) -> Element {
    let mut cpu = Element::new("cpu");
    all_of_the_host(&mut cpu, accelerator);
    cpu
}

pub(crate) fn all_of_the_host(cpu: &mut Element, accelerator: Accelerator) {
    let mode = if accelerator == Accelerator::Kvm {
        "host-passthrough"
    } else {
        "maximum"
    };
    cpu.set("mode", mode);
    cpu.set("check", "none");
    cpu.set("migratable", "on");
}

/// Lost ticks are caught up for the clock but not made up for by interrupts; guests have better clocks
/// than the HPET.
fn clock() -> Element {
    let timer = |name: &str| Element::new("timer").with("name", name.to_owned());
    Element::new("clock")
        .with("offset", "utc")
        .holding(timer("rtc").with("tickpolicy", "catchup"))
        .holding(timer("pit").with("tickpolicy", "delay"))
        .holding(timer("hpet").with("present", "no"))
}

fn devices(definition: &Definition, accelerator: Accelerator) -> Element {
    let mut devices = Element::new("devices");
    let mut boot_order = 0_u32;
    let mut boot = || {
        boot_order += 1;
        Element::new("boot").with("order", boot_order.to_string())
    };
    if let Some(path) = &definition.cdrom {
        let drive = drive("cdrom", "raw", path, "sda", "sata").holding(Element::new("readonly"));
        devices.push(drive.holding(boot()));
    }
    if let Some(path) = &definition.cloud_init {
        let drive = drive("cdrom", "raw", path, "sdb", "sata").holding(Element::new("readonly"));
        devices.push(drive.holding(Element::new("serial").saying(CLOUD_INIT)));
    }
    for (file, letter) in definition.disks.iter().zip('a'..='z') {
        devices.push(disk_drive(file, &format!("vd{letter}")).holding(boot()));
    }
    for (nic, mac) in definition.spec.nics.iter().zip(&definition.macs) {
        devices.push(interface(nic, mac).holding(boot()));
    }
    if definition.spec.tpm {
        devices.push(tpm());
    }
    if accelerator == Accelerator::Test {
        return devices;
    }
    // Each device takes a port; libvirt makes only as many as there are devices, so none could be plugged in.
    let pci = |model: &str| {
        Element::new("controller")
            .with("type", "pci")
            .with("model", model)
    };
    let ports = devices.elements().count() + OWN_DEVICES + FREE_PORTS;
    devices.push(pci("pcie-root").with("index", "0"));
    for _ in 0..ports {
        devices.push(pci("pcie-root-port"));
    }
    let random = Element::new("backend")
        .with("model", "random")
        .saying("/dev/urandom");
    let agent = Element::new("target")
        .with("type", "virtio")
        .with("name", "org.qemu.guest_agent.0");
    let port = Element::new("target")
        .with("type", "isa-serial")
        .with("port", "0");
    for device in screens::devices_of(definition.spec.firmware) {
        devices.push(device);
    }
    devices
        .holding(Element::new("serial").with("type", "pty").holding(port))
        .holding(Element::new("channel").with("type", "unix").holding(agent))
        .holding(Element::new("rng").with("model", "virtio").holding(random))
        .holding(Element::new("memballoon").with("model", "virtio"))
}

/// A TPM 2.0 by swtpm, whose state libvirt keeps until the VM is deleted.
fn tpm() -> Element {
    let backend = Element::new("backend")
        .with("type", "emulator")
        .with("version", "2.0");
    Element::new("tpm")
        .with("model", "tpm-crb")
        .holding(backend)
}

/// Unless it has one.
pub(crate) fn add_tpm(domain: &mut Element) {
    domain.change("devices", |devices| {
        if devices.child("tpm").is_none() {
            devices.push(tpm());
        }
    });
}

/// A disk on the virtio bus.
pub(crate) fn disk_drive(file: &DiskFile, target: &str) -> Element {
    let mut drive = drive("disk", file.format.name(), &file.path, target, "virtio");
    if file.block {
        set_file(&mut drive, file);
    }
    drive
}

/// What is behind a drive.
pub(crate) fn set_file(drive: &mut Element, file: &DiskFile) {
    let (kind, name) = if file.block {
        ("block", "dev")
    } else {
        ("file", "file")
    };
    drive.set("type", kind);
    drive.change("source", |source| {
        source.unset("file");
        source.unset("dev");
        source.set(name, file.path.to_string_lossy());
    });
}

pub(crate) fn drive(device: &str, format: &str, path: &Path, target: &str, bus: &str) -> Element {
    let mut driver = Element::new("driver")
        .with("name", "qemu")
        .with("type", format);
    if device == "disk" {
        driver.set("discard", "unmap");
    }
    Element::new("disk")
        .with("type", "file")
        .with("device", device)
        .holding(driver)
        .holding(Element::new("source").with("file", path.to_string_lossy()))
        .holding(Element::new("target").with("dev", target).with("bus", bus))
}

pub(crate) fn interface(nic: &NicSpec, mac: &str) -> Element {
    let (kind, name) = match nic {
        NicSpec::Network(name) => ("network", name),
        NicSpec::Bridge(name) => ("bridge", name),
    };
    Element::new("interface")
        .with("type", kind)
        .holding(Element::new("mac").with("address", mac))
        .holding(Element::new("source").with(kind, name.as_str()))
        .holding(Element::new("model").with("type", "virtio"))
}

/// The mark that [`define`] left.
pub(crate) fn mark(domain: &Element) -> Option<&str> {
    ours(domain)?.attribute(MARK)
}

fn ours(domain: &Element) -> Option<&Element> {
    // libvirt keeps the prefix that it was given.
    domain.child("metadata")?.child(OURS)
}

/// Writes an attribute of our own metadata, also into a domain that others defined.
pub(crate) fn note(domain: &mut Element, name: &str, value: &str) {
    domain.change("metadata", |metadata| {
        metadata.change(OURS, |ours| {
            ours.set("xmlns:quantix", NAMESPACE);
            ours.set(name, value);
        });
    });
}

fn noted<'a>(domain: &'a Element, name: &str) -> Option<&'a str> {
    ours(domain)?.attribute(name)
}

fn noted_number(domain: &Element, name: &str) -> u32 {
    noted(domain, name)
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

/// What a device is called in [`Vm::boot_order`]: a drive's target, a NIC's address.
pub(crate) fn device_name(device: &Element) -> Option<String> {
    match device.name() {
        "disk" => Some(disk(device).target),
        "interface" => Some(nic(device).mac),
        _ => None,
    }
}

/// Drives and NICs with a place in the boot order, or what the older order of kinds comes to.
fn boot_order(domain: &Element, devices: &Element) -> Vec<String> {
    let mut order: Vec<(u32, String)> = devices
        .elements()
        .filter_map(|device| {
            let place = device.child("boot")?.attribute("order")?.parse().ok()?;
            Some((place, device_name(device)?))
        })
        .collect();
    order.sort_by_key(|(place, _)| *place);
    if !order.is_empty() {
        return order.into_iter().map(|(_, name)| name).collect();
    }
    let kinds = domain
        .child("os")
        .into_iter()
        .flat_map(|os| os.children("boot"));
    kinds
        .filter_map(|boot| boot.attribute("dev"))
        .filter_map(|kind| {
            let wanted = |device: &&Element| match kind {
                "hd" => device.name() == "disk" && !disk(device).cdrom,
                "cdrom" => device.name() == "disk" && disk(device).cdrom,
                "network" => device.name() == "interface",
                _ => false,
            };
            device_name(devices.elements().find(wanted)?)
        })
        .collect()
}

fn cpu_model(domain: &Element) -> String {
    let Some(cpu) = domain.child("cpu") else {
        return "host".into();
    };
    match cpu.attribute("mode") {
        Some("host-passthrough" | "maximum") => "host".into(),
        Some("host-model") => "host-model".into(),
        _ => cpu
            .child("model")
            .map_or_else(|| "host".into(), Element::text),
    }
}

/// What a domain is, whoever defined it. Whether it starts with the host is not in its XML.
pub(crate) fn observe(domain: &Element, id: VmId, state: PowerState) -> Vm {
    let text = |name: &str| domain.child(name).map(Element::text).unwrap_or_default();
    let devices = domain.child("devices").cloned().unwrap_or_default();
    let vcpu = domain.child("vcpu");
    let vcpus_max = text("vcpu").parse().unwrap_or_default();
    Vm {
        id,
        name: text("name"),
        description: text("description"),
        state,
        tags: noted(domain, "tags")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        vcpus: vcpu
            .and_then(|vcpu| vcpu.attribute("current"))
            .and_then(|now| now.parse().ok())
            .unwrap_or(vcpus_max),
        vcpus_max,
        memory_mib: domain.child("memory").map(mebibytes).unwrap_or_default(),
        cpu_model: cpu_model(domain),
        boot_order: boot_order(domain, &devices),
        firmware: firmware(domain),
        tpm: devices.child("tpm").is_some(),
        accelerator: match domain.attribute("type") {
            Some("kvm") => Accelerator::Kvm,
            Some("test") => Accelerator::Test,
            _ => Accelerator::Tcg,
        },
        disks: devices.children("disk").map(disk).collect(),
        nics: devices.children("interface").map(nic).collect(),
        vnc: screens::has_one(domain, state.is_on()),
        autostart: false,
        autostart_order: noted_number(domain, AUTOSTART_ORDER),
        autostart_delay_s: noted_number(domain, AUTOSTART_DELAY),
        pending_restart: Vec::new(),
        revision: String::new(),
    }
}

/// libvirt writes KiB; others may have written anything it reads.
fn mebibytes(memory: &Element) -> u64 {
    let amount: u64 = memory.text().parse().unwrap_or_default();
    match memory.attribute("unit") {
        Some("b" | "bytes") => amount >> 20,
        None | Some("k" | "KiB") => amount >> 10,
        Some("M" | "MiB") => amount,
        Some("G" | "GiB") => amount.saturating_mul(1 << 10),
        Some("T" | "TiB") => amount.saturating_mul(1 << 20),
        Some(_) => 0,
    }
}

fn firmware(domain: &Element) -> Firmware {
    let os = domain.child("os").cloned().unwrap_or_default();
    let loader = os.child("loader");
    let secure_feature = os
        .child("firmware")
        .into_iter()
        .flat_map(|list| list.children("feature"));
    let secure = loader.is_some_and(|loader| loader.attribute("secure") == Some("yes"))
        || secure_feature.into_iter().any(|feature| {
            feature.attribute("name") == Some("secure-boot")
                && feature.attribute("enabled") == Some("yes")
        });
    let efi = os.attribute("firmware") == Some("efi")
        || loader.is_some_and(|loader| loader.attribute("type") == Some("pflash"));
    // Only where libvirt has no word for it.
    let noted = noted(domain, "firmware");
    match (efi, secure, noted) {
        (true, true, _) => Firmware::UefiSecureBoot,
        (true, false, _) => Firmware::Uefi,
        (false, _, Some("uefi_secure_boot")) if is_test(domain) => Firmware::UefiSecureBoot,
        (false, _, Some("uefi")) if is_test(domain) => Firmware::Uefi,
        (false, ..) => Firmware::Bios,
    }
}

fn is_test(domain: &Element) -> bool {
    domain.attribute("type") == Some("test")
}

fn disk(disk: &Element) -> Disk {
    let source = disk.child("source");
    let path = source.and_then(|source| source.attribute("file").or(source.attribute("dev")));
    let target = disk
        .child("target")
        .and_then(|target| target.attribute("dev"));
    Disk {
        target: target.unwrap_or_default().to_owned(),
        path: path.map(PathBuf::from),
        cdrom: disk.attribute("device") == Some("cdrom"),
        size_bytes: None,
        limits: disk_limits(disk),
    }
}

fn nic(interface: &Element) -> Nic {
    let mac = interface
        .child("mac")
        .and_then(|mac| mac.attribute("address"));
    let source = interface.child("source").and_then(|source| {
        ["network", "bridge", "dev"]
            .into_iter()
            .find_map(|name| source.attribute(name))
    });
    let device = interface
        .child("target")
        .and_then(|target| target.attribute("dev"));
    Nic {
        mac: mac.unwrap_or_default().to_ascii_lowercase(),
        source: source.unwrap_or_default().to_owned(),
        device: device.map(str::to_owned),
        network: interface.attribute("type") == Some("network"),
        limits: NicLimits {
            receive_kbytes_sec: bandwidth(interface, "inbound"),
            send_kbytes_sec: bandwidth(interface, "outbound"),
        },
    }
}

fn disk_limits(disk: &Element) -> DiskLimits {
    let limit = |name: &str| {
        let limit = disk.child("iotune").and_then(|tune| tune.child(name));
        limit.and_then(|limit| limit.text().parse().ok())
    };
    let limit = |name: &str| limit(name).unwrap_or_default();
    DiskLimits {
        read_bytes_sec: limit("read_bytes_sec"),
        write_bytes_sec: limit("write_bytes_sec"),
        read_iops: limit("read_iops_sec"),
        write_iops: limit("write_iops_sec"),
    }
}

fn bandwidth(interface: &Element, way: &str) -> u64 {
    let way = interface
        .child("bandwidth")
        .and_then(|both| both.child(way));
    way.and_then(|way| way.attribute("average")?.parse().ok())
        .unwrap_or_default()
}

/// Writes a device's limits; 0 is none.
pub(crate) fn limit(device: &mut Element, limits: Limits) {
    match limits {
        Limits::Disk(limits) => {
            device.remove("iotune");
            let all = [
                ("read_bytes_sec", limits.read_bytes_sec),
                ("write_bytes_sec", limits.write_bytes_sec),
                ("read_iops_sec", limits.read_iops),
                ("write_iops_sec", limits.write_iops),
            ];
            let set = all.into_iter().filter(|(_, value)| *value > 0);
            let children = set.map(|(name, value)| Element::new(name).saying(value.to_string()));
            push_all(device, "iotune", children);
        }
        Limits::Nic(limits) => {
            device.remove("bandwidth");
            let all = [
                ("inbound", limits.receive_kbytes_sec),
                ("outbound", limits.send_kbytes_sec),
            ];
            let set = all.into_iter().filter(|(_, value)| *value > 0);
            let children =
                set.map(|(name, value)| Element::new(name).with("average", value.to_string()));
            push_all(device, "bandwidth", children);
        }
    }
}

/// A child with these children, unless there are none.
fn push_all(parent: &mut Element, name: &str, children: impl Iterator<Item = Element>) {
    let mut children = children.peekable();
    if children.peek().is_some() {
        parent.push(children.fold(Element::new(name), Element::holding));
    }
}

/// Names of the libvirt networks that NICs are plugged into.
pub(crate) fn networks(domain: &Element) -> impl Iterator<Item = &str> {
    let nics = domain.child("devices").into_iter();
    nics.flat_map(|devices| devices.children("interface"))
        .filter_map(|interface| interface.child("source")?.attribute("network"))
}

/// Makes a definition of ours run on `accelerator`; `None` if it does already, or is not ours.
pub(crate) fn moved_to(domain: &Element, accelerator: Accelerator) -> Option<Element> {
    let ours = mark(domain).is_some() && matches!(domain.attribute("type"), Some("kvm" | "qemu"));
    if !ours || domain.attribute("type") == Some(kind(accelerator)) {
        return None;
    }
    let mut moved = domain.clone();
    moved.set("type", kind(accelerator));
    if cpu_model(domain) == "host" {
        moved.change("cpu", |cpu| all_of_the_host(cpu, accelerator));
    }
    Some(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREIGN: &str = "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
        <name>a &amp; b</name><memory unit='GiB'>2</memory><vcpu current='1'>4</vcpu>
        <metadata><quantix:vm xmlns:quantix='https://quantix-os.org/xmlns/vm/1' mark='m'/></metadata>
        <os><type>hvm</type><loader readonly='yes' secure='yes' type='pflash'>/f</loader></os>
        <cpu mode='custom'><model>EPYC</model></cpu>
        <devices>
          <disk type='block' device='disk'><source dev='/dev/vg/lv'/><target dev='sda'/></disk>
          <disk type='file' device='cdrom'><target dev='sdb'/></disk>
          <interface type='direct'><mac address='52:54:00:AA:BB:CC'/><source dev='eth1'/></interface>
          <hostdev mode='subsystem' type='pci'/>
        </devices>
        <qemu:commandline><qemu:arg value='-foo'/></qemu:commandline></domain>";

    #[test]
    fn a_domain_that_others_defined_is_shown_as_it_is() {
        let domain = Element::parse(FOREIGN).unwrap();
        let vm = observe(&domain, VmId::random(), PowerState::Running);
        assert_eq!(
            (vm.name.as_str(), vm.vcpus, vm.vcpus_max, vm.memory_mib),
            ("a & b", 1, 4, 2048)
        );
        assert_eq!(
            (vm.firmware, vm.accelerator),
            (Firmware::UefiSecureBoot, Accelerator::Kvm)
        );
        assert_eq!(vm.disks[0].path.as_deref(), Some(Path::new("/dev/vg/lv")));
        assert_eq!(
            (vm.disks[1].path.as_deref(), vm.disks[1].cdrom),
            (None, true)
        );
        assert_eq!(
            (&*vm.nics[0].mac, &*vm.nics[0].source),
            ("52:54:00:aa:bb:cc", "eth1")
        );
    }

    #[test]
    fn an_edit_keeps_what_it_does_not_understand() {
        let domain = Element::parse(FOREIGN).unwrap();
        assert!(moved_to(&domain, Accelerator::Kvm).is_none());
        let moved = moved_to(&domain, Accelerator::Tcg).unwrap();
        let moved = Element::parse(&moved.to_string()).unwrap();
        assert_eq!(moved.attribute("type"), Some("qemu"));
        for name in ["metadata", "os", "cpu", "devices", "qemu:commandline"] {
            assert_eq!(moved.child(name), domain.child(name), "{name}");
        }
    }

    #[test]
    fn a_processor_that_is_all_of_the_host_moves_with_it_and_keeps_its_topology() {
        let mut domain = Element::parse(FOREIGN).unwrap();
        let topology = Element::new("topology").with("sockets", "4");
        domain.remove("cpu");
        domain.push(cpu(Accelerator::Kvm).holding(topology.clone()));
        let moved = moved_to(&domain, Accelerator::Tcg).unwrap();
        let expected = cpu(Accelerator::Tcg).holding(topology);
        assert_eq!(moved.child("cpu"), Some(&expected));
    }

    #[test]
    fn a_domain_without_our_mark_is_not_moved() {
        let foreign = Element::parse("<domain type='kvm'><name>a</name></domain>").unwrap();
        assert!(moved_to(&foreign, Accelerator::Tcg).is_none());
    }
}
