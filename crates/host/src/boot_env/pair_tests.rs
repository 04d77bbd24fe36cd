//! Power cuts and failing disks while the environments of a mirrored pair are changed and slots are written: whatever
//! was done when it happened, each disk alone starts only what is whole on that disk.

use std::cell::{Cell, RefCell};
use std::io::{self, Cursor, Write};

use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions};
use proptest::collection::vec;
use proptest::prelude::*;
use qx_slots::{
    Because, BlockIo, BootEnv, EnvStore, KernelArgs, Reason, SlotName, Stage, TransitionError, boot,
};

use super::{apply, follow};

/// What a slot holds: a version, or nothing whole.
type Content = Option<u32>;

/// An EFI partition and two slots, which take this many more writes.
struct Disk {
    efi: RefCell<Vec<u8>>,
    slots: Cell<[Content; 2]>,
    left: Cell<u32>,
}

impl BlockIo for Disk {
    fn sector_bytes(&self) -> usize {
        512
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        bytes.copy_from_slice(&self.efi.borrow()[start..start + bytes.len()]);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.spend()?;
        let start = usize::try_from(offset).unwrap();
        self.efi.borrow_mut()[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

impl Disk {
    fn installed() -> Self {
        let mut image = Cursor::new(vec![0; 1 << 20]);
        let options = FormatVolumeOptions::new().fat_type(FatType::Fat12);
        fatfs::format_volume(&mut image, options).unwrap();
        image.set_position(0);
        let system = FileSystem::new(&mut image, FsOptions::new()).unwrap();
        system.root_dir().create_dir("QUANTIX").unwrap();
        for name in ["QUANTIX/ENV1", "QUANTIX/ENV2"] {
            let mut file = system.root_dir().create_file(name).unwrap();
            let env = BootEnv::installed(KernelArgs::default());
            file.write_all(&env.encode()).unwrap();
        }
        system.unmount().unwrap();
        Self {
            efi: RefCell::new(image.into_inner()),
            slots: Cell::new([Some(1), Some(1)]),
            left: Cell::new(u32::MAX),
        }
    }

    fn spend(&self) -> io::Result<()> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.unwrap_or(0));
        left.map(drop).ok_or_else(|| io::ErrorKind::Other.into())
    }

    fn put(&self, slot: SlotName, content: Content) -> io::Result<()> {
        self.spend()?;
        let mut slots = self.slots.get();
        slots[slot as usize] = content;
        self.slots.set(slots);
        Ok(())
    }

    /// Half-way through it holds nothing whole.
    fn write_slot(&self, slot: SlotName, version: u32) -> io::Result<()> {
        self.put(slot, None)?;
        self.put(slot, Some(version))
    }

    fn env(&self) -> BootEnv {
        let copies = EnvStore::open(self).unwrap().read().unwrap();
        copies.in_use().unwrap().1.clone()
    }

    /// What GRUB starts of its own accord is whole, and there is something.
    fn starts(&self) {
        let copies = EnvStore::open(self).unwrap().read().unwrap();
        let plan = boot(&copies);
        let mut attempts = 0;
        for attempt in plan.attempts {
            if matches!(attempt.because, Because::Pending | Because::Good) {
                attempts += 1;
                let content = self.slots.get()[attempt.slot as usize];
                assert!(content.is_some(), "{attempt:?} in {:?}", self.env());
            }
        }
        assert!(attempts > 0, "nothing starts: {:?}", self.env());
    }
}

/// The first disk, and the other one as long as it is in the mirror.
struct Pair<'a>(&'a Disk, Cell<Option<&'a Disk>>);

impl Pair<'_> {
    fn change(
        &self,
        change: impl FnOnce(&mut BootEnv) -> Result<(), TransitionError>,
    ) -> io::Result<()> {
        let change = |env: &mut BootEnv| change(env).map_err(io::Error::other);
        let (env, ()) = apply(self.0, change)?;
        if let Some(other) = self.1.get()
            && follow(other, &env).is_err()
        {
            self.1.set(None);
        }
        Ok(())
    }

    /// As `Installed::stage` does it.
    fn stage(&self, slot: SlotName, version: u32) -> io::Result<()> {
        self.change(|env| env.begin_write(slot))?;
        self.0.write_slot(slot, version)?;
        if let Some(other) = self.1.get()
            && other.write_slot(slot, version).is_err()
        {
            self.1.set(None);
        }
        self.change(|env| env.written(slot))
    }
}

