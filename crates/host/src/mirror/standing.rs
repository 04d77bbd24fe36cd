//! How the mirror stands now, by what the kernel says in sysfs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use qx_slots::PartitionNumber::{self, Config, Data};

use super::arrays;
use crate::system_disk::{Devices, SystemDisk};

/// What the disk that the system was started from is to the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// There is no mirror.
    Single,
    /// One of two disks; the other one is here, and follows.
    Pair(SystemDisk),
    /// The only disk that is up to date.
    Alone,
    /// It was left out before: this other disk is up to date.
    Outdated(SystemDisk),
}

/// Whether this system has a mirror.
#[must_use]
pub fn exists(devices: &Devices) -> bool {
    directory(Config, &devices.sys).is_some()
}

/// See [`Standing`]; `own` is the disk that the system was started from.
///
/// # Errors
/// When sysfs can't be read.
pub fn standing(own: &SystemDisk, devices: &Devices) -> io::Result<Standing> {
    let Some(halves) = halves(Config, &devices.sys)? else {
        return Ok(Standing::Single);
    };
    let mine = own.partition(Config)?.node.clone();
    let is_mine = |half: &Half| devices.dev.join(&half.name) == mine;
    let in_sync: Vec<&Half> = halves.iter().filter(|half| half.in_sync).collect();
    let other = in_sync.iter().find(|half| !is_mine(half));
    // Pulled out, and the array has not noticed: nothing can follow there.
    let other = other.and_then(|half| SystemDisk::of(&devices.dev.join(&half.name), devices).ok());
    let am_in = in_sync.iter().any(|half| is_mine(half));
    Ok(match (am_in, other) {
        (true, Some(other)) => Standing::Pair(other),
        (false, Some(other)) => Standing::Outdated(other),
        (_, None) => Standing::Alone,
    })
}

/// Puts a disk out of the mirror, because it does not take what is written to it.
///
/// # Errors
/// When the kernel refuses.
pub fn expel(disk: &SystemDisk, devices: &Devices) -> io::Result<()> {
    for number in [Config, Data] {
        let partition = &disk.partition(number)?.node;
        let half = partition.file_name().unwrap_or_default();
        put_out(number, &half.to_string_lossy(), &devices.sys)?;
    }
    Ok(())
}

