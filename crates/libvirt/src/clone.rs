//! Clones: another domain's XML, with what must not be shared made anew. What is not understood is taken along.

use qx_hypervisor::{CloneDefinition, DiskFile, Error, Result};

use crate::domain;
use crate::hypervisor::{Call, WHOLE};
use crate::snapshots::variables_of;
use crate::xml::Element;

impl Call<'_> {
    /// Defines a clone of this VM. Its firmware variables are gone again if that fails.
    pub(crate) fn define_clone(&self, clone: &CloneDefinition) -> Result<()> {
        if !self.libvirt.state(&self.domain, self.id)?.is_off() {
            return Err(Error::WrongState {
                reason: format!("VM {} is not off: shut it down first", self.id),
            });
        }
        let source = self.libvirt.xml(&self.domain, self.id, WHOLE)?;
        let mut xml = of(&source, clone);
        let name = clone.name.as_str();
        let define = |xml: &Element| {
            self.libvirt
                .define_new(&self.connect, (clone.id, name), xml)
        };
        let Some(variables) = variables_of(&source) else {
            return define(&xml);
        };
        let storage = self.libvirt.storage(&self.connect);
        let made = storage.variables(clone.id, &variables, &mut xml)?;
        define(&xml).inspect_err(|_| made.take_back())
    }
}

/// The clone of `source`, but for its firmware variables.
fn of(source: &Element, clone: &CloneDefinition) -> Element {
    let mut domain = source.clone();
    let id = clone.id.to_string();
    domain.change("name", |name| name.say(clone.name.as_str()));
    domain.change("uuid", |uuid| uuid.say(&*id));
    if let Some(description) = &clone.description {
        domain.change("description", |element| element.say(description));
    }
    domain::note(&mut domain, domain::MARK, &clone.mark);
    // Empty means: make one up.
    if domain.child("genid").is_some() {
        domain.remove("genid");
        domain.push(Element::new("genid"));
    }
    for table in domain.elements_mut().filter(|one| one.name() == "sysinfo") {
        for system in table.elements_mut().filter(|one| one.name() == "system") {
            let entries = system.elements_mut();
            entries
                .filter(|entry| entry.attribute("name") == Some("uuid"))
                .for_each(|entry| entry.say(&*id));
        }
    }
    domain.change("devices", |devices| {
        for device in devices.elements_mut() {
            match device.name() {
                "disk" => change_disk(device, &clone.disks),
                "interface" => {
                    device.remove("mac");
                    device.remove("target");
                }
                // The path of the agent's socket has the VM's name in it; libvirt chooses another.
                "channel" => device.remove("source"),
                _ => {}
            }
        }
    });
    domain
}

fn change_disk(disk: &mut Element, files: &[(String, DiskFile)]) {
    let target = domain::device_name(disk);
    let Some((_, file)) = files.iter().find(|(name, _)| Some(name) == target.as_ref()) else {
        return;
    };
    domain::set_file(disk, file);
    disk.change("driver", |driver| driver.set("type", file.format.name()));
    // What was behind the source's file is not behind this one.
    disk.remove("backingStore");
}

#[cfg(test)]
mod tests {
    use qx_model::storage::DiskFormat;
    use qx_model::vm::VmId;

    use super::*;

    fn clone() -> CloneDefinition {
        let disk = DiskFile {
            path: "/dev/vg/new".into(),
            format: DiskFormat::Raw,
            block: true,
        };
        CloneDefinition {
            id: VmId("11111111-2222-4333-8444-555555555555".parse().unwrap()),
            name: "new".parse().unwrap(),
            description: Some("a <new> one".into()),
            disks: vec![("vda".into(), disk)],
            mark: "m2".into(),
        }
    }

    #[test]
    fn what_must_not_be_shared_is_new_and_the_rest_is_kept() {
        let source = Element::parse(
            "<domain type='kvm'><name>old</name><uuid>99999999-2222-4333-8444-555555555555</uuid>\
             <genid>88888888-2222-4333-8444-555555555555</genid><description>d</description>\
             <metadata><quantix:vm xmlns:quantix='https://quantix-os.org/xmlns/vm/1' mark='m1' tags='a b'/>\
             <other:x xmlns:other='urn:x'/></metadata>\
             <sysinfo type='smbios'><system><entry name='uuid'>99999999-2222-4333-8444-555555555555</entry>\
             <entry name='serial'>s</entry></system></sysinfo>\
             <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/>\
             <source file='/data/old.qcow2'/><backingStore/><target dev='vda' bus='virtio'/><boot order='1'/></disk>\
             <disk type='file' device='cdrom'><source file='/data/a.iso'/><target dev='sda' bus='sata'/></disk>\
             <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><target dev='tap7'/>\
             <filterref filter='clean-traffic'/></interface>\
             <channel type='unix'><source mode='bind' path='/run/old.agent'/><target type='virtio' name='a'/></channel>\
             <tpm model='tpm-crb'/></devices></domain>",
        )
        .unwrap();
        let expected = Element::parse(
            "<domain type='kvm'><name>new</name><uuid>11111111-2222-4333-8444-555555555555</uuid>\
             <description>a &lt;new> one</description>\
             <metadata><quantix:vm xmlns:quantix='https://quantix-os.org/xmlns/vm/1' mark='m2' tags='a b'/>\
             <other:x xmlns:other='urn:x'/></metadata>\
             <sysinfo type='smbios'><system><entry name='uuid'>11111111-2222-4333-8444-555555555555</entry>\
             <entry name='serial'>s</entry></system></sysinfo>\
             <devices><disk type='block' device='disk'><driver name='qemu' type='raw' discard='unmap'/>\
             <source dev='/dev/vg/new'/><target dev='vda' bus='virtio'/><boot order='1'/></disk>\
             <disk type='file' device='cdrom'><source file='/data/a.iso'/><target dev='sda' bus='sata'/></disk>\
             <interface type='bridge'><source bridge='br0'/><filterref filter='clean-traffic'/></interface>\
             <channel type='unix'><target type='virtio' name='a'/></channel>\
             <tpm model='tpm-crb'/></devices><genid/></domain>",
        )
        .unwrap();
        assert_eq!(of(&source, &clone()).to_string(), expected.to_string());
    }
}
