//! Which disk an installation takes, and every reason for taking none.

#![expect(clippy::expect_used, reason = "a helper of tests fails its test")]

use std::path::PathBuf;

use qx_host::config::DiskChoice;
use qx_host::disks::{
    Bus, ChooseError, Content, Disk, Existing, Partition, Usage, choose, choose_pair, size_words,
};
use qx_slots::PartitionNumber::{self, Data};

const GB: u64 = 1_000_000_000;
const NEED: u64 = 2 * GB;

fn disk(name: &str, gb: u64) -> Disk {
    Disk {
        name: name.to_owned(),
        path: PathBuf::from(format!("/dev/{name}")),
        links: vec![PathBuf::from(format!("/dev/disk/by-path/{name}-port"))],
        size_bytes: gb * GB,
        logical_block_bytes: 512,
        physical_block_bytes: 4096,
        model: Some("ACME 1".to_owned()),
        serial: Some(format!("S-{name}")),
        wwn: None,
        bus: Bus::Ata,
        rotational: false,
        removable: false,
        content: Content::Empty,
        usage: None,
        partitions: Vec::new(),
    }
}

fn full(name: &str, gb: u64) -> Disk {
    let content = Content::Data("ext4 file system, label old".to_owned());
    Disk {
        content,
        ..disk(name, gb)
    }
}

fn used(name: &str, gb: u64) -> Disk {
    let usage = Some(Usage::Mounted("/data".to_owned()));
    Disk {
        usage,
        ..full(name, gb)
    }
}

fn stick(name: &str, gb: u64) -> Disk {
    Disk {
        bus: Bus::Usb,
        ..disk(name, gb)
    }
}

const fn existing(wipe: bool) -> Existing {
    if wipe {
        Existing::Erase
    } else {
        Existing::Refuse
    }
}

fn chosen(disks: &[Disk], rule: &str, wipe: bool) -> String {
    let found = choose(disks, &rule.parse().expect("a rule"), existing(wipe), NEED);
    found.expect("a disk").name.clone()
}

fn refused(disks: &[Disk], rule: &str, wipe: bool) -> String {
    let found = choose(disks, &rule.parse().expect("a rule"), existing(wipe), NEED);
    found.expect_err("must be refused").to_string()
}

#[test]
fn auto_takes_the_only_fixed_disk() {
    assert_eq!(chosen(&[disk("sda", 240)], "auto", false), "sda");
    let with_stick = [stick("sda", 16), disk("sdb", 240)];
    assert_eq!(chosen(&with_stick, "auto", false), "sdb");
    let removable = Disk {
        removable: true,
        ..disk("sda", 16)
    };
    assert_eq!(chosen(&[removable, disk("sdb", 240)], "auto", false), "sdb");
    let medium = Disk {
        usage: Some(Usage::RunningFrom),
        ..full("sda", 16)
    };
    assert_eq!(chosen(&[medium, disk("sdb", 240)], "auto", true), "sdb");
    assert_eq!(
        chosen(&[disk("sda", 1), disk("sdb", 240)], "auto", false),
        "sdb"
    );
    assert_eq!(chosen(&[full("sda", 240)], "auto", true), "sda");
}

#[test]
fn auto_takes_the_smallest_empty_one_of_several() {
    let disks = [
        disk("sda", 4000),
        disk("sdb", 240),
        full("sdc", 120),
        disk("sdd", 4000),
    ];
    assert_eq!(chosen(&disks, "auto", false), "sdb");
    assert_eq!(
        chosen(&[used("sda", 240), disk("sdb", 4000)], "auto", false),
        "sdb"
    );
    assert_eq!(
        chosen(&[disk("sda", 4000), disk("sdb", 240)], "auto", true),
        "sdb"
    );
}

