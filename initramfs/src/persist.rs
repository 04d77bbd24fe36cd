//! `/quantix` and `/data`: the installed disk's own partitions, or memory. A dead partition never stops
//! a boot: the host comes up in memory and says what is wrong.

use std::path::Path;

use qx_host::boot::Backing;
use qx_slots::PartitionNumber;
use rustix::mount::MountFlags;

use crate::block::BlockDevice;
use crate::medium;
use crate::mounts::{self, Mount, PLAIN};

/// What one directory is kept on.
struct Place {
    target: &'static str,
    what: &'static str,
    number: PartitionNumber,
    kind: &'static str,
    /// Of the tmpfs that stands in.
    ram_options: &'static str,
}

const CONFIG: Place = Place {
    target: "/root/quantix",
    what: "configuration",
    number: PartitionNumber::Config,
    kind: "ext4",
    ram_options: "mode=0755,size=32m",
};

const DATA: Place = Place {
    target: "/root/data",
    what: "data",
    number: PartitionNumber::Data,
    kind: "xfs",
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
pub(crate) fn mount(slot: Option<&BlockDevice>) -> std::io::Result<Persistence> {
    let mut warnings = Vec::new();
    let config = mount_one(&CONFIG, slot, &mut warnings)?;
    let data = mount_one(&DATA, slot, &mut warnings)?;
    Ok(Persistence {
        config,
        data,
        warnings,
    })
}

fn mount_one(
    place: &Place,
    slot: Option<&BlockDevice>,
    warnings: &mut Vec<String>,
) -> std::io::Result<Backing> {
    let target = Path::new(place.target);
    let problem = match slot.map(|slot| medium::beside(slot, place.number)) {
        None => None,
        Some(None) => Some(format!(
            "The {} partition (number {}) is missing.",
            place.what, place.number as u32
        )),
        Some(Some(partition)) => {
            let source = &partition.node();
            match (Mount {
                source,
                target,
                kind: place.kind,
                flags: PLAIN,
                options: "",
            })
            .make()
            {
                Ok(()) => return Ok(Backing::Partition),
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
