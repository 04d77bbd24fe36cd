//! The arrays of a mirrored pair of boot disks, started by the image's own mdadm. Which halves are up to date is
//! decided by `qx_host::mirror`; a system starts from either disk alone.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use qx_host::mirror::{self, Superblock};
use qx_slots::PartitionNumber;

use crate::block::{self, BlockDevice};
use crate::drivers::Drivers;
use crate::failure::Failure;
use crate::log;
use crate::medium::CLASS;
use crate::root;

/// How long the other disk may take to appear. The image was read and verified by now, so that it mostly has.
const APPEARING: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Starts the array that `partition` is half of, with as many halves as are there and up to date; its node. `None` if
/// the partition is part of none.
pub(crate) fn start(
    partition: &BlockDevice,
    number: PartitionNumber,
    drivers: &mut Drivers,
) -> io::Result<Option<PathBuf>> {
    // One that can't be read can't be mounted either, which is then told.
    let Ok(Some(own)) = Superblock::read(&partition.node()) else {
        return Ok(None);
    };
    let halves = halves(own.array, number, drivers)?;
    root::run("/usr/sbin/modprobe", ["raid1"], &[0])?;
    let arguments: Vec<OsString> = mirror::assemble_arguments(number, &halves);
    root::run("/usr/sbin/mdadm", arguments, &[0])?;
    Ok(Some(mirror::node(number)))
}

/// Waits for all halves that there should be, for a while.
fn halves(
    array: [u8; 16],
    number: PartitionNumber,
    drivers: &mut Drivers,
) -> io::Result<Vec<PathBuf>> {
    let end = Instant::now() + APPEARING;
    loop {
        let found = mirror::current(array, superblocks(number));
        let complete = found.current.len() >= found.expected;
        if !complete && Instant::now() < end {
            let heard = drivers.listen(LOOK_AGAIN);
            heard.map_err(|failure: Failure| io::Error::other(failure.to_string()))?;
            continue;
        }
        let name = number.name();
        for left in &found.outdated {
            log::warning(&format!("{name}: {} is out of date", left.display()));
        }
        if !complete {
            log::warning(&format!("{name}: half of the mirror is missing"));
        }
        return Ok(found.current);
    }
}

/// Every partition of this number that is half of an array.
fn superblocks(number: PartitionNumber) -> Vec<(PathBuf, Superblock)> {
    let all = block::devices(Path::new(CLASS));
    let ours = all
        .into_iter()
        .filter(|device| device.partition == Some(number as u32));
    ours.filter_map(|device| {
        let half = Superblock::read(&device.node()).ok()??;
        Some((device.node(), half))
    })
    .collect()
}
