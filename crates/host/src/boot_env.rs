//! The boot environment of the disk that the system was started from: finding its EFI partition, reading and
//! changing it, one program at a time. What it means is `qx_slots`'.
//!
//! Of a mirror, the other disk's environment gets the same content once the change is durable on the first:
//!
//! ```text
//! first disk   copy, other copy ─► durable
//! other disk                        └─► copy, other copy ─► durable     or: it is put out of the mirror
//! ```
//! A power cut in between leaves the other disk one change behind, with slots that are what its environment says:
//! the updater writes to them only between two changes that both disks have. The next change makes up for it.

use std::io;
use std::path::Path;

use qx_slots::{BlockIo, BootEnv, EnvStore, PartitionNumber};

use crate::mirror;
use crate::storage::RawPartition;
pub use crate::system_disk::Devices;
use crate::system_disk::SystemDisk;

/// The environment on the disk of `system`, a slot's partition such as `/dev/sda2`.
///
/// # Errors
/// When there is none that can be believed, or the disk fails.
pub fn read(system: &Path, devices: &Devices) -> io::Result<BootEnv> {
    let partition = efi_of(&SystemDisk::of(system, devices)?)?;
    partition.lock()?;
    apply(&partition, |env| Ok(env.clone())).map(|(env, _)| env)
}

/// Changes the environment on the disk of `system`. Nothing is written when `change` changes nothing.
///
/// # Errors
/// When there is no such environment, or the disk fails.
pub fn change(
    system: &Path,
    devices: &Devices,
    change: impl FnOnce(&mut BootEnv),
) -> io::Result<()> {
    transition(system, devices, |env| {
        change(env);
        Ok(())
    })
}

/// As [`change`], for a change that may be refused: nothing is written then.
///
/// # Errors
/// As [`change`], and what `change` says.
pub fn transition<T, E: From<io::Error>>(
    system: &Path,
    devices: &Devices,
    change: impl FnOnce(&mut BootEnv) -> Result<T, E>,
) -> Result<T, E> {
    let disk = SystemDisk::of(system, devices)?;
    let partition = efi_of(&disk)?;
    // Another of our programs may be about to change it. Kept until the partition is closed.
    partition.lock()?;
    let (env, outcome) = apply(&partition, change)?;
    if let Some(other) = mirror::follower(&disk, devices)? {
        let followed = efi_of(&other).and_then(|efi| follow(&efi, &env));
        if followed.is_err() {
            mirror::expel(&other, devices)?;
        }
    }
    Ok(outcome)
}

/// Changes the environment on an EFI partition; the new one, and what `change` answers.
fn apply<T, E: From<io::Error>>(
    efi: &dyn BlockIo,
    change: impl FnOnce(&mut BootEnv) -> Result<T, E>,
) -> Result<(BootEnv, T), E> {
    let store = EnvStore::open(efi).map_err(io::Error::other)?;
    let copies = store.read().map_err(io::Error::other)?;
    let Some((_, current)) = copies.in_use() else {
        return Err(io::Error::other("both copies of it are torn").into());
    };
    let mut env = current.clone();
    let outcome = change(&mut env)?;
    if env != *current {
        store.write(&env).map_err(io::Error::other)?;
    }
    Ok((env, outcome))
}

/// Makes `env` the environment of the other disk's EFI partition, whatever was there. Generations are each disk's
/// own: they tell its two copies apart, nothing else.
fn follow(efi: &dyn BlockIo, env: &BootEnv) -> io::Result<()> {
    let store = EnvStore::open(efi).map_err(io::Error::other)?;
    let copies = store.read().map_err(io::Error::other)?;
    let same = |current: &BootEnv| {
        current.followed_by(env.clone()) == current.followed_by(current.clone())
    };
    if copies.in_use().is_some_and(|(_, current)| same(current)) {
        return Ok(());
    }
    store.write(env).map_err(io::Error::other)
}

/// Writes `env` in place of an environment that is lost. One that can be believed stays.
///
/// # Errors
/// When the disk fails.
pub fn renew(system: &Path, devices: &Devices, env: &BootEnv) -> io::Result<()> {
    let partition = efi_of(&SystemDisk::of(system, devices)?)?;
    partition.lock()?;
    let store = EnvStore::open(&partition).map_err(io::Error::other)?;
    if store.read().map_err(io::Error::other)?.in_use().is_some() {
        return Ok(());
    }
    store.write(env).map_err(io::Error::other)
}

