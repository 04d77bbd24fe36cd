//! Models of forms: whatever is typed, what a form takes is what the configuration takes, and what it showed at
//! first it gives back unchanged.

use proptest::prelude::*;
use qx_console::forms::{
    Layout, Name, NameKey, Network, NetworkKey, NewPassword, SshForm, Time, strength,
};
use qx_console::shell::{Model, Used};
use qx_console::terminal::Key;
use qx_host::config::{
    Bond, BondMode, Config, InterfaceSelector, Ipv4, Ipv6, Management, Ssh, System, VlanId, parse,
};
use qx_host::storage::{DiskShape, plan};

use crate::fixtures::card;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO4p9vGW8J0LfQ5b3MdoOVdoKa6Qxyr0yw8e2XWvJbUR admin";

/// Keys that people and line noise send; words that some fields take are among them.
fn typed() -> impl Strategy<Value = Vec<Key>> {
    const WORDS: [&str; 11] = [
        "192.168.1.10/24",
        "192.168.1.1",
        "fe80::1",
        "2001:db8::5/64",
        "4094",
        "0",
        "qx1",
        "Europe/Berlin",
        "pool.ntp.org, 10.0.0.1",
        "correct horse 42",
        KEY,
    ];
    let word =
        prop::sample::select(&WORDS[..]).prop_map(|word| word.chars().map(Key::Char).collect());
    let one = prop_oneof![
        any::<char>().prop_map(Key::Char),
        prop::sample::select(
            &[
                Key::Tab,
                Key::BackTab,
                Key::Up,
                Key::Down,
                Key::Left,
                Key::Right,
                Key::Char(' '),
                Key::Backspace,
                Key::Delete,
                Key::Home,
                Key::End,
                Key::Ctrl('u'),
                Key::F(3),
                Key::Enter,
            ][..]
        ),
    ];
    let piece = prop_oneof![1 => word, 3 => one.prop_map(|key| vec![key])];
    prop::collection::vec(piece, 0..60).prop_map(|pieces: Vec<Vec<Key>>| pieces.concat())
}

/// Types, and then submits: the form says so only if it has a value.
fn play(model: &mut impl Model, keys: Vec<Key>) {
    for key in keys {
        let used = model.key(key);
        assert_eq!(
            used == Used::Submit,
            key == Key::Enter && model.value().is_ok()
        );
    }
    if model.key(Key::Enter) != Used::Submit {
        let (fields, focus) = model.form().shown();
        assert!(fields[focus].problem.is_some(), "refused without a reason");
    }
}

/// What the configuration's own reader makes of a configuration.
fn reread(config: &Config) -> Config {
    parse(&config.to_toml()).unwrap().config
}

proptest! {
    #[test]
    fn a_network_that_the_form_takes_is_one_that_the_configuration_takes(keys in typed()) {
        let nics = [card(Some(true)), card(Some(false))];
        let mut form = Network::new(&Management::default(), &nics[..1], Some(&"qx1".parse().unwrap()));
        play(&mut form, keys);
        if let Ok(value) = form.value() {
            let mut config = Config { management: value.management, ..Config::default() };
            config.system.hostname = value.hostname.unwrap();
            prop_assert_eq!(reread(&config), config);
        }
    }

    #[test]
    fn time_and_ssh_that_the_forms_take_are_what_the_configuration_takes(
        first in typed(), second in typed(),
    ) {
        let mut config = Config::default();
        let mut time = Time::new(&System::default(), vec!["UTC".into(), "Europe/Berlin".into()]);
        play(&mut time, first);
        if let Ok(value) = time.value() {
            config.system.timezone = value.timezone;
            config.system.ntp = value.ntp;
        }
        let mut ssh = SshForm::new(&Ssh::default());
        play(&mut ssh, second);
        if let Ok(value) = ssh.value() {
            config.ssh = value;
        }
        prop_assert_eq!(reread(&config), config);
    }

    #[test]
    fn sizes_that_the_form_takes_fit_the_disk(keys in typed(), bytes in 0_u64..1 << 40) {
        for sector_bytes in [512, 4096] {
            let disk = DiskShape { bytes, sector_bytes };
            let mut form = Layout::new(disk);
            play(&mut form, keys.clone());
            if let Ok(sizes) = form.value() {
                prop_assert!(plan(disk, sizes).is_ok() && form.data().is_some());
            }
        }
    }

    #[test]
    fn names_and_passwords_are_taken_or_explained(keys in typed()) {
        play(&mut Name::new(&"qx1".parse().unwrap()), keys.clone());
        play(&mut NewPassword::default(), keys);
    }
}

