//! Networks: the rules on the hypervisor in memory, the effects on libvirt.

use std::process::Command;

use qx_engine::events::EventKind;
use qx_libvirt::Libvirt;
use qx_libvirt::testing::PrivateLibvirtd;
use qx_model::network::{
    Dhcp, Ipv4, NetworkEdit, NetworkId, NetworkMode, NetworkSpec, Reservation, Vlan,
};
use qx_model::vm::NicSpec;

use super::*;

fn ipv4(net: u8) -> Ipv4 {
    let reservation = Reservation {
        mac: "52:54:00:aa:bb:cc".parse().unwrap(),
        address: [10, 77, net, 200].into(),
        name: Some("printer".parse().unwrap()),
    };
    Ipv4 {
        address: [10, 77, net, 1].into(),
        prefix: 24,
        dhcp: Some(Dhcp {
            start: [10, 77, net, 10].into(),
            end: [10, 77, net, 99].into(),
            reservations: vec![reservation],
        }),
    }
}

fn nat(name: &str, net: u8) -> NetworkSpec {
    NetworkSpec {
        id: NetworkId::random(),
        name: name.parse().unwrap(),
        mode: NetworkMode::Nat,
        autostart: true,
        ipv4: Some(ipv4(net)),
        bridge: None,
        vlan: Vlan::default(),
    }
}

fn plugged(name: &str, network: &str) -> VmSpec {
    VmSpec {
        nics: vec![NicSpec::Network(network.parse().unwrap())],
        ..spec(name)
    }
}

