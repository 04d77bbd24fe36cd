//! `/quantix` and `/data`: the installed disk's own partitions, the arrays that these are halves of, or memory. A dead
//! partition never stops a boot: the host comes up in memory and says what is wrong.

use std::io;
use std::path::{Path, PathBuf};

use qx_host::boot::Backing;
use qx_slots::PartitionNumber;
use rustix::mount::MountFlags;

use crate::arrays;
use crate::block::BlockDevice;
use crate::drivers::Drivers;
use crate::log;
use crate::medium;
use crate::mounts::{self, Mount, PLAIN};
use crate::root;

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
pub(crate) fn mount(slot: Option<&BlockDevice>, drivers: &mut Drivers) -> io::Result<Persistence> {
    let mut warnings = Vec::new();
    let config = mount_one(&CONFIG, slot, drivers, &mut warnings)?;
    let data = mount_one(&DATA, slot, drivers, &mut warnings)?;
    Ok(Persistence {
        config,
        data,
        warnings,
    })
}

fn mount_device(place: &Place, device: &Path) -> io::Result<()> {
    Mount {
        source: device,
        target: Path::new(place.target),
        kind: place.kind,
        flags: PLAIN,
        options: "",
    }
    .make()
}

/// Has the image's own e2fsck repair a file system; if it can't, the kernel log says why. ext4 keeps its journal safe
/// from power cuts, not its super block: that is longer than a sector, and when the power fails between the two the
/// kernel refuses it. The copies of it, and the journal, have everything.
fn repaired(device: &Path) -> bool {
    let arguments = ["-fy".as_ref(), device.as_os_str()];
    // 1: errors were corrected (e2fsck(8)).
    let outcome = root::run("/usr/sbin/e2fsck", arguments, &[0, 1]);
    if let Err(error) = &outcome {
        log::warning(&format!("{} is not repaired: {error}", device.display()));
    }
    outcome.is_ok()
}

/// What a partition of the system is mounted by: its own node, or that of the array it is half of.
fn device_of(
    place: &Place,
    partition: &BlockDevice,
    drivers: &mut Drivers,
) -> Result<PathBuf, String> {
    let array = arrays::start(partition, place.number, drivers);
    let array = array.map_err(|error| {
        format!(
            "The mirror of the {} partition cannot be started: {error}.",
            place.what
        )
    })?;
    Ok(array.unwrap_or_else(|| partition.node()))
}

fn mount_or_repair(place: &Place, device: &Path, warnings: &mut Vec<String>) -> Result<(), String> {
    let mount = || mount_device(place, device);
    let Err(error) = mount() else {
        return Ok(());
    };
    let name = device.file_name().unwrap_or_default().to_string_lossy();
    if place.repair && repaired(device) && mount().is_ok() {
        warnings.push(format!(
            "The {} partition {name} was damaged ({error}) and is repaired.",
            place.what
        ));
        return Ok(());
    }
    Err(format!(
        "The {} partition {name} cannot be mounted: {error}.",
        place.what
    ))
}

fn mount_one(
    place: &Place,
    slot: Option<&BlockDevice>,
    drivers: &mut Drivers,
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
            let mounted = device_of(place, &partition, drivers)
                .and_then(|device| mount_or_repair(place, &device, warnings));
            match mounted {
                Ok(()) => return Ok(Backing::Partition),
                Err(problem) => Some(problem),
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
