//! The first page: which disk. One that is in use, unreadable or too small is shown and refused; one that holds
//! anything is taken only when its name was typed.

use qx_host::disks::{Content, Disk, Usage, size_words};
use qx_host::storage::{DiskShape, Sizes, least_bytes};

use crate::shell::{Answered, Confirm, Kind, Menu};
use crate::terminal::Key;

/// A disk that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    /// It.
    pub disk: Disk,
    /// Whether what is on it may be erased.
    pub wipe: bool,
}

/// What a key did to the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Used {
    Nothing,
    Look,
    Back,
    Chosen(DiskShape),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct DiskPage {
    /// `None` until they were looked at.
    disks: Option<Vec<Disk>>,
    menu: Menu,
    chosen: Option<Chosen>,
    /// Why the selected disk, or any, can't be taken.
    pub(super) message: Option<String>,
    /// Asks for the name of a disk that holds something.
    pub(super) erase: Option<Confirm>,
}

impl DiskPage {
    /// Those that were found.
    #[must_use]
    pub(super) fn disks(&self) -> &[Disk] {
        self.disks.as_deref().unwrap_or_default()
    }

    /// Whether they were looked at.
    pub(super) const fn is_known(&self) -> bool {
        self.disks.is_some() || self.message.is_some()
    }

    /// The one to install on.
    #[must_use]
    pub(super) const fn chosen(&self) -> Option<&Chosen> {
        self.chosen.as_ref()
    }

    pub(super) const fn menu(&self) -> Menu {
        self.menu
    }

    /// The one that Enter takes.
    pub(super) fn selected(&self) -> Option<&Disk> {
        let disks = self.disks();
        disks.get(self.menu.selected(disks.len()))
    }

    /// A line for each.
    pub(super) fn items(&self) -> Vec<String> {
        self.disks().iter().map(item).collect()
    }

    pub(super) fn found(&mut self, disks: Vec<Disk>) {
        // A disk that has gone or changed is no longer the one that was chosen.
        let chosen = self.chosen.take();
        self.chosen = chosen.filter(|chosen| disks.contains(&chosen.disk));
        self.message = disks.is_empty().then(|| {
            "This machine shows no disk that could hold the system. Check its cables and, in the firmware's \
             setup, the controller's mode; then press R to look again."
                .to_owned()
        });
        self.disks = Some(disks);
    }

    pub(super) fn unseen(&mut self, reason: String) {
        self.message = Some(reason);
    }

    pub(super) fn key(&mut self, key: Key) -> Used {
        if let Some(erase) = &mut self.erase {
            let answered = erase.key(key);
            if answered != Answered::Open {
                self.erase = None;
            }
            return match answered {
                Answered::Yes => self.take(true),
                Answered::Open | Answered::No => Used::Nothing,
            };
        }
        let items = self.items();
        match key {
            Key::Escape => return Used::Back,
            Key::Enter => return self.choose(),
            Key::F(5) | Key::Char('r' | 'R') => {
                self.disks = None;
                self.message = None;
                return Used::Look;
            }
            key if self.menu.key(key, &items) => self.message = None,
            _ => {}
        }
        Used::Nothing
    }

    fn choose(&mut self) -> Used {
        let Some(disk) = self.selected() else {
            return Used::Nothing;
        };
        if let Some(reason) = refusal(disk) {
            self.message = Some(format!("{} {reason}", disk.path.display()));
            return Used::Nothing;
        }
        let allowed = self
            .chosen
            .as_ref()
            .is_some_and(|chosen| chosen.disk == *disk);
        let content = match &disk.content {
            Content::Quantix(content) | Content::Data(content) => content,
            Content::Empty | Content::Unreadable(_) => return self.take(false),
        };
        if allowed {
            return self.take(true);
        }
        let text = format!(
            "{} holds: {content}. All of it is erased once the installation begins. To allow that, type the \
             disk's name: {}",
            disk.summary(),
            disk.name
        );
        let name = Kind::Typed(disk.name.clone());
        self.erase = Some(Confirm::new("Erase this disk?", text, name));
        Used::Nothing
    }

    fn take(&mut self, wipe: bool) -> Used {
        let Some(disk) = self.selected().cloned() else {
            return Used::Nothing;
        };
        let shape = DiskShape {
            bytes: disk.size_bytes,
            sector_bytes: disk.logical_block_bytes,
        };
        self.message = None;
        self.chosen = Some(Chosen { disk, wipe });
        Used::Chosen(shape)
    }
}

fn item(disk: &Disk) -> String {
    let model = disk.model.as_deref().unwrap_or("-");
    let state = match (&disk.usage, &disk.content) {
        (Some(_), _) => "in use",
        (None, Content::Empty) => "empty",
        (None, Content::Quantix(_)) => "Quantix-OS",
        (None, Content::Data(_)) => "holds data",
        (None, Content::Unreadable(_)) => "unreadable",
    };
    let size = size_words(disk.size_bytes);
    let path = disk.path.display().to_string();
    format!(
        "{path:<16} {size:>8}  {:<6} {model:<26.26} {state}",
        disk.bus.to_string()
    )
}

/// Why nobody may install on a disk; a clause behind its name.
pub(super) fn refusal(disk: &Disk) -> Option<String> {
    // What the system only assembled is taken apart when the disk may be erased.
    let assembled = |usage: &&Usage| matches!(usage, Usage::Assembled(_));
    if let Some(usage) = disk.usage.as_ref().filter(|usage| !assembled(usage)) {
        return Some(format!("{usage}: it can't be installed on."));
    }
    if let Content::Unreadable(reason) = &disk.content {
        return Some(format!("{reason}: it can't be installed on."));
    }
    let need = least_bytes(Sizes::usual(disk.logical_block_bytes));
    (disk.size_bytes < need)
        .then(|| format!("is too small: the system needs {}.", size_words(need)))
}
