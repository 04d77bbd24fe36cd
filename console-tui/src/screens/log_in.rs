//! The password dialogue, and what it opens.

use ratatui::Frame;
use ratatui::layout::Position;
use ratatui::text::Line;

use super::{Customise, Power, Reply, Screen, Wizard};
use crate::action::Action;
use crate::facts::Facts;
use crate::forms::Password;
use crate::shell::{Text, dialog, put};
use crate::terminal::Key;
use crate::words;

/// Longest password that is taken, in characters; as long as the longest that can be set.
const LONGEST_PASSWORD: usize = 256;
/// Columns of the password field.
const FIELD: usize = 32;

/// What somebody wants to log in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The power menu.
    Power,
    /// The installation.
    Install,
    /// The customise menu.
    Customise,
}

impl Goal {
    /// What a key of the idle screen asks for.
    #[must_use]
    pub fn of(key: Key, facts: &Facts) -> Option<Self> {
        match key {
            Key::F(12) | Key::Char('p' | 'P') => Some(Self::Power),
            Key::F(2) | Key::Char('i' | 'I') if facts.can_install() => Some(Self::Install),
            Key::Char('c' | 'C') => Some(Self::Customise),
            Key::F(3) if facts.is_live() => Some(Self::Customise),
            Key::F(2) if !facts.is_live() => Some(Self::Customise),
            _ => None,
        }
    }

    pub(crate) fn open(self, facts: &Facts) -> (Screen, Option<Action>) {
        match self {
            Self::Customise => (Screen::Customise(Customise::default()), None),
            Self::Power => (Screen::Power(Power::default()), None),
            Self::Install => {
                let wizard = Wizard::new(&facts.inventory.nics);
                (Screen::Wizard(Box::new(wizard)), Some(Action::Look))
            }
        }
    }
}

/// The state of the password dialogue.
#[derive(Debug)]
pub struct LogIn {
    goal: Goal,
    password: Text,
    /// What went wrong the last time.
    pub(crate) message: Option<String>,
    /// A password is being checked.
    pub(crate) checking: bool,
}

impl LogIn {
    pub(crate) fn new(goal: Goal) -> Self {
        Self {
            goal,
            password: Text::new("", LONGEST_PASSWORD),
            message: None,
            checking: false,
        }
    }

    pub(crate) const fn goal(&self) -> Goal {
        self.goal
    }

    /// Asks again.
    pub(crate) fn again(&mut self, message: String) {
        *self = Self {
            message: Some(message),
            ..Self::new(self.goal)
        };
    }

    pub(crate) fn key(&mut self, key: Key) -> Reply {
        match key {
            Key::Escape => return Reply::Close,
            _ if self.checking => {}
            Key::Enter => {
                let password = Password::from(self.password.value());
                self.checking = true;
                self.message = None;
                self.password = Text::new("", LONGEST_PASSWORD);
                return Reply::Act(Action::Check(password));
            }
            key => {
                self.password.key(key);
            }
        }
        Reply::Stay
    }

    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let inner = dialog(frame, 7, "Log in");
        put(frame, inner, 1, Line::raw("Password of root:"));
        let (stars, cursor) = self.password.window(FIELD, true);
        put(frame, inner, 2, Line::raw(format!("[{stars:_<FIELD$}]")));
        let message = match &self.message {
            _ if self.checking => "Checking ...".to_owned(),
            Some(message) => words::plain(message),
            None => String::new(),
        };
        put(frame, inner, 3, Line::raw(message));
        let keys = "<Enter> Continue    <Esc> Cancel";
        put(frame, inner, 4, Line::raw(keys));
        let column = u16::try_from(cursor).unwrap_or(0);
        frame.set_cursor_position(Position::new(inner.x + 3 + column, inner.y + 2));
    }
}
