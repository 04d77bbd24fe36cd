//! What went wrong, in words for the person at the screen, and what becomes of the machine. Pure.

use std::io;

use qx_slots::ManifestError;
use thiserror::Error;

use crate::cmdline::{CommandLineError, Source};
use crate::copy::CopyError;

/// Below this the image and a working system do not fit, whatever else is tried.
pub(crate) const LEAST_MEMORY_MIB: u64 = 768;

/// Why the boot cannot go on.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    CommandLine(#[from] CommandLineError),
    #[error("this machine has {have_mib} MiB of memory")]
    Memory { have_mib: u64 },
    #[error("{source_text} was not found within {seconds} seconds")]
    NotFound { source_text: String, seconds: u64 },
    #[error("{name} is missing on {place}")]
    Missing { name: String, place: String },
    #[error("{name} on {place} cannot be read")]
    Read {
        name: String,
        place: String,
        source: io::Error,
    },
    #[error("the image on {place} is not to be trusted")]
    Manifest {
        place: String,
        source: ManifestError,
    },
    #[error("the image on {place} is damaged or was changed")]
    Part { place: String, source: CopyError },
    #[error("cannot {doing}")]
    System {
        doing: &'static str,
        source: io::Error,
    },
}

impl Failure {
    /// For `map_err`: what qx-init was about to do.
    pub(crate) fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { doing, source }
    }

    /// The whole message: what happened, why, what to do.
    pub(crate) fn message(&self, outcome: Outcome) -> String {
        let mut why = String::new();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            why.push_str(&format!("\n    because {error}"));
            cause = error.source();
        }
        format!(
            "\n\nQuantix-OS cannot start: {self}.{why}\n\n    {}\n    {}\n\n",
            self.advice(),
            outcome.announcement()
        )
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::CommandLine(_) => "Start the machine without changes to the boot menu's entries.",
            Self::Memory { .. } => "Quantix-OS needs 1 GiB. Give the machine more memory.",
            Self::NotFound { .. } => {
                "Check that the disk, disc or stick is still connected, or try another port or drive."
            }
            Self::Manifest {
                source: ManifestError::Unreadable(_),
                ..
            } => "Boot and image belong to different versions. Write the whole medium again.",
            Self::Part {
                source: CopyError::Write { .. },
                ..
            } => "Quantix-OS needs 1 GiB. Give the machine more memory.",
            Self::Missing { .. }
            | Self::Read { .. }
            | Self::Manifest { .. }
            | Self::Part { .. } => {
                "Compare the download with SHA256SUMS and write the medium again, or re-install this slot."
            }
            Self::System { .. } => {
                "Try the other version in the boot menu; if it is the same, report this message."
            }
        }
    }
}

/// What becomes of a machine that cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing that runs here can help: the message stays until somebody restarts the machine.
    Stop,
    /// The boot loader chooses again, after time to read the message.
    Reboot { seconds: u64 },
    /// A shell for whoever knows the root password.
    Recovery,
}

impl Outcome {
    fn announcement(self) -> String {
        match self {
            Self::Stop => "The machine stops here. Press Enter to restart it.".to_owned(),
            Self::Reboot { seconds } => format!("The machine restarts in {seconds} seconds."),
            Self::Recovery => "Nothing on this machine was changed.".to_owned(),
        }
    }
}

/// A slot's failure goes back to the boot loader, which knows another slot. A medium has no other, nor has
/// the loader when this slot is its last resort.
pub(crate) fn outcome(failure: &Failure, source: Option<&Source>, last_resort: bool) -> Outcome {
    match (failure, source) {
        (Failure::Memory { .. }, _) => Outcome::Stop,
        (_, Some(Source::Slot { .. })) if !last_resort => Outcome::Reboot { seconds: 10 },
        (_, Some(Source::Slot { .. } | Source::Media(_)) | None) => Outcome::Recovery,
    }
}

/// Whether the slot itself is to blame: trying it again gives the same.
pub(crate) const fn condemns_the_slot(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Missing { .. }
            | Failure::Read { .. }
            | Failure::Manifest { .. }
            | Failure::Part {
                source: CopyError::Part(_),
                ..
            }
    )
}

/// Reads `/proc/meminfo` and refuses a machine that is too small.
pub(crate) fn check_memory(meminfo: &str) -> Result<(), Failure> {
    let total = meminfo.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .split_ascii_whitespace()
            .next()?
            .parse::<u64>()
            .ok()
    });
    match total.map(|kib| kib / 1024) {
        Some(have_mib) if have_mib < LEAST_MEMORY_MIB => Err(Failure::Memory { have_mib }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qx_slots::{Part, PartError, PartVerifier};

    fn slot() -> Source {
        Source::Slot {
            slot: qx_slots::SlotName::A,
            partuuid: "x".into(),
        }
    }

    fn media() -> Source {
        Source::Media("0123456789abcdef".to_owned().try_into().unwrap())
    }

    fn not_signed() -> Failure {
        Failure::Manifest {
            place: "/dev/sr0".into(),
            source: ManifestError::NotSigned,
        }
    }

    #[test]
    fn a_small_machine_is_told_what_it_needs() {
        let failure = check_memory("MemTotal:         480000 kB\nMemFree: 1 kB\n").unwrap_err();
        let text = failure.message(Outcome::Stop);
        assert!(text.contains("has 468 MiB of memory"), "{text}");
        assert!(text.contains("needs 1 GiB"), "{text}");
        assert_eq!(outcome(&failure, Some(&slot()), false), Outcome::Stop);
        check_memory("MemTotal:         980000 kB\n").unwrap();
        check_memory("unreadable").unwrap();
    }

    #[test]
    fn slots_go_back_to_the_boot_loader_and_media_to_a_person() {
        assert_eq!(
            outcome(&not_signed(), Some(&slot()), false),
            Outcome::Reboot { seconds: 10 }
        );
        assert_eq!(
            outcome(&not_signed(), Some(&slot()), true),
            Outcome::Recovery
        );
        assert_eq!(
            outcome(&not_signed(), Some(&media()), false),
            Outcome::Recovery
        );
        assert_eq!(outcome(&not_signed(), None, false), Outcome::Recovery);
    }

    #[test]
    fn a_message_says_what_why_and_what_to_do() {
        let bytes = b"changed";
        let part = Part {
            name: "rootfs.squashfs".into(),
            size: 7,
            blake3: qx_slots::Hash::of(b"content"),
        };
        let mut verifier = PartVerifier::new(&part);
        verifier.update(bytes);
        let source: PartError = verifier.finish().unwrap_err();
        let failure = Failure::Part {
            place: "/dev/sr0".into(),
            source: source.into(),
        };
        let text = failure.message(Outcome::Reboot { seconds: 10 });
        assert!(
            text.contains("the image on /dev/sr0 is damaged or was changed"),
            "{text}"
        );
        assert!(
            text.contains("because rootfs.squashfs was changed: its hash is"),
            "{text}"
        );
        assert!(text.contains("SHA256SUMS"), "{text}");
        assert!(text.contains("restarts in 10 seconds"), "{text}");
    }
}
