//! What every implementation must do with networks.

use qx_model::network::{
    Dhcp, Ipv4, Network, NetworkEdit, NetworkId, NetworkMode, NetworkSpec, Reservation, Vlan,
};

use super::{Guests, Subject};
use crate::Error;

impl Subject<'_> {
    pub(super) fn network_as_wished(&self) {
        let spec = wish("cn-wished", 1);
        let id = spec.id;
        self.hypervisor.define_network(&spec).unwrap();
        let network = self.hypervisor.network(id).unwrap();
        assert_eq!((network.id, &*network.name), (id, "cn-wished"));
        assert_eq!((network.mode, network.active), (spec.mode, false));
        assert_eq!(
            (&network.ipv4, network.autostart),
            (&spec.ipv4, spec.autostart)
        );
        assert!(!network.pending_restart);
        let edit = NetworkEdit {
            autostart: Some(false),
            ipv4: Some(ipv4(2)),
            ..NetworkEdit::default()
        };
        self.hypervisor.edit_network(id, &edit).unwrap();
        let edited = self.hypervisor.network(id).unwrap();
        assert_eq!((edited.ipv4, edited.autostart), (edit.ipv4, false));
        assert_ne!(edited.revision, network.revision);
        self.hypervisor.undefine_network(id).unwrap();

        let bridged = bridged("cn-bridged");
        self.hypervisor.define_network(&bridged).unwrap();
        let network = self.hypervisor.network(bridged.id).unwrap();
        assert_eq!(network.mode, NetworkMode::Bridge);
        assert_eq!(network.bridge.as_deref(), Some("br0"));
        assert_eq!((network.vlan, network.ipv4), (bridged.vlan, None));
        let edit = NetworkEdit {
            vlan: Some(Vlan::default()),
            ..NetworkEdit::default()
        };
        self.hypervisor.edit_network(bridged.id, &edit).unwrap();
        let network = self.hypervisor.network(bridged.id).unwrap();
        assert_eq!(network.vlan, Vlan::default());
        assert_eq!(network.bridge.as_deref(), Some("br0"));
        self.hypervisor.undefine_network(bridged.id).unwrap();
    }

    pub(super) fn network_life(&self) {
        let spec = wish("cn-life", 3);
        let id = spec.id;
        let hypervisor = self.hypervisor;
        hypervisor.define_network(&spec).unwrap();
        let observe = || -> Network { hypervisor.network(id).unwrap() };
        let wrong = |answer: crate::Result<()>| {
            assert!(
                matches!(answer, Err(Error::WrongState { .. })),
                "{answer:?}"
            );
        };
        wrong(hypervisor.stop_network(id));
        hypervisor.start_network(id).unwrap();
        let started = observe();
        assert!(started.active && !started.pending_restart);
        wrong(hypervisor.start_network(id));
        wrong(hypervisor.undefine_network(id));
        // libvirt's test driver does not tell what is configured from what is active.
        if self.guests != Guests::None {
            let edit = NetworkEdit {
                ipv4: Some(ipv4(4)),
                ..NetworkEdit::default()
            };
            hypervisor.edit_network(id, &edit).unwrap();
            let edited = observe();
            assert_eq!(edited.ipv4, edit.ipv4);
            assert!(edited.active && edited.pending_restart);
        }
        hypervisor.stop_network(id).unwrap();
        let stopped = observe();
        assert!(!stopped.active && !stopped.pending_restart);
        hypervisor.undefine_network(id).unwrap();
        let listed = hypervisor.networks().unwrap();
        assert!(listed.iter().all(|network| network.id != id));
    }

    pub(super) fn networks_unique_and_missing(&self) {
        let first = wish("cn-unique", 5);
        self.hypervisor.define_network(&first).unwrap();
        let same_id = NetworkSpec {
            id: first.id,
            ..wish("cn-unique-too", 6)
        };
        for taken in [&first, &wish("cn-unique", 6), &same_id] {
            let refused = self.hypervisor.define_network(taken);
            assert!(matches!(refused, Err(Error::Exists { .. })), "{refused:?}");
        }
        let id = first.id;
        self.hypervisor.undefine_network(id).unwrap();
        let answers = [
            self.hypervisor.network(id).map(drop),
            self.hypervisor.edit_network(id, &NetworkEdit::default()),
            self.hypervisor.undefine_network(id),
            self.hypervisor.start_network(id),
            self.hypervisor.stop_network(id),
        ];
        for answer in answers {
            assert!(
                matches!(answer, Err(Error::NoSuchNetwork(told)) if told == id),
                "{answer:?}"
            );
        }
    }
}

fn ipv4(net: u8) -> Ipv4 {
    let address = |host: u8| [10, 213, net, host].into();
    let reservation = Reservation {
        mac: format!("52:54:00:aa:00:{net:02x}").parse().unwrap(),
        address: address(100),
        name: Some("printer".parse().unwrap()),
    };
    Ipv4 {
        address: address(1),
        prefix: 24,
        dhcp: Some(Dhcp {
            start: address(10),
            end: address(90),
            reservations: vec![reservation],
        }),
    }
}

fn wish(name: &str, net: u8) -> NetworkSpec {
    NetworkSpec {
        id: NetworkId::random(),
        name: name.parse().unwrap(),
        mode: NetworkMode::Isolated,
        autostart: true,
        ipv4: Some(ipv4(net)),
        bridge: None,
        vlan: Vlan::default(),
    }
}

fn bridged(name: &str) -> NetworkSpec {
    NetworkSpec {
        mode: NetworkMode::Bridge,
        autostart: false,
        ipv4: None,
        bridge: Some("br0".parse().unwrap()),
        vlan: Vlan {
            tags: vec![10, 20],
            trunk: true,
            native: Some(10),
        },
        ..wish(name, 0)
    }
}