fn conflict<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Err(Error::Conflict { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_vms_use_stays_and_they_are_named() {
    let bench = Bench::new().await;
    let (networks, vms) = (&bench.engine.networks, &bench.engine.vms);
    let id = networks.create(&admin(), nat("lab", 1)).await.unwrap();
    let id = id.network.id;
    for name in ["web2", "web1"] {
        vms.create(&admin(), plugged(name, "lab")).await.unwrap();
    }
    // The same name, but a bridge of the host.
    let mut bridged = spec("bridged");
    bridged.nics = vec![NicSpec::Bridge("lab".parse().unwrap())];
    vms.create(&admin(), bridged).await.unwrap();

    let seen = networks.get(&viewer(), id).await.unwrap();
    let names: Vec<&str> = seen.used_by.iter().map(|user| &*user.name).collect();
    assert_eq!(names, ["web1", "web2"]);
    let reason = conflict(networks.delete(&admin(), id).await);
    assert_eq!(reason, "the network lab is used by: web1, web2");
    let web1 = seen.used_by[0].id;
    vms.start(&admin(), web1).await.unwrap();
    let reason = conflict(networks.stop(&admin(), id).await);
    assert_eq!(reason, "the network lab is used by: web1");
    vms.stop(&admin(), web1).await.unwrap();
    assert!(!networks.stop(&admin(), id).await.unwrap().network.active);
    for user in seen.used_by {
        vms.delete(&admin(), user.id, false).await.unwrap();
    }
    networks.delete(&admin(), id).await.unwrap();
    assert!(networks.list(&viewer()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_twice_makes_one_network_and_addresses_are_given_once() {
    let bench = Bench::new().await;
    let networks = &bench.engine.networks;
    let wish = nat("lab", 1);
    let first = networks.create(&admin(), wish.clone()).await.unwrap();
    assert_eq!(
        networks.create(&admin(), wish.clone()).await.unwrap(),
        first
    );
    let other = NetworkSpec {
        ipv4: Some(ipv4(2)),
        ..wish.clone()
    };
    conflict(networks.create(&admin(), other).await);
    let Err(Error::Invalid(fields)) = networks.create(&admin(), nat("other", 1)).await else {
        panic!("it was made")
    };
    assert_eq!(fields[0].field, "ipv4.address");
    assert!(fields[0].reason.contains("the network lab"), "{fields:?}");
    let second = networks.create(&admin(), nat("other", 2)).await.unwrap();
    let edit = NetworkEdit {
        ipv4: Some(ipv4(1)),
        ..NetworkEdit::default()
    };
    let id = second.network.id;
    let refused = networks.edit(&admin(), id, None, edit.clone()).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let stale = Some(vec!["another".to_owned()]);
    let refused = networks.edit(&admin(), id, stale, edit).await;
    assert!(matches!(refused, Err(Error::Stale { .. })), "{refused:?}");
}

struct Real {
    engine: Engine,
    directory: TempDir,
    libvirtd: PrivateLibvirtd,
}

impl Real {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let libvirtd = PrivateLibvirtd::start(directory.path()).unwrap();
        let libvirt = Arc::new(Libvirt::open(&libvirtd.uri()).unwrap());
        let engine = engine(libvirt, &directory.path().join("data")).await;
        Self {
            engine,
            directory,
            libvirtd,
        }
    }

    fn virsh(&self, arguments: &[&str]) -> String {
        let mut virsh = Command::new("virsh");
        virsh.args(["-q", "-c", &self.libvirtd.uri()]);
        let output = virsh.args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A network that somebody else defines.
    fn define(&self, xml: &str) {
        let file = self.directory.path().join("network.xml");
        std::fs::write(&file, xml).unwrap();
        self.virsh(&["net-define", file.to_str().unwrap()]);
    }

    fn has_interface(&self, name: &str) -> bool {
        let interfaces = self.libvirtd.interfaces().unwrap();
        interfaces.iter().any(|known| known == name)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_connects_a_vm_of_libvirt_and_goes_when_nobody_uses_it() {
    let real = Real::new().await;
    let (networks, vms) = (&real.engine.networks, &real.engine.vms);
    let made = networks.create(&admin(), nat("lab", 3)).await.unwrap();
    let id = made.network.id;
    assert!(!made.network.pending_restart);
    let bridge = made.network.bridge.unwrap();
    assert!(
        made.network.active && real.has_interface(&bridge),
        "{bridge}"
    );
    let xml = real.virsh(&["net-dumpxml", "lab"]);
    for part in [
        "<forward mode='nat'>",
        "<ip address='10.77.3.1' prefix='24'>",
        "<range start='10.77.3.10' end='10.77.3.99'/>",
        "<host mac='52:54:00:aa:bb:cc' name='printer' ip='10.77.3.200'/>",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    let vm = vms.create(&admin(), plugged("user", "lab")).await.unwrap();
    vms.start(&admin(), vm.id).await.unwrap();
    let nics = real.virsh(&["domiflist", "user"]);
    let tap = nics.split_whitespace().next().unwrap();
    assert!(nics.contains("lab") && real.has_interface(tap), "{nics}");
    conflict(networks.stop(&admin(), id).await);

    let edit = NetworkEdit {
        ipv4: Some(ipv4(4)),
        ..NetworkEdit::default()
    };
    let edited = networks.edit(&admin(), id, None, edit).await.unwrap();
    assert!(edited.network.pending_restart);
    let configured = real.virsh(&["net-dumpxml", "--inactive", "lab"]);
    assert!(configured.contains("10.77.4.1"), "{configured}");
    let running = real.virsh(&["net-dumpxml", "lab"]);
    assert!(running.contains("10.77.3.1"), "{running}");
    vms.stop(&admin(), vm.id).await.unwrap();
    networks.stop(&admin(), id).await.unwrap();
    assert!(!real.has_interface(&bridge));
    let started = networks.start(&admin(), id).await.unwrap();
    assert!(!started.network.pending_restart);
    assert!(real.virsh(&["net-dumpxml", "lab"]).contains("10.77.4.1"));
    vms.delete(&admin(), vm.id, true).await.unwrap();
    networks.delete(&admin(), id).await.unwrap();
    assert!(!real.virsh(&["net-list", "--all", "--name"]).contains("lab"));
    assert!(!real.has_interface(&bridge));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reinstall_finds_a_copy_of_every_network_beside_the_vms() {
    let bench = Bench::new().await;
    // The fake writes no files; libvirt does this when a network is defined.
    let networks = bench.data.path().join("state/libvirt/qemu/networks");
    std::fs::create_dir_all(&networks).unwrap();
    let definition = "<network>\n  <name>lab</name>\n</network>\n";
    std::fs::write(networks.join("lab.xml"), definition).unwrap();
    let lab = bench.engine.networks.create(&admin(), nat("lab", 1)).await;
    let copy = bench.data.path().join("networks/lab.xml");
    eventually("the copy", async || {
        std::fs::read_to_string(&copy).is_ok_and(|copied| copied == definition)
    })
    .await;
    std::fs::remove_file(networks.join("lab.xml")).unwrap();
    let id = lab.unwrap().network.id;
    bench.engine.networks.delete(&admin(), id).await.unwrap();
    eventually("no copy", async || !copy.exists()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_define_is_told_and_keeps_its_parts_through_an_edit() {
    let real = Real::new().await;
    let networks = &real.engine.networks;
    let (_, mut live) = real.engine.events.subscribe(&viewer(), None).unwrap();
    real.define(
        "<network><name>theirs-with-a-long-name</name><bridge name='virbr55'/><mtu size='1400'/>
         <dns><txt name='a' value='b'/></dns><ip address='10.78.0.1' netmask='255.255.255.0'/>
         <ip address='10.79.0.1' netmask='255.255.255.0'/></network>",
    );
    loop {
        let event = tokio::time::timeout(PATIENCE, live.recv()).await.unwrap();
        if event.unwrap().kind == EventKind::NetworksChanged {
            break;
        }
    }
    let listed = networks.list(&viewer()).await.unwrap();
    let theirs = &listed[0].network;
    assert_eq!(theirs.mode, NetworkMode::Isolated);
    let edit = NetworkEdit {
        autostart: Some(true),
        ipv4: Some(Ipv4 {
            prefix: 25,
            ..theirs.ipv4.clone().unwrap()
        }),
        ..NetworkEdit::default()
    };
    let edited = networks.edit(&admin(), theirs.id, None, edit).await;
    assert!(edited.unwrap().network.autostart);
    let xml = real.virsh(&["net-dumpxml", "theirs-with-a-long-name"]);
    for part in [
        "<mtu size='1400'/>",
        "<txt name='a' value='b'/>",
        "address='10.78.0.1' prefix='25'",
        "address='10.79.0.1' netmask='255.255.255.0'",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    assert!(
        real.virsh(&["net-info", &theirs.name])
            .contains("Autostart:      yes")
    );

    // A network on addresses that an interface has can't start: it is not kept.
    networks.start(&admin(), theirs.id).await.unwrap();
    let mut wish = nat("taken", 9);
    wish.ipv4 = Some(Ipv4 {
        address: "10.79.0.2".parse().unwrap(),
        prefix: 24,
        dhcp: None,
    });
    let refused = networks.create(&admin(), wish).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    assert!(
        !real
            .virsh(&["net-list", "--all", "--name"])
            .contains("taken")
    );
}