#[test]
fn auto_never_guesses_which_data_to_erase() {
    for other in [disk("sdb", 500), full("sdb", 500), used("sdb", 500)] {
        let said = refused(&[full("sda", 240), other], "auto", true);
        assert!(
            said.starts_with(
                "disk = \"auto\" with wipe = true would have to guess which disk to erase: \
                 /dev/sda (240 GB, ACME 1, serial S-sda): ext4 file system, label old; /dev/sdb (500 GB, "
            ),
            "{said}"
        );
        assert!(
            said.ends_with("; name the one to install on with `disk`"),
            "{said}"
        );
    }
    assert_eq!(
        refused(&[full("sda", 240), used("sdb", 500)], "auto", false),
        "disk = \"auto\" finds no empty disk: /dev/sda (240 GB, ACME 1, serial S-sda): ext4 file system, label old; \
         /dev/sdb (500 GB, ACME 1, serial S-sdb) is mounted on /data; name the one to install on with `disk`, and \
         set wipe = true if what is on it may be erased"
    );
}

#[test]
fn disks_of_one_size_are_not_decided_between() {
    let disks = [disk("sda", 240), disk("sdb", 240)];
    for rule in ["auto", "smallest", "largest"] {
        assert_eq!(
            refused(&disks, rule, rule != "auto"),
            format!(
                "disk = \"{rule}\" can't decide between disks of the same size: \
                 /dev/sda (240 GB, ACME 1, serial S-sda); /dev/sdb (240 GB, ACME 1, serial S-sdb); name one with `disk`"
            )
        );
    }
}

#[test]
fn a_rule_without_a_disk_says_what_there_is_and_why_not() {
    let disks = [
        stick("sda", 16),
        disk("sdb", 1),
        Disk {
            usage: Some(Usage::RunningFrom),
            ..full("sdc", 16)
        },
    ];
    for rule in ["auto", "smallest", "largest"] {
        assert_eq!(
            refused(&disks, rule, true),
            format!(
                "disk = \"{rule}\" finds no disk: it looks for a fixed disk of at least 2.0 GB, other than the one \
                 this system was started from; there are: /dev/sda (16.0 GB, ACME 1, serial S-sda) is removable or \
                 on USB and has to be named; /dev/sdb (1.0 GB, ACME 1, serial S-sdb) is too small; \
                 /dev/sdc (16.0 GB, ACME 1, serial S-sdc) is what this system was started from"
            )
        );
    }
    assert_eq!(
        refused(&[], "auto", false),
        "disk = \"auto\" finds no disk: it looks for a fixed disk of at least 2.0 GB, other than the one this system \
         was started from; this machine shows no disk at all: check its cables and, in the firmware's setup, the \
         controller's mode"
    );
}

#[test]
fn smallest_and_largest_go_by_size_alone() {
    let disks = [
        disk("sda", 500),
        disk("sdb", 240),
        disk("sdc", 4000),
        disk("sdd", 1),
        stick("sde", 8),
    ];
    assert_eq!(chosen(&disks, "smallest", false), "sdb");
    assert_eq!(chosen(&disks, "largest", false), "sdc");
    let disks = [full("sda", 240), disk("sdb", 500)];
    assert_eq!(chosen(&disks, "smallest", true), "sda");
    assert!(
        refused(&disks, "smallest", false)
            .starts_with("/dev/sda (240 GB, ACME 1, serial S-sda) holds data")
    );
    let disks = [used("sda", 240), full("sdb", 500)];
    assert!(
        refused(&disks, "smallest", true)
            .contains("/dev/sda (240 GB, ACME 1, serial S-sda) is mounted on /data")
    );
    let dead = Content::Unreadable("cannot be read: Input/output error".to_owned());
    let disks = [
        Disk {
            content: dead,
            ..disk("sda", 900)
        },
        full("sdb", 500),
    ];
    assert!(
        refused(&disks, "largest", true)
            .starts_with("/dev/sda (900 GB, ACME 1, serial S-sda) cannot be read")
    );
}

