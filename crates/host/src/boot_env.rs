//! The boot environment of the disk that the system was started from: finding its EFI partition, reading and
//! changing it. What it means is `qx_slots`'.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use qx_slots::{BootEnv, EnvStore, PartitionNumber};

use crate::storage::RawPartition;

/// Where devices are known and found: `/sys` and `/dev` on the product.
#[derive(Debug, Clone)]
pub struct Devices {
    /// sysfs.
    pub sys: PathBuf,
    /// The directory of device nodes.
    pub dev: PathBuf,
}

impl Default for Devices {
    fn default() -> Self {
        Self {
            sys: PathBuf::from("/sys"),
            dev: PathBuf::from("/dev"),
        }
    }
}

/// Changes the environment on the disk of `system`, a slot's partition such as `/dev/sda2`. Nothing is written
/// when `change` changes nothing.
///
/// # Errors
/// When there is no such environment, or the disk fails.
pub fn change(
    system: &Path,
    devices: &Devices,
    change: impl FnOnce(&mut BootEnv),
) -> io::Result<()> {
    let partition = efi_beside(system, devices)?;
    let store = EnvStore::open(&partition).map_err(io::Error::other)?;
    let copies = store.read().map_err(io::Error::other)?;
    let Some((_, current)) = copies.in_use() else {
        return Err(io::Error::other("both copies of it are torn"));
    };
    let mut env = current.clone();
    change(&mut env);
    if env == *current {
        return Ok(());
    }
    store.write(&env).map_err(io::Error::other)
}

/// The EFI partition of the disk that `system` is on.
fn efi_beside(system: &Path, devices: &Devices) -> io::Result<RawPartition> {
    let name = system.file_name().unwrap_or_default();
    let real = fs::canonicalize(devices.sys.join("class/block").join(name))?;
    let disk = real.parent().unwrap_or(&real);
    let wanted = PartitionNumber::Efi as u32;
    let number = |path: &Path| -> Option<u32> {
        let text = fs::read_to_string(path).ok()?;
        text.trim().parse().ok()
    };
    let sector_bytes = number(&disk.join("queue/logical_block_size")).unwrap_or(512);
    for entry in fs::read_dir(disk)? {
        let entry = entry?;
        if number(&entry.path().join("partition")) == Some(wanted) {
            return RawPartition::open(&devices.dev.join(entry.file_name()), sector_bytes);
        }
    }
    let text = format!("the disk of {} has no EFI partition", system.display());
    Err(io::Error::new(io::ErrorKind::NotFound, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{BootLoader, write_efi};
    use qx_slots::KernelArgs;
    use std::fs::File;
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
    fn a_disk_without_an_efi_partition_is_said_so() {
        let root = tempfile::tempdir().unwrap();
        let devices = disk(root.path());
        fs::remove_file(root.path().join("sys/devices/sda/sda1/partition")).unwrap();
        let error = change(Path::new("/dev/sda2"), &devices, |_| ()).unwrap_err();
        assert!(
            error.to_string().contains("/dev/sda2 has no EFI partition"),
            "{error}"
        );
        change(Path::new("/dev/absent2"), &devices, |_| ()).unwrap_err();
    }
}
