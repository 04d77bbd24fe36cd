//! Listing disks of a made-up sysfs. Nothing here touches a device.

use std::fs;
use std::path::{Path, PathBuf};

use super::made_up::{Machine, with_partitions};
use super::probe::Finding;
use super::*;

#[test]
fn every_kind_of_disk_tells_what_it_is() {
    let machine = Machine::new();
    machine.disk(
        "pci0/ata1/host0/target0:0:0/0:0:0:0/block/sda",
        "8:0",
        &[
            ("device/model", "SAMSUNG MZ7LH240"),
            ("device/vendor", "ATA     "),
            ("device/vpd_pg80", "\0\u{1}\0\u{e}S45NNC0R123456"),
            ("device/wwid", "naa.5002538e00000001"),
            ("queue/rotational", "1"),
        ],
    );
    machine.disk(
        "pci0/nvme/nvme0/nvme0n1",
        "259:0",
        &[
            ("device/model", "INTEL  SSDPE2KX010T8   "),
            ("device/serial", "PHLJ1234 "),
            ("wwid", "eui.0025385b71b0a1c2"),
            ("queue/logical_block_size", "4096"),
        ],
    );
    machine.disk(
        "pci0/usb1/1-1/1-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb",
        "8:16",
        &[
            ("device/model", "Ultra"),
            ("device/vendor", "SanDisk"),
            ("removable", "1"),
        ],
    );
    machine.write(
        "udev/b8:16",
        "S:disk/by-id/usb-SanDisk\nE:ID_SERIAL_SHORT=4C53\nE:ID_WWN=0x5001\nS:disk/by-id/a",
    );
    machine.disk(
        "pci0/virtio1/block/vda",
        "253:0",
        &[("serial", "root"), ("device/vendor", "0x1af4")],
    );
    machine.disk(
        "pci0/host2/target2:0:0/2:0:0:0/block/sdc",
        "8:32",
        &[
            ("device/model", "PERC H730"),
            ("device/vendor", "DELL"),
            ("device/wwid", "t10.DELL PERC 1"),
        ],
    );
    machine.disk(
        "pci0/mmc0/mmcblk0",
        "179:0",
        &[("device/name", "BJTD4R"), ("device/serial", "0x1f2e")],
    );

    let disks = machine.list();
    let lines: Vec<String> = disks
        .iter()
        .map(|d| format!("{} {} {:?}", d.summary(), d.bus, d.wwn.as_deref()))
        .collect();
    assert_eq!(
        lines,
        [
            "/dev/mmcblk0 (8.5 GB, BJTD4R, serial 0x1f2e) mmc None",
            "/dev/nvme0n1 (8.5 GB, INTEL SSDPE2KX010T8, serial PHLJ1234) nvme Some(\"eui.0025385b71b0a1c2\")",
            "/dev/sda (8.5 GB, SAMSUNG MZ7LH240, serial S45NNC0R123456) ata Some(\"naa.5002538e00000001\")",
            "/dev/sdb (8.5 GB, SanDisk Ultra, serial 4C53) usb Some(\"0x5001\")",
            "/dev/sdc (8.5 GB, DELL PERC H730) scsi None",
            "/dev/vda (8.5 GB, serial root) virtio None",
        ]
    );
    assert_eq!(
        (disks[1].logical_block_bytes, disks[1].physical_block_bytes),
        (4096, 4096)
    );
    assert!(disks[2].rotational && !disks[2].is_portable());
    assert!(disks[3].removable && disks[3].is_portable());
    assert_eq!(
        disks[3].links,
        [
            Path::new("/dev/disk/by-id/a"),
            Path::new("/dev/disk/by-id/usb-SanDisk")
        ]
    );
}

#[test]
fn an_sd_card_is_removable_and_an_emmc_is_not() {
    for (kind, removable) in [("SD", true), ("MMC", false)] {
        let machine = Machine::new();
        machine.disk("pci0/mmc0/mmcblk0", "179:0", &[("device/type", kind)]);
        assert_eq!(machine.list()[0].is_portable(), removable, "{kind}");
    }
}

#[test]
fn what_can_not_hold_the_system_is_left_out() {
    let machine = Machine::new();
    machine.disk("pci0/virtio1/block/vda", "253:0", &[]);
    for (index, name) in [
        "loop0",
        "ram0",
        "zram0",
        "dm-0",
        "md127",
        "nbd0",
        "sr0",
        "fd0",
        "mmcblk0boot0",
        "mmcblk0rpmb",
    ]
    .iter()
    .enumerate()
    {
        machine.disk(&format!("virtual/block/{name}"), &format!("7:{index}"), &[]);
    }
    machine.disk("pci0/host1/sdb", "8:16", &[("ro", "1")]);
    machine.disk("pci0/host1/sdc", "8:32", &[("size", "0")]);
    machine.disk("pci0/nvme0c0n1", "8:48", &[("hidden", "1")]);
    machine.device(
        "virtual/block/sdd",
        "8:64",
        &[("queue/logical_block_size", "512")],
    );
    let names: Vec<String> = machine.list().into_iter().map(|disk| disk.name).collect();
    assert_eq!(names, ["vda"]);
}

