//! The EFI system partition: FAT32 with the signed boot programs, GRUB's menu and the two copies of the boot
//! environment, far enough apart that no torn sector reaches both.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions, ReadWriteSeek};
use qx_slots::{BlockIo, ENV_BYTES, fat};

use super::blocks::Blocks;
use super::{RawPartition, StorageError};

/// What firmware starts. It is written when everything else is on the medium: a power cut before that leaves
/// nothing that could start and then stop at GRUB's prompt.
const FIRST_PROGRAM: &str = "EFI/BOOT/BOOTX64.EFI";
const ROOT_DIRECTORIES: [&str; 2] = ["QUANTIX", "EFI"];
const LABEL: [u8; 11] = *b"QX-EFI     ";
const KIB: usize = 1024;

/// Where the boot programs come from: a directory of the image with `shimx64.efi`, `grubx64.efi`,
/// `mmx64.efi` and `grub.cfg`.
#[derive(Debug, Clone)]
pub struct BootLoader(pub PathBuf);

impl BootLoader {
    /// File here and on the partition. The removable path, because firmware forgets boot entries; GRUB's
    /// menu is where Debian's signed GRUB looks for it.
    const FILES: [(&'static str, &'static str); 4] = [
        ("grubx64.efi", "EFI/BOOT/grubx64.efi"),
        ("mmx64.efi", "EFI/BOOT/mmx64.efi"),
        ("grub.cfg", "EFI/debian/grub.cfg"),
        ("shimx64.efi", FIRST_PROGRAM),
    ];
}

/// Makes the file system on `partition`, fills it, and reads everything back. `env` is the environment that
/// both copies begin with.
///
/// # Errors
/// When a file of `loader` is missing, or the partition does not keep what was written.
pub fn write_efi(
    partition: &Path,
    sector_bytes: u32,
    loader: &BootLoader,
    env: &[u8; ENV_BYTES],
) -> Result<(), StorageError> {
    let files = contents(loader, env)
        .map_err(StorageError::doing(format!("read {}", loader.0.display())))?;
    let doing = |what: &str| format!("{what} the EFI partition {}", partition.display());
    write(partition, sector_bytes, &files).map_err(StorageError::doing(doing("write")))?;
    check(partition, &files).map_err(StorageError::doing(doing("read back")))
}

/// Every file with its content, in the order in which they are laid out. Between and around the copies of the
/// environment lies padding that nobody reads.
fn contents(loader: &BootLoader, env: &[u8; ENV_BYTES]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let padding = |number: u8, size: usize| (format!("QUANTIX/PAD{number}"), vec![0; size]);
    let copy = |number: u8| (format!("QUANTIX/ENV{number}"), env.to_vec());
    let mut files = vec![
        padding(1, 64 * KIB),
        copy(1),
        padding(2, 128 * KIB),
        copy(2),
        padding(3, 64 * KIB),
    ];
    for (name, place) in BootLoader::FILES {
        files.push((place.to_owned(), fs::read(loader.0.join(name))?));
    }
    Ok(files)
}

fn write(partition: &Path, sector_bytes: u32, files: &[(String, Vec<u8>)]) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(partition)?;
    let mut device = Blocks::new(file);
    let mut id = [0; 4];
    getrandom::fill(&mut id)?;
    let options = FormatVolumeOptions::new()
        .fat_type(FatType::Fat32)
        .bytes_per_sector(u16::try_from(sector_bytes).map_err(io::Error::other)?)
        .volume_id(u32::from_le_bytes(id))
        .volume_label(LABEL);
    fatfs::format_volume(&mut device, options)?;
    device.seek(SeekFrom::Start(0))?;
    let system = FileSystem::new(&mut device, FsOptions::new())?;
    // Directories first: the files then follow each other without a gap.
    for directory in ["QUANTIX", "EFI", "EFI/BOOT", "EFI/debian"] {
        system.root_dir().create_dir(directory)?;
    }
    fill(&system, files.iter().filter(|file| file.0 != FIRST_PROGRAM))?;
    // Counts the free clusters, which the file system then has on record.
    system.stats()?;
    system.unmount()?;
    device.sync()?;
    mend_parents(&RawPartition::open(partition, sector_bytes)?)?;
    device.seek(SeekFrom::Start(0))?;
    let system = FileSystem::new(&mut device, FsOptions::new())?;
    fill(&system, files.iter().filter(|file| file.0 == FIRST_PROGRAM))?;
    system.unmount()?;
    device.sync()
}

/// `fatfs` gives the parent of the root's directories as the root's cluster. It must be 0 (Microsoft's FAT specification,
/// on making directories), and programs that check file systems complain.
fn mend_parents(device: &dyn BlockIo) -> io::Result<()> {
    for name in ROOT_DIRECTORIES {
        let Some(offset) = fat::locate_directory(device, name)? else {
            continue;
        };
        let mut sector = vec![0; device.sector_bytes()];
        device.read_at(offset, &mut sector)?;
        // The second entry; the cluster's halves are at 20 and 26.
        let parent = sector.get_mut(32..64).unwrap_or_default();
        if parent.starts_with(b"..      ") {
            for half in [20..22, 26..28] {
                parent.get_mut(half).unwrap_or_default().fill(0);
            }
            device.write_at(offset, &sector)?;
        }
    }
    Ok(())
}

