//! The installation, page by page. Builds the same answer file that an unattended installation reads.
//!
//! ```text
//!  Disk ⇄ Layout ⇄ Name ⇄ Password ⇄ Network ⇄ Time ⇄ SSH ⇄ Review ──Enter, Enter──▶ Installing ──▶ Done
//!   │ Escape                                                ▲                            │ failed
//!   ▼ left; everything is kept                              └────────────── Failed ◀─────┘
//! ```
//! Enter goes on when a page is right, Escape goes back; what was entered stays either way.

mod answer;
mod disk;
mod draw;

use qx_host::config::{Config, Management, Ssh, System};
use qx_host::install_status::{InstallStatus, Phase};
use qx_host::nics::Nic;
use qx_host::power::PowerAction;
use qx_host::storage::DiskShape;

use disk::DiskPage;

use super::{Reader, Reply, Screen};
use crate::action::{Action, Answer, Found, Outcome};
use crate::forms::{Layout, Name, Network, NewPassword, SshForm, Time};
use crate::shell::{Answered, Confirm, Kind, Model, Pager, Used};
use crate::state::Context;
use crate::terminal::Key;

/// The pages in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Which disk.
    Disk,
    /// Sizes of partitions.
    Layout,
    /// Host name.
    Name,
    /// Root's password.
    Password,
    /// Management network.
    Network,
    /// Time zone and servers.
    Time,
    /// Remote shell.
    Ssh,
    /// All of it, before anything is written.
    Review,
    /// It is being written, or was.
    Install,
}

impl Page {
    /// In their order.
    pub const ALL: [Self; 9] = [
        Self::Disk,
        Self::Layout,
        Self::Name,
        Self::Password,
        Self::Network,
        Self::Time,
        Self::Ssh,
        Self::Review,
        Self::Install,
    ];

    fn number(self) -> usize {
        Self::ALL.iter().position(|p| *p == self).unwrap_or(0)
    }

    fn beside(self, forward: bool) -> Option<Self> {
        let number = self.number();
        let beside = if forward {
            number.checked_add(1)
        } else {
            number.checked_sub(1)
        };
        beside.and_then(|number| Self::ALL.get(number).copied())
    }
}

/// The installation.
#[derive(Debug)]
pub struct Wizard {
    page: Page,
    disk: DiskPage,
    layout: Layout,
    name: Name,
    password: NewPassword,
    network: Network,
    time: Time,
    ssh: SshForm,
    review: Pager,
    /// The last question before the disk is written to.
    sure: Option<Confirm>,
    /// How the installation ended.
    ended: Option<Result<InstallStatus, String>>,
}

impl Wizard {
    /// The first page, before anything is known of the disks.
    #[must_use]
    pub fn new(nics: &[Nic]) -> Self {
        let system = System::default();
        let no_disk = DiskShape {
            bytes: 0,
            sector_bytes: 512,
        };
        Self {
            page: Page::Disk,
            disk: DiskPage::default(),
            layout: Layout::new(no_disk),
            name: Name::new(&system.hostname),
            password: NewPassword::default(),
            network: Network::new(&Management::default(), nics, None),
            time: Time::new(&system, Vec::new()),
            ssh: SshForm::new(&Ssh::default()),
            review: Pager::new(Vec::new()),
            sure: None,
            ended: None,
        }
    }

    /// Which page is open.
    #[must_use]
    pub const fn page(&self) -> Page {
        self.page
    }

    /// Whether the disk is being written to.
    #[must_use]
    pub fn is_installing(&self) -> bool {
        self.page == Page::Install && self.ended.is_none()
    }

    pub(crate) fn key(&mut self, key: Key, context: &Context<'_>) -> Reply {
        match self.page {
            Page::Disk => return self.disk_key(key),
            Page::Layout => step(&mut self.layout, key),
            Page::Name => step(&mut self.name, key),
            Page::Password => step(&mut self.password, key),
            Page::Network => step(&mut self.network, key),
            Page::Time => step(&mut self.time, key),
            Page::Ssh => step(&mut self.ssh, key),
            Page::Review => return self.review_key(key, context.rows),
            Page::Install => return self.end_key(key),
        }
        .map_or(Reply::Stay, |forward| self.go(forward))
    }

    fn go(&mut self, forward: bool) -> Reply {
        let Some(page) = self.page.beside(forward) else {
            return Reply::Close;
        };
        self.page = page;
        if page == Page::Review {
            let lines = self.answer().map(|answer| self.review_lines(&answer));
            self.review = Pager::new(lines.unwrap_or_default());
        }
        Reply::Stay
    }

