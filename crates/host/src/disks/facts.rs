//! What sysfs and udev say about the disks. Opens no device.

use std::fs;
use std::path::{Path, PathBuf};

use super::udev::Record;
use super::{Bus, Content, Disk, ListError, Partition, plain};

/// sysfs counts in these, whatever the disk's blocks are.
const SECTOR: u64 = 512;
/// Longest model, serial number or WWN that is kept.
const MOST_CHARACTERS: usize = 64;

/// A disk whose content and use are not known yet.
pub(super) struct Found {
    pub(super) disk: Disk,
    /// The disk first, then its partitions.
    pub(super) devices: Vec<Device>,
}

/// A disk or a partition, as others refer to it.
pub(super) struct Device {
    pub(super) path: PathBuf,
    /// `MAJOR:MINOR`.
    pub(super) number: String,
    /// What lies on it in the kernel: device mapper, software RAID.
    pub(super) holders: Vec<Holder>,
}

/// A device of the kernel's own that lies on others.
pub(super) struct Holder {
    /// The kernel's name, such as `md127` or `dm-0`.
    pub(super) name: String,
    /// What it is.
    pub(super) kind: HolderKind,
    /// It and its partitions, as others refer to them.
    pub(super) devices: Vec<Device>,
}

/// Whether a holder can be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HolderKind {
    /// Software RAID.
    Array,
    /// A logical volume of LVM.
    Volume,
    /// Multipath, encryption, or something unknown: somebody wanted it.
    Other,
}

/// All disks below `sys`, by name.
pub(super) fn disks(sys: &Path, udev: &Path) -> Result<Vec<Found>, ListError> {
    let class = sys.join("class/block");
    let failed = |source| ListError::new(&class, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(&class).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        found.extend(disk(&entry.path(), udev));
    }
    found.sort_by(|a, b| natural(&a.disk.name).cmp(&natural(&b.disk.name)));
    Ok(found)
}

/// Names by length first: `sdb` before `sdaa`, `nvme2n1` before `nvme10n1`.
fn natural(name: &str) -> (&str, usize, &str) {
    let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (family.get(..2).unwrap_or(family), name.len(), name)
}

/// The disk at `link`; `None` for what is no disk to install on, or is gone by now.
fn disk(link: &Path, udev: &Path) -> Option<Found> {
    let dir = fs::canonicalize(link).ok()?;
    let name = link.file_name()?.to_str()?.to_owned();
    let size_bytes = number(&dir.join("size"))?.checked_mul(SECTOR)?;
    if size_bytes == 0 || !is_whole_disk(&dir, &name) {
        return None;
    }
    let this = device(&dir, &name)?;
    let record = Record::read(udev, &this.number);
    let (partitions, mut devices) = partitions(&dir);
    devices.insert(0, this);
    let disk = Disk {
        path: node(&name),
        size_bytes,
        logical_block_bytes: block_bytes(&dir, "logical_block_size")?,
        physical_block_bytes: block_bytes(&dir, "physical_block_size")?,
        model: model(&dir, &record),
        serial: serial(&dir, &record),
        wwn: wwn(&dir, &record),
        bus: bus(&dir, &name),
        rotational: number(&dir.join("queue/rotational")) == Some(1),
        removable: number(&dir.join("removable")) == Some(1) || is_sd_card(&dir),
        links: record.links,
        content: Content::Empty,
        usage: None,
        partitions,
        name,
    };
    Some(Found { disk, devices })
}

/// Real hardware that can be written: it has a device behind it and is of no kind that can't hold a system.
fn is_whole_disk(dir: &Path, name: &str) -> bool {
    const FOREIGN: [&str; 9] = [
        "loop", "ram", "zram", "dm-", "md", "nbd", "sr", "fd", "mtdblock",
    ];
    // An eMMC's boot areas and its replay-protected memory.
    let part_of_emmc = name.starts_with("mmcblk")
        && (name.contains("boot") || name.contains("rpmb") || name.contains("gp"));
    let flag = |attribute: &str| number(&dir.join(attribute)) == Some(1);
    dir.join("device").exists()
        && !dir.join("partition").exists()
        && !FOREIGN.iter().any(|kind| name.starts_with(kind))
        && !part_of_emmc
        && !flag("ro")
        && !flag("hidden")
}

/// The kernel calls SD cards fixed, like the eMMC that is soldered in.
fn is_sd_card(dir: &Path) -> bool {
    text(&dir.join("device/type")).as_deref() == Some("SD")
}

fn partitions(dir: &Path) -> (Vec<Partition>, Vec<Device>) {
    let mut found: Vec<(Partition, Device)> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| partition(&entry.path()))
        .collect();
    found.sort_by_key(|(partition, _)| partition.number);
    found.into_iter().unzip()
}

