//! What a machine does with a disk, without booting it: firmware, shim, GRUB, the kernel, qx-init and the
//! reader of the configuration.
//!
//! Secure Boot is taken to be on. What was read once is not read again for as long as its bytes stay the
//! same, so that a state costs microseconds unless it touches a slot.

mod boot;
mod config;
mod efi;
mod slot;
mod view;

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use anyhow::Result;
use qx_host::config::Config;
use qx_slots::{BootEnv, Keyring, Manifest, PartitionNumber, SlotName, SlotState};

use crate::disk::State;
use crate::gpt::{MARGIN, Table};

pub use boot::{Class, Init, Stuck};
pub use config::read_file as configuration_in;
pub use efi::{BootFiles, Efi};
pub use slot::Slot;
pub use view::View;

/// What was found out about a state.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What becomes of the machine.
    pub class: Class,
    /// The boot environment that GRUB goes by, if it comes that far and believes a copy.
    pub env: Option<BootEnv>,
    /// Slots that the environment calls good, or falls back to, and that are not whole.
    pub not_whole: Vec<SlotName>,
    /// The configuration that a boot would use, if there is one.
    pub config: Option<Rc<Config>>,
}

/// Place and fingerprint of what was read.
type Key = (u64, u128);

/// See the module.
pub struct Model {
    keys: Keyring,
    images: Vec<Manifest>,
    files: BootFiles,
    init: Init,
    tables: HashMap<(u128, u128), Option<Table>>,
    efi: HashMap<Key, Efi>,
    slots: HashMap<Key, Slot>,
    configs: HashMap<Key, Option<Rc<Config>>>,
}

impl Model {
    /// A machine that trusts `keys`. `images` are all images that are ever written to the disk, `files` the
    /// boot programs.
    #[must_use]
    pub fn new(keys: Keyring, images: Vec<Manifest>, files: BootFiles) -> Self {
        Self {
            keys,
            images,
            files,
            init: Init::Verifies,
            tables: HashMap::new(),
            efi: HashMap::new(),
            slots: HashMap::new(),
            configs: HashMap::new(),
        }
    }

    /// With another qx-init.
    #[must_use]
    pub fn with_init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    /// Turns the machine on with this disk.
    ///
    /// # Errors
    /// When the disk's files cannot be read; never because of what is in them.
    pub fn judge(&mut self, state: &State) -> Result<Verdict> {
        let mut verdict = Verdict {
            class: Class::NothingInstalled,
            env: None,
            not_whole: Vec::new(),
            config: None,
        };
        let Some(table) = self.table(state)? else {
            return Ok(verdict);
        };
        if let Some(range) = table.partition(PartitionNumber::Config) {
            verdict.config = self.config(state, range)?;
        }
        let efi = match table.partition(PartitionNumber::Efi) {
            Some(range) => self.efi(state, range),
            None => Efi::Nothing,
        };
        let copies = match efi {
            Efi::Nothing => return Ok(verdict),
            Efi::NoMenu => {
                verdict.class = Class::Unbootable(Stuck::NoMenu);
                return Ok(verdict);
            }
            Efi::Ready(copies) => copies,
        };
        verdict.env = copies.in_use().map(|(_, env)| env.clone());
        if let Some(env) = &verdict.env {
            for slot in SlotName::BOTH {
                let claimed = slot == env.confirmed || env.slot(slot).state == SlotState::Good;
                if claimed && self.slot(state, &table, slot) != Slot::Whole {
                    verdict.not_whole.push(slot);
                }
            }
        }
        let init = self.init;
        verdict.class = boot::start(copies, init, &mut |slot| Ok(self.slot(state, &table, slot)))?;
        Ok(verdict)
    }

    fn table(&mut self, state: &State) -> Result<Option<Table>> {
        let end = state.bytes();
        let key = (
            state.fingerprint(0..MARGIN),
            state.fingerprint(end.saturating_sub(MARGIN)..end),
        );
        if let Some(known) = self.tables.get(&key) {
            return Ok(known.clone());
        }
        let table = Table::read(state)?;
        self.tables.insert(key, table.clone());
        Ok(table)
    }

    fn efi(&mut self, state: &State, range: Range<u64>) -> Efi {
        let files = &self.files;
        self.efi
            .entry(key(state, &range))
            .or_insert_with(|| Efi::read(&View::new(state, range), files))
            .clone()
    }

    fn slot(&mut self, state: &State, table: &Table, slot: SlotName) -> Slot {
        let number = match slot {
            SlotName::A => PartitionNumber::SystemA,
            SlotName::B => PartitionNumber::SystemB,
        };
        let Some(range) = table.partition(number) else {
            return Slot::Refused;
        };
        let (images, keys) = (&self.images, &self.keys);
        *self
            .slots
            .entry(key(state, &range))
            .or_insert_with(|| Slot::read(&View::new(state, range), images, keys))
    }

    fn config(&mut self, state: &State, range: Range<u64>) -> Result<Option<Rc<Config>>> {
        let key = key(state, &range);
        if let Some(known) = self.configs.get(&key) {
            return Ok(known.clone());
        }
        let found = config::read(&View::new(state, range))?.map(Rc::new);
        self.configs.insert(key, found.clone());
        Ok(found)
    }
}

fn key(state: &State, range: &Range<u64>) -> Key {
    (range.start, state.fingerprint(range.clone()))
}