    fn disk_key(&mut self, key: Key) -> Reply {
        match self.disk.key(key) {
            disk::Used::Nothing => Reply::Stay,
            disk::Used::Look => Reply::Act(Action::Look),
            disk::Used::Back => self.go(false),
            disk::Used::Chosen(shape) => {
                self.layout.move_to(shape);
                self.go(true)
            }
        }
    }

    fn review_key(&mut self, key: Key, rows: u16) -> Reply {
        if let Some(sure) = &mut self.sure {
            match sure.key(key) {
                Answered::Open => return Reply::Stay,
                Answered::No => self.sure = None,
                Answered::Yes => {
                    self.sure = None;
                    return self.install();
                }
            }
            return Reply::Stay;
        }
        match (key, self.answer()) {
            (Key::Escape, _) => self.go(false),
            (Key::Enter, Some(answer)) => {
                let text = format!("{} Begin the installation?", self.erased(&answer));
                self.sure = Some(Confirm::new("Install", text, Kind::Asked));
                Reply::Stay
            }
            (Key::F(3) | Key::Char('v' | 'V'), Some(answer)) => {
                Reply::Act(Action::ShowAnswer(Box::new(answer)))
            }
            (Key::F(4) | Key::Char('s' | 'S'), Some(answer)) => {
                Reply::Act(Action::SaveAnswer(Box::new(answer)))
            }
            (key, _) => {
                let page = rows.saturating_sub(draw::REVIEW_ROWS).max(1);
                self.review.key(key, usize::from(page));
                Reply::Stay
            }
        }
    }

    fn install(&mut self) -> Reply {
        let Some(answer) = self.answer() else {
            return Reply::Stay;
        };
        self.page = Page::Install;
        self.ended = None;
        Reply::Act(Action::Install(Box::new(answer)))
    }

    fn end_key(&mut self, key: Key) -> Reply {
        let done = match &self.ended {
            None => return Reply::Stay,
            Some(Ok(status)) => status.phase == Phase::Done,
            Some(Err(_)) => false,
        };
        match key {
            Key::Enter | Key::Char('r' | 'R') if done => Reply::Leave(PowerAction::Reboot),
            Key::Char('s' | 'S') if done => Reply::Leave(PowerAction::Off),
            Key::Enter | Key::Escape if !done => self.go(false),
            _ => Reply::Stay,
        }
    }

    /// Is told what became of what it asked for; gives back what is not its own.
    pub(crate) fn outcome(&mut self, outcome: Outcome) -> Result<Reply, Outcome> {
        match outcome {
            Outcome::Looked(found) => self.looked(found),
            Outcome::Installed(ended) => self.ended = Some(ended),
            Outcome::Read(title, Ok(text)) => {
                let reader = Screen::Reader(Reader::new(title, &text));
                return Ok(Reply::Open(Box::new(reader), None));
            }
            Outcome::Done(Ok(text)) => return Ok(Reply::tell("Done", text)),
            Outcome::Read(_, Err(reason)) | Outcome::Done(Err(reason)) => {
                return Ok(Reply::tell("Not done", reason));
            }
            other => return Err(other),
        }
        Ok(Reply::Stay)
    }

    fn looked(&mut self, found: Result<Found, String>) {
        match found {
            Ok(Found { disks, zones }) => {
                self.disk.found(disks);
                self.time.know(zones);
            }
            Err(reason) => self.disk.unseen(reason),
        }
    }

    /// The answer file as far as it goes; `None` while a page is wrong.
    fn answer(&self) -> Option<Answer> {
        let mut config = Config::default();
        config.system.hostname = self.name.value().ok()?;
        let time = self.time.value().ok()?;
        config.system.timezone = time.timezone;
        config.system.ntp = time.ntp;
        config.ssh = self.ssh.value().ok()?;
        config.management = self.network.value().ok()?.management;
        let install = answer::install(self.disk.chosen()?, self.disk.disks(), &self.layout)?;
        Some(Answer {
            file: qx_host::config::AnswerFile {
                config,
                install: Some(install),
            },
            password: self.password.value().ok()?,
        })
    }
}

/// Gives a key to the form of a page: `Some(true)` goes on, `Some(false)` back.
fn step(model: &mut impl Model, key: Key) -> Option<bool> {
    match model.key(key) {
        Used::Submit => Some(true),
        Used::Leave => Some(false),
        Used::Edited | Used::Moved | Used::Ignored => None,
    }
}
