//! Tells the boot environment how the start of a slot goes: how far a slot on trial came, and that a slot
//! cannot be started at all. The boot loader and the running system decide by it.

use std::io;
use std::path::Path;

use qx_host::boot_env::{self, Devices};
use qx_slots::{BootEnv, KernelArgs, Reason, SlotName, Stage};

use crate::block;
use crate::cmdline::Source;
use crate::log;
use crate::medium::CLASS;
use crate::partition_table::with_partuuid;

/// Notes that a slot on trial came so far. What can't be noted does not stop the boot: it would be told
/// wrong why a trial failed, and nothing else.
pub(crate) fn reached(source: &Source, stage: Stage) {
    note(source, |system, devices, slot| {
        boot_env::change(system, devices, |env| env.reached(slot, stage))
    });
}

/// Notes that this slot cannot be started: the boot loader takes the other one from now on. Says whether it
/// could be noted. An environment that is lost is made anew for that.
pub(crate) fn failed(source: &Source, env_lost: bool) -> bool {
    note(source, |system, devices, slot| {
        if env_lost {
            let renewed = BootEnv::renewed(slot.other(), KernelArgs::default());
            boot_env::renew(system, devices, &renewed)?;
        }
        boot_env::change(system, devices, |env| {
            env.mark_failed(slot, Reason::Verify);
        })
    })
}

fn note(source: &Source, change: impl FnOnce(&Path, &Devices, SlotName) -> io::Result<()>) -> bool {
    let Source::Slot { slot, partuuid } = source else {
        return false;
    };
    let all = block::devices(Path::new(CLASS));
    let found = with_partuuid(&all, partuuid);
    let noted = match found.first() {
        Some(system) => change(&system.node(), &Devices::default(), *slot),
        None => Err(io::ErrorKind::NotFound.into()),
    };
    if let Err(error) = &noted {
        log::warning(&format!("the boot environment was not changed: {error}"));
    }
    noted.is_ok()
}
