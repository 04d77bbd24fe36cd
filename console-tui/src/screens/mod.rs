//! The screens: each with its state, what keys do to it, and how it is drawn. A screen changes nothing but
//! itself; what it wants done, it asks for.

mod idle;
mod log_in;
mod power;
mod reader;
mod wizard;

pub use log_in::{Goal, LogIn};
pub use power::Power;
pub use reader::Reader;
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
            Self::Told(dialogue) => match dialogue.key(key) {
                Answered::Open => Reply::Stay,
                Answered::Yes | Answered::No => Reply::Close,
            },
        }
    }

    /// Is told of new facts.
    pub(crate) fn facts(&mut self, _context: &Context<'_>) -> Reply {
        Reply::Stay
    }

    /// Is told what became of what it asked for; gives back what is not its own.
    pub(crate) fn outcome(
        &mut self,
        outcome: Outcome,
        _context: &Context<'_>,
    ) -> Result<Reply, Outcome> {
        match (self, outcome) {
            (Self::Leaving(action), Outcome::PowerFailed(reason)) => {
                let power = Power::failed(*action, reason);
                Ok(Reply::Replace(Box::new(Self::Power(power))))
            }
            (Self::Wizard(wizard), outcome) => wizard.outcome(outcome),
            (_, outcome) => Err(outcome),
        }
    }

    /// Whether it hides what lies below.
    const fn is_page(&self) -> bool {
        matches!(self, Self::Wizard(_) | Self::Reader(_))
    }

    fn draw(&self, state: &State, frame: &mut Frame<'_>) {
        match self {
            Self::LogIn(log_in) => log_in.draw(frame),
            Self::Power(power) => power.draw(&state.facts, frame),
            Self::Leaving(action) => power::draw_leaving(leaving_words(*action), frame),
            Self::Wizard(wizard) => wizard.draw(&state.facts, frame),
            Self::Reader(reader) => reader.draw(frame),
            Self::Told(dialogue) => dialogue.draw(frame),
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
