//! The small disk: real file systems, tiny parts, a key of its own.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use gpt::GptConfig;
use gpt::mbr::ProtectiveMBR;
use gpt::partition_types::LINUX_FS;
use qx_host::config::{Config, Store};
use qx_host::storage::{BootLoader, write_efi};
use qx_power_tests::log::Log;
use qx_power_tests::model::{BootFiles, Init, Model};
use qx_power_tests::phase::{Phase, Report};
use qx_power_tests::replay::{Cuts, Replay};
use qx_slots::{
    BootEnv, Hash, KernelArgs, Keyring, Limits, MANIFEST_FILE, Manifest, PART_NAMES, Part,
    PartitionNumber, SIGNATURE_FILE, SigningKey,
};

use crate::recorder::Recorder;

const MIB: u64 = 1 << 20;
/// FAT32 needs its clusters.
const SIZES: [u64; 5] = [40 * MIB, 4 * MIB, 4 * MIB, 16 * MIB, 2 * MIB];
pub(crate) const DISK: u64 = 68 * MIB;
pub(crate) const CUTS: Cuts = Cuts {
    seed: 1,
    losses: 8,
    tears: 4,
    torn_sectors: MIB..MIB + SIZES[0],
};

/// Where a partition lies.
pub(crate) fn range(number: PartitionNumber) -> Range<u64> {
    let index = number as usize - 1;
    let start = MIB + SIZES[..index].iter().sum::<u64>();
    start..start + SIZES[index]
}

/// A slot's content.
pub(crate) struct Image {
    manifest: Manifest,
    files: Vec<(String, Vec<u8>)>,
}

impl Image {
    fn new(version: &str) -> Self {
        let content = |index: usize| {
            let length = 90_001 + 200_000 * index;
            let mut rng = fastrand::Rng::with_seed(index as u64 + version.len() as u64);
            std::iter::repeat_with(|| rng.u8(..)).take(length).collect()
        };
        let mut files: Vec<(String, Vec<u8>)> = (0..)
            .zip(PART_NAMES)
            .map(|(index, name)| (name.to_owned(), content(index)))
            .collect();
        let parts = files.iter().map(|(name, bytes)| Part {
            name: name.clone(),
            size: bytes.len() as u64,
            blake3: Hash::of(bytes),
        });
        let key = key();
        let limits = Limits::default();
        let manifest =
            Manifest::new(version, "dev", key.public().id(), limits, parts.collect()).unwrap();
        let bytes = manifest.to_bytes().unwrap();
        files.push((SIGNATURE_FILE.to_owned(), key.sign(&bytes).to_vec()));
        files.push((MANIFEST_FILE.to_owned(), bytes));
        Self { manifest, files }
    }

    /// The bytes of a partition with these files, but for `missing`.
    pub(crate) fn partition(&self, missing: &str) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in self.files.iter().filter(|(name, _)| name != missing) {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        let options = "-N 64 -O ^has_journal,^resize_inode,^huge_file";
        ext4(dir.path(), range(PartitionNumber::SystemA), options)
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[9; 32])
}

/// The bytes of a partition with the files of `from`.
fn ext4(from: &Path, range: Range<u64>, options: &str) -> Vec<u8> {
    let image = tempfile::NamedTempFile::new().unwrap();
    image.as_file().set_len(range.end - range.start).unwrap();
    let output = Command::new("mke2fs")
        .args(["-q", "-F", "-t", "ext4", "-m", "0", "-d"])
        .arg(from)
        .args(options.split_whitespace())
        .arg(image.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::read(image.path()).unwrap()
}

/// A configuration partition in which `configs` were saved one after another.
pub(crate) fn config_partition(hostnames: &[&str], generations: bool, journal: bool) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    for hostname in hostnames {
        Store::new(dir.path()).save(&config(hostname)).unwrap();
    }
    if !generations {
        fs::remove_dir_all(dir.path().join("config.d")).unwrap();
    }
    let options = if journal {
        "-N 64"
    } else {
        "-N 64 -O ^has_journal"
    };
    ext4(dir.path(), range(PartitionNumber::Config), options)
}

fn config(hostname: &str) -> Config {
    let mut config = Config::default();
    config.system.hostname = hostname.parse().unwrap();
    config
}

/// A disk on which both slots hold the first image.
pub(crate) struct Bench {
    dir: tempfile::TempDir,
    first: Image,
    pub(crate) second: Image,
}

/// The one that most tests share.
pub(crate) fn bench() -> &'static Bench {
    static SHARED: OnceLock<Bench> = OnceLock::new();
    SHARED.get_or_init(|| Bench::with_config(&config_partition(&["one"], true, false)))
}

