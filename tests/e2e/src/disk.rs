//! A disk as an installation leaves it, made from the image under test without booting anything. A test
//! edits its configuration from outside, as a person with the disk in another machine would.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use gpt::GptConfig;
use gpt::disk::LogicalBlockSize;
use gpt::mbr::ProtectiveMBR;
use gpt::partition_types::{EFI, LINUX_FS};

use crate::image::{self, Image};
use crate::machine::{DirectKernel, MachineBuilder};
use crate::{Bus, Lab};

const MIB: u64 = 1 << 20;
const SECTOR: u64 = 512;
/// Name and MiB of each partition, in the order of their numbers. Slot B is empty, and the EFI partition has
/// nothing but the boot environment; the sizes of what is used are the smallest that their file systems take.
const PARTITIONS: [(&str, u64); 5] = [
    ("EFI", 2),
    ("System A", 300),
    ("System B", 1),
    ("Config", 100),
    ("Data", 320),
];
const EFI_PARTITION: usize = 0;
const SLOT_A: usize = 1;
const CONFIG: usize = 3;
const DATA: usize = 4;

/// See the module.
pub struct InstalledDisk {
    path: PathBuf,
    partuuid: String,
}

impl InstalledDisk {
    /// Makes the disk in `dir`, with `config` as `config.toml`.
    ///
    /// # Errors
    /// When a file system can't be made or the disk can't be written.
    pub fn make(image: &Image, dir: &Path, config: &str) -> Result<Self> {
        let path = dir.join("installed.img");
        let partuuid = partition(&path)?;
        let disk = Self { path, partuuid };

        disk.fill(EFI_PARTITION, &dir.join("efi.fat"), environment)?;
        let slot = dir.join("slot");
        fs::create_dir_all(&slot).context("cannot make a directory for the slot")?;
        for name in image::PARTS
            .into_iter()
            .chain(["manifest.json", "manifest.sig"])
        {
            let bytes = image::part(image.iso(), name)?;
            fs::write(slot.join(name), bytes).context("cannot write the slot's files")?;
        }
        disk.fill(SLOT_A, &dir.join("slot.ext4"), |file| ext4(file, &slot))?;

        let settings = dir.join("settings");
        fs::create_dir_all(&settings).context("cannot make a directory for the settings")?;
        fs::write(settings.join("config.toml"), config).context("cannot write config.toml")?;
        disk.fill(CONFIG, &dir.join("config.ext4"), |file| {
            ext4(file, &settings)
        })?;

        disk.fill(DATA, &dir.join("data.xfs"), |file| {
            run(Command::new("mkfs.xfs").args(["-q", "-f"]).arg(file), &[0])
        })?;
        Ok(disk)
    }

    /// A machine that starts this disk's slot A. The kernel is started by QEMU: no boot loader is installed.
    ///
    /// # Errors
    /// As `MachineBuilder::start`.
    pub fn machine(&self, lab: &Lab, name: &str) -> MachineBuilder {
        lab.machine(name)
            .drive(&self.path, "raw", Bus::Virtio)
            .kernel(DirectKernel {
                kernel: image::output().join("vmlinuz"),
                initrd: image::output().join("initramfs.img"),
                arguments: format!(
                    "quantix.slot=A quantix.partuuid={} panic=10 console=tty0 console=ttyS0,115200 \
                     quiet loglevel=3",
                    self.partuuid
                ),
            })
    }

    /// Replaces `config.toml` on the disk, which no machine may be using.
    ///
    /// # Errors
    /// When the file system is broken beyond its journal, or can't be written.
    pub fn replace_config(&self, dir: &Path, config: &str) -> Result<()> {
        let (file, text) = (dir.join("config.ext4"), dir.join("config.toml"));
        fs::write(&text, config).context("cannot write config.toml")?;
        copy(
            &self.path,
            offset(CONFIG),
            &file,
            0,
            PARTITIONS[CONFIG].1 * MIB,
        )?;
        // 1: it replayed the journal of a power cut.
        run(Command::new("e2fsck").arg("-fy").arg(&file), &[0, 1])?;
        let write = format!("write {} config.toml", text.display());
        for request in ["rm config.toml", &write] {
            run(
                Command::new("debugfs")
                    .args(["-w", "-R", request])
                    .arg(&file),
                &[0],
            )?;
        }
        copy(
            &file,
            0,
            &self.path,
            offset(CONFIG),
            PARTITIONS[CONFIG].1 * MIB,
        )
    }

