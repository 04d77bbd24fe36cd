//! Why no disk is chosen, in words that say what to change in the answer file.

use super::Usage;

/// Why no disk was chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// The answer names a disk that is not there.
    #[error("there is no disk {wanted}; {disks}")]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// The disks that there are.
        disks: String,
    },
    /// The answer names a partition.
    #[error("{path} is a partition; the system takes a whole disk: write disk = \"{disk}\"")]
    Partition {
        /// The partition's node.
        path: String,
        /// The disk's node.
        disk: String,
    },
    /// The answer fits more than one disk.
    #[error("disk = \"{rule}\" fits more than one disk: {disks}; name one by its path")]
    SeveralMatch {
        /// What was asked for.
        rule: String,
        /// Those that fit.
        disks: String,
    },
    /// The rule of the answer file leaves none.
    #[error(
        "disk = \"{rule}\" finds no disk: it looks for a fixed disk of at least {need}, other than the one \
         this system was started from; {disks}"
    )]
    NoneSuitable {
        /// `auto`, `smallest` or `largest`.
        rule: String,
        /// Size that is needed.
        need: String,
        /// The disks that there are.
        disks: String,
    },
    /// `auto` found several disks and none of them is free of data.
    #[error(
        "disk = \"auto\" finds no empty disk: {disks}; name the one to install on with `disk`, and set \
         wipe = true if what is on it may be erased"
    )]
    NoneEmpty {
        /// The disks in question, with what is on each.
        disks: String,
    },
    /// `auto` may erase data and there is more than one disk.
    #[error(
        "disk = \"auto\" with wipe = true would have to guess which disk to erase: {disks}; name the one to \
         install on with `disk`"
    )]
    WipeUndecided {
        /// The disks in question, with what is on each.
        disks: String,
    },
    /// Disks of the same size: any choice would be chance.
    #[error(
        "disk = \"{rule}\" can't decide between disks of the same size: {disks}; name one with `disk`"
    )]
    SameSize {
        /// `auto`, `smallest` or `largest`.
        rule: String,
        /// The disks in question.
        disks: String,
    },
    /// The disk is in use.
    #[error("{disk} {usage}; {advice}")]
    InUse {
        /// The disk.
        disk: String,
        /// Why.
        usage: Usage,
        /// What to do.
        advice: &'static str,
    },
    /// The disk can't be read.
    #[error("{disk} {reason}; replace it or name another disk with `disk`")]
    Unreadable {
        /// The disk.
        disk: String,
        /// What the system said.
        reason: String,
    },
    /// The disk is too small.
    #[error(
        "{disk} is too small: the system needs at least {need}; name a larger disk with `disk`"
    )]
    TooSmall {
        /// The disk.
        disk: String,
        /// Size that is needed.
        need: String,
    },
    /// The disk holds data that nobody allowed to erase.
    #[error(
        "{disk} holds data: {content}; set wipe = true in [install] to erase all of it, or name another disk \
         with `disk`"
    )]
    HoldsData {
        /// The disk.
        disk: String,
        /// What is on it.
        content: String,
    },
    /// Nothing that could be kept is on any disk.
    #[error(
        "keep_data = true finds no disk with an installation of Quantix-OS: {disks}; name the disk with `disk`, or \
         install without keep_data"
    )]
    NoneInstalled {
        /// The disks that there are.
        disks: String,
    },
    /// Several installations.
    #[error(
        "keep_data = true finds more than one installation: {disks}; name the one to install on with `disk`"
    )]
    KeepUndecided {
        /// The disks in question.
        disks: String,
    },
    /// The disk holds no installation.
    #[error(
        "keep_data = true, but {disk} holds no installation of Quantix-OS: {content}; install without keep_data, or \
         name another disk with `disk`"
    )]
    NothingToKeep {
        /// The disk.
        disk: String,
        /// What is on it.
        content: String,
    },
    /// It is not clear which disk is meant by `mirror = "auto"`.
    #[error(
        "mirror = \"auto\" needs exactly one other fixed disk that is large enough, and empty unless wipe = true; \
         {disks}; name both with `disk` and `mirror`"
    )]
    PairUndecided {
        /// The disks that there are.
        disks: String,
    },
    /// Both keys mean one disk.
    #[error("`disk` and `mirror` both mean {disk}: name two disks")]
    MirrorOfItself {
        /// The disk.
        disk: String,
    },
    /// The disks have different sectors.
    #[error(
        "the disks of a mirror need sectors of the same size: {disks}; name another one with `mirror`"
    )]
    Unequal {
        /// Both.
        disks: String,
    },
}