fn fill<'a, T: ReadWriteSeek>(
    system: &FileSystem<T>,
    files: impl Iterator<Item = &'a (String, Vec<u8>)>,
) -> io::Result<()> {
    for (place, content) in files {
        let mut file = system.root_dir().create_file(place)?;
        file.write_all(content)?;
    }
    Ok(())
}

/// Reads with the device's cache emptied, by a file system that knows nothing of the writing one.
fn check(partition: &Path, files: &[(String, Vec<u8>)]) -> io::Result<()> {
    let file = File::open(partition)?;
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    let system = FileSystem::new(Blocks::new(file), FsOptions::new())?;
    for (place, content) in files {
        let mut found = Vec::new();
        system
            .root_dir()
            .open_file(place)?
            .read_to_end(&mut found)?;
        if found != *content {
            return Err(io::Error::other(format!("{place} is not what was written")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    use qx_slots::{BootEnv, ENV_FILES, EnvStore, KernelArgs};

    const MIB: u64 = 1 << 20;

    fn loader(dir: &Path) -> BootLoader {
        for (index, (name, _)) in BootLoader::FILES.into_iter().enumerate() {
            let content = vec![u8::try_from(index).unwrap() + 1; 300 * KIB + index];
            fs::write(dir.join(name), content).unwrap();
        }
        BootLoader(dir.to_owned())
    }

    struct Image(Vec<u8>, usize);

    impl BlockIo for Image {
        fn sector_bytes(&self) -> usize {
            self.1
        }
        fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
            let start = usize::try_from(offset).unwrap();
            bytes.copy_from_slice(&self.0[start..start + bytes.len()]);
            Ok(())
        }
        fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
            Err(io::ErrorKind::ReadOnlyFilesystem.into())
        }
    }

    #[test]
    fn the_environment_is_found_and_lies_far_from_everything_else() {
        for (sector_bytes, mib) in [(512, 100), (4096, 260)] {
            let dir = tempfile::tempdir().unwrap();
            let partition = dir.path().join("efi");
            File::create(&partition)
                .unwrap()
                .set_len(mib * MIB)
                .unwrap();
            let env = BootEnv::installed(KernelArgs::default());
            write_efi(&partition, sector_bytes, &loader(dir.path()), &env.encode()).unwrap();

            let image = Image(fs::read(&partition).unwrap(), sector_bytes as usize);
            let copies = EnvStore::open(&image).unwrap().read().unwrap();
            assert_eq!(copies.first.as_ref(), Some(&env));
            assert_eq!(copies.second.as_ref(), Some(&env));
            let at = |path: &[&str]| fat::locate(&image, path).unwrap().unwrap().offset;
            let [first, second] = ENV_FILES.map(|path| at(&path));
            let distance = 64 * KIB as u64;
            assert!(first - at(&["QUANTIX", "PAD1"]) >= distance);
            assert!(second - first >= 2 * distance);
            assert!(at(&["EFI", "BOOT", "BOOTX64.EFI"]) - second >= distance);
            assert_eq!(fat::locate(&image, &["EFI", "ABSENT"]).unwrap(), None);
        }
    }

    #[test]
    fn a_partition_that_does_not_keep_what_is_written_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let partition = dir.path().join("efi");
        File::create(&partition)
            .unwrap()
            .set_len(100 * MIB)
            .unwrap();
        let loader = loader(dir.path());
        let env = BootEnv::installed(KernelArgs::default()).encode();
        write_efi(&partition, 512, &loader, &env).unwrap();
        let mut files = contents(&loader, &env).unwrap();
        files[5].1[5] ^= 1;
        let error = check(&partition, &files).unwrap_err().to_string();
        assert!(
            error.contains("EFI/BOOT/grubx64.efi is not what was written"),
            "{error}"
        );
    }

    #[test]
    fn another_program_finds_nothing_to_repair() {
        for (sector_bytes, mib) in [(512, 100), (4096, 260)] {
            let dir = tempfile::tempdir().unwrap();
            let partition = dir.path().join("efi");
            File::create(&partition)
                .unwrap()
                .set_len(mib * MIB)
                .unwrap();
            let env = BootEnv::installed(KernelArgs::default());
            write_efi(&partition, sector_bytes, &loader(dir.path()), &env.encode()).unwrap();
            let checked = Command::new("fsck.fat")
                .arg("-n")
                .arg(&partition)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&checked.stdout);
            assert!(checked.status.success(), "{sector_bytes}: {said}");
        }
    }

    #[test]
    fn a_missing_boot_program_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let env = BootEnv::installed(KernelArgs::default()).encode();
        let loader = BootLoader(dir.path().to_owned());
        let error = write_efi(&dir.path().join("efi"), 512, &loader, &env).unwrap_err();
        assert!(error.to_string().contains("cannot read"), "{error}");
    }
}