#[test]
fn a_disk_is_found_by_path_link_serial_number_and_wwn() {
    let disks = [
        Disk {
            wwn: Some("naa.5000C500A1B2C3D4".to_owned()),
            ..disk("sda", 240)
        },
        Disk {
            wwn: Some("eui.0025385b71b0a1c2".to_owned()),
            ..disk("nvme0n1", 240)
        },
        stick("sdb", 16),
    ];
    for (rule, name) in [
        ("/dev/sda", "sda"),
        ("/dev/disk/by-path/sdb-port", "sdb"),
        ("serial:s-SDA", "sda"),
        ("wwn:0x5000c500a1b2c3d4", "sda"),
        ("wwn:5000c500a1b2c3d4", "sda"),
        ("wwn:eui.0025385B71B0A1C2", "nvme0n1"),
    ] {
        assert_eq!(chosen(&disks, rule, false), name, "{rule}");
    }
}

#[test]
fn a_disk_that_is_not_there_lists_those_that_are() {
    let disks = [disk("sda", 240), stick("sdb", 16)];
    for (rule, wanted) in [
        ("/dev/sdx", "/dev/sdx"),
        ("serial:X1", "with serial number X1"),
        ("wwn:0x123456", "with WWN 0x123456"),
    ] {
        assert_eq!(
            refused(&disks, rule, true),
            format!(
                "there is no disk {wanted}; there are: /dev/sda (240 GB, ACME 1, serial S-sda); \
                 /dev/sdb (16.0 GB, ACME 1, serial S-sdb)"
            )
        );
    }
    assert_eq!(
        refused(&[], "/dev/sda", true),
        "there is no disk /dev/sda; this machine shows no disk at all: check its cables and, in the firmware's \
         setup, the controller's mode"
    );
}

#[test]
fn a_partition_is_no_disk() {
    let partition = Partition {
        name: "sda1".to_owned(),
        number: 1,
        start_bytes: 1 << 20,
        size_bytes: GB,
        content: "swap space".to_owned(),
        ..Partition::default()
    };
    let disks = [Disk {
        partitions: vec![partition],
        ..full("sda", 240)
    }];
    assert_eq!(
        refused(&disks, "/dev/sda1", true),
        "/dev/sda1 is a partition; the system takes a whole disk: write disk = \"/dev/sda\""
    );
}

#[test]
fn a_name_that_fits_two_disks_is_refused() {
    let twin = Disk {
        serial: Some("S-sda".to_owned()),
        ..disk("sdb", 240)
    };
    assert_eq!(
        refused(&[disk("sda", 240), twin], "serial:S-sda", true),
        "disk = \"serial:S-sda\" fits more than one disk: /dev/sda (240 GB, ACME 1, serial S-sda); \
         /dev/sdb (240 GB, ACME 1, serial S-sda); name one by its path"
    );
}

#[test]
fn data_is_never_erased_unasked() {
    let quantix =
        Content::Quantix("Quantix-OS installation (System A, System B, Config, Data)".to_owned());
    for (content, words) in [
        (full("sda", 1).content, "ext4 file system, label old"),
        (
            quantix,
            "Quantix-OS installation (System A, System B, Config, Data)",
        ),
    ] {
        let disks = [Disk {
            content,
            ..disk("sda", 240)
        }];
        for rule in ["auto", "smallest", "largest", "/dev/sda", "serial:S-sda"] {
            assert_eq!(
                refused(&disks, rule, false),
                format!(
                    "/dev/sda (240 GB, ACME 1, serial S-sda) holds data: {words}; set wipe = true in [install] to \
                     erase all of it, or name another disk with `disk`"
                )
            );
            assert_eq!(chosen(&disks, rule, true), "sda");
        }
    }
}

