//! The boot environment: torn blocks are known as torn, no power cut while it is changed loses it, and no
//! sequence of changes leads to a machine that starts what was never verified.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::process::Command;
use std::sync::OnceLock;

use proptest::prelude::*;
use qx_slots::{
    Because, BlockIo, BootEnv, Copies, ENV_BYTES, EnvError, EnvStore, KernelArgs, Pending, Reason,
    SlotName, SlotState, Stage, StoreError, TRIES, boot, fat,
};

fn env(args: &str) -> BootEnv {
    BootEnv::installed(args.parse().unwrap())
}

fn any_slot() -> impl Strategy<Value = SlotName> {
    prop_oneof![Just(SlotName::A), Just(SlotName::B)]
}

/// What our programs can ask of an environment.
#[derive(Clone, Debug)]
enum Change {
    BeginWrite(SlotName),
    Written(SlotName),
    MakePending(SlotName),
    Reached(SlotName, Stage),
    Confirm(SlotName),
    Fail(SlotName, Reason),
    /// GRUB starts; the first `refused` slots of its plan are refused, and the system of the next one settles.
    Boot(usize),
}

fn any_change() -> impl Strategy<Value = Change> {
    let stage = prop::sample::select(Stage::ALL);
    let reason = prop::sample::select(Reason::ALL);
    prop_oneof![
        any_slot().prop_map(Change::BeginWrite),
        any_slot().prop_map(Change::Written),
        any_slot().prop_map(Change::MakePending),
        (any_slot(), stage).prop_map(|(slot, stage)| Change::Reached(slot, stage)),
        any_slot().prop_map(Change::Confirm),
        (any_slot(), reason).prop_map(|(slot, reason)| Change::Fail(slot, reason)),
        (0_usize..4).prop_map(Change::Boot),
    ]
}

/// What is really in the slots, beside what the environment says of them.
struct Host {
    env: BootEnv,
    /// Slots whose content was read back.
    whole: [bool; 2],
}

impl Host {
    fn new() -> Self {
        Self {
            env: env(""),
            whole: [true, true],
        }
    }

    fn whole(&mut self, slot: SlotName) -> &mut bool {
        &mut self.whole[usize::from(slot == SlotName::B)]
    }

    fn apply(&mut self, change: &Change) {
        match *change {
            Change::BeginWrite(slot) => {
                if self.env.begin_write(slot).is_ok() {
                    *self.whole(slot) = false;
                }
            }
            // The updater says so only after it has read the slot back.
            Change::Written(slot) => {
                if self.env.written(slot).is_ok() {
                    *self.whole(slot) = true;
                }
            }
            Change::MakePending(slot) => drop(self.env.make_pending(slot)),
            Change::Reached(slot, stage) => self.env.reached(slot, stage),
            Change::Confirm(slot) => drop(self.env.confirm(slot)),
            Change::Fail(slot, reason) => self.env.mark_failed(slot, reason),
            Change::Boot(refused) => self.boot(refused),
        }
    }

    fn boot(&mut self, refused: usize) {
        let copies = Copies {
            first: Some(self.env.clone()),
            second: Some(self.env.clone()),
        };
        let plan = boot(&copies);
        let tries = |env: &BootEnv| env.pending.map_or(0, |pending| pending.left);
        if let Some(counted) = &plan.counted {
            assert_eq!(tries(counted) + 1, tries(&self.env), "a try costs one");
            self.env = counted.clone();
        }
        for attempt in &plan.attempts {
            if matches!(attempt.because, Because::Pending | Because::Good) {
                assert!(*self.whole(attempt.slot), "{attempt:?} of {:?}", self.env);
            }
            if attempt.because == Because::Pending {
                assert_ne!(
                    attempt.slot, self.env.confirmed,
                    "the confirmed slot is never counted"
                );
            }
        }
        let last = plan.attempts.last().unwrap();
        assert_eq!(last.because, Because::LastResort);
        let confirmed = self.env.confirmed;
        assert!(
            plan.attempts
                .iter()
                .any(|attempt| attempt.slot == confirmed)
        );
        let Some(started) = plan.attempts.get(refused) else {
            return;
        };
        let before = refused
            .checked_sub(1)
            .and_then(|index| plan.attempts.get(index));
        self.env
            .settle(started.slot, before.map(|attempt| attempt.slot));
    }
}