#[derive(Debug, Clone)]
enum Step {
    Stage(SlotName),
    Try(SlotName),
    Reached(SlotName, Stage),
    Confirm(SlotName),
    Fail(SlotName),
    Arguments(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let slot = || prop_oneof![Just(SlotName::A), Just(SlotName::B)];
    prop_oneof![
        3 => slot().prop_map(Step::Stage),
        2 => slot().prop_map(Step::Try),
        1 => slot().prop_map(|slot| Step::Reached(slot, Stage::System)),
        3 => slot().prop_map(Step::Confirm),
        1 => slot().prop_map(Step::Fail),
        1 => (0..4_u8).prop_map(Step::Arguments),
    ]
}

/// What a step may not do, or the disk does not take, is left undone.
fn take(pair: &Pair<'_>, version: u32, step: &Step) {
    let done = match step {
        Step::Stage(slot) => pair.stage(*slot, version),
        Step::Try(slot) => pair.change(|env| env.make_pending(*slot)),
        Step::Reached(slot, stage) => pair.change(|env| {
            env.reached(*slot, *stage);
            Ok(())
        }),
        Step::Confirm(slot) => pair.change(|env| env.confirm(*slot)),
        Step::Fail(slot) => pair.change(|env| {
            // The slot that works is not given up.
            if env.confirmed != *slot {
                env.mark_failed(*slot, Reason::System);
            }
            Ok(())
        }),
        Step::Arguments(number) => pair.change(|env| {
            env.args = format!("quantix.number={number}").parse().unwrap();
            Ok(())
        }),
    };
    drop(done);
}

proptest! {
    #[test]
    fn after_a_power_cut_each_disk_alone_starts_what_is_whole(
        before in vec(step(), 0..8),
        cut in 0_u32..40,
        cut_by_first in any::<bool>(),
        steps in vec(step(), 1..8),
    ) {
        let (first, second) = (Disk::installed(), Disk::installed());
        let pair = Pair(&first, Cell::new(Some(&second)));
        for (version, step) in (2..).zip(&before) {
            take(&pair, version, step);
        }
        // The power fails for both at once: when the one stops, the other takes nothing any more.
        let trigger = if cut_by_first { &first } else { &second };
        trigger.left.set(cut);
        for (version, step) in (20..).zip(&steps) {
            take(&pair, version, step);
            if trigger.left.get() == 0 {
                first.left.set(0);
                second.left.set(0);
            }
        }
        first.starts();
        second.starts();

        // It comes back, and the first change brings both in step. If the second stopped first, it was put out.
        first.left.set(u32::MAX);
        second.left.set(u32::MAX);
        if cut_by_first {
            let pair = Pair(&first, Cell::new(Some(&second)));
            pair.change(|env| {
                env.args = "quantix.back=1".parse().unwrap();
                Ok(())
            })?;
            let (a, b) = (first.env(), second.env());
            prop_assert_eq!(a.followed_by(b.clone()), a.followed_by(a.clone()));
            first.starts();
            second.starts();
        }
    }

    #[test]
    fn a_disk_that_fails_stays_behind_whole_and_the_other_goes_on(
        fails_after in 0_u32..40,
        steps in vec(step(), 1..12),
    ) {
        let (first, second) = (Disk::installed(), Disk::installed());
        second.left.set(fails_after);
        let pair = Pair(&first, Cell::new(Some(&second)));
        let alone = Disk::installed();
        let single = Pair(&alone, Cell::new(None));
        for (version, step) in (2..).zip(&steps) {
            take(&pair, version, step);
            take(&single, version, step);
        }
        first.starts();
        second.starts();
        prop_assert_eq!(first.env(), alone.env());
        prop_assert_eq!(first.slots.get(), alone.slots.get());
    }
}

#[test]
fn a_disk_that_is_one_change_behind_is_brought_in_step_by_the_next() {
    let (first, second) = (Disk::installed(), Disk::installed());
    let confirm = |env: &mut BootEnv| env.confirm(SlotName::B).map_err(io::Error::other);
    apply(&first, confirm).unwrap();
    assert_eq!(second.env().confirmed, SlotName::A);
    let pair = Pair(&first, Cell::new(Some(&second)));
    // Nothing changes on the first.
    pair.change(|_| Ok(())).unwrap();
    assert_eq!(second.env().confirmed, SlotName::B);
}