#[test]
fn a_disk_in_use_is_never_taken_even_to_wipe() {
    for (usage, says) in [
        (
            Usage::Mounted("/srv".to_owned()),
            "is mounted on /srv; free it or name another disk with `disk`",
        ),
        (
            Usage::Swap,
            "is in use as swap space; free it or name another disk with `disk`",
        ),
        (
            Usage::Held("dm-0".to_owned()),
            "is in use by dm-0 (encryption or multipath); free it or name another disk with `disk`",
        ),
        (
            Usage::Claimed,
            "is held by another program; free it or name another disk with `disk`",
        ),
        (
            Usage::RunningFrom,
            "is what this system was started from; start from another medium or name another disk with `disk`",
        ),
    ] {
        let disks = [Disk {
            usage: Some(usage),
            ..disk("sda", 240)
        }];
        for wipe in [false, true] {
            let said = refused(&disks, "/dev/sda", wipe);
            assert_eq!(
                said,
                format!("/dev/sda (240 GB, ACME 1, serial S-sda) {says}")
            );
        }
    }
    assert!(refused(&[used("sda", 240)], "auto", true).contains("is mounted on /data"));
}

#[test]
fn a_disk_that_can_not_be_read_is_never_taken() {
    let content = Content::Unreadable("cannot be read: Input/output error (os error 5)".to_owned());
    let disks = [Disk {
        content,
        ..disk("sda", 240)
    }];
    for rule in ["auto", "smallest", "/dev/sda"] {
        assert_eq!(
            refused(&disks, rule, true),
            "/dev/sda (240 GB, ACME 1, serial S-sda) cannot be read: Input/output error (os error 5); replace it or \
             name another disk with `disk`"
        );
    }
}

#[test]
fn too_small_says_how_much_is_needed() {
    assert_eq!(
        refused(&[disk("sda", 1)], "/dev/sda", true),
        "/dev/sda (1.0 GB, ACME 1, serial S-sda) is too small: the system needs at least 2.0 GB; name a larger disk \
         with `disk`"
    );
    let exact = Disk {
        size_bytes: NEED,
        ..disk("sda", 1)
    };
    assert_eq!(
        choose(&[exact], &DiskChoice::Auto, Existing::Refuse, NEED).map(|d| d.size_bytes),
        Ok(NEED)
    );
}

#[test]
fn the_reason_can_be_told_apart_by_a_program() {
    let disks = [full("sda", 240)];
    let found = choose(&disks, &DiskChoice::Auto, Existing::Refuse, NEED);
    assert!(
        matches!(found, Err(ChooseError::HoldsData { .. })),
        "{found:?}"
    );
}

#[test]
fn sizes_read_as_on_the_label() {
    for (bytes, words) in [
        (512, "512 B"),
        (1_440_000, "1.4 MB"),
        (15_931_539_456, "15.9 GB"),
        (240_057_409_536, "240 GB"),
        (4_000_787_030_016, "4.0 TB"),
    ] {
        assert_eq!(size_words(bytes), words);
    }
}

/// An installation, and half of a mirror if `array` names one.
fn installed(name: &str, array: Option<&str>) -> Disk {
    let data = Partition {
        name: format!("{name}5"),
        number: PartitionNumber::Data as u32,
        start_bytes: 801 << 20,
        size_bytes: 200 * GB,
        content: String::new(),
        type_guid: Some(Data.type_guid().to_lowercase()),
        signature: Some(array.map_or("xfs", |_| "linux_raid_member").to_owned()),
        uuid: Some(array.unwrap_or("fs").to_owned()),
    };
    Disk {
        content: Content::Quantix("Quantix-OS installation (Data)".to_owned()),
        partitions: vec![data],
        ..disk(name, 240)
    }
}

fn kept(disks: &[Disk], rule: &str) -> Result<String, String> {
    let found = choose(disks, &rule.parse().expect("a rule"), Existing::Keep, NEED);
    found
        .map(|disk| disk.name.clone())
        .map_err(|error| error.to_string())
}

#[test]
fn data_is_kept_of_the_only_installation_and_none_is_guessed() {
    let alone = [full("sda", 500), installed("sdb", None), disk("sdc", 900)];
    assert_eq!(kept(&alone, "auto").as_deref(), Ok("sdb"));
    assert_eq!(kept(&alone, "/dev/sdb").as_deref(), Ok("sdb"));
    let two = [installed("sda", None), installed("sdb", None)];
    let said = kept(&two, "auto").unwrap_err();
    assert!(said.contains("more than one installation"), "{said}");
    assert_eq!(kept(&two, "/dev/sdb").as_deref(), Ok("sdb"));
    let halves = [installed("sda", Some("x")), installed("sdb", Some("x"))];
    assert_eq!(kept(&halves, "auto").as_deref(), Ok("sda"));
    let strangers = [installed("sda", Some("x")), installed("sdb", Some("y"))];
    kept(&strangers, "auto").unwrap_err();
}

