//! Signatures → plain words about what is on a disk. Labels and names come from the disk and are made
//! printable here.

use std::fmt;

use qx_slots::PartitionNumber::{Config, Data, SystemA};
use serde::Serialize;

use super::facts::node;
use super::probe::{Finding, Prober};
use super::{Disk, Partition, plain};

/// Longest label that is shown.
const MOST_LABEL: usize = 40;
/// Most partitions that are described one by one.
const MOST_PARTITIONS: usize = 5;

/// What is on a disk. All but `Empty` counts as data that an installation would destroy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "description")]
pub enum Content {
    /// No signature and no partition table that util-linux or the kernel knows.
    Empty,
    /// A Quantix-OS installation.
    Quantix(String),
    /// Something else.
    Data(String),
    /// Nobody knows: the disk can't be read. The text completes "the disk …".
    Unreadable(String),
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::Quantix(words) | Self::Data(words) | Self::Unreadable(words) => {
                f.write_str(words)
            }
        }
    }
}

/// Looks at a disk and its partitions and notes what is on them; true when somebody has one of them for
/// themselves.
pub(super) fn look(disk: &mut Disk, probe: &Prober<'_>) -> bool {
    let whole = match probe(&disk.path) {
        Ok(finding) => finding,
        Err(reason) => {
            for partition in &mut disk.partitions {
                "not looked at".clone_into(&mut partition.content);
            }
            disk.content = Content::Unreadable(reason);
            return false;
        }
    };
    let mut claimed = whole.claimed;
    let mut ours = Vec::new();
    for partition in &mut disk.partitions {
        partition.content = match probe(&node(&partition.name)) {
            Ok(finding) => {
                claimed |= finding.claimed;
                ours.extend(part_of_quantix(&finding));
                partition.type_guid = value(&finding, "PART_ENTRY_TYPE");
                partition.signature = value(&finding, "TYPE");
                partition.uuid = value(&finding, "UUID");
                signature(&finding).unwrap_or_else(|| "nothing known".to_owned())
            }
            Err(reason) => reason,
        };
    }
    disk.content = summarise(&whole, &disk.partitions, &ours);
    claimed
}

fn summarise(whole: &Finding, partitions: &[Partition], ours: &[String]) -> Content {
    if !ours.is_empty() {
        return Content::Quantix(format!("Quantix-OS installation ({})", ours.join(", ")));
    }
    let mut words: Vec<String> = signature(whole).into_iter().collect();
    words.extend(table(whole, partitions));
    if words.is_empty() {
        Content::Empty
    } else {
        Content::Data(words.join("; "))
    }
}

/// The name of a partition that only Quantix-OS makes.
fn part_of_quantix(finding: &Finding) -> Option<String> {
    let types = [SystemA.type_guid(), Config.type_guid(), Data.type_guid()];
    let kind = finding.values.get("PART_ENTRY_TYPE")?;
    let ours = types.iter().any(|known| known.eq_ignore_ascii_case(kind));
    ours.then(|| value(finding, "PART_ENTRY_NAME").unwrap_or_else(|| "without a name".to_owned()))
}

/// What the device itself holds, its partition table aside.
fn signature(finding: &Finding) -> Option<String> {
    if finding.ambivalent {
        return Some("signatures that contradict each other".to_owned());
    }
    let kind = value(finding, "TYPE")?;
    let usage = value(finding, "USAGE").unwrap_or_default();
    let words = match (kind.as_str(), usage.as_str()) {
        ("vfat", _) => "FAT file system".to_owned(),
        ("ntfs", _) => "NTFS file system".to_owned(),
        ("iso9660", _) => "ISO 9660 file system".to_owned(),
        ("LVM2_member", _) => "LVM physical volume".to_owned(),
        ("linux_raid_member", _) => "member of a Linux software RAID".to_owned(),
        ("crypto_LUKS", _) => "LUKS encrypted data".to_owned(),
        ("BitLocker", _) => "BitLocker encrypted data".to_owned(),
        ("swap", _) => "swap space".to_owned(),
        ("zfs_member", _) => "member of a ZFS pool".to_owned(),
        ("VMFS_volume_member" | "VMFS", _) => "VMFS (VMware) volume".to_owned(),
        ("ceph_bluestore", _) => "Ceph storage (BlueStore)".to_owned(),
        (kind, "filesystem") => format!("{kind} file system"),
        (kind, "raid") => format!("member of a RAID ({kind})"),
        (kind, "crypto") => format!("encrypted data ({kind})"),
        (kind, _) => format!("data of the kind {kind}"),
    };
    Some(match value(finding, "LABEL") {
        Some(label) => format!("{words}, label {label}"),
        None => words,
    })
}

/// The partition table and what is in the partitions.
fn table(whole: &Finding, partitions: &[Partition]) -> Option<String> {
    let scheme = match value(whole, "PTTYPE").as_deref() {
        Some("gpt") => "GPT".to_owned(),
        Some("dos" | "PMBR") => "MBR".to_owned(),
        Some(other) => format!("partition table ({other})"),
        // The kernel may know a table that blkid does not.
        None if !partitions.is_empty() => "partition table".to_owned(),
        None => return None,
    };
    let shown: Vec<String> = partitions
        .iter()
        .take(MOST_PARTITIONS)
        .map(|partition| format!("{}: {}", partition.number, partition.content))
        .collect();
    let more = match partitions.len().saturating_sub(MOST_PARTITIONS) {
        0 => String::new(),
        more => format!("; {more} more"),
    };
    Some(match partitions.len() {
        0 => format!("{scheme} without partitions"),
        1 => format!("{scheme} with 1 partition ({})", shown.concat()),
        count => format!(
            "{scheme} with {count} partitions ({}{more})",
            shown.join("; ")
        ),
    })
}

fn value(finding: &Finding, key: &str) -> Option<String> {
    let text = plain(finding.values.get(key)?, MOST_LABEL);
    (!text.is_empty()).then_some(text)
}
