//! Edits: of the configuration, and of what runs.

use qx_model::edit::VmEdit;

use super::{Guests, Subject};
use crate::Error;

impl Subject<'_> {
    pub(super) fn edit(&self) {
        let definition = self.definition("edit");
        let id = definition.spec.id;
        self.hypervisor.define(&definition).unwrap();
        let before = self.hypervisor.get(id).unwrap();
        assert_eq!(before.boot_order, ["vda"]);
        assert_eq!(before.cpu_model, "host");
        let edit = VmEdit {
            name: Some("contract-edited".parse().unwrap()),
            description: Some("<b>&\"it's\" two\nlines".into()),
            tags: Some(vec!["prod".parse().unwrap(), "web".parse().unwrap()]),
            vcpus: Some(2),
            vcpus_max: Some(4),
            memory_mib: Some(96),
            ..VmEdit::default()
        };
        self.hypervisor.edit(id, &edit).unwrap();
        let after = self.hypervisor.get(id).unwrap();
        assert_eq!(after.name, "contract-edited");
        assert_eq!(Some(&after.description), edit.description.as_ref());
        assert_eq!(after.tags, ["prod", "web"]);
        assert_eq!((after.vcpus, after.vcpus_max, after.memory_mib), (2, 4, 96));
        assert_eq!(
            (&after.disks, after.firmware),
            (&before.disks, before.firmware)
        );
        assert!(after.pending_restart.is_empty());
        assert_ne!(after.revision, before.revision);
        // The mark of its creation outlives edits.
        assert_eq!(
            self.hypervisor.creation_mark(id).unwrap(),
            Some(definition.mark)
        );
        assert_eq!(self.hypervisor.get(id).unwrap().revision, after.revision);
        let model = |name: &str| VmEdit {
            cpu_model: Some(name.parse().unwrap()),
            ..VmEdit::default()
        };
        if self.guests == Guests::Real {
            let refused = self.hypervisor.edit(id, &model("Z80"));
            assert!(
                matches!(
                    refused,
                    Err(Error::Invalid {
                        field: "cpu_model",
                        ..
                    })
                ),
                "{refused:?}"
            );
        }
        assert!(!after.tpm);
        let tpm = VmEdit {
            tpm: Some(true),
            ..VmEdit::default()
        };
        // A second is not added.
        for _ in 0..2 {
            self.hypervisor.edit(id, &tpm).unwrap();
            assert!(self.hypervisor.get(id).unwrap().tpm);
        }
        self.hypervisor.edit(id, &model("qemu64")).unwrap();
        assert_eq!(self.hypervisor.get(id).unwrap().cpu_model, "qemu64");
        self.hypervisor.edit(id, &model("host")).unwrap();
        assert_eq!(self.hypervisor.get(id).unwrap().cpu_model, "host");
        self.hypervisor.undefine(id).unwrap();
    }

    pub(super) fn autostart(&self) {
        let mut definition = self.definition("autostart");
        definition.spec.autostart = true;
        let id = definition.spec.id;
        self.hypervisor.define(&definition).unwrap();
        let seen = || {
            let vm = self.hypervisor.get(id).unwrap();
            let order = (vm.autostart, vm.autostart_order, vm.autostart_delay_s);
            (order, vm.revision)
        };
        let (made, first) = seen();
        assert_eq!(made, (true, 0, 0));
        let order = VmEdit {
            autostart_order: Some(20),
            autostart_delay_s: Some(30),
            ..VmEdit::default()
        };
        self.hypervisor.edit(id, &order).unwrap();
        let (ordered, second) = seen();
        assert_eq!(ordered, (true, 20, 30));
        assert_ne!(first, second);
        let off = VmEdit {
            autostart: Some(false),
            ..VmEdit::default()
        };
        self.hypervisor.edit(id, &off).unwrap();
        let (stopped, third) = seen();
        // The order is kept for the day it is switched on again.
        assert_eq!(stopped, (false, 20, 30));
        assert_ne!(second, third);
        self.hypervisor.undefine(id).unwrap();
    }

    pub(super) fn edit_running(&self) {
        let id = self.created("pending");
        let room = VmEdit {
            vcpus_max: Some(4),
            ..VmEdit::default()
        };
        self.hypervisor.edit(id, &room).unwrap();
        self.hypervisor.start(id).unwrap();
        let renamed = VmEdit {
            name: Some("contract-renamed".parse().unwrap()),
            ..VmEdit::default()
        };
        let refused = self.hypervisor.edit(id, &renamed);
        assert!(
            matches!(refused, Err(Error::WrongState { .. })),
            "{refused:?}"
        );
        let edit = VmEdit {
            vcpus: Some(2),
            memory_mib: Some(96),
            description: Some("at once".into()),
            ..VmEdit::default()
        };
        self.hypervisor.edit(id, &edit).unwrap();
        let vm = self.hypervisor.get(id).unwrap();
        assert_eq!((vm.vcpus, vm.memory_mib), (2, 96));
        assert_eq!(vm.description, "at once");
        // There was room for the vCPU; memory has none.
        assert_eq!(vm.pending_restart, ["memory_mib"]);
        self.hypervisor.stop(id).unwrap();
        assert!(self.hypervisor.get(id).unwrap().pending_restart.is_empty());
        self.hypervisor.start(id).unwrap();
        assert!(self.hypervisor.get(id).unwrap().pending_restart.is_empty());
        self.remove(id);
    }
}
