//! Taking apart what lies on a disk: arrays and volume groups that udev started because it found them. Only what
//! nobody uses; what is on the disk stays.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{Disk, Usage};
use crate::command;

const MDADM: &str = "/usr/sbin/mdadm";
const DMSETUP: &str = "/usr/sbin/dmsetup";
/// How long one of them may take to stop.
const DEADLINE: Duration = Duration::from_secs(20);
/// udev and blkid open devices to look at them, which keeps them busy for a moment.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);

/// Something on a disk could not be stopped.
#[derive(Debug, thiserror::Error)]
#[error("{device} on {disk} cannot be stopped: {reason}")]
pub struct ReleaseError {
    device: String,
    disk: String,
    reason: String,
}

/// Stops what [`Usage::Assembled`] names on `disk`; does nothing to another. `sys` is sysfs.
///
/// # Errors
/// When one of them can't be stopped within ten seconds.
pub fn release(disk: &Disk, sys: &Path) -> Result<(), ReleaseError> {
    let Some(Usage::Assembled(names)) = &disk.usage else {
        return Ok(());
    };
    for name in names {
        let failed = |reason| ReleaseError {
            device: name.clone(),
            disk: disk.path.display().to_string(),
            reason,
        };
        let (program, arguments) =
            stopping(name, sys).map_err(|error| failed(error.to_string()))?;
        let end = Instant::now() + PATIENCE;
        while let Err(reason) = stop(program, &arguments) {
            if Instant::now() > end {
                return Err(failed(reason));
            }
            thread::sleep(PAUSE);
        }
    }
    Ok(())
}

/// The command that stops a device.
fn stopping(name: &str, sys: &Path) -> io::Result<(&'static str, Vec<String>)> {
    if name.starts_with("md") {
        return Ok((MDADM, vec!["--stop".to_owned(), format!("/dev/{name}")]));
    }
    let volume = fs::read_to_string(sys.join("class/block").join(name).join("dm/name"))?;
    let volume = volume.trim().to_owned();
    Ok((DMSETUP, vec!["remove".to_owned(), "--".to_owned(), volume]))
}

fn stop(program: &str, arguments: &[String]) -> Result<(), String> {
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    let done = command::run(program, &arguments, DEADLINE).map_err(|error| error.to_string())?;
    if done.status.success() {
        Ok(())
    } else {
        Err(super::plain(&done.stderr, 200))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::made_up::Machine;

    #[test]
    fn arrays_are_stopped_by_mdadm_and_volumes_by_their_name() {
        let machine = Machine::new();
        machine.write("sys/class/block/dm-0/dm/name", "vg-root");
        let sys = machine.path("sys");
        let said = |name: &str| {
            let (program, arguments) = stopping(name, &sys).unwrap();
            format!("{program} {}", arguments.join(" "))
        };
        assert_eq!(said("md127"), "/usr/sbin/mdadm --stop /dev/md127");
        assert_eq!(said("dm-0"), "/usr/sbin/dmsetup remove -- vg-root");
        stopping("dm-1", &sys).unwrap_err();
    }
}
