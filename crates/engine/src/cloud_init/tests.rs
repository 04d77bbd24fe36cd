use qx_model::cloud_init::{GuestNic, Password};
use qx_model::vm::{Firmware, NicSpec};
use serde_json::Value;

use super::*;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqBsSFkLZ1KdDgVbwNJdcCwDw4L2xWKkrC3yVvyuOlB me@laptop";

fn spec(name: &str) -> VmSpec {
    VmSpec {
        id: VmId("11111111-2222-4333-8444-555555555555".parse().unwrap()),
        name: name.parse().unwrap(),
        description: String::new(),
        vcpus: 1,
        vcpus_max: None,
        memory_mib: 64,
        firmware: Firmware::Bios,
        tpm: false,
        disks: Vec::new(),
        cdrom: None,
        nics: vec![NicSpec::Bridge("br0".parse().unwrap())],
        autostart: false,
        cloud_init: None,
    }
}

fn documents(wish: &CloudInit) -> Result<Documents> {
    let macs = ["52:54:00:00:00:01", "52:54:00:00:00:02"].map(str::to_owned);
    Documents::of(&spec("web_1"), wish, &macs)
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_empty_wish_gives_a_name_and_no_more() {
    let told = documents(&CloudInit::default()).unwrap();
    assert_eq!(
        json_of(&told.meta_data),
        json!({ "instance-id": "11111111-2222-4333-8444-555555555555", "local-hostname": "web-1" })
    );
    let config = told.user_data.strip_prefix("#cloud-config\n").unwrap();
    assert_eq!(json_of(config), json!({ "manage_etc_hosts": true }));
    assert_eq!(told.network_config, None);
}

#[test]
fn account_keys_and_network_are_told() {
    let wish = CloudInit {
        hostname: Some("web.example.com".into()),
        user: Some("ops".into()),
        password: Some(Password("correct horse".into())),
        ssh_keys: vec![format!("{KEY}\n")],
        user_data: None,
        network: vec![GuestNic {
            addresses: vec!["192.0.2.5/24".into(), "2001:db8::5/64".into()],
            gateways: vec!["192.0.2.1".into(), "fe80::1".into()],
            dns: vec!["192.0.2.53".into()],
        }],
    };
    let told = documents(&wish).unwrap();
    assert_eq!(
        json_of(&told.meta_data)["local-hostname"],
        "web.example.com"
    );
    let config = told.user_data.strip_prefix("#cloud-config\n").unwrap();
    let mut config = json_of(config);
    let hash = config["password"].take();
    assert!(hash.as_str().unwrap().starts_with("$6$"), "{hash}");
    assert_eq!(
        config,
        json!({
            "manage_etc_hosts": true,
            "user": "ops",
            "password": null,
            "chpasswd": { "expire": false },
            "ssh_authorized_keys": [KEY],
        })
    );
    assert_eq!(
        json_of(&told.network_config.clone().unwrap()),
        json!({
            "version": 2,
            "ethernets": {
                "eth0": {
                    "match": { "macaddress": "52:54:00:00:00:01" },
                    "set-name": "eth0",
                    "dhcp4": false,
                    "addresses": ["192.0.2.5/24", "2001:db8::5/64"],
                    "routes": [
                        { "to": "0.0.0.0/0", "via": "192.0.2.1" },
                        { "to": "::/0", "via": "fe80::1" },
                    ],
                    "nameservers": { "addresses": ["192.0.2.53"] },
                },
                "eth1": {
                    "match": { "macaddress": "52:54:00:00:00:02" },
                    "set-name": "eth1",
                    "dhcp4": true,
                },
            },
        })
    );
    // The same again: what compares wishes relies on it.
    assert_eq!(documents(&wish).unwrap(), told);
    // A clone keeps the account and gives up the addresses.
    let other = VmId("99999999-2222-4333-8444-555555555555".parse().unwrap());
    let clone = told.clone().of_clone(other, &"web-2".parse().unwrap());
    assert_eq!(
        json_of(&clone.meta_data),
        json!({ "instance-id": other.to_string(), "local-hostname": "web-2" })
    );
    assert_eq!(
        (clone.user_data, clone.network_config),
        (told.user_data, None)
    );
}

#[test]
fn own_user_data_is_taken_as_it_is() {
    for own in ["#cloud-config\npackages: [nginx]\n", "#!/bin/sh\necho ü\n"] {
        let wish = CloudInit {
            user_data: Some(own.into()),
            ..CloudInit::default()
        };
        assert_eq!(documents(&wish).unwrap().user_data, own);
    }
}

#[test]
fn every_broken_rule_is_told_at_once() {
    let wish = CloudInit {
        hostname: Some("-web".into()),
        user: Some("Ops".into()),
        password: Some(Password("a\nb".into())),
        ssh_keys: vec![KEY.into(), "ssh-ed25519 AAAA".into()],
        user_data: None,
        network: vec![
            GuestNic {
                addresses: vec!["192.0.2.5".into(), "192.0.2.5/24".into()],
                gateways: vec![
                    "198.51.100.1".into(),
                    "192.0.2.1".into(),
                    "192.0.2.2".into(),
                ],
                dns: vec!["dns.example.com".into()],
            },
            GuestNic {
                gateways: vec!["192.0.2.1".into()],
                ..GuestNic::default()
            },
            GuestNic::default(),
        ],
    };
    let fields = |wish: &CloudInit| match documents(wish) {
        Err(Error::Invalid(fields)) => fields.into_iter().map(|fault| fault.field).collect(),
        other => vec![format!("{other:?}")],
    };
    let expected = [
        "hostname",
        "user",
        "password",
        "ssh_keys[1]",
        "network",
        "network[0].addresses[0]",
        "network[0].dns[0]",
        "network[0].gateways[0]",
        "network[0].gateways[2]",
        "network[1].gateways[0]",
    ];
    assert_eq!(
        fields(&wish),
        expected.map(|field| format!("cloud_init.{field}"))
    );
    let both = CloudInit {
        user: Some("ops".into()),
        ssh_keys: vec![KEY.into()],
        user_data: Some("packages: [nginx]".into()),
        ..CloudInit::default()
    };
    assert_eq!(
        fields(&both),
        ["user", "ssh_keys", "user_data"].map(|field| format!("cloud_init.{field}"))
    );
    let large = CloudInit {
        user_data: Some(format!("#!{}", "x".repeat(512 << 10))),
        ..CloudInit::default()
    };
    assert_eq!(fields(&large), ["cloud_init.user_data"]);
}

#[test]
fn a_name_becomes_a_host_name() {
    let cases = [
        ("web", "web"),
        ("web_1", "web-1"),
        ("a_._b", "a.b"),
        ("a..b-", "a.b"),
        ("Debian-13.2", "Debian-13.2"),
    ];
    for (name, expected) in cases {
        assert_eq!(hostname_of(&name.parse().unwrap()), expected);
        assert!(expected.parse::<HostName>().is_ok());
    }
}

#[test]
fn the_cd_says_what_was_written() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("vm").join("cloud-init.iso");
    let wish = CloudInit {
        user_data: Some(format!("#!/bin/sh\n{}", "echo ü\n".repeat(10_000))),
        network: vec![GuestNic::default()],
        ..CloudInit::default()
    };
    for wish in [&wish, &CloudInit::default()] {
        let told = documents(wish).unwrap();
        told.write(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // Nothing is overwritten.
        told.write(&path).unwrap_err();
        assert_eq!(Documents::read(&path).unwrap(), told);
        remove(&path).unwrap();
        assert!(!path.parent().unwrap().exists());
    }
    remove(&path).unwrap();
}
