//! Which disk an installation takes. Pure. The rule that everything here follows: what a person would be
//! surprised by is refused, and the refusal says what to write instead.

use std::cmp::Reverse;

use super::{ChooseError, Content, Disk, Usage, size_words};
use crate::config::DiskChoice;

/// What may become of what is on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// A disk with anything on it is refused.
    Refuse,
    /// It may be erased.
    Erase,
    /// The disk must hold an installation, and its data stays.
    Keep,
}

/// Chooses the disk to install on.
///
/// A disk that is named (by path, serial number or WWN) is taken if it is there exactly once, not in use,
/// readable, of at least `need_bytes`, and holds what `existing` asks for. It may be a portable one (USB,
/// removable).
///
/// The other rules look at fixed disks of at least `need_bytes` only, and never at the one that this system
/// was started from:
///
/// - `auto`: the only such disk. Of several, the smallest empty one. If it may be erased there must be one only,
///   or all must be empty: which of several disks to erase is nobody's to guess. With [`Existing::Keep`], the
///   only one that holds an installation; of the two halves of a mirror, the first.
/// - `smallest`, `largest`: by size alone. A disk in use, unreadable or (unless it may be erased) with data is
///   not passed over in favour of the next: it is refused, because the next is not what was asked for.
///
/// Disks of equal size are never decided between.
///
/// # Errors
/// When there is no such disk, more than one, or it must not be touched; the text says what to change in
/// the answer file.
pub fn choose<'a>(
    disks: &'a [Disk],
    rule: &DiskChoice,
    existing: Existing,
    need_bytes: u64,
) -> Result<&'a Disk, ChooseError> {
    let all: Vec<&Disk> = disks.iter().collect();
    one_of(&all, rule, existing, need_bytes)
}

/// Chooses the two disks of a mirror. `auto` for both takes the only two that are suitable and empty (or, if they
/// may be erased, the only two that are suitable), `auto` for `mirror` alone the only other one.
///
/// # Errors
/// As [`choose`], and when it is not clear which two are meant.
pub fn choose_pair<'a>(
    disks: &'a [Disk],
    rule: &DiskChoice,
    mirror: &DiskChoice,
    existing: Existing,
    need_bytes: u64,
) -> Result<[&'a Disk; 2], ChooseError> {
    let all: Vec<&Disk> = disks.iter().collect();
    let without = |taken: &Disk| -> Vec<&'a Disk> {
        let other = |disk: &&Disk| disk.path != taken.path;
        disks.iter().filter(other).collect()
    };
    let pair = match (rule, mirror) {
        (DiskChoice::Auto, DiskChoice::Auto) => match suitable(&all, existing, need_bytes)[..] {
            [first, second] => [first, second],
            _ => return Err(undecided(&all, need_bytes)),
        },
        (_, DiskChoice::Auto) => {
            let first = one_of(&all, rule, existing, need_bytes)?;
            match suitable(&without(first), existing, need_bytes)[..] {
                [second] => [first, second],
                _ => return Err(undecided(&without(first), need_bytes)),
            }
        }
        (DiskChoice::Path(_) | DiskChoice::Serial(_) | DiskChoice::Wwn(_), _) => {
            let first = one_of(&all, rule, existing, need_bytes)?;
            let second = one_of(&all, mirror, existing, need_bytes)?;
            if first.path == second.path {
                return Err(ChooseError::MirrorOfItself {
                    disk: first.summary(),
                });
            }
            [first, second]
        }
        _ => {
            let second = one_of(&all, mirror, existing, need_bytes)?;
            let first = one_of(&without(second), rule, existing, need_bytes)?;
            [first, second]
        }
    };
    for disk in pair {
        check(disk, existing, need_bytes)?;
    }
    let [first, second] = pair;
    if first.logical_block_bytes != second.logical_block_bytes {
        return Err(ChooseError::Unequal {
            disks: format!("{}; {}", first.summary(), second.summary()),
        });
    }
    Ok(pair)
}

fn undecided(disks: &[&Disk], need_bytes: u64) -> ChooseError {
    ChooseError::PairUndecided {
        disks: all_disks(disks, |disk| unfit(disk, need_bytes)),
    }
}

/// Disks that a rule may take: those that fit and, unless they may be erased, are empty.
fn suitable<'a>(disks: &[&'a Disk], existing: Existing, need_bytes: u64) -> Vec<&'a Disk> {
    let wanted = |disk: &Disk| existing == Existing::Erase || is_empty(disk);
    fitting(disks, need_bytes)
        .into_iter()
        .filter(|disk| wanted(disk))
        .collect()
}

