//! Reads the kernel command line: what to boot from and which switches are set. Pure.

use std::fmt;

use qx_slots::{BuildId, SlotName};
use thiserror::Error;

/// Where the image lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// An ISO on a disc or a stick, known by the build it carries.
    Media(BuildId),
    /// A system partition of a disk, known by its unique GPT id.
    Slot { slot: SlotName, partuuid: String },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Media(build) => write!(f, "the medium of build {build}"),
            Self::Slot { slot, partuuid } => {
                write!(f, "slot {} on partition {partuuid}", slot)
            }
        }
    }
}

/// A point at which `quantix.break=` stops for a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BreakPoint {
    /// Drivers are loaded, nothing is mounted.
    Init,
    /// The new root is complete.
    Switch,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) source: Source,
    pub(crate) break_at: Option<BreakPoint>,
    /// The slot is not confirmed yet.
    pub(crate) on_trial: bool,
    /// GRUB has nothing better than this slot: a failure does not go back to it.
    pub(crate) last_resort: bool,
    /// It believes no copy of the boot environment, and takes the first slot that it can load.
    pub(crate) env_lost: bool,
}

/// Why the command line cannot be followed.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum CommandLineError {
    #[error("the kernel command line names nothing to boot from")]
    NoSource,
    #[error("the kernel command line names both a medium and a slot")]
    TwoSources,
    #[error("quantix.media={0}: {1}")]
    Media(String, &'static str),
    #[error("quantix.slot={0}: must be A or B")]
    Slot(String),
    #[error("quantix.slot is given without a usable quantix.partuuid")]
    PartUuid,
    #[error("quantix.break={0}: must be init or switch")]
    Break(String),
}

/// Reads `/proc/cmdline`. Where a switch is given twice the last one counts, as for the kernel's own.
pub(crate) fn parse(text: &str) -> Result<Options, CommandLineError> {
    let value = |key: &str| {
        text.split_ascii_whitespace()
            .filter_map(|word| word.split_once('='))
            .filter(|(name, _)| *name == key)
            .map(|(_, value)| value)
            .next_back()
    };
    let source = match (value("quantix.media"), value("quantix.slot")) {
        (None, None) => return Err(CommandLineError::NoSource),
        (Some(_), Some(_)) => return Err(CommandLineError::TwoSources),
        (Some(id), None) => Source::Media(
            BuildId::try_from(id.to_owned())
                .map_err(|why| CommandLineError::Media(id.to_owned(), why))?,
        ),
        (None, Some(slot)) => {
            let slot = match slot {
                "A" => SlotName::A,
                "B" => SlotName::B,
                other => return Err(CommandLineError::Slot(other.to_owned())),
            };
            let partuuid = value("quantix.partuuid")
                .filter(|id| is_partuuid(id))
                .ok_or(CommandLineError::PartUuid)?
                .to_ascii_lowercase();
            Source::Slot { slot, partuuid }
        }
    };
    let break_at = match value("quantix.break") {
        None => None,
        Some("init") => Some(BreakPoint::Init),
        Some("switch") => Some(BreakPoint::Switch),
        Some(other) => return Err(CommandLineError::Break(other.to_owned())),
    };
    Ok(Options {
        source,
        break_at,
        on_trial: value("quantix.try") == Some("1"),
        last_resort: value("quantix.last") == Some("1"),
        env_lost: value("quantix.env") == Some("lost"),
    })
}

fn is_partuuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef";
    const UUID: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";

    #[test]
    fn a_medium_is_read() {
        let line = format!("BOOT_IMAGE=/quantix/vmlinuz quantix.media={ID} panic=10 quiet\n");
        let options = parse(&line).unwrap();
        assert_eq!(
            options.source,
            Source::Media(ID.to_owned().try_into().unwrap())
        );
        assert_eq!(options.break_at, None);
        assert!(!options.last_resort && !options.on_trial);
    }

    #[test]
    fn a_trial_and_a_last_resort_are_known() {
        let trial = format!("quantix.slot=A quantix.partuuid={UUID} quantix.try=1");
        assert!(parse(&trial).unwrap().on_trial);
        let last = format!("quantix.slot=A quantix.partuuid={UUID} quantix.last=1");
        assert!(parse(&last).unwrap().last_resort);
        let lost = format!("quantix.slot=A quantix.partuuid={UUID} quantix.env=lost");
        let lost = parse(&lost).unwrap();
        assert!(lost.env_lost && !lost.last_resort);
    }

    #[test]
    fn a_slot_is_read_and_its_id_compares_without_case() {
        let line = format!("quantix.slot=B quantix.partuuid={UUID} quantix.break=switch");
        let options = parse(&line).unwrap();
        let partuuid = UUID.to_lowercase();
        assert_eq!(
            options.source,
            Source::Slot {
                slot: SlotName::B,
                partuuid
            }
        );
        assert_eq!(options.break_at, Some(BreakPoint::Switch));
    }

    #[test]
    fn the_last_of_two_values_counts() {
        let options = parse(&format!("quantix.media=x quantix.media={ID}")).unwrap();
        assert_eq!(
            options.source,
            Source::Media(ID.to_owned().try_into().unwrap())
        );
    }

    #[test]
    fn nonsense_is_refused_and_named() {
        use CommandLineError as E;
        for (line, error) in [
            ("", E::NoSource),
            ("quiet quantix.mediax=1", E::NoSource),
            ("quantix.media=a quantix.slot=A", E::TwoSources),
            ("quantix.slot=C quantix.partuuid=x", E::Slot("C".into())),
            ("quantix.slot=A", E::PartUuid),
            ("quantix.slot=A quantix.partuuid=../../x", E::PartUuid),
            (
                "quantix.media=0123456789abcdef quantix.break=now",
                E::Break("now".into()),
            ),
        ] {
            assert_eq!(parse(line).unwrap_err(), error, "{line}");
        }
        assert!(matches!(
            parse("quantix.media=../../x").unwrap_err(),
            E::Media(..)
        ));
    }
}
