//! The boot environment of the disk that the system was started from: finding its EFI partition, reading and
//! changing it, one program at a time. What it means is `qx_slots`'.

use std::io;
use std::path::Path;

use qx_slots::{BootEnv, EnvStore, PartitionNumber};

use crate::storage::RawPartition;
pub use crate::system_disk::Devices;
use crate::system_disk::SystemDisk;

/// The environment on the disk of `system`, a slot's partition such as `/dev/sda2`.
///
/// # Errors
/// When there is none that can be believed, or the disk fails.
pub fn read(system: &Path, devices: &Devices) -> io::Result<BootEnv> {
    transition(system, devices, |env| Ok(env.clone()))
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
    let partition = efi_beside(system, devices)?;
    // Another of our programs may be about to change it. Kept until the partition is closed.
    partition.lock()?;
    let store = EnvStore::open(&partition).map_err(io::Error::other)?;
    let copies = store.read().map_err(io::Error::other)?;
    let Some((_, current)) = copies.in_use() else {
        return Err(io::Error::other("both copies of it are torn").into());
    };
    let mut env = current.clone();
    let outcome = change(&mut env)?;
    if env != *current {
        store.write(&env).map_err(io::Error::other)?;
    }
    Ok(outcome)
}

/// Writes `env` in place of an environment that is lost. One that can be believed stays.
///
/// # Errors
/// When the disk fails.
pub fn renew(system: &Path, devices: &Devices, env: &BootEnv) -> io::Result<()> {
    let partition = efi_beside(system, devices)?;
    partition.lock()?;
    let store = EnvStore::open(&partition).map_err(io::Error::other)?;
    if store.read().map_err(io::Error::other)?.in_use().is_some() {
        return Ok(());
    }
    store.write(env).map_err(io::Error::other)
}

/// The EFI partition of the disk that `system` is on.
fn efi_beside(system: &Path, devices: &Devices) -> io::Result<RawPartition> {
    let disk = SystemDisk::of(system, devices)?;
    RawPartition::open(
        &disk.partition(PartitionNumber::Efi)?.node,
        disk.sector_bytes,
    )
}

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