#[test]
fn a_form_that_is_left_as_it_was_changes_nothing() {
    let nics = [card(Some(true))];
    let mac = nics[0].mac.unwrap();
    let managements = [
        Management::default(),
        Management {
            interfaces: vec![InterfaceSelector::Mac(mac), "enp9s0".parse().unwrap()],
            bond: Bond {
                mode: BondMode::Lacp,
            },
            vlan: Some(VlanId::try_from(42).unwrap()),
            ipv4: Ipv4::Static {
                address: "10.1.2.3/16".parse().unwrap(),
                gateway: Some("10.1.0.1".parse().unwrap()),
            },
            ipv6: Ipv6::Static {
                address: "2001:db8::5/64".parse().unwrap(),
                gateway: Some("fe80::1".parse().unwrap()),
            },
            dns: vec!["10.1.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
        },
        Management {
            ipv4: Ipv4::None,
            ipv6: Ipv6::None,
            ..Management::default()
        },
    ];
    for management in managements {
        let value = Network::new(&management, &nics, None).value().unwrap();
        assert_eq!(value.management, management);
    }
    let ssh = Ssh {
        enabled: true,
        authorized_keys: vec![KEY.parse().unwrap()],
    };
    assert_eq!(SshForm::new(&ssh).value().unwrap(), ssh);
    let system = System::default();
    let time = Time::new(&system, vec![]).value().unwrap();
    assert_eq!((time.timezone, time.ntp), (system.timezone, system.ntp));
}

#[test]
fn a_gateway_outside_of_the_network_is_refused_at_its_field() {
    let management = Management {
        ipv4: Ipv4::Static {
            address: "10.1.2.3/24".parse().unwrap(),
            gateway: Some("10.1.3.1".parse().unwrap()),
        },
        ..Management::default()
    };
    let mut form = Network::new(&management, &[], None);
    assert_eq!(form.key(Key::Enter), Used::Moved);
    let focused = form.form().focused().unwrap();
    assert_eq!(focused.key, NetworkKey::Gateway4);
    assert_eq!(
        focused.problem.as_deref(),
        Some("is not in the network of 10.1.2.3/24")
    );
}

/// Pastes a megabyte into every field, one after the other; returns what they hold together.
fn paste(model: &mut impl Model) -> usize {
    let fields = model.form().shown().0.len();
    for _ in 0..fields {
        for _ in 0..1_000_000 / fields {
            model.key(Key::Char('\u{4e2d}'));
        }
        model.key(Key::Tab);
    }
    assert_eq!(model.key(Key::Enter), Used::Moved, "it was taken");
    fields
}

#[test]
fn a_megabyte_of_wide_characters_is_cut_and_refused_in_every_form() {
    let mut name = Name::new(&"qx1".parse().unwrap());
    paste(&mut name);
    assert_eq!(name.form().text(NameKey).chars().count(), 80);
    let disk = DiskShape {
        bytes: 1 << 40,
        sector_bytes: 512,
    };
    paste(&mut Layout::new(disk));
    paste(&mut Time::new(&System::default(), vec![]));
    paste(&mut SshForm::new(&Ssh::default()));
    let nics = [card(Some(true))];
    paste(&mut Network::new(&Management::default(), &nics, None));
}

#[test]
fn zones_are_found_whatever_their_capitals() {
    let zones = vec!["America/New_York".to_owned(), "Europe/Berlin".to_owned()];
    let mut time = Time::new(&System::default(), zones);
    time.key(Key::Ctrl('u'));
    for character in "berl".chars() {
        time.key(Key::Char(character));
    }
    assert_eq!(time.suggestions(), ["Europe/Berlin"]);
    assert!(time.value().is_err());
    time.key(Key::Ctrl('u'));
    for character in "europe/berlin".chars() {
        time.key(Key::Char(character));
    }
    assert_eq!(time.value().unwrap().timezone.as_str(), "Europe/Berlin");
}

#[test]
fn longer_and_more_varied_passwords_are_called_better() {
    assert!(strength("abc").starts_with("Too short"));
    assert!(strength("aaaaaaaaaaaaaaaaaaaa").starts_with("Weak"));
    assert!(strength("longhorn").starts_with("Weak"));
    assert!(strength("Longhorn7").starts_with("Fair"));
    assert!(strength("correct horse battery").starts_with("Good"));
    assert!(strength("Tr0ub4dor&3xyz").starts_with("Good"));
}
