//! What an answer file accepts, refuses, and says about it.

#![expect(clippy::expect_used, reason = "a helper of tests fails its test")]

use qx_host::config::{AnswerFile, Config, DiskChoice, Install, parse, parse_answer};

fn problems(text: &str) -> Vec<String> {
    parse_answer(text)
        .expect_err("must be refused")
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_example_of_the_manual_is_read() {
    let text = r#"
        version = 1
        [install]
        disk = "serial:WD-WX 123"
        mirror = "auto"
        wipe = true
        poweroff = true
        system_mib = 400
        config_mib = 100
        efi_mib = 260
        [system]
        hostname = "qx1"
        root_password = "streng geheim"
        console = ["tty1", "ttyS1"]
    "#;
    let answer = parse_answer(text).unwrap();
    let install = Install {
        disk: DiskChoice::Serial("WD-WX 123".to_owned()),
        mirror: Some(DiskChoice::Auto),
        wipe: true,
        keep_data: false,
        poweroff: true,
        system_mib: Some(400),
        config_mib: Some(100),
        efi_mib: Some(260),
    };
    assert_eq!(answer.install, Some(install));
    assert_eq!(answer.config.system.hostname.as_str(), "qx1");
    let hash = answer.config.system.root_password_hash.as_ref().unwrap();
    assert!(hash.as_str().starts_with("$y$"));
    let stored = answer.config.to_toml();
    assert!(
        !stored.contains("geheim") && !stored.contains("install"),
        "{stored}"
    );
    assert!(!format!("{answer:?}").contains("geheim"));
    assert_eq!(parse(&stored).unwrap().config, answer.config);
}

#[test]
fn without_an_install_table_it_only_configures() {
    let none = AnswerFile {
        config: Config::default(),
        install: None,
    };
    assert_eq!(parse_answer("version = 1\n"), Ok(none));
}

#[test]
fn an_empty_install_table_is_careful() {
    let install = parse_answer("version = 1\n[install]\n")
        .unwrap()
        .install
        .unwrap();
    assert_eq!(install, Install::default());
    assert_eq!(install.disk, DiskChoice::Auto);
    assert!(!install.wipe && !install.poweroff);
}

#[test]
fn every_way_to_name_a_disk_is_read_and_shown_the_same() {
    for text in [
        "auto",
        "smallest",
        "largest",
        "/dev/sda",
        "/dev/disk/by-id/ata-WDC_WD40-1+2:3@4",
        "serial:S45N NC0R",
        "wwn:0x5000c500a1b2c3d4",
        "wwn:eui.0025385b71b0a1c2",
    ] {
        let choice: DiskChoice = text.parse().unwrap();
        assert_eq!(choice.to_string(), text);
    }
}

#[test]
fn what_names_no_disk_is_refused_with_advice() {
    let general = "line 3: `install.disk` must be \"auto\", \"smallest\", \"largest\", a path such as \"/dev/sda\", \
                   \"serial:\" and the disk's serial number, or \"wwn:\" and its WWN; `qx-install disks` lists them";
    let path =
        "line 3: `install.disk` must be the plain path of a disk below /dev, such as \"/dev/sda\"";
    let serial = "line 3: `install.disk` needs a serial number of 1 to 64 printable characters behind \"serial:\"";
    let wwn = "line 3: `install.disk` needs a WWN such as 0x5000c500a1b2c3d4 or eui.0025385b71b0a1c2 behind \"wwn:\"";
    for (text, says) in [
        ("sda", general),
        ("", general),
        ("Auto", general),
        ("SERIAL:1", general),
        ("/tmp/disk.img", general),
        ("/dev/", path),
        ("/dev/../etc/shadow", path),
        ("/dev//sda", path),
        ("/dev/sd a", path),
        ("serial:", serial),
        ("serial: 1", serial),
        ("serial:a\\tb", serial),
        ("wwn:", wwn),
        ("wwn:a b", wwn),
    ] {
        let found = problems(&format!("version = 1\n[install]\ndisk = \"{text}\"\n"));
        assert_eq!(found, [says], "{text}");
    }
}

#[test]
fn what_is_kept_is_not_erased_and_does_not_become_a_mirror() {
    let found =
        problems("version = 1\n[install]\nmirror = \"largest\"\nkeep_data = true\nwipe = true\n");
    for (found, says) in found.iter().zip([
        "line 3: `install.mirror` must be \"auto\", a path",
        "line 4: `install.keep_data` keeps what `wipe` erases",
        "line 4: `install.keep_data` can't be used with `mirror`",
    ]) {
        assert!(found.starts_with(says), "{found}");
    }
    assert_eq!(found.len(), 3);
    let keeps = parse_answer("version = 1\n[install]\nkeep_data = true\n").unwrap();
    assert!(keeps.install.unwrap().keep_data);
}

#[test]
fn every_fault_is_named_at_once_in_the_order_of_the_file() {
    let text = "version = 1\n[install]\ndsk = \"auto\"\nwipe = \"yes\"\nsystem_mib = 299\nconfig_mib = 99\n\
                efi_mib = 70000\npoweroff = 1\n[system]\nhostname = \"a b\"\nroot_password = \"kurz\"\n";
    let found = problems(text);
    assert_eq!(
        found[..6],
        [
            "line 3: unknown key `dsk` in [install]; did you mean `disk`?",
            "line 4: `install.wipe` must be true or false",
            "line 5: `install.system_mib` is 299; it must be 300 to 65536 (MiB)",
            "line 6: `install.config_mib` is 99; it must be 100 to 65536 (MiB)",
            "line 7: `install.efi_mib` is 70000; it must be 100 to 65536 (MiB)",
            "line 8: `install.poweroff` must be true or false",
        ]
    );
    assert!(
        found[6].starts_with("line 10: `system.hostname`"),
        "{found:?}"
    );
    assert!(
        found[7].starts_with("line 11: `system.root_password`"),
        "{found:?}"
    );
    assert_eq!(found.len(), 8);
    assert!(!found.concat().contains("kurz"));
}

#[test]
fn a_hosts_configuration_has_no_install_table() {
    let text = "version = 1\n\n[install]\ndisk = \"auto\"\n[ssh]\nenabled = 1\n";
    let found: Vec<String> = parse(text)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found,
        [
            "line 3: `install` belongs in an answer file (quantix.toml on a volume labelled QX-SEED, or what \
             quantix.seed= names), not in a host's configuration: remove the table",
            "line 6: `ssh.enabled` must be true or false",
        ]
    );
    let found = parse("version = 1\n[instal]\n").unwrap_err();
    assert_eq!(
        found[0].to_string(),
        "line 2: unknown key `instal`; known keys: version, system, ssh, network, updates, proxy"
    );
}

#[test]
fn what_is_written_reads_back() {
    let install = Install {
        disk: DiskChoice::Serial("WD-WX 123".to_owned()),
        mirror: Some(DiskChoice::Path("/dev/sdb".into())),
        wipe: true,
        config_mib: Some(200),
        ..Install::default()
    };
    let mut answer = AnswerFile {
        config: Config::default(),
        install: Some(install),
    };
    assert_eq!(parse_answer(&answer.to_toml()).unwrap(), answer);
    answer.install = None;
    assert_eq!(parse_answer(&answer.to_toml()).unwrap(), answer);
}