proptest! {
    #[test]
    fn no_sequence_of_changes_starts_a_slot_that_was_not_read_back(
        changes in prop::collection::vec(any_change(), 0..60)
    ) {
        let mut host = Host::new();
        for change in &changes {
            host.apply(change);
            prop_assert_eq!(BootEnv::decode(&host.env.encode()), Ok(host.env.clone()));
        }
        host.boot(0);
    }

    #[test]
    fn a_torn_block_is_the_old_one_the_new_one_or_none(
        changes in prop::collection::vec(any_change(), 1..8),
        generations in 0_usize..12,
        cut in 0..ENV_BYTES,
        args in "[a-z=]{0,20}",
    ) {
        let mut host = Host::new();
        for _ in 0..generations {
            host.env = host.env.followed_by(host.env.clone());
        }
        let old = host.env.clone();
        for change in &changes {
            host.apply(change);
        }
        let mut new = old.followed_by(host.env.clone());
        new.args = args.parse().unwrap();
        let torn = [&new.encode()[..cut], &old.encode()[cut..]].concat();
        if let Ok(read) = BootEnv::decode(&torn) {
            prop_assert!(read == old || read == new, "{read:?}");
        }
    }

    #[test]
    fn nonsense_is_refused_and_never_panics(
        position in 0..ENV_BYTES, byte in any::<u8>(), noise in prop::collection::vec(any::<u8>(), 0..600)
    ) {
        let mut block = env("quiet").encode();
        block[position] = byte;
        let _ = BootEnv::decode(&block);
        prop_assert!(BootEnv::decode(&noise).is_err());
    }
}

#[test]
fn a_block_is_what_grub_reads() {
    let mut env = env("console=ttyS0,115200 intel_iommu=on");
    env.make_pending(SlotName::B).unwrap();
    let text = String::from_utf8(env.encode().to_vec()).unwrap();
    let record = "# GRUB Environment Block\nqx_gen=1000000001\nqx_boot=a\nqx_try=b\nqx_left=3\nqx_stage=0\n\
        qx_a=g\nqx_b=g\nqx_why_a=-\nqx_why_b=-\nqx_args=console=ttyS0,115200 intel_iommu=on\n\
        qx_end=1000000001\n";
    assert_eq!(text.trim_end_matches('#'), record);
    assert_eq!(text.len(), 512);
}

#[test]
fn the_longest_environment_fits() {
    let mut env = env(&"x".repeat(160));
    env.mark_failed(SlotName::A, Reason::Services);
    env.mark_failed(SlotName::B, Reason::Services);
    assert_eq!(BootEnv::decode(&env.encode()), Ok(env));
}

#[test]
fn arguments_that_mean_something_to_grub_are_refused() {
    for text in [
        "a  b",
        " a",
        "a ",
        "a\nb",
        "$x",
        "a;b",
        "a'b",
        "a\"b",
        "a\\b",
        "{a}",
        &"x".repeat(161),
    ] {
        let refused: Result<KernelArgs, EnvError> = text.parse();
        assert!(refused.is_err(), "{text:?}");
    }
}

#[test]
fn a_trial_ends_with_the_reason_that_its_stage_tells() {
    for (stage, reason) in [
        (Stage::Kernel, Reason::Kernel),
        (Stage::Init, Reason::Init),
        (Stage::Verified, Reason::System),
        (Stage::System, Reason::System),
    ] {
        let mut env = env("");
        env.make_pending(SlotName::B).unwrap();
        env.reached(SlotName::B, stage);
        assert!(
            !env.clone().settle(SlotName::A, None),
            "there are tries left"
        );
        env.pending = env.pending.map(|pending| Pending { left: 0, ..pending });
        assert!(!env.clone().settle(SlotName::B, None), "its last try runs");
        assert!(env.settle(SlotName::A, None));
        assert_eq!(env.b.state, SlotState::Failed);
        assert_eq!(env.b.reason, Some(reason));
        assert_eq!(env.pending, None);
    }
    let mut env = env("");
    env.make_pending(SlotName::B).unwrap();
    assert!(env.settle(SlotName::A, Some(SlotName::B)));
    assert_eq!(env.b.reason, Some(Reason::Refused));
}

#[test]
fn the_confirmed_slot_is_not_written_and_an_unwritten_one_not_tried() {
    let mut env = env("");
    env.begin_write(SlotName::A).unwrap_err();
    env.make_pending(SlotName::A).unwrap_err();
    env.begin_write(SlotName::B).unwrap();
    env.make_pending(SlotName::B).unwrap_err();
    env.confirm(SlotName::B).unwrap_err();
    env.written(SlotName::B).unwrap();
    env.make_pending(SlotName::B).unwrap();
    assert_eq!(env.pending.map(|pending| pending.left), Some(TRIES));
    env.confirm(SlotName::B).unwrap();
    assert_eq!((env.confirmed, env.pending), (SlotName::B, None));
}

/// An EFI partition in memory whose power fails after so many whole writes, within the next one.
struct Partition {
    bytes: RefCell<Vec<u8>>,
    sector: usize,
    /// Whole writes left, and bytes of the next one that still arrive.
    power: Cell<Option<(usize, usize)>>,
    cut: Cell<bool>,
}

/// EFI partitions of each kind of FAT: 12, 16 and 32 bits.
fn images() -> &'static [Vec<u8>; 3] {
    static IMAGES: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    IMAGES.get_or_init(|| {
        [("12", "2048"), ("16", "16384"), ("32", "40960")].map(|(kind, kib)| {
            let dir = tempfile::tempdir().unwrap();
            let at = |name: &str| dir.path().join(name).display().to_string();
            let run = |program: &str, arguments: &[&str]| {
                let output = Command::new(program).args(arguments).output().unwrap();
                assert!(output.status.success(), "{program}: {output:?}");
            };
            fs::write(at("block"), env("quiet").encode()).unwrap();
            fs::write(at("pad"), vec![0; 65536]).unwrap();
            run("mkfs.vfat", &["-F", kind, "-C", &at("efi"), kib]);
            run("mmd", &["-i", &at("efi"), "::/quantix"]);
            for (from, to) in [
                ("pad", "pad1"),
                ("block", "env1"),
                ("pad", "pad2"),
                ("block", "env2"),
            ] {
                run(
                    "mcopy",
                    &["-i", &at("efi"), &at(from), &format!("::/quantix/{to}")],
                );
            }
            fs::read(at("efi")).unwrap()
        })
    })
}