#[test]
fn disks_and_partitions_are_in_the_order_of_their_numbers() {
    let machine = Machine::new();
    for (index, name) in ["sdaa", "sdb", "nvme10n1", "nvme9n1"].iter().enumerate() {
        machine.disk(&format!("pci0/host0/{name}"), &format!("8:{index}"), &[]);
    }
    let names: Vec<String> = machine.list().into_iter().map(|disk| disk.name).collect();
    assert_eq!(names, ["nvme9n1", "nvme10n1", "sdb", "sdaa"]);

    let disk = with_partitions().list().remove(0);
    let partitions: Vec<_> = disk
        .partitions
        .iter()
        .map(|p| (p.name.as_str(), p.number, p.start_bytes, p.size_bytes))
        .collect();
    assert_eq!(
        partitions,
        [("sda1", 1, 1 << 20, 1 << 20), ("sda2", 2, 2 << 20, 1 << 20)]
    );
}

#[test]
fn what_a_disk_says_of_itself_is_made_printable() {
    let machine = Machine::new();
    let model = format!("\u{1b}[2J\u{e4}  evil {}", "x".repeat(100));
    machine.disk(
        "pci0/host0/sda",
        "8:0",
        &[("device/model", &model), ("device/serial", "  \0 ")],
    );
    let disk = machine.list().remove(0);
    let model = disk.model.unwrap();
    assert!(
        model.starts_with("?[2J? evil xxx") && model.len() == 64,
        "{model}"
    );
    assert_eq!(disk.serial, None);
}

#[test]
fn every_use_of_a_disk_is_noticed() {
    let unused = with_partitions();
    assert_eq!(unused.usage(), None);

    let mounted = with_partitions();
    mounted.write(
        "proc/self/mountinfo",
        "30 1 8:2 / /my\\040data rw - xfs /dev/root rw",
    );
    assert_eq!(mounted.usage(), Some(Usage::Mounted("/my data".to_owned())));

    let spanning = with_partitions();
    spanning.write(
        "proc/self/mountinfo",
        "30 1 0:45 / /srv rw shared:1 - btrfs /dev/sda1 rw",
    );
    assert_eq!(spanning.usage(), Some(Usage::Mounted("/srv".to_owned())));

    let swap = with_partitions();
    swap.write(
        "proc/swaps",
        "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2",
    );
    assert_eq!(swap.usage(), Some(Usage::Swap));

    for holders in ["sda/holders/dm-0", "sda/sda2/holders/dm-0"] {
        let held = with_partitions();
        held.write(&format!("{SDA}/{holders}/dm/uuid"), "mpath-3600");
        assert_eq!(held.usage(), Some(Usage::Held("dm-0".to_owned())));
    }

    let machine = with_partitions();
    for from in ["/dev/sda", "/dev/sda2"] {
        let sources = Sources {
            running_from: Some(PathBuf::from(from)),
            ..machine.sources()
        };
        let disks = list_with(&sources, &|_| Ok(Finding::default())).unwrap();
        assert_eq!(disks[0].usage, Some(Usage::RunningFrom));
    }

    let claimed = |path: &Path| {
        let claimed = path == Path::new("/dev/sda2");
        Ok(Finding {
            claimed,
            ..Finding::default()
        })
    };
    let disks = list_with(&machine.sources(), &claimed).unwrap();
    assert_eq!(disks[0].usage, Some(Usage::Claimed));
}

#[test]
fn without_the_list_of_mounts_no_disk_is_listed() {
    let machine = with_partitions();
    fs::remove_file(machine.path("proc/self/mountinfo")).unwrap();
    let error = list_with(&machine.sources(), &|_| Ok(Finding::default())).unwrap_err();
    let path = machine.path("proc/self/mountinfo");
    assert_eq!(
        error.to_string(),
        format!("cannot list the disks: cannot read {}", path.display())
    );
}

const SDA: &str = "sys/devices/pci0/ata1/host0/target0:0:0/0:0:0:0/block";

/// Partition 2 is in an array, the array has a partition, and that holds a volume group with one volume.
fn with_array_and_volume() -> Machine {
    let machine = with_partitions();
    let md = format!("{SDA}/sda/sda2/holders/md127");
    let volume = format!("{md}/md127p1/holders/dm-3");
    for (path, text) in [
        (format!("{md}/md/level"), "raid1"),
        (format!("{md}/dev"), "9:127"),
        (format!("{md}/md127p1/partition"), "1"),
        (format!("{md}/md127p1/start"), "2048"),
        (format!("{md}/md127p1/size"), "2048"),
        (format!("{md}/md127p1/dev"), "259:9"),
        (format!("{volume}/dm/uuid"), "LVM-abc"),
        (format!("{volume}/dev"), "254:3"),
    ] {
        machine.write(&path, text);
    }
    machine
}

#[test]
fn what_was_only_assembled_is_named_from_the_top_down() {
    let machine = with_array_and_volume();
    let names = ["dm-3", "md127"].map(str::to_owned).to_vec();
    assert_eq!(machine.usage(), Some(Usage::Assembled(names)));
}

#[test]
fn what_lies_on_an_array_and_is_used_keeps_the_disk() {
    for (file, line, usage) in [
        (
            "proc/self/mountinfo",
            "30 1 254:3 / /srv rw - xfs /dev/mapper/vg-root rw",
            Usage::Mounted("/srv".to_owned()),
        ),
        (
            "proc/swaps",
            "Filename Type Size Used Priority\n/dev/md127p1 partition 1 0 -2",
            Usage::Swap,
        ),
    ] {
        let machine = with_array_and_volume();
        machine.write(file, line);
        assert_eq!(machine.usage(), Some(usage));
    }
    let machine = with_array_and_volume();
    machine.write(
        &format!("{SDA}/sda/sda2/holders/md127/md127p1/holders/dm-3/dm/uuid"),
        "CRYPT-LUKS2-1",
    );
    assert_eq!(machine.usage(), Some(Usage::Held("dm-3".to_owned())));
}
