//! Making, starting and stopping the two arrays, by mdadm.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use qx_slots::PartitionNumber;

use crate::storage::run;

pub(super) const MDADM: &str = "/usr/sbin/mdadm";
/// udev numbers arrays that it finds from 127 downwards; ours are out of its way.
const FIRST: u32 = 100;

/// The node of the array over both disks' partitions of this number.
#[must_use]
pub fn node(number: PartitionNumber) -> PathBuf {
    Path::new("/dev").join(name(number))
}

/// The kernel's name of it.
pub(super) fn name(number: PartitionNumber) -> String {
    format!("md{}", FIRST + number as u32)
}

/// Makes an array of `halves`, one or two partitions; with one it waits for the other. Nothing is copied from one
/// to the other: a file system writes every block before it reads it.
///
/// # Errors
/// What mdadm says.
pub fn create(number: PartitionNumber, halves: &[PathBuf]) -> io::Result<()> {
    let (node, name) = (node(number), format!("--name=quantix-{}", name(number)));
    let options = [
        "--run",
        "--quiet",
        "--metadata=1.2",
        "--level=1",
        "--raid-devices=2",
        "--bitmap=internal",
        "--assume-clean",
        &name,
    ];
    let mut arguments = vec![OsStr::new("--create"), node.as_os_str()];
    arguments.extend(options.iter().map(OsStr::new));
    arguments.extend(halves.iter().map(|half| half.as_os_str()));
    if halves.len() == 1 {
        arguments.push(OsStr::new("missing"));
    }
    run(MDADM, arguments).map(drop)
}

/// mdadm's arguments to start an array of these halves, also if there are fewer than there were.
#[must_use]
pub fn assemble_arguments(number: PartitionNumber, halves: &[PathBuf]) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["--assemble", "--run", "--quiet"]
        .map(OsString::from)
        .to_vec();
    arguments.push(node(number).into());
    arguments.extend(halves.iter().map(OsString::from));
    arguments
}

/// Starts an array.
///
/// # Errors
/// What mdadm says.
pub fn assemble(number: PartitionNumber, halves: &[PathBuf]) -> io::Result<()> {
    run(MDADM, assemble_arguments(number, halves)).map(drop)
}

/// Stops an array: everything is on the disks.
///
/// # Errors
/// What mdadm says, such as that somebody uses it.
pub fn stop(number: PartitionNumber) -> io::Result<()> {
    let node = node(number);
    run(MDADM, [OsStr::new("--stop"), node.as_os_str()]).map(drop)
}

/// Forgets halves that failed or are gone.
pub(super) fn forget_failed(number: PartitionNumber) -> io::Result<()> {
    let node = node(number);
    for gone in ["failed", "detached"] {
        let arguments = [node.as_os_str(), OsStr::new("--remove"), OsStr::new(gone)];
        run(MDADM, arguments)?;
    }
    Ok(())
}

/// Adds a half, to which everything is copied from then on.
pub(super) fn add(number: PartitionNumber, half: &Path) -> io::Result<()> {
    let node = node(number);
    let arguments = [node.as_os_str(), OsStr::new("--add"), half.as_os_str()];
    run(MDADM, arguments).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_started_from_the_halves_that_are_there() {
        let halves = ["/dev/sda4", "/dev/sdb4"].map(PathBuf::from);
        let text = |halves: &[PathBuf]| {
            let arguments = assemble_arguments(PartitionNumber::Config, halves);
            arguments.join(OsStr::new(" ")).into_string().unwrap()
        };
        assert_eq!(
            text(&halves),
            "--assemble --run --quiet /dev/md104 /dev/sda4 /dev/sdb4"
        );
        assert_eq!(
            text(&halves[1..]),
            "--assemble --run --quiet /dev/md104 /dev/sdb4"
        );
    }
}
