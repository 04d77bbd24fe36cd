//! The drivers of this boot: which are loaded at once, which wait, and those of devices that appear later.

use std::time::{Duration, Instant};

use crate::cmdline::Source;
use crate::failure::Failure;
use crate::log;
use crate::modules::{Class, Loader};
use crate::uevent::Uevents;

/// How long a person's keyboard behind USB hubs, and the disks of slow controllers, may take to appear.
const APPEARING: Duration = Duration::from_secs(3);

pub(crate) struct Drivers {
    uevents: Uevents,
    loader: Loader,
    /// Classes that no device gets, once all others have been let in.
    never: &'static [Class],
    waiting: bool,
}

impl Drivers {
    /// Loads what this kind of boot needs and what the hardware asks for. From media, drivers of buses and
    /// controllers wait until the disks without them have been looked at: mostly they are loaded in vain.
    /// And a medium has no second version to fall back to, so its boot does not look for the machine's
    /// watchdog: the kernel's restarts it.
    pub(crate) fn load(source: &Source) -> Result<Self, Failure> {
        let (first_without, never, classes): (&[Class], &[Class], &[Class]) = match source {
            Source::Media(_) => (
                &[Class::Hardware, Class::Rare, Class::Watchdog],
                &[Class::Watchdog],
                &[Class::Always],
            ),
            Source::Slot { .. } => (&[], &[], &[Class::Always, Class::Slot]),
        };
        let uevents = Uevents::open().map_err(Failure::system("listen for new devices"))?;
        let mut loader =
            Loader::open(first_without).map_err(Failure::system("read the list of modules"))?;
        loader.load_listed(Class::First);
        loader.load_listed_and_present(classes);
        Ok(Self {
            uevents,
            loader,
            never,
            waiting: first_without != never,
        })
    }

    /// The kernel's own watchdog.
    pub(crate) fn load_softdog(&mut self) {
        self.loader.load_listed(Class::Softdog);
    }

    /// Loads the drivers that wait. Says whether there were any.
    pub(crate) fn load_waiting(&mut self) -> bool {
        if !std::mem::take(&mut self.waiting) {
            return false;
        }
        self.loader.refuse_only(self.never);
        true
    }

    /// Loads the drivers of what appears until a disk is among it, or this time is over.
    pub(crate) fn listen(&mut self, time: Duration) -> Result<(), Failure> {
        let until = Instant::now() + time;
        while !self.hear(until)? {}
        Ok(())
    }

    /// For a person who is about to type: keyboards, and the disks that know passwords.
    pub(crate) fn load_for_a_person(&mut self) {
        if !self.load_waiting() {
            return;
        }
        let until = Instant::now() + APPEARING;
        while Instant::now() < until {
            if let Err(error) = self.hear(until) {
                log::warning(&format!("devices that appear are not heard of: {error:?}"));
                return;
            }
        }
    }

    /// One piece of news. Says whether a disk is among it or the time is over.
    fn hear(&mut self, until: Instant) -> Result<bool, Failure> {
        let left = until.saturating_duration_since(Instant::now());
        let news = self
            .uevents
            .wait(left)
            .map_err(Failure::system("listen for new devices"))?;
        self.loader.load_for(&news.devices);
        if news.lost {
            self.loader.load_listed_and_present(&[]);
        }
        Ok(news.block || left.is_zero())
    }
}
