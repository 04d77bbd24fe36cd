//! What the console is doing. Pure: `update(state, event)` changes the state and says what to do; nothing
//! here reads, writes or draws.
//!
//! ```text
//!          F12, P                  password right              Enter on an item
//!   Idle ──────────▶ LogIn ───────────────────────▶ Power ─────────────────────────▶ Leaving
//!    ▲                 │ Escape, a minute unused       │ Escape, a minute unused        │ failed
//!    └─────────────────┴───────────────────────────────┴────────────────────────────────┘
//! ```

use std::time::{Duration, Instant};

use qx_host::power::PowerAction;

use crate::facts::Facts;
use crate::terminal::Key;

/// A dialogue that nobody uses closes, so that nobody finds it logged in.
const UNUSED: Duration = Duration::from_secs(60);
/// Longest password that is taken, in characters; as long as the longest that can be set.
const LONGEST_PASSWORD: usize = 256;
/// Longest wait after wrong passwords: slow for a guesser, never a lock-out.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The console.
#[derive(Debug)]
pub struct State {
    /// What is known of the host.
    pub facts: Facts,
    /// What is open over the idle screen.
    pub view: View,
    /// Wrong passwords in a row.
    failures: u32,
    /// No other password is taken before then; outlives the dialogue.
    wait_until: Option<Instant>,
    last_key: Instant,
}

/// What is open over the idle screen.
#[derive(Debug, PartialEq, Eq)]
pub enum View {
    /// Nothing.
    Idle,
    /// The password is asked for.
    LogIn(LogIn),
    /// The power menu.
    Power {
        /// The item that Enter takes.
        selected: PowerAction,
        /// Why the last try failed.
        error: Option<String>,
    },
    /// Init was told; the screen stays until it is gone.
    Leaving(PowerAction),
}

/// The state of the password dialogue.
#[derive(PartialEq, Eq, Default)]
pub struct LogIn {
    /// What was typed.
    password: String,
    /// What went wrong the last time.
    pub message: Option<String>,
    /// A password is being checked.
    pub checking: bool,
}

impl std::fmt::Debug for LogIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogIn")
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl LogIn {
    /// How many characters were typed.
    #[must_use]
    pub fn typed(&self) -> usize {
        self.password.chars().count()
    }
}

/// What happens to the console.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(Key),
    /// There are new facts.
    Facts(Box<Facts>),
    /// A password was checked: right, wrong, or why it could not be.
    Checked(Result<bool, String>),
    /// Init refused to shut down.
    PowerFailed(String),
    /// Time has passed.
    Tick,
}

/// What the main loop is to do.
#[derive(PartialEq, Eq)]
pub enum Action {
    /// Check root's password, then send [`Event::Checked`].
    Check(String),
    /// Shut down or restart.
    Power(PowerAction),
    /// Send every cell again.
    Repaint,
    /// End the program (init starts it again).
    Quit,
}

impl State {
    /// The idle screen.
    #[must_use]
    pub const fn new(facts: Facts, now: Instant) -> Self {
        Self {
            facts,
            view: View::Idle,
            failures: 0,
            wait_until: None,
            last_key: now,
        }
    }

    /// Takes in what happened at `now`.
    pub fn update(&mut self, event: Event, now: Instant) -> Option<Action> {
        match event {
            Event::Key(key) => {
                self.last_key = now;
                self.key(key, now)
            }
            Event::Facts(facts) => {
                self.facts = *facts;
                None
            }
            Event::Checked(outcome) => {
                self.checked(outcome, now);
                None
            }
            Event::PowerFailed(reason) => {
                if let View::Leaving(selected) = self.view {
                    self.view = View::Power {
                        selected,
                        error: Some(reason),
                    };
                }
                None
            }
            Event::Tick => {
                self.tick(now);
                None
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        let unused = now.duration_since(self.last_key) >= UNUSED;
        if self.wait_until.is_some_and(|until| now >= until) {
            self.wait_until = None;
            if let View::LogIn(log_in) = &mut self.view {
                log_in.message = Some("Wrong password. Try again.".to_owned());
            }
        }
        if unused && matches!(self.view, View::LogIn(_) | View::Power { .. }) {
            self.view = View::Idle;
        }
    }

    fn key(&mut self, key: Key, now: Instant) -> Option<Action> {
        match (key, &mut self.view) {
            (Key::Ctrl('l'), _) => return Some(Action::Repaint),
            (Key::Ctrl('c'), _) => return Some(Action::Quit),
            (_, View::Leaving(_)) => {}
            (Key::Escape, _) => self.view = View::Idle,
            (Key::F(12) | Key::Char('p' | 'P'), View::Idle) => {
                self.view = View::LogIn(LogIn::default());
            }
            (_, View::Idle) => {}
            (Key::Enter, View::LogIn(_)) if self.wait_until.is_some_and(|until| now < until) => {}
            (key, View::LogIn(log_in)) => return log_in.key(key),
            (key, View::Power { selected, .. }) => match key {
                Key::Up | Key::Char('s' | 'S') => *selected = PowerAction::Off,
                Key::Down | Key::Char('r' | 'R') => *selected = PowerAction::Reboot,
                Key::Enter => {
                    let action = *selected;
                    self.view = View::Leaving(action);
                    return Some(Action::Power(action));
                }
                _ => {}
            },
        }
        None
    }

    fn checked(&mut self, outcome: Result<bool, String>, now: Instant) {
        // An answer to a dialogue that was left meanwhile is nobody's.
        let View::LogIn(log_in) = &mut self.view else {
            return;
        };
        if !log_in.checking {
            return;
        }
        match outcome {
            Ok(true) => {
                self.failures = 0;
                self.view = View::Power {
                    selected: PowerAction::Off,
                    error: None,
                };
            }
            Ok(false) => {
                let wait = LONGEST_WAIT.min(Duration::from_secs(1 << self.failures.min(8)));
                self.failures = self.failures.saturating_add(1);
                self.wait_until = Some(now + wait);
                let message = Some(format!("Wrong password. Wait {} s.", wait.as_secs()));
                *log_in = LogIn {
                    message,
                    ..LogIn::default()
                };
            }
            Err(reason) => {
                *log_in = LogIn {
                    message: Some(reason),
                    ..LogIn::default()
                };
            }
        }
    }
}

impl LogIn {
    fn key(&mut self, key: Key) -> Option<Action> {
        if self.checking {
            return None;
        }
        match key {
            Key::Char(character) if self.typed() < LONGEST_PASSWORD && !character.is_control() => {
                self.password.push(character);
            }
            Key::Backspace => {
                self.password.pop();
            }
            Key::Ctrl('u') => self.password.clear(),
            Key::Enter => {
                self.checking = true;
                self.message = None;
                return Some(Action::Check(std::mem::take(&mut self.password)));
            }
            _ => {}
        }
        None
    }
}
