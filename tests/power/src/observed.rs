//! What a real machine did, by its serial line, in the model's words. The kernel must have been told
//! `loglevel=7`, so that qx-init's notes are on the line.

use qx_slots::{Because, SlotName};

use crate::model::Class;

const GRUB_LOADS: &str = "Loading slot ";
/// In the command line, which the kernel shows twice.
const KERNEL: &str = "BOOT_IMAGE=";
const QX_INIT_IS_DONE: &str = "qx-init: switching to the system at";
const CONFIGURATION: &str = "EXT4-fs (vda4): mounted filesystem";
const NOTHING_TO_START: &str = "No bootable option or device was found";

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What became of the machine.
    pub class: Class,
    /// Whether the kernel mounted the configuration's partition of a virtio disk.
    pub configuration: bool,
}

/// What the line says so far; `None` when it is not decided. Decided means that firmware found nothing, or that
/// qx-init has verified a slot and mounted everything.
#[must_use]
pub fn observe(serial: &str) -> Option<Observed> {
    let first = serial
        .split_once(GRUB_LOADS)
        .and_then(|(_, rest)| slot(rest));
    let Some((_, kernel)) = serial.rsplit_once(KERNEL) else {
        let nothing = first.is_none() && serial.contains(NOTHING_TO_START);
        return nothing.then_some(Observed {
            class: Class::NothingInstalled,
            configuration: false,
        });
    };
    let (line, after) = kernel.split_once('\n')?;
    if !after.contains(QX_INIT_IS_DONE) {
        return None;
    }
    let word = |wanted: &str| line.split_whitespace().any(|word| word == wanted);
    let slot = SlotName::BOTH
        .into_iter()
        .find(|slot| word(&format!("quantix.slot={slot}")))?;
    let because = if word("quantix.try=1") {
        Because::Pending
    } else if word("quantix.last=1") {
        Because::LastResort
    } else if word("quantix.env=lost") {
        Because::EnvLost
    } else {
        Because::Good
    };
    let class = match first.filter(|first| *first != slot) {
        None => Class::Boots { slot, because },
        Some(refused) => Class::RefusedThenBoots {
            slot,
            because,
            refused,
        },
    };
    Some(Observed {
        class,
        configuration: after.contains(CONFIGURATION),
    })
}

fn slot(text: &str) -> Option<SlotName> {
    SlotName::BOTH
        .into_iter()
        .find(|slot| text.starts_with(slot.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRMWARE: &str = "BdsDxe: loading Boot0001 \"UEFI Misc Device\"\n";
    const NOTHING: &str = "BdsDxe: No bootable option or device was found.\n";

    fn kernel(slot: &str, arguments: &str) -> String {
        format!(
            "Loading slot {slot} ...\nLoading slot {slot} ...\n[    0.0] Kernel command line: \
             BOOT_IMAGE=(hd0,gpt2)/vmlinuz quantix.slot={slot} quantix.partuuid=x panic=10 {arguments}\n"
        )
    }

    const DONE: &str = "[ 2.0] EXT4-fs (vda4): mounted filesystem x r/w\n[ 2.1] qx-init: switching to the system at 2100 ms\n";

    fn boots(slot: SlotName, because: Because) -> Option<Observed> {
        Some(Observed {
            class: Class::Boots { slot, because },
            configuration: true,
        })
    }

    #[test]
    fn a_slot_runs_when_everything_is_mounted_and_not_before() {
        let text = FIRMWARE.to_owned() + &kernel("A", "");
        assert_eq!(observe(FIRMWARE), None);
        assert_eq!(observe(&text), None);
        assert_eq!(observe(&(text + DONE)), boots(SlotName::A, Because::Good));
    }

    #[test]
    fn the_boot_loader_says_why_it_chose_a_slot() {
        for (word, because) in [
            ("quantix.try=1", Because::Pending),
            ("quantix.last=1", Because::LastResort),
            ("quantix.env=lost", Because::EnvLost),
        ] {
            let text = kernel("B", word) + DONE;
            assert_eq!(observe(&text), boots(SlotName::B, because));
        }
    }

    #[test]
    fn the_last_kernel_counts_and_the_first_slot_that_was_loaded() {
        let text = kernel("B", "quantix.try=1") + "Kernel panic\n" + &kernel("A", "");
        assert_eq!(observe(&text), None);
        let expected = Class::RefusedThenBoots {
            slot: SlotName::A,
            because: Because::Good,
            refused: SlotName::B,
        };
        let observed = observe(&(text + "qx-init: switching to the system at 9 ms\n")).unwrap();
        assert_eq!(observed.class, expected);
        assert!(!observed.configuration);
    }

    #[test]
    fn firmware_that_finds_nothing_is_told_from_one_that_found_a_slot() {
        let observed = observe(NOTHING).unwrap();
        assert_eq!(observed.class, Class::NothingInstalled);
        assert_eq!(observe(&(kernel("A", "") + NOTHING)), None);
    }
}
