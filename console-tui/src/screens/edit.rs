//! A page with one form of the configuration: shows what is configured, and puts what is entered into force.
//!
//! ```text
//!            Enter, right            done
//!   Editing ──────────────▶ Applying ─────▶ closed, with a sentence
//!    │   ▲                     │ not done: a sentence, and back
//!    │   └─────────────────────┘
//!    └ Escape: closed; asks first when something was changed
//! ```

use qx_host::config::{Config, Ssh};
use ratatui::Frame;
use ratatui::layout::Rect;

use super::{Reply, Screen};
use crate::action::{Action, Change, Configured, Outcome};
use crate::forms::{NewPassword, SshForm, Time};
use crate::shell::{Answered, BODY, Confirm, Kind, Model, STRONG, Used, page, paragraph};
use crate::terminal::Key;

const KEYS: &str = "<Enter> Put into force  <Esc> Cancel  <Tab/Arrows> Move  <Space> Change";
/// Rows of the page above the form.
const INTRODUCTION: u16 = 4;

/// What is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Root's password.
    Password,
    /// Remote shells.
    Ssh,
    /// Time zone and servers.
    Time,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Forms {
    Password(NewPassword),
    Ssh(SshForm),
    Time(Time),
}

/// The page.
#[derive(Debug)]
pub struct Edit {
    form: Forms,
    /// As it was opened, to tell whether something was changed.
    before: Forms,
    applying: bool,
    leave: Option<Confirm>,
}

impl Edit {
    pub(crate) fn new(subject: Subject, configured: Configured) -> Self {
        let Config { system, ssh, .. } = configured.config;
        let form = match subject {
            Subject::Password => Forms::Password(NewPassword::default()),
            Subject::Ssh => Forms::Ssh(SshForm::new(&ssh)),
            Subject::Time => Forms::Time(Time::new(&system, configured.zones)),
        };
        Self {
            before: form.clone(),
            form,
            applying: false,
            leave: None,
        }
    }

    pub(crate) fn key(&mut self, key: Key) -> Reply {
        if self.applying {
            return Reply::Stay;
        }
        if let Some(leave) = &mut self.leave {
            match leave.key(key) {
                Answered::Open => {}
                Answered::Yes => return Reply::Close,
                Answered::No => self.leave = None,
            }
            return Reply::Stay;
        }
        let used = match &mut self.form {
            Forms::Password(form) => form.key(key),
            Forms::Ssh(form) => form.key(key),
            Forms::Time(form) => form.key(key),
        };
        match used {
            Used::Submit => self.submit(),
            Used::Leave if self.form.entered() == self.before.entered() => Reply::Close,
            Used::Leave => {
                let text = "What was entered on this page is lost. Leave it?";
                self.leave = Some(Confirm::new("Leave", text, Kind::Asked));
                Reply::Stay
            }
            Used::Edited | Used::Moved | Used::Ignored => Reply::Stay,
        }
    }

    fn submit(&mut self) -> Reply {
        let change = match &self.form {
            Forms::Password(form) => form.value().ok().map(Change::Password),
            Forms::Ssh(form) => form.value().ok().map(Change::Ssh),
            Forms::Time(form) => form.value().ok().map(Change::Time),
        };
        self.applying = change.is_some();
        change.map_or(Reply::Stay, |change| {
            Reply::Act(Action::Change(Box::new(change)))
        })
    }

    pub(crate) fn outcome(&mut self, outcome: Outcome) -> Result<Reply, Outcome> {
        match outcome {
            Outcome::Done(Ok(text)) if self.applying => {
                let dialogue = Confirm::new("Done", text, Kind::Told);
                Ok(Reply::Replace(Box::new(Screen::Told(dialogue))))
            }
            Outcome::Done(Err(reason)) if self.applying => {
                self.applying = false;
                Ok(Reply::tell("Not done", reason))
            }
            other => Err(other),
        }
    }

    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let (title, introduction) = self.form.words();
        let area = page(frame, title, KEYS);
        if self.applying {
            paragraph(frame, area, 0, "Putting it into force ...", STRONG);
        } else {
            paragraph(frame, area, 0, &introduction, BODY);
        }
        let form = Rect {
            y: area.y + INTRODUCTION.min(area.height),
            height: area.height.saturating_sub(INTRODUCTION),
            ..area
        };
        match &self.form {
            Forms::Password(model) => model.form().draw(frame, form),
            Forms::Ssh(model) => model.form().draw(frame, form),
            Forms::Time(model) => model.form().draw(frame, form),
        }
        if let Some(leave) = &self.leave {
            leave.draw(frame);
        }
    }
}

/// What a form stands for, right or wrong: whether two of them mean the same.
#[derive(PartialEq, Eq)]
enum Entered {
    Nothing,
    Wrong,
    Password,
    Ssh(Ssh),
    Time(crate::forms::TimeValue),
}

impl Forms {
    fn entered(&self) -> Entered {
        match self {
            Self::Password(form) if form.hint().is_none() => Entered::Nothing,
            Self::Password(_) => Entered::Password,
            Self::Ssh(form) => form.value().map_or(Entered::Wrong, Entered::Ssh),
            Self::Time(form) => form.value().map_or(Entered::Wrong, Entered::Time),
        }
    }

    fn words(&self) -> (&'static str, String) {
        match self {
            Self::Password(form) => {
                let hint = form.hint();
                let usual = "The new password counts at once for this console, the web UI and SSH.";
                ("Password of root", hint.unwrap_or(usual).to_owned())
            }
            Self::Ssh(_) => {
                let text = "A shell over the network, as root. Sessions that are open stay open.";
                ("SSH", text.to_owned())
            }
            Self::Time(form) => {
                let found = form.suggestions();
                let text = if found.is_empty() {
                    "Local time, and where the clock is set from.".to_owned()
                } else {
                    format!("There are: {} ...", found.join(", "))
                };
                ("Time", text)
            }
        }
    }
}