impl Partition {
    fn new(image: &[u8]) -> Self {
        Self {
            bytes: RefCell::new(image.to_vec()),
            sector: 512,
            power: Cell::new(None),
            cut: Cell::new(false),
        }
    }
}

impl BlockIo for Partition {
    fn sector_bytes(&self) -> usize {
        self.sector
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        assert!(start.is_multiple_of(self.sector) && bytes.len().is_multiple_of(self.sector));
        let all = self.bytes.borrow();
        let found = all.get(start..start + bytes.len());
        bytes.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        assert!(start.is_multiple_of(self.sector) && bytes.len() == self.sector);
        let arrives = match self.power.get() {
            None => bytes.len(),
            Some((0, part)) => {
                self.cut.set(true);
                part.min(bytes.len())
            }
            Some((whole, part)) => {
                self.power.set(Some((whole - 1, part)));
                bytes.len()
            }
        };
        self.bytes.borrow_mut()[start..start + arrives].copy_from_slice(&bytes[..arrives]);
        if self.cut.get() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    }
}

#[test]
fn a_power_cut_at_any_byte_of_a_change_leaves_the_old_or_the_new_environment() {
    let mut old = env("quiet");
    old.make_pending(SlotName::B).unwrap();
    let mut new = old.clone();
    new.confirm(SlotName::B).unwrap();
    let (mut kept, mut changed) = (0, 0);
    for whole in 0..2 {
        for part in 0..=ENV_BYTES {
            let partition = Partition::new(&images()[0]);
            let store = EnvStore::open(&partition).unwrap();
            store.write(&old).unwrap();
            partition.power.set(Some((whole, part)));
            assert!(matches!(store.write(&new), Err(StoreError::Write(_))));
            assert!(partition.cut.get(), "the power did not fail");
            let copies = store.read().unwrap();
            let (_, read) = copies.in_use().expect("an environment is left");
            if read.confirmed == SlotName::A {
                assert_eq!(read.pending, old.pending);
                assert_eq!(whole, 0, "the first copy was written whole");
                kept += 1;
            } else {
                assert_eq!((read.pending, read.b), (None, new.b));
                changed += 1;
            }
            // The next change repairs both copies.
            partition.power.set(None);
            partition.cut.set(false);
            store.write(&new).unwrap();
            let copies = store.read().unwrap();
            assert_eq!(copies.first, copies.second);
            assert_eq!(copies.first.map(|env| env.confirmed), Some(SlotName::B));
        }
    }
    assert!(
        kept > 100 && changed > 500,
        "{kept} kept, {changed} changed"
    );
}

#[test]
fn a_disk_that_forgets_what_is_written_is_noticed() {
    struct Forgetful(Partition);
    impl BlockIo for Forgetful {
        fn sector_bytes(&self) -> usize {
            self.0.sector_bytes()
        }
        fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
            self.0.read_at(offset, bytes)
        }
        fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
    }
    let partition = Forgetful(Partition::new(&images()[0]));
    let store = EnvStore::open(&partition).unwrap();
    let mut new = env("quiet");
    new.make_pending(SlotName::B).unwrap();
    assert!(matches!(store.write(&new), Err(StoreError::ReadBack)));
}

#[test]
fn files_are_found_and_what_is_not_there_is_not() {
    for image in images() {
        let partition = Partition::new(image);
        let [first, second] = ["ENV1", "env2"].map(|name| {
            let found = fat::locate(&partition, &["QUANTIX", name]).unwrap();
            found.unwrap()
        });
        assert_eq!((first.size, second.size), (512, 512));
        assert!(second.offset - first.offset >= 65536);
        for path in [
            &["QUANTIX", "ENV3"][..],
            &["ABSENT", "ENV1"],
            &["QUANTIX"],
            &[],
        ] {
            assert_eq!(fat::locate(&partition, path).unwrap(), None, "{path:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a damaged partition says, finding a file on it ends, without a panic.
    #[test]
    fn a_damaged_file_system_is_survived(
        kind in 0_usize..3,
        damage in prop::collection::vec((0_usize..400_000, any::<u8>()), 1..40),
        boot_sector in prop::collection::vec((0_usize..64, any::<u8>()), 0..6),
    ) {
        let partition = Partition::new(&images()[kind]);
        {
            let mut bytes = partition.bytes.borrow_mut();
            for (position, byte) in damage.into_iter().chain(boot_sector) {
                bytes[position] = byte;
            }
        }
        if let Ok(store) = EnvStore::open(&partition) {
            let _ = store.read();
        }
    }
}
