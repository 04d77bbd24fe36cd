//! The screens: each with its state, what keys do to it, and how it is drawn. A screen changes nothing but
//! itself; what it wants done, it asks for.

mod customise;
mod edit;
mod idle;
mod log_in;
mod logs;
mod network_test;
mod power;
mod reader;
mod services;
mod updates;
mod wizard;

pub use customise::Customise;
pub use edit::{Edit, Subject};
pub use log_in::{Goal, LogIn};
pub use logs::{LogReader, Logs};
pub use network_test::NetworkTest;
pub use power::Power;
pub use reader::Reader;
pub use services::Services;
pub use updates::Updates;
pub use wizard::Wizard;

use qx_host::power::PowerAction;
use ratatui::Frame;
use ratatui::text::Line;

use crate::action::{Action, Outcome};
use crate::shell::{Answered, BODY, Confirm, Kind, LEAST, fill};
use crate::state::{Context, State, leaving_words};
use crate::terminal::Key;

/// What lies over the idle screen.
#[derive(Debug)]
pub enum Screen {
    /// The password is asked for.
    LogIn(LogIn),
    /// The power menu.
    Power(Power),
    /// Init was told; the screen stays until it is gone.
    Leaving(PowerAction),
    /// The installation.
    Wizard(Box<Wizard>),
    /// Text to read.
    Reader(Reader),
    /// A sentence that has to be read.
    Told(Confirm),
    /// The customise menu.
    Customise(Customise),
    /// A form of the configuration.
    Edit(Box<Edit>),
    /// The network test.
    NetworkTest(NetworkTest),
    /// Which log to read.
    Logs(Logs),
    /// A log.
    Log(LogReader),
    /// Restarting services.
    Services(Services),
    /// Slots and versions.
    Updates(Updates),
}

/// What a screen wants.
#[derive(Debug)]
pub enum Reply {
    /// To stay as it is now.
    Stay,
    /// To be closed.
    Close,
    /// Another screen over itself, and something done for it.
    Open(Box<Screen>, Option<Action>),
    /// Another screen in its place.
    Replace(Box<Screen>),
    /// Something done.
    Act(Action),
    /// The machine off or started again.
    Leave(PowerAction),
}

impl Reply {
    /// A sentence over the screen.
    pub(crate) fn tell(title: &'static str, text: impl Into<String>) -> Self {
        let dialogue = Confirm::new(title, text, Kind::Told);
        Self::Open(Box::new(Screen::Told(dialogue)), None)
    }
}

impl Screen {
    /// A word for it, for tests and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LogIn(_) => "log in",
            Self::Power(_) => "power",
            Self::Leaving(_) => "leaving",
            Self::Wizard(_) => "wizard",
            Self::Reader(_) => "reader",
            Self::Told(_) => "told",
            Self::Customise(_) => "customise",
            Self::Edit(_) => "edit",
            Self::NetworkTest(_) => "network test",
            Self::Logs(_) => "logs",
            Self::Log(_) => "log",
            Self::Services(_) => "services",
            Self::Updates(_) => "updates",
        }
    }

    /// Whether something is under way that must not lose its screen.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Wizard(wizard) if wizard.is_installing())
    }

    pub(crate) fn key(&mut self, key: Key, context: &Context<'_>) -> Reply {
        match self {
            Self::LogIn(log_in) => log_in.key(key),
            Self::Power(power) => power.key(key),
            Self::Leaving(_) => Reply::Stay,
            Self::Wizard(wizard) => wizard.key(key, context),
            Self::Reader(reader) => reader.key(key, context),
            Self::Customise(menu) => menu.key(key, context.facts),
            Self::Edit(edit) => edit.key(key),
            Self::NetworkTest(test) => test.key(key),
            Self::Logs(logs) => logs.key(key),
            Self::Log(log) => log.key(key, context),
            Self::Services(services) => services.key(key, context.facts),
            Self::Updates(updates) => updates.key(key),
            Self::Told(dialogue) => match dialogue.key(key) {
                Answered::Open => Reply::Stay,
                Answered::Yes | Answered::No => Reply::Close,
            },
        }
    }

    /// Is told that time has passed.
    pub(crate) fn tick(&mut self) -> Reply {
        match self {
            Self::Log(log) => log.tick(),
            Self::Updates(updates) => updates.tick(),
            _ => Reply::Stay,
        }
    }

    /// Is told what became of what it asked for; gives back what is not its own.
    pub(crate) fn outcome(&mut self, outcome: Outcome) -> Result<Reply, Outcome> {
        match (self, outcome) {
            (Self::Leaving(action), Outcome::PowerFailed(reason)) => {
                let power = Power::failed(*action, reason);
                Ok(Reply::Replace(Box::new(Self::Power(power))))
            }
            (Self::Wizard(wizard), outcome) => wizard.outcome(outcome),
            (Self::Customise(menu), outcome) => menu.outcome(outcome),
            (Self::Edit(edit), outcome) => edit.outcome(outcome),
            (Self::NetworkTest(test), outcome) => test.outcome(outcome),
            (Self::Log(log), outcome) => log.outcome(outcome),
            (Self::Services(services), outcome) => services.outcome(outcome),
            (Self::Updates(updates), outcome) => updates.outcome(outcome),
            (_, outcome) => Err(outcome),
        }
    }

    /// Whether it hides what lies below.
    const fn is_page(&self) -> bool {
        !matches!(
            self,
            Self::LogIn(_) | Self::Power(_) | Self::Leaving(_) | Self::Told(_)
        )
    }

    fn draw(&self, state: &State, frame: &mut Frame<'_>) {
        match self {
            Self::LogIn(log_in) => log_in.draw(frame),
            Self::Power(power) => power.draw(&state.facts, frame),
            Self::Leaving(action) => power::draw_leaving(leaving_words(*action), frame),
            Self::Wizard(wizard) => wizard.draw(&state.facts, frame),
            Self::Reader(reader) => reader.draw(frame),
            Self::Told(dialogue) => dialogue.draw(frame),
            Self::Customise(menu) => menu.draw(&state.facts, frame),
            Self::Edit(edit) => edit.draw(frame),
            Self::NetworkTest(test) => test.draw(frame),
            Self::Logs(logs) => logs.draw(frame),
            Self::Log(log) => log.draw(frame),
            Self::Services(services) => services.draw(&state.facts, frame),
            Self::Updates(updates) => updates.draw(frame),
        }
    }
}

/// Draws the console.
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    fill(frame, area, BODY);
    if area.width < 40 || area.height < 10 {
        let text = format!("The screen is too small: {}x{} is needed", LEAST.0, LEAST.1);
        frame.render_widget(Line::styled(text, BODY), area);
        return;
    }
    let first_page = state.screens.iter().rposition(Screen::is_page);
    if first_page.is_none() {
        idle::draw(&state.facts, frame, area);
    }
    for screen in state.screens.iter().skip(first_page.unwrap_or(0)) {
        screen.draw(state, frame);
    }
}
