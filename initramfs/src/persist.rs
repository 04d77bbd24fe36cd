//! `/quantix` and `/data`: the installed disk's own partitions, or memory. A dead partition never stops
//! a boot: the host comes up in memory and says what is wrong.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use qx_host::boot::Backing;
use qx_slots::PartitionNumber;
use rustix::mount::MountFlags;

use crate::block::BlockDevice;
use crate::log;
use crate::medium;
use crate::mounts::{self, Mount, PLAIN};
use crate::recovery::BUSYBOX;
use crate::root::NEW_ROOT;

/// What one directory is kept on.
struct Place {
    target: &'static str,
    what: &'static str,
    number: PartitionNumber,
    kind: &'static str,
    /// e2fsck can repair it.
    repair: bool,
    /// Of the tmpfs that stands in.
    ram_options: &'static str,
}

const CONFIG: Place = Place {
    target: "/root/quantix",
    what: "configuration",
    number: PartitionNumber::Config,
    kind: "ext4",
    repair: true,
    ram_options: "mode=0755,size=32m",
};

const DATA: Place = Place {
    target: "/root/data",
    what: "data",
    number: PartitionNumber::Data,
    kind: "xfs",
    repair: false,
    ram_options: "mode=0755,size=50%",
};

/// How `/quantix` and `/data` ended up.
#[derive(Debug)]
pub(crate) struct Persistence {
    pub(crate) config: Backing,
    pub(crate) data: Backing,
    pub(crate) warnings: Vec<String>,
}

/// Mounts both below the new root. `slot` is the system partition that was booted from, if any.
pub(crate) fn mount(slot: Option<&BlockDevice>) -> io::Result<Persistence> {
    let mut warnings = Vec::new();
    let config = mount_one(&CONFIG, slot, &mut warnings)?;
    let data = mount_one(&DATA, slot, &mut warnings)?;
    Ok(Persistence {
        config,
        data,
        warnings,
    })
}

fn mount_partition(place: &Place, partition: &BlockDevice) -> io::Result<()> {
    Mount {
        source: &partition.node(),
        target: Path::new(place.target),
        kind: place.kind,
        flags: PLAIN,
        options: "",
    }
    .make()
}

/// Whether [`repair`] did; if not, the kernel log says why.
fn repaired(partition: &BlockDevice) -> bool {
    let outcome = repair(partition);
    if let Err(error) = &outcome {
        log::warning(&format!("{} is not repaired: {error}", partition.name));
    }
    outcome.is_ok()
}

/// Has the image's own e2fsck repair a file system. ext4 keeps its journal safe from power cuts, not its super
/// block: that is longer than a sector, and when the power fails between the two the kernel refuses it. The
/// copies of it, and the journal, have everything.
fn repair(partition: &BlockDevice) -> io::Result<()> {
    let dev = Path::new(NEW_ROOT).join("dev");
    Mount {
        source: Path::new("devtmpfs"),
        target: &dev,
        kind: "devtmpfs",
        flags: MountFlags::NOSUID | MountFlags::NOEXEC,
        options: "",
    }
    .make()?;
    let ran = Command::new(BUSYBOX)
        .args(["chroot", NEW_ROOT, "/usr/sbin/e2fsck", "-fy"])
        .arg(partition.node())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    mounts::detach(&dev)?;
    // 1: errors were corrected (e2fsck(8)).
    match ran?.code() {
        Some(0 | 1) => Ok(()),
        code => Err(io::Error::other(format!("e2fsck ended with {code:?}"))),
    }
}

fn mount_one(
    place: &Place,
    slot: Option<&BlockDevice>,
    warnings: &mut Vec<String>,
) -> io::Result<Backing> {
    let target = Path::new(place.target);
    let problem = match slot.map(|slot| medium::beside(slot, place.number)) {
        None => None,
        Some(None) => Some(format!(
            "The {} partition (number {}) is missing.",
            place.what, place.number as u32
        )),
        Some(Some(partition)) => {
            let mount = || mount_partition(place, &partition);
            match mount() {
                Ok(()) => return Ok(Backing::Partition),
                Err(error) if place.repair && repaired(&partition) && mount().is_ok() => {
                    warnings.push(format!(
                        "The {} partition {} was damaged ({error}) and is repaired.",
                        place.what, partition.name
                    ));
                    return Ok(Backing::Partition);
                }
                Err(error) => Some(format!(
                    "The {} partition {} cannot be mounted: {error}.",
                    place.what, partition.name
                )),
            }
        }
    };
    if let Some(problem) = problem {
        warnings.push(format!(
            "{problem} What belongs there is kept in memory and lost at power-off."
        ));
    }
    mounts::tmpfs(target, PLAIN & !MountFlags::NOATIME, place.ram_options)?;
    Ok(Backing::Ram)
}