fn put_out(number: PartitionNumber, half: &str, sys: &Path) -> io::Result<()> {
    let Some(directory) = directory(number, sys) else {
        return Ok(());
    };
    let state = directory.join(format!("dev-{half}/state"));
    match fs::write(state, "faulty") {
        // It is out already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The disk that takes what `own` takes, if there is one. A disk that was pulled out before the arrays noticed is put
/// out of them, so that it is known to be out of date when it comes back.
///
/// # Errors
/// When sysfs can't be read, or the kernel refuses to put it out.
pub fn follower(own: &SystemDisk, devices: &Devices) -> io::Result<Option<SystemDisk>> {
    for number in [Config, Data] {
        let gone = halves(number, &devices.sys)?.unwrap_or_default();
        let gone = gone.iter().filter(|half| {
            half.in_sync && !devices.sys.join("class/block").join(&half.name).exists()
        });
        for half in gone {
            put_out(number, &half.name, &devices.sys)?;
        }
    }
    Ok(match standing(own, devices)? {
        Standing::Pair(other) => Some(other),
        Standing::Single | Standing::Alone | Standing::Outdated(_) => None,
    })
}

/// What a person must know about the mirror, in plain sentences; nothing while both disks are in step. `source` is
/// the slot's partition that the system was started from, `sys` is sysfs.
#[must_use]
pub fn problems(source: &Path, devices: &Devices) -> Vec<String> {
    let own = SystemDisk::of(source, devices);
    let outdated = match own.and_then(|own| standing(&own, devices)) {
        Ok(Standing::Outdated(other)) => Some(other),
        _ => None,
    };
    if let Some(other) = outdated {
        let booted = disk_of(&source.to_string_lossy());
        return vec![format!(
            "The system was started from {booted}, which had been left out of the mirror and is out of date; settings \
             and data are those of {}. Run `qx-install mirror add {booted}`, then restart.",
            other.node.display(),
        )];
    }
    let mut problems = Vec::new();
    for number in [Config, Data] {
        if let Ok(Some(halves)) = halves(number, &devices.sys) {
            problems.extend(problem(number, &halves, &devices.sys));
        }
    }
    problems.dedup();
    problems
}

fn problem(number: PartitionNumber, halves: &[Half], sys: &Path) -> Option<String> {
    let working: Vec<&Half> = halves.iter().filter(|half| half.in_sync).collect();
    let coming = halves.iter().find(|half| !half.in_sync && !half.faulty);
    match (working.len(), coming) {
        (2.., _) => None,
        (_, Some(coming)) => Some(format!(
            "The mirror is being copied to {}: {} of the {} partition is done. Until then only one disk can be lost \
             without loss, and not the other one.",
            disk_of(&coming.name),
            percent(number, sys),
            number.name(),
        )),
        (_, None) => {
            let left = working.first().map_or("none", |half| half.name.as_str());
            Some(format!(
                "The mirror of the boot disks has one disk left: {}. Replace the other one, then run \
                 `qx-install mirror add` with the new disk.",
                disk_of(left)
            ))
        }
    }
}

fn percent(number: PartitionNumber, sys: &Path) -> String {
    let file = directory(number, sys).map(|directory| directory.join("sync_completed"));
    let text = file.and_then(|file| fs::read_to_string(file).ok());
    let done = text.as_deref().and_then(|text| {
        let (done, of) = text.trim().split_once(" / ")?;
        let (done, of): (u64, u64) = (done.parse().ok()?, of.parse().ok()?);
        done.saturating_mul(100).checked_div(of)
    });
    format!("{} %", done.unwrap_or(0))
}

/// `/dev/sda` of `sda4` or `/dev/sda4`, `/dev/nvme0n1` of `nvme0n1p4`.
fn disk_of(partition: &str) -> String {
    let name = partition.trim_start_matches("/dev/");
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let disk = match stem.strip_suffix('p') {
        Some(disk) if disk.ends_with(|c: char| c.is_ascii_digit()) => disk,
        _ => stem,
    };
    format!("/dev/{disk}")
}

/// A member of an array.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Half {
    /// The kernel's name of the partition.
    pub(super) name: String,
    pub(super) in_sync: bool,
    faulty: bool,
}

fn directory(number: PartitionNumber, sys: &Path) -> Option<PathBuf> {
    let directory = sys
        .join("class/block")
        .join(arrays::name(number))
        .join("md");
    directory.is_dir().then_some(directory)
}

/// The members of an array; `None` when it is not there.
pub(super) fn halves(number: PartitionNumber, sys: &Path) -> io::Result<Option<Vec<Half>>> {
    let Some(directory) = directory(number, sys) else {
        return Ok(None);
    };
    let mut halves = Vec::new();
    for entry in fs::read_dir(&directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(name) = name.strip_prefix("dev-") else {
            continue;
        };
        // A member that is just being removed has none any more.
        let state = fs::read_to_string(entry.path().join("state")).unwrap_or_default();
        let has = |word: &str| state.trim().split(',').any(|known| known == word);
        halves.push(Half {
            name: name.to_owned(),
            in_sync: has("in_sync"),
            faulty: has("faulty") || state.is_empty(),
        });
    }
    halves.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Some(halves))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// Two disks with a configuration and a data partition each, in arrays whose members have these states.
    fn machine(states: [Option<&str>; 2]) -> (tempfile::TempDir, Devices) {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("sys/class/block")).unwrap();
        for disk in ["vda", "vdb"] {
            for number in [2, 4, 5] {
                let dir = at(&format!("sys/devices/{disk}/{disk}{number}"));
                fs::create_dir_all(&dir).unwrap();
                fs::write(dir.join("partition"), number.to_string()).unwrap();
                symlink(&dir, at(&format!("sys/class/block/{disk}{number}"))).unwrap();
            }
        }
        for number in [4, 5] {
            let md = at(&format!("sys/class/block/md10{number}/md"));
            fs::create_dir_all(&md).unwrap();
            for (disk, state) in ["vda", "vdb"].into_iter().zip(states) {
                if let Some(state) = state {
                    let dir = md.join(format!("dev-{disk}{number}"));
                    fs::create_dir_all(&dir).unwrap();
                    fs::write(dir.join("state"), format!("{state}\n")).unwrap();
                }
            }
        }
        let devices = Devices {
            sys: at("sys"),
            dev: PathBuf::from("/dev"),
        };
        (root, devices)
    }

    fn of(disk: &str, devices: &Devices) -> SystemDisk {
        SystemDisk::of(Path::new(&format!("/dev/{disk}2")), devices).unwrap()
    }

    #[test]
    fn the_arrays_say_which_disk_follows() {
        let (_root, devices) = machine([Some("in_sync"), Some("in_sync,write_mostly")]);
        let [a, b] = ["vda", "vdb"].map(|disk| of(disk, &devices));
        assert_eq!(standing(&a, &devices).unwrap(), Standing::Pair(b.clone()));
        assert_eq!(standing(&b, &devices).unwrap(), Standing::Pair(a));
        assert!(problems(Path::new("/dev/vda2"), &devices).is_empty());
    }

    #[test]
    fn a_disk_that_is_gone_failed_or_not_copied_yet_does_not_follow() {
        for (other, says) in [
            (None, "has one disk left: /dev/vda"),
            (Some("faulty"), "has one disk left: /dev/vda"),
            (Some("spare"), "is being copied to /dev/vdb: 0 %"),
        ] {
            let (_root, devices) = machine([Some("in_sync"), other]);
            let own = of("vda", &devices);
            assert_eq!(standing(&own, &devices).unwrap(), Standing::Alone);
            let said = problems(Path::new("/dev/vda2"), &devices);
            assert!(said[0].contains(says), "{said:?}");
        }
    }

    #[test]
    fn a_disk_that_was_left_out_is_known_when_the_system_starts_from_it() {
        let (_root, devices) = machine([None, Some("in_sync")]);
        let [a, b] = ["vda", "vdb"].map(|disk| of(disk, &devices));
        assert_eq!(standing(&a, &devices).unwrap(), Standing::Outdated(b));
        let said = problems(Path::new("/dev/vda2"), &devices);
        let command = "`qx-install mirror add /dev/vda`";
        assert!(
            said[0].contains(command) && said[0].contains("those of /dev/vdb"),
            "{said:?}"
        );
    }

    #[test]
    fn without_arrays_there_is_no_mirror_and_nothing_to_say() {
        let (root, devices) = machine([None, None]);
        for number in [4, 5] {
            fs::remove_dir_all(root.path().join(format!("sys/class/block/md10{number}"))).unwrap();
        }
        let own = of("vda", &devices);
        assert_eq!(standing(&own, &devices).unwrap(), Standing::Single);
        assert!(problems(Path::new("/dev/vda2"), &devices).is_empty());
    }

    #[test]
    fn a_disk_is_put_out_of_both_arrays() {
        let (root, devices) = machine([Some("in_sync"), Some("in_sync")]);
        expel(&of("vdb", &devices), &devices).unwrap();
        for number in [4, 5] {
            let state = format!("sys/class/block/md10{number}/md/dev-vdb{number}/state");
            assert_eq!(
                fs::read_to_string(root.path().join(state)).unwrap(),
                "faulty"
            );
        }
        let own = of("vda", &devices);
        assert_eq!(standing(&own, &devices).unwrap(), Standing::Alone);
    }

    #[test]
    fn a_disk_that_was_pulled_out_is_put_out_before_anything_is_written_without_it() {
        let (root, devices) = machine([Some("in_sync"), Some("in_sync")]);
        let own = of("vda", &devices);
        assert_eq!(follower(&own, &devices).unwrap(), Some(of("vdb", &devices)));
        for number in [2, 4, 5] {
            fs::remove_file(root.path().join(format!("sys/class/block/vdb{number}"))).unwrap();
        }
        assert_eq!(follower(&own, &devices).unwrap(), None);
        for number in [4, 5] {
            let state = format!("sys/class/block/md10{number}/md/dev-vdb{number}/state");
            assert_eq!(
                fs::read_to_string(root.path().join(state)).unwrap(),
                "faulty"
            );
        }
    }

    #[test]
    fn partitions_are_named_after_their_disks() {
        for (partition, disk) in [
            ("sda4", "/dev/sda"),
            ("/dev/vda12", "/dev/vda"),
            ("nvme0n1p4", "/dev/nvme0n1"),
            ("mmcblk0p4", "/dev/mmcblk0"),
        ] {
            assert_eq!(disk_of(partition), disk);
        }
    }
}