#[test]
fn a_disk_without_an_installation_has_nothing_to_keep() {
    let said = kept(&[disk("sda", 240)], "auto").unwrap_err();
    assert!(
        said.contains("finds no disk with an installation"),
        "{said}"
    );
    for other in [disk("sda", 240), full("sda", 240)] {
        let said = kept(&[other], "/dev/sda").unwrap_err();
        assert!(said.contains("holds no installation"), "{said}");
    }
    let mounted = Disk {
        usage: Some(Usage::Mounted("/mnt".to_owned())),
        ..installed("sda", None)
    };
    kept(&[mounted], "/dev/sda").unwrap_err();
}

#[test]
fn what_was_only_assembled_can_be_erased_but_counts_as_data() {
    let array = Disk {
        usage: Some(Usage::Assembled(vec!["md127".to_owned()])),
        ..full("sda", 240)
    };
    let disks = [array];
    assert_eq!(chosen(&disks, "/dev/sda", true), "sda");
    let said = refused(&disks, "/dev/sda", false);
    assert!(said.contains("holds data"), "{said}");
}

fn pair(disks: &[Disk], rules: [&str; 2], wipe: bool) -> Result<[String; 2], String> {
    let [disk, mirror] = rules.map(|rule| rule.parse().expect("a rule"));
    let found = choose_pair(disks, &disk, &mirror, existing(wipe), NEED);
    found
        .map(|pair| pair.map(|disk| disk.name.clone()))
        .map_err(|error| error.to_string())
}

#[test]
fn a_mirror_takes_the_two_disks_that_are_meant() {
    let names = |a: &str, b: &str| Ok([a.to_owned(), b.to_owned()]);
    let two = [disk("sda", 240), disk("sdb", 240), stick("sdc", 16)];
    assert_eq!(pair(&two, ["auto", "auto"], false), names("sda", "sdb"));
    assert_eq!(pair(&two, ["/dev/sdb", "auto"], false), names("sdb", "sda"));
    assert_eq!(pair(&two, ["auto", "/dev/sda"], false), names("sdb", "sda"));
    let all = [full("sda", 240), disk("sdb", 240), disk("sdc", 480)];
    assert_eq!(pair(&all, ["auto", "auto"], false), names("sdb", "sdc"));
    assert_eq!(
        pair(&all, ["smallest", "/dev/sda"], true),
        names("sdb", "sda")
    );
    let both = [full("sda", 240), full("sdb", 240)];
    assert_eq!(pair(&both, ["auto", "auto"], true), names("sda", "sdb"));
}

#[test]
fn a_mirror_that_is_not_clear_is_refused() {
    let three = [disk("sda", 240), disk("sdb", 240), disk("sdc", 240)];
    let one = [disk("sda", 240), full("sdb", 240)];
    for (disks, rules, says) in [
        (&three[..], ["auto", "auto"], "needs exactly one other"),
        (&three[..], ["/dev/sda", "auto"], "needs exactly one other"),
        (&one[..], ["auto", "auto"], "needs exactly one other"),
        (&one[..], ["/dev/sda", "/dev/sdb"], "holds data"),
        (&one[..], ["/dev/sda", "/dev/sda"], "both mean /dev/sda"),
    ] {
        let said = pair(disks, rules, false).unwrap_err();
        assert!(said.contains(says), "{said}");
    }
    let large_sectors = Disk {
        logical_block_bytes: 4096,
        ..disk("sdb", 240)
    };
    let said = pair(&[disk("sda", 240), large_sectors], ["auto", "auto"], false).unwrap_err();
    assert!(said.contains("sectors of the same size"), "{said}");
}
