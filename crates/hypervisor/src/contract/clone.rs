//! Clones: a VM that is what another one is, and shares nothing with it.

use qx_model::device::new_mac;
use qx_model::edit::VmEdit;
use qx_model::vm::{NicSpec, Vm, VmId};

use super::{Guests, MARKER, Subject};
use crate::{CloneDefinition, Error};

impl Subject<'_> {
    /// A clone of `source` that has a disk of its own, with the guest on it.
    fn clone_of(&self, source: &Vm, name: &str) -> CloneDefinition {
        let id = VmId::random();
        let path = self.data.join(id.to_string()).join("disk0.qcow2");
        self.guest_disk(&path);
        CloneDefinition {
            id,
            name: format!("contract-{name}").parse().unwrap(),
            description: None,
            disks: vec![(source.disks[0].target.clone(), path.into())],
            mark: "another mark".into(),
        }
    }

    pub(super) fn clone(&self) {
        let mut definition = self.definition("clone-source");
        definition.spec.nics = vec![NicSpec::Bridge("br0".parse().unwrap())];
        definition.macs = vec![new_mac()];
        let id = self.makes(&definition);
        let edit = VmEdit {
            tags: Some(vec!["web".parse().unwrap()]),
            memory_mib: Some(80),
            autostart: Some(true),
            autostart_order: Some(7),
            ..VmEdit::default()
        };
        self.hypervisor.edit(id, &edit).unwrap();
        let source = self.hypervisor.get(id).unwrap();
        let wish = self.clone_of(&source, "clone");
        self.hypervisor.define_clone(id, &wish).unwrap();
        let made = self.hypervisor.get(wish.id).unwrap();
        assert_eq!(self.hypervisor.get(id).unwrap(), source);
        assert_eq!((made.id, &*made.name), (wish.id, wish.name.as_str()));
        assert_eq!(made.disks[0].path.as_ref(), Some(&wish.disks[0].1.path));
        assert_ne!(made.nics[0].mac, source.nics[0].mac);
        assert!(!made.autostart);
        let mark = self.hypervisor.creation_mark(wish.id).unwrap();
        assert_eq!(mark, Some(wish.mark.clone()));
        // But for these it is the same.
        let mut same = made.clone();
        (same.id, same.name, same.autostart) = (source.id, source.name.clone(), true);
        same.disks.clone_from(&source.disks);
        same.nics.clone_from(&source.nics);
        same.boot_order.clone_from(&source.boot_order);
        same.revision.clone_from(&source.revision);
        assert_eq!(same, source);
        let again = self.hypervisor.define_clone(id, &wish);
        assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
        self.hypervisor.start(id).unwrap();
        let other = self.clone_of(&source, "clone-of-running");
        let refused = self.hypervisor.define_clone(id, &other);
        assert!(
            matches!(refused, Err(Error::WrongState { .. })),
            "{refused:?}"
        );
        // Both at once.
        self.hypervisor.start(wish.id).unwrap();
        if self.guests == Guests::Real {
            self.line(wish.id).answers("\r", MARKER);
        }
        self.remove(wish.id);
        self.remove(id);
    }
}
