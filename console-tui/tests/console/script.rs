//! A person at the console: keys in, screens and actions out, without a terminal.

use std::time::{Duration, Instant};

use qx_console::action::{Action, Outcome};
use qx_console::draw;
use qx_console::facts::Facts;
use qx_console::state::{Event, State};
use qx_console::terminal::{Input, Key, Parser};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::fixtures::installed;

/// The least that everything fits on.
pub(crate) const SMALL: (u16, u16) = (80, 24);
/// A large one.
pub(crate) const LARGE: (u16, u16) = (132, 43);

/// What is on the screen. Nothing but ASCII ever is.
pub(crate) fn screen(state: &State, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(state, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = (0..height).map(|y| {
        let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        assert!(row.is_ascii(), "row {y} is not ASCII: {row}");
        row.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// Compares the screen with its picture, at both sizes.
pub(crate) fn check(name: &str, state: &State) {
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        for size in [SMALL, LARGE] {
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen(state, size));
        }
    });
}

/// The idle screen of a host.
pub(crate) fn idle(facts: Facts) -> State {
    State::new(facts, Instant::now())
}

/// The person and the console.
pub(crate) struct Script {
    pub(crate) state: State,
    pub(crate) now: Instant,
}

impl Script {
    /// At an installed host.
    pub(crate) fn new() -> Self {
        Self::at(installed())
    }

    pub(crate) fn at(facts: Facts) -> Self {
        let now = Instant::now();
        Self {
            state: State::new(facts, now),
            now,
        }
    }

    pub(crate) fn key(&mut self, key: Key) -> Option<Action> {
        self.state.update(Event::Key(key), self.now)
    }

    pub(crate) fn keys(&mut self, text: &str) {
        for character in text.chars() {
            assert!(self.key(Key::Char(character)).is_none());
        }
    }

    /// Replays what a terminal sent, byte by byte; returns what the console asked for meanwhile.
    pub(crate) fn replay(&mut self, bytes: impl AsRef<[u8]>) -> Vec<Action> {
        let mut parser = Parser::default();
        let mut actions = Vec::new();
        for byte in bytes.as_ref() {
            if let Some(Input::Key(key)) = parser.feed(*byte) {
                actions.extend(self.key(key));
            }
        }
        if let Some(Input::Key(key)) = parser.quiet() {
            actions.extend(self.key(key));
        }
        actions
    }

    pub(crate) fn outcome(&mut self, outcome: Outcome) -> Option<Action> {
        self.state.update(Event::Outcome(outcome), self.now)
    }

    pub(crate) fn passes(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        assert!(self.state.update(Event::Tick, self.now).is_none());
    }

    pub(crate) fn log_in(&mut self, password: &str, right: bool) -> Option<Action> {
        self.keys(password);
        assert!(self.key(Key::Enter) == Some(Action::Check(password.to_owned().into())));
        self.state.update(Event::Checked(Ok(right)), self.now)
    }

    pub(crate) fn shows(&self, text: &str) {
        let screen = screen(&self.state, SMALL);
        assert!(screen.contains(text), "{text:?} is not on\n{screen}");
    }
}