impl Bench {
    pub(crate) fn with_config(config: &[u8]) -> Self {
        let bench = Self {
            dir: tempfile::tempdir().unwrap(),
            first: Image::new("0.1.0"),
            second: Image::new("0.1.0-second"),
        };
        let mut disk = bench.create("installed.img");
        table(&mut disk);
        let slot = bench.first.partition("");
        for (number, content) in [
            (PartitionNumber::Efi, bench.efi()),
            (PartitionNumber::SystemA, slot.clone()),
            (PartitionNumber::SystemB, slot),
            (PartitionNumber::Config, config.to_vec()),
        ] {
            disk.write_all_at(&content, range(number).start).unwrap();
        }
        bench.create("blank.img");
        bench
    }

    fn create(&self, name: &str) -> File {
        let mut options = File::options();
        let options = options.read(true).write(true).create_new(true);
        let file = options.open(self.path(name)).unwrap();
        file.set_len(DISK).unwrap();
        file
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The EFI partition as the product makes it.
    fn efi(&self) -> Vec<u8> {
        let (loader, partition) = (self.path("loader"), self.path("efi.img"));
        fs::create_dir(&loader).unwrap();
        for name in ["shimx64.efi", "grubx64.efi", "mmx64.efi", "grub.cfg"] {
            let content = name.repeat(3000);
            fs::write(loader.join(name), content).unwrap();
        }
        File::create(&partition).unwrap().set_len(SIZES[0]).unwrap();
        let env = BootEnv::installed(KernelArgs::default()).encode();
        write_efi(&partition, 512, &BootLoader(loader), &env).unwrap();
        fs::read(partition).unwrap()
    }

    /// The installed disk's bytes.
    pub(crate) fn installed(&self, range: Range<u64>) -> Vec<u8> {
        let file = File::open(self.path("installed.img")).unwrap();
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
        file.read_exact_at(&mut bytes, range.start).unwrap();
        bytes
    }

    /// Cuts the power everywhere in `sequence`, which begins on the installed disk.
    pub(crate) fn replay(&self, sequence: impl FnOnce(&Self, &Recorder)) -> Report {
        self.replay_on("installed.img", Init::Verifies, sequence)
    }

    /// The same on a blank disk.
    pub(crate) fn replay_on_blank(&self, sequence: impl FnOnce(&Self, &Recorder)) -> Report {
        self.replay_on("blank.img", Init::Verifies, sequence)
    }

    /// The same on the installed disk, with a qx-init that starts anything.
    pub(crate) fn replay_trusting(&self, sequence: impl FnOnce(&Self, &Recorder)) -> Report {
        self.replay_on("installed.img", Init::Trusts, sequence)
    }

    fn replay_on(&self, base: &str, init: Init, sequence: impl FnOnce(&Self, &Recorder)) -> Report {
        let scratch = tempfile::tempdir().unwrap();
        let written = scratch.path().join("disk.img");
        fs::copy(self.path(base), &written).unwrap();
        let disk = File::options().read(true).write(true).open(&written);
        let recorder = Recorder::new(disk.unwrap());
        sequence(self, &recorder);
        let phase = Phase {
            name: "sequence".to_owned(),
            base: self.path(base),
            log: scratch.path().join("disk.log"),
        };
        recorder.finish(&phase.log);
        let mut model = self.model().with_init(init);
        let report = phase.run(&mut model, CUTS).unwrap();
        shows_the_same_again(&phase, &mut model, &report);
        report
    }

    fn model(&self) -> Model {
        let open = || File::open(self.path("installed.img")).unwrap();
        let replay = Replay::new(open(), Log::none(open()), CUTS).unwrap();
        let files = BootFiles::of(&replay.end().unwrap()).unwrap();
        let images = vec![self.first.manifest.clone(), self.second.manifest.clone()];
        let keys = Keyring::new(1, vec![key().public()], vec![]).unwrap();
        Model::new(keys, images, files)
    }
}

/// The states that are shown again by their numbers are the ones that were judged.
fn shows_the_same_again(phase: &Phase, model: &mut Model, report: &Report) {
    let wanted: BTreeSet<usize> = (0..report.outcomes.len()).step_by(97).collect();
    let mut shown = BTreeSet::new();
    phase
        .revisit(CUTS, &wanted, |number, _, state| {
            assert_eq!(model.judge(state)?.class, report.outcomes[number]);
            shown.insert(number);
            Ok(())
        })
        .unwrap();
    assert_eq!(shown, wanted);
}

fn table(disk: &mut File) {
    let sectors = u32::try_from(DISK / 512).unwrap();
    ProtectiveMBR::with_lb_size(sectors - 1)
        .overwrite_lba0(disk)
        .unwrap();
    let mut table = GptConfig::new()
        .writable(true)
        .create_from_device(disk, None)
        .unwrap();
    for number in PartitionNumber::ALL {
        let range = range(number);
        let (first, length) = (range.start / 512, (range.end - range.start) / 512);
        table
            .add_partition_at(number.name(), number as u32, first, length, LINUX_FS, 0)
            .unwrap();
    }
    table.write().unwrap();
}