fn partition(dir: &Path) -> Option<(Partition, Device)> {
    let name = dir.file_name()?.to_str()?.to_owned();
    let partition = Partition {
        number: number(&dir.join("partition"))?.try_into().ok()?,
        start_bytes: number(&dir.join("start"))?.checked_mul(SECTOR)?,
        size_bytes: number(&dir.join("size"))?.checked_mul(SECTOR)?,
        name,
        ..Partition::default()
    };
    let device = device(dir, &partition.name)?;
    Some((partition, device))
}

fn device(dir: &Path, name: &str) -> Option<Device> {
    let holders = fs::read_dir(dir.join("holders")).into_iter().flatten();
    let mut holders: Vec<Holder> = holders
        .flatten()
        .map(|entry| holder(&entry.path()))
        .collect();
    holders.sort_by(|a, b| a.name.cmp(&b.name));
    Some(Device {
        path: node(name),
        number: text(&dir.join("dev"))?,
        holders,
    })
}

fn holder(link: &Path) -> Holder {
    let name = link.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let kind = match text(&link.join("dm/uuid")) {
        None if link.join("md").exists() => HolderKind::Array,
        Some(uuid) if uuid.starts_with("LVM-") => HolderKind::Volume,
        _ => HolderKind::Other,
    };
    let (_, mut devices) = partitions(link);
    devices.extend(device(link, &name));
    Holder {
        name,
        kind,
        devices,
    }
}

/// The node below `/dev`; sysfs writes `!` for a `/` in the name.
pub(super) fn node(name: &str) -> PathBuf {
    Path::new("/dev").join(name.replace('!', "/"))
}

fn bus(dir: &Path, name: &str) -> Bus {
    let parts: Vec<&str> = dir.iter().filter_map(|part| part.to_str()).collect();
    let under = |kind: &str| {
        parts.iter().any(|part| {
            part.strip_prefix(kind)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    match name {
        _ if name.starts_with("nvme") => Bus::Nvme,
        _ if name.starts_with("mmcblk") => Bus::Mmc,
        _ if name.starts_with("vd") => Bus::Virtio,
        _ if under("usb") => Bus::Usb,
        _ if under("ata") => Bus::Ata,
        _ if under("host") => Bus::Scsi,
        _ => Bus::Other,
    }
}

fn model(dir: &Path, record: &Record) -> Option<String> {
    let model = clean(text(&dir.join("device/model")))
        .or_else(|| clean(text(&dir.join("device/name"))))
        .or_else(|| clean(record.first(&["ID_MODEL"]).map(str::to_owned)))?;
    // Behind SATA the vendor is always ATA; virtio's and NVMe's are numbers.
    let vendor = clean(text(&dir.join("device/vendor")))
        .filter(|vendor| vendor != "ATA" && !vendor.starts_with("0x"));
    Some(match vendor {
        Some(vendor) if !model.starts_with(&vendor) => {
            plain(&format!("{vendor} {model}"), MOST_CHARACTERS)
        }
        _ => model,
    })
}

fn serial(dir: &Path, record: &Record) -> Option<String> {
    clean(text(&dir.join("device/serial")))
        .or_else(|| clean(text(&dir.join("serial"))))
        .or_else(|| clean(unit_serial(&dir.join("device/vpd_pg80"))))
        .or_else(|| {
            let known = record.first(&["ID_SCSI_SERIAL", "ID_SERIAL_SHORT"]);
            clean(known.map(str::to_owned))
        })
}

/// The unit serial number page of SCSI (SPC-4, 7.8.15): four bytes of header, then text.
fn unit_serial(path: &Path) -> Option<String> {
    let page = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(page.get(4..)?).into_owned())
}

fn wwn(dir: &Path, record: &Record) -> Option<String> {
    // The kernel makes up an id of vendor, model and serial number where a disk has no WWN.
    let real = |id: &String| !id.contains(' ') && !id.starts_with("t10.");
    clean(text(&dir.join("wwid")))
        .filter(real)
        .or_else(|| clean(text(&dir.join("device/wwid"))).filter(real))
        .or_else(|| {
            let known = record.first(&["ID_WWN_WITH_EXTENSION", "ID_WWN"]);
            clean(known.map(str::to_owned))
        })
}

fn clean(text: Option<String>) -> Option<String> {
    let text = text?;
    let text = plain(
        text.trim_matches(|c: char| c == '\0' || c.is_whitespace()),
        MOST_CHARACTERS,
    );
    (!text.is_empty()).then_some(text)
}

fn block_bytes(dir: &Path, attribute: &str) -> Option<u32> {
    number(&dir.join("queue").join(attribute))?.try_into().ok()
}

fn number(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

/// An attribute's value; `None` where the kernel has none for this device.
fn text(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}
