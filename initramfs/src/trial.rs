//! Tells the boot environment how the start of a slot goes: how far a slot on trial came, and that a slot
//! cannot be started at all. The boot loader and the running system decide by it.

use std::io;
use std::path::Path;

use qx_host::boot_env::{self, Devices};
use qx_slots::{BootEnv, Reason, SlotName, Stage};

use crate::block;
use crate::cmdline::Source;
use crate::log;
use crate::medium::CLASS;
use crate::partition_table::with_partuuid;

/// Notes that a slot on trial came so far. What can't be noted does not stop the boot: it would be told
/// wrong why a trial failed, and nothing else.
pub(crate) fn reached(source: &Source, stage: Stage) {
    note(source, |env, slot| env.reached(slot, stage));
}

/// Notes that this slot cannot be started: the boot loader takes the other one from now on.
pub(crate) fn failed(source: &Source) {
    note(source, |env, slot| env.mark_failed(slot, Reason::Verify));
}

fn note(source: &Source, change: impl FnOnce(&mut BootEnv, SlotName)) {
    let Source::Slot { slot, partuuid } = source else {
        return;
    };
    if let Err(error) = write(*slot, partuuid, change) {
        log::warning(&format!("the boot environment was not changed: {error}"));
    }
}

fn write(
    slot: SlotName,
    partuuid: &str,
    change: impl FnOnce(&mut BootEnv, SlotName),
) -> io::Result<()> {
    let all = block::devices(Path::new(CLASS));
    let found = with_partuuid(&all, partuuid);
    let system = found.first().ok_or(io::ErrorKind::NotFound)?;
    boot_env::change(&system.node(), &Devices::default(), |env| change(env, slot))
}