fn fitting<'a>(disks: &[&'a Disk], need_bytes: u64) -> Vec<&'a Disk> {
    let fits = |disk: &&&Disk| unfit(disk, need_bytes).is_none();
    disks.iter().filter(fits).copied().collect()
}

fn is_empty(disk: &Disk) -> bool {
    disk.usage.is_none() && disk.content == Content::Empty
}

fn one_of<'a>(
    disks: &[&'a Disk],
    rule: &DiskChoice,
    existing: Existing,
    need_bytes: u64,
) -> Result<&'a Disk, ChooseError> {
    let disk = match rule {
        DiskChoice::Auto if existing == Existing::Keep => installed(disks, need_bytes)?,
        DiskChoice::Auto | DiskChoice::Smallest | DiskChoice::Largest => {
            by_rule(disks, rule, existing, need_bytes)?
        }
        DiskChoice::Path(_) | DiskChoice::Serial(_) | DiskChoice::Wwn(_) => named(disks, rule)?,
    };
    check(disk, existing, need_bytes)?;
    Ok(disk)
}

/// The only installation in the machine.
fn installed<'a>(disks: &[&'a Disk], need_bytes: u64) -> Result<&'a Disk, ChooseError> {
    let mut found = fitting(disks, need_bytes);
    found.retain(|disk| matches!(disk.content, Content::Quantix(_)));
    match found[..] {
        [disk] => Ok(disk),
        [first, second] if first.is_mirror_of(second) => Ok(first),
        [] => Err(ChooseError::NoneInstalled {
            disks: all_disks(disks, |disk| unfit(disk, need_bytes)),
        }),
        _ => Err(ChooseError::KeepUndecided {
            disks: with_content(&found),
        }),
    }
}

fn by_rule<'a>(
    disks: &[&'a Disk],
    rule: &DiskChoice,
    existing: Existing,
    need_bytes: u64,
) -> Result<&'a Disk, ChooseError> {
    let mut found = fitting(disks, need_bytes);
    found.sort_by_key(|disk| disk.size_bytes);
    match rule {
        DiskChoice::Largest => found.sort_by_key(|disk| Reverse(disk.size_bytes)),
        DiskChoice::Auto if found.len() > 1 => {
            if existing == Existing::Erase && !found.iter().all(|disk| is_empty(disk)) {
                return Err(ChooseError::WipeUndecided {
                    disks: with_content(&found),
                });
            }
            let all = found.clone();
            found.retain(|disk| is_empty(disk));
            if found.is_empty() {
                return Err(ChooseError::NoneEmpty {
                    disks: with_content(&all),
                });
            }
        }
        _ => {}
    }
    let Some(first) = found.first().copied() else {
        return Err(ChooseError::NoneSuitable {
            rule: rule.to_string(),
            need: size_words(need_bytes),
            disks: all_disks(disks, |disk| unfit(disk, need_bytes)),
        });
    };
    found.retain(|disk| disk.size_bytes == first.size_bytes);
    if found.len() > 1 {
        let equal: Vec<String> = found.iter().map(|disk| disk.summary()).collect();
        return Err(ChooseError::SameSize {
            rule: rule.to_string(),
            disks: equal.join("; "),
        });
    }
    Ok(first)
}

/// Why the rules don't look at a disk.
fn unfit(disk: &Disk, need_bytes: u64) -> Option<String> {
    if disk.usage == Some(Usage::RunningFrom) {
        Some(Usage::RunningFrom.to_string())
    } else if disk.is_portable() {
        Some("is removable or on USB and has to be named".to_owned())
    } else if disk.size_bytes < need_bytes {
        Some("is too small".to_owned())
    } else {
        None
    }
}