    /// Inverts the end of the configuration's super block, which has its checksum, as a power cut between the
    /// two sectors of it does.
    ///
    /// # Errors
    /// When the disk can't be written, or e2fsck finds nothing wrong afterwards.
    pub fn tear_config(&self, dir: &Path) -> Result<()> {
        let at = offset(CONFIG) + 2048 - 4;
        let disk = File::options().read(true).write(true).open(&self.path)?;
        let mut checksum = [0; 4];
        disk.read_exact_at(&mut checksum, at)?;
        disk.write_all_at(&checksum.map(|byte| !byte), at)?;
        let file = dir.join("torn.ext4");
        copy(
            &self.path,
            offset(CONFIG),
            &file,
            0,
            PARTITIONS[CONFIG].1 * MIB,
        )?;
        // 1 would be a file system whose journal was replayed; 8 is one that it does not understand.
        run(Command::new("e2fsck").arg("-n").arg(&file), &[4, 8])
    }

    /// Makes a partition's content in a file of its size, then copies it into the disk.
    fn fill(
        &self,
        index: usize,
        file: &Path,
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        let length = PARTITIONS[index].1 * MIB;
        File::create(file)
            .and_then(|file| file.set_len(length))
            .with_context(|| format!("cannot make {}", file.display()))?;
        make(file)?;
        copy(file, 0, &self.path, offset(index), length)
    }
}

/// Where a partition begins: one after another, behind the first MiB.
fn offset(index: usize) -> u64 {
    let before: u64 = PARTITIONS[..index].iter().map(|(_, mib)| mib).sum();
    (1 + before) * MIB
}

/// Writes the partition table; the unique id of slot A.
fn partition(path: &Path) -> Result<String> {
    let failed = || format!("cannot partition {}", path.display());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .with_context(failed)?;
    let size = offset(PARTITIONS.len()) + MIB;
    file.set_len(size).with_context(failed)?;
    let sectors = u32::try_from(size / SECTOR - 1).context("the disk is too large")?;
    ProtectiveMBR::with_lb_size(sectors)
        .overwrite_lba0(&mut file)
        .with_context(failed)?;
    let mut disk = GptConfig::new()
        .writable(true)
        .logical_block_size(LogicalBlockSize::Lb512)
        .create_from_device(file, None)
        .with_context(failed)?;
    for (index, (name, mib)) in PARTITIONS.into_iter().enumerate() {
        let kind = if index == 0 { EFI } else { LINUX_FS };
        let number = u32::try_from(index + 1).context("too many partitions")?;
        disk.add_partition_at(
            name,
            number,
            offset(index) / SECTOR,
            mib * MIB / SECTOR,
            kind,
            0,
        )
        .with_context(failed)?;
    }
    let number = u32::try_from(SLOT_A + 1).context("too many partitions")?;
    let slot = disk.partitions().get(&number).with_context(failed)?;
    let partuuid = slot.part_guid.to_string();
    disk.write().with_context(failed)?;
    Ok(partuuid)
}

/// Of a new installation, before it is filled up with `#` to 512 bytes.
const ENVIRONMENT: &str = "# GRUB Environment Block\nqx_gen=1000000001\nqx_boot=a\nqx_try=n\nqx_left=0\nqx_stage=0\n\
    qx_a=g\nqx_b=g\nqx_why_a=-\nqx_why_b=-\nqx_args=console=tty1 console=ttyS0,115200\nqx_end=1000000001\n";

/// Both copies of the boot environment, as an installation leaves them.
fn environment(file: &Path) -> Result<()> {
    let block = file.with_extension("env");
    fs::write(&block, format!("{ENVIRONMENT:#<512}"))
        .context("cannot write the boot environment")?;
    run(Command::new("mkfs.vfat").arg(file), &[0])?;
    run(
        Command::new("mmd").arg("-i").arg(file).arg("::/quantix"),
        &[0],
    )?;
    for copy in ["::/quantix/env1", "::/quantix/env2"] {
        let mut command = Command::new("mcopy");
        command.arg("-i").arg(file).arg(&block).arg(copy);
        run(&mut command, &[0])?;
    }
    Ok(())
}

fn ext4(file: &Path, content: &Path) -> Result<()> {
    run(
        Command::new("mke2fs")
            .args(["-q", "-F", "-t", "ext4", "-d"])
            .args([content, file]),
        &[0],
    )
}

/// Runs a program; `good` are the statuses it may end with.
///
/// # Errors
/// When it can't be started or ends otherwise, with what it wrote to its standard error.
pub(crate) fn run(command: &mut Command, good: &[i32]) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    ensure!(
        output
            .status
            .code()
            .is_some_and(|code| good.contains(&code)),
        "{program} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Copies `length` bytes from one place to another.
fn copy(from: &Path, from_offset: u64, to: &Path, to_offset: u64, length: u64) -> Result<()> {
    let copied = || -> io::Result<()> {
        let mut source = File::open(from)?;
        source.seek(SeekFrom::Start(from_offset))?;
        let mut target = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(to)?;
        target.seek(SeekFrom::Start(to_offset))?;
        let copied = io::copy(&mut source.take(length), &mut target)?;
        if copied == length {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    };
    copied().with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}
