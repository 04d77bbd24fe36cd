//! What blkid says of made-up disks, in words.

use std::path::Path;

use super::made_up::{Machine, with_partitions};
use super::probe::Finding;
use super::*;

#[test]
fn signatures_become_plain_words() {
    let machine = Machine::new();
    machine.disk("pci0/host0/sda", "8:0", &[]);
    let words = |pairs: &[(&str, &str)]| machine.content(&[("/dev/sda", pairs)]).to_string();
    for (kind, usage, says) in [
        ("xfs", "filesystem", "xfs file system"),
        ("vfat", "filesystem", "FAT file system"),
        ("LVM2_member", "raid", "LVM physical volume"),
        (
            "linux_raid_member",
            "raid",
            "member of a Linux software RAID",
        ),
        (
            "isw_raid_member",
            "raid",
            "member of a RAID (isw_raid_member)",
        ),
        ("crypto_LUKS", "crypto", "LUKS encrypted data"),
        ("zfs_member", "filesystem", "member of a ZFS pool"),
        ("bcache", "other", "data of the kind bcache"),
    ] {
        assert_eq!(words(&[("TYPE", kind), ("USAGE", usage)]), says);
    }
    assert_eq!(
        words(&[
            ("TYPE", "iso9660"),
            ("LABEL", "QX \u{1b}[1m"),
            ("PTTYPE", "dos")
        ]),
        "ISO 9660 file system, label QX ?[1m; MBR without partitions"
    );
    assert_eq!(words(&[("PTTYPE", "gpt")]), "GPT without partitions");
    assert_eq!(words(&[]), "empty");
    assert_eq!(machine.content(&[]), Content::Empty);
}

#[test]
fn partitions_are_described_and_make_a_disk_not_empty() {
    let machine = with_partitions();
    let said: [(&str, &[(&str, &str)]); 3] = [
        ("/dev/sda", &[("PTTYPE", "gpt")]),
        (
            "/dev/sda1",
            &[("TYPE", "ext4"), ("USAGE", "filesystem"), ("LABEL", "X")],
        ),
        (
            "/dev/sda2",
            &[("PART_ENTRY_TYPE", "0fc63daf-8483-4772-8e79-3d69d8477de4")],
        ),
    ];
    let words = "GPT with 2 partitions (1: ext4 file system, label X; 2: nothing known)";
    assert_eq!(machine.content(&said), Content::Data(words.to_owned()));
    let words = "partition table with 2 partitions (1: nothing known; 2: nothing known)";
    assert_eq!(machine.content(&[]), Content::Data(words.to_owned()));
}

#[test]
fn an_installation_of_ours_is_recognised_by_its_types() {
    let said: [(&str, &[(&str, &str)]); 2] = [
        (
            "/dev/sda1",
            &[
                ("PART_ENTRY_TYPE", "5158d6a8-6e1c-4a0b-9c2b-51584f530001"),
                ("PART_ENTRY_NAME", "System A"),
            ],
        ),
        (
            "/dev/sda2",
            &[
                ("PART_ENTRY_TYPE", "5158d6a8-6e1c-4a0b-9c2b-51584f530003"),
                ("PART_ENTRY_NAME", "Data"),
            ],
        ),
    ];
    let words = "Quantix-OS installation (System A, Data)";
    assert_eq!(
        with_partitions().content(&said),
        Content::Quantix(words.to_owned())
    );
}

#[test]
fn a_disk_or_partition_that_can_not_be_read_is_never_empty() {
    let machine = with_partitions();
    let dead = |_: &Path| Err("cannot be read: Input/output error".to_owned());
    let disk = list_with(&machine.sources(), &dead).unwrap().remove(0);
    assert_eq!(
        disk.content,
        Content::Unreadable("cannot be read: Input/output error".to_owned())
    );
    assert_eq!(disk.partitions[0].content, "not looked at");

    let half = |path: &Path| {
        if path == Path::new("/dev/sda2") {
            return Err("cannot be read: Input/output error".to_owned());
        }
        Ok(Finding::default())
    };
    let disk = list_with(&machine.sources(), &half).unwrap().remove(0);
    assert!(
        matches!(disk.content, Content::Data(_)),
        "{:?}",
        disk.content
    );
    assert_eq!(
        disk.partitions[1].content,
        "cannot be read: Input/output error"
    );

    let machine = Machine::new();
    machine.disk("pci0/host0/sda", "8:0", &[]);
    let both = |_: &Path| {
        Ok(Finding {
            ambivalent: true,
            ..Finding::default()
        })
    };
    let disk = list_with(&machine.sources(), &both).unwrap().remove(0);
    assert_eq!(
        disk.content,
        Content::Data("signatures that contradict each other".to_owned())
    );
}