fn named<'a>(disks: &[&'a Disk], rule: &DiskChoice) -> Result<&'a Disk, ChooseError> {
    let wanted = match rule {
        DiskChoice::Serial(serial) => format!("with serial number {serial}"),
        DiskChoice::Wwn(wwn) => format!("with WWN {wwn}"),
        other => other.to_string(),
    };
    let meant = |disk: &&&Disk| is_meant(disk, rule);
    let found: Vec<&Disk> = disks.iter().filter(meant).copied().collect();
    match found[..] {
        [disk] => Ok(disk),
        [] => match disk_of_partition(disks, rule) {
            Some(disk) => Err(ChooseError::Partition {
                path: wanted,
                disk: disk.path.display().to_string(),
            }),
            None => Err(ChooseError::NotFound {
                wanted,
                disks: all_disks(disks, |_| None),
            }),
        },
        _ => {
            let fitting: Vec<String> = found.iter().map(|disk| disk.summary()).collect();
            Err(ChooseError::SeveralMatch {
                rule: rule.to_string(),
                disks: fitting.join("; "),
            })
        }
    }
}

fn is_meant(disk: &Disk, rule: &DiskChoice) -> bool {
    let same = |mine: &Option<String>, asked: &str| {
        mine.as_deref()
            .is_some_and(|mine| mine.eq_ignore_ascii_case(asked))
    };
    match rule {
        DiskChoice::Path(path) => disk.path == *path || disk.links.contains(path),
        DiskChoice::Serial(serial) => same(&disk.serial, serial),
        DiskChoice::Wwn(wwn) => same(&disk.wwn.as_deref().map(bare_wwn), &bare_wwn(wwn)),
        DiskChoice::Auto | DiskChoice::Smallest | DiskChoice::Largest => false,
    }
}

/// The digits of a WWN: the kernel, udev and labels put different words in front.
fn bare_wwn(wwn: &str) -> String {
    let lower = wwn.to_ascii_lowercase();
    let digits = ["0x", "naa.", "eui."]
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix));
    digits.unwrap_or(&lower).to_owned()
}

fn disk_of_partition<'a>(disks: &[&'a Disk], rule: &DiskChoice) -> Option<&'a Disk> {
    let DiskChoice::Path(path) = rule else {
        return None;
    };
    let name = path.strip_prefix("/dev").ok()?.to_str()?;
    disks.iter().copied().find(|disk| {
        disk.partitions
            .iter()
            .any(|partition| partition.name == name)
    })
}

fn check(disk: &Disk, existing: Existing, need_bytes: u64) -> Result<(), ChooseError> {
    let name = disk.summary();
    // What is only assembled can be taken apart, if the disk may be written at all.
    let assembled = |usage: &&Usage| matches!(usage, Usage::Assembled(_));
    if let Some(usage) = disk.usage.as_ref().filter(|usage| !assembled(usage)) {
        let advice = match usage {
            Usage::RunningFrom => "start from another medium or name another disk with `disk`",
            _ => "free it or name another disk with `disk`",
        };
        return Err(ChooseError::InUse {
            disk: name,
            usage: usage.clone(),
            advice,
        });
    }
    if disk.size_bytes < need_bytes {
        return Err(ChooseError::TooSmall {
            disk: name,
            need: size_words(need_bytes),
        });
    }
    match (&disk.content, existing) {
        (Content::Unreadable(reason), _) => Err(ChooseError::Unreadable {
            disk: name,
            reason: reason.clone(),
        }),
        (Content::Quantix(_), Existing::Keep) => Ok(()),
        (content, Existing::Keep) => Err(ChooseError::NothingToKeep {
            disk: name,
            content: content.to_string(),
        }),
        (Content::Quantix(content) | Content::Data(content), Existing::Refuse) => {
            Err(ChooseError::HoldsData {
                disk: name,
                content: content.clone(),
            })
        }
        (Content::Quantix(_) | Content::Data(_) | Content::Empty, _) => Ok(()),
    }
}

/// Every disk that there is, with a clause about those for which `why` has one.
fn all_disks(disks: &[&Disk], why: impl Fn(&Disk) -> Option<String>) -> String {
    if disks.is_empty() {
        return "this machine shows no disk at all: check its cables and, in the firmware's setup, the \
                controller's mode"
            .to_owned();
    }
    let lines: Vec<String> = disks
        .iter()
        .map(|disk| match why(disk) {
            Some(reason) => format!("{} {reason}", disk.summary()),
            None => disk.summary(),
        })
        .collect();
    format!("there are: {}", lines.join("; "))
}

fn with_content(disks: &[&Disk]) -> String {
    let lines: Vec<String> = disks
        .iter()
        .map(|disk| match &disk.usage {
            Some(usage) => format!("{} {usage}", disk.summary()),
            None => format!("{}: {}", disk.summary(), disk.content),
        })
        .collect();
    lines.join("; ")
}
