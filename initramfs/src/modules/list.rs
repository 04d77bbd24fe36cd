//! The list of modules that a boot loads whatever the hardware: `CLASS MODULE` a line, written by the
//! build from `profiles/NAME/mkinitfs.conf`. Pure.

/// When a listed module is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// On every boot, before all others.
    First,
    /// On every boot.
    Always,
    /// When the image is on a disk's system partition.
    Slot,
    /// When the machine has no watchdog of its own.
    Softdog,
    /// When a device asks for it; from media only after a look at the disks that class `direct` drives.
    Hardware,
    /// As `Hardware`.
    Rare,
    /// When a device asks for it, and the boot is from a slot.
    Watchdog,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Always => "always",
            Self::Slot => "slot",
            Self::Softdog => "softdog",
            Self::Hardware => "hardware",
            Self::Rare => "rare",
            Self::Watchdog => "watchdog",
        }
    }
}

/// The modules of a class. Lines of the class `direct` only say what the build has to carry.
pub(crate) fn of_class(text: &str, class: Class) -> impl Iterator<Item = &str> {
    text.lines().filter_map(move |line| {
        let mut words = line.split_ascii_whitespace();
        (words.next() == Some(class.name()))
            .then(|| words.next())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_told_apart() {
        let text = "always squashfs\nslot ext4\nhardware ahci\nalways overlay\n\n";
        assert_eq!(
            of_class(text, Class::Always).collect::<Vec<_>>(),
            ["squashfs", "overlay"]
        );
        assert_eq!(of_class(text, Class::Slot).collect::<Vec<_>>(), ["ext4"]);
        assert_eq!(of_class(text, Class::Softdog).count(), 0);
    }
}
