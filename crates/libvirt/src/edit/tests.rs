//! What an edit changes, and that it changes nothing else.

use proptest::prelude::*;
use qx_model::vm::{PowerState, VmId};

use super::*;

const FOREIGN: &str = "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>a</name>
  <memory unit='GiB'>2</memory>
  <vcpu placement='static' cpuset='0-3'>4</vcpu>
  <vcpus><vcpu id='0' enabled='yes'/></vcpus>
  <os><type>hvm</type><boot dev='network'/><boot dev='hd'/><bootmenu enable='yes'/></os>
  <cpu mode='custom' match='minimum'><model>EPYC</model><topology sockets='2' cores='2' threads='1'/>
    <feature policy='require' name='vmx'/><numa><cell id='0' cpus='0-3' memory='2'/></numa></cpu>
  <devices>
    <!-- a comment -->
    <disk type='block' device='disk'><source dev='/dev/vg/lv'/><target dev='sda'/><serial>S1</serial></disk>
    <interface type='direct'><mac address='52:54:00:AA:BB:CC'/><source dev='eth1'/><future knob='1'/></interface>
    <hostdev mode='subsystem' type='pci'><boot order='1'/></hostdev>
  </devices>
  <qemu:commandline><qemu:arg value='-foo'/></qemu:commandline>
</domain>";

fn edited(edit: &VmEdit) -> (Vm, Element) {
    let mut domain = Element::parse(FOREIGN).unwrap();
    let id = VmId::random();
    let before = domain::observe(&domain, id, PowerState::Off);
    assert_eq!(edit.check(&before), []);
    apply(&mut domain, &before, edit, Accelerator::Kvm).unwrap();
    let again = Element::parse(&domain.to_string()).unwrap();
    (domain::observe(&again, id, PowerState::Off), again)
}

#[test]
fn each_field_becomes_what_was_asked_for() {
    let edit = VmEdit {
        autostart: None,
        autostart_order: Some(20),
        autostart_delay_s: Some(30),
        name: None,
        description: Some("<b> & \"two\"\nlines".into()),
        tags: Some(vec!["prod".parse().unwrap(), "web".parse().unwrap()]),
        vcpus: Some(3),
        vcpus_max: Some(6),
        memory_mib: Some(3000),
        cpu_model: Some("Skylake-Server-IBRS".parse().unwrap()),
        boot_order: Some(vec!["52:54:00:aa:bb:cc".into(), "sda".into()]),
        tpm: Some(true),
    };
    let (vm, domain) = edited(&edit);
    assert_eq!(Some(vm.description), edit.description);
    assert_eq!(vm.tags, ["prod", "web"]);
    assert_eq!((vm.vcpus, vm.vcpus_max, vm.memory_mib), (3, 6, 3000));
    assert_eq!(
        (vm.cpu_model.as_str(), vm.tpm),
        ("Skylake-Server-IBRS", true)
    );
    assert_eq!(Some(vm.boot_order), edit.boot_order);
    assert_eq!((vm.autostart_order, vm.autostart_delay_s), (20, 30));
    let topology = domain.child("cpu").unwrap().child("topology").unwrap();
    assert_eq!(topology.attribute("sockets"), Some("3"));
}

#[test]
fn what_is_not_understood_stays_as_and_where_it_is() {
    let edit = VmEdit {
        vcpus: Some(2),
        cpu_model: Some("host".parse().unwrap()),
        boot_order: Some(vec!["sda".into()]),
        ..VmEdit::default()
    };
    let before = Element::parse(FOREIGN).unwrap();
    let (_, after) = edited(&edit);
    let names = |domain: &Element| -> Vec<String> {
        let all = domain.elements().map(|child| child.name().to_owned());
        all.filter(|name| name != "vcpus").collect()
    };
    assert_eq!(names(&after), names(&before));
    assert_eq!(
        after.child("qemu:commandline"),
        before.child("qemu:commandline")
    );
    assert_eq!(
        after.child("vcpu").unwrap().attribute("cpuset"),
        Some("0-3")
    );
    let os = after.child("os").unwrap();
    assert!(os.child("bootmenu").is_some() && os.child("boot").is_none());
    let cpu = after.child("cpu").unwrap();
    assert!(cpu.child("numa").is_some() && cpu.child("topology").is_some());
    assert!(cpu.child("feature").is_none() && cpu.child("model").is_none());
    let devices = after.child("devices").unwrap();
    assert!(
        devices
            .child("interface")
            .unwrap()
            .child("future")
            .is_some()
    );
    assert_eq!(
        devices
            .child("disk")
            .unwrap()
            .child("serial")
            .unwrap()
            .text(),
        "S1"
    );
    // Another device can't keep a place that it was not given.
    assert!(devices.child("hostdev").unwrap().child("boot").is_none());
}

#[test]
fn vcpus_that_do_not_fill_the_sockets_are_refused() {
    let mut domain = Element::parse(FOREIGN).unwrap();
    let vm = domain::observe(&domain, VmId::random(), PowerState::Off);
    let edit = VmEdit {
        vcpus: Some(3),
        vcpus_max: Some(3),
        ..VmEdit::default()
    };
    let refused = apply(&mut domain, &vm, &edit, Accelerator::Kvm).unwrap_err();
    assert!(refused.to_string().contains("multiple of 2"), "{refused}");
}

prop_compose! {
    fn an_element()(
        name in "[a-z]{1,8}(:[a-z]{1,4})?",
        attributes in prop::collection::btree_map("[a-z]{1,6}", "[ -~\n\t]{0,12}", 0..3),
        text in "[ -~\n]{0,12}",
    ) -> Element {
        let mut element = Element::new(&format!("x{name}")).saying(text);
        for (name, value) in attributes {
            element.set(&name, value);
        }
        element
    }
}

proptest! {
    /// Whatever stands around: edit, write, read is the same as edit, and nothing foreign is lost or moved.
    #[test]
    fn an_edit_that_is_written_and_read_again_is_that_edit(
        around in prop::collection::vec(an_element(), 0..8),
        at in 0_usize..8,
        description in "[ -~\n\t]{1,40}",
        vcpus in 1_u32..64,
        memory in 1_u64..1_000_000,
    ) {
        let known = Element::parse("<domain><memory>1</memory><vcpu>1</vcpu><devices/></domain>").unwrap();
        let mut domain = Element::new("domain");
        for (i, element) in around.iter().enumerate() {
            if i == at {
                known.elements().cloned().for_each(|child| domain.push(child));
            }
            domain.push(element.clone());
        }
        if at >= around.len() {
            known.elements().cloned().for_each(|child| domain.push(child));
        }
        let id = VmId::random();
        let before = domain::observe(&domain, id, PowerState::Off);
        let edit = VmEdit {
            description: Some(description.clone()),
            vcpus: Some(vcpus),
            memory_mib: Some(memory),
            ..VmEdit::default()
        };
        apply(&mut domain, &before, &edit, Accelerator::Kvm).unwrap();
        let again = Element::parse(&domain.to_string()).unwrap();
        let vm = domain::observe(&again, id, PowerState::Off);
        prop_assert_eq!(vm.description, description.trim());
        prop_assert_eq!((vm.vcpus, vm.vcpus_max, vm.memory_mib), (vcpus, vcpus, memory));
        let foreign: Vec<&Element> = again
            .elements()
            .filter(|child| child.name().starts_with('x'))
            .collect();
        prop_assert_eq!(foreign.len(), around.len());
        for (after, before) in foreign.iter().zip(&around) {
            let before = Element::parse(&before.to_string()).unwrap();
            prop_assert_eq!(*after, &before);
        }
    }
}