/// The EFI partition of a disk.
pub(crate) fn efi_of(disk: &SystemDisk) -> io::Result<RawPartition> {
    RawPartition::open(
        &disk.partition(PartitionNumber::Efi)?.node,
        disk.sector_bytes,
    )
}

#[cfg(test)]
mod pair_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{BootLoader, write_efi};
    use qx_slots::{KernelArgs, SlotName, SlotState};
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;

    /// A disk `sda` with an EFI partition and slot A, in a sysfs and a /dev of its own.
    pub(crate) fn disk(root: &Path) -> Devices {
        let at = |name: &str| root.join(name);
        for (name, number) in [("sda1", "1"), ("sda2", "2")] {
            let dir = at("sys/devices/sda").join(name);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("partition"), number).unwrap();
            fs::create_dir_all(at("sys/class/block")).unwrap();
            symlink(&dir, at("sys/class/block").join(name)).unwrap();
        }
        fs::create_dir_all(at("sys/devices/sda/queue")).unwrap();
        fs::write(at("sys/devices/sda/queue/logical_block_size"), "512\n").unwrap();
        fs::create_dir_all(at("dev")).unwrap();
        let efi = at("dev/sda1");
        File::create(&efi).unwrap().set_len(100 << 20).unwrap();
        for name in ["shimx64.efi", "grubx64.efi", "mmx64.efi", "grub.cfg"] {
            fs::write(at(name), vec![1; 100_000]).unwrap();
        }
        let env = BootEnv::installed(KernelArgs::default()).encode();
        write_efi(&efi, 512, &BootLoader(root.to_owned()), &env).unwrap();
        Devices {
            sys: at("sys"),
            dev: at("dev"),
        }
    }

    #[test]
    fn a_change_is_there_when_it_is_read_again() {
        let root = tempfile::tempdir().unwrap();
        let devices = disk(root.path());
        let system = Path::new("/dev/sda2");
        let args: KernelArgs = "intel_iommu=on".parse().unwrap();
        change(system, &devices, |env| env.args = args.clone()).unwrap();
        let mut seen = None;
        change(system, &devices, |env| seen = Some(env.args.clone())).unwrap();
        assert_eq!(seen, Some(args));
    }

    #[test]
    fn a_lost_environment_is_renewed_and_a_good_one_stays() {
        let root = tempfile::tempdir().unwrap();
        let devices = disk(root.path());
        let system = Path::new("/dev/sda2");
        let renewed = BootEnv::renewed(SlotName::B, KernelArgs::default());
        renew(system, &devices, &renewed).unwrap();
        assert_eq!(read(system, &devices).unwrap().confirmed, SlotName::A);

        let efi = root.path().join("dev/sda1");
        let bytes = fs::read(&efi).unwrap();
        let torn: Vec<usize> = bytes
            .windows(7)
            .enumerate()
            .filter(|(_, found)| found == b"qx_end=")
            .map(|(at, _)| at)
            .collect();
        assert_eq!(torn.len(), 2);
        let mut bytes = bytes;
        for at in torn {
            bytes[at] = b'#';
        }
        fs::write(&efi, bytes).unwrap();
        read(system, &devices).unwrap_err();
        renew(system, &devices, &renewed).unwrap();
        let env = read(system, &devices).unwrap();
        assert_eq!(env.confirmed, SlotName::B);
        assert_eq!(env.a.state, SlotState::Empty);
    }

    #[test]
    fn a_disk_without_an_efi_partition_is_said_so() {
        let root = tempfile::tempdir().unwrap();
        let devices = disk(root.path());
        fs::remove_file(root.path().join("sys/devices/sda/sda1/partition")).unwrap();
        let error = change(Path::new("/dev/sda2"), &devices, |_| ()).unwrap_err();
        assert!(
            error.to_string().contains("has no partition EFI"),
            "{error}"
        );
        change(Path::new("/dev/absent2"), &devices, |_| ()).unwrap_err();
    }
}
