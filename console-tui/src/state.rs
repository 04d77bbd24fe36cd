//! What the console is doing. Pure: `update(state, event)` changes the state and says what to do; nothing
//! here reads, writes or draws.
//!
//! ```text
//!          a key            password right                   Enter on an item
//!   Idle ────────▶ LogIn ──────────────────▶ Menu, Power … ──────────────────▶ forms, logs, …
//!    ▲               │ Escape, unused           │ Escape, unused                  │ Escape
//!    └───────────────┴──────────────────────────┴────────────── one screen back ◀─┘
//! ```
//! Screens lie on a stack over the idle screen; keys and answers go to the topmost. Only a password that was
//! right puts anything but the log-in there; the installation of a live boot, whose password stands on the
//! screen, needs none.

use std::time::{Duration, Instant};

use qx_host::power::PowerAction;

use crate::action::{Action, Outcome};
use crate::facts::Facts;
use crate::screens::{Goal, LogIn, Reply, Screen};
use crate::terminal::Key;

/// A screen behind the log-in that nobody uses closes, so that nobody finds it logged in.
const UNUSED: Duration = Duration::from_secs(300);
/// The log-in itself and what a single key could do harm in close sooner.
const UNUSED_DIALOG: Duration = Duration::from_secs(60);
/// Longest wait after wrong passwords: slow for a guesser, never a lock-out.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Rows of a screen until the terminal says how many it has.
const ROWS: u16 = 24;

/// The console.
#[derive(Debug)]
pub struct State {
    /// What is known of the host.
    pub facts: Facts,
    /// What is open over the idle screen, the topmost last.
    pub(crate) screens: Vec<Screen>,
    /// An installation that was left, with everything that was entered.
    left: Option<Box<Screen>>,
    /// Wrong passwords in a row.
    failures: u32,
    /// No other password is taken before then; outlives the dialogue.
    wait_until: Option<Instant>,
    last_key: Instant,
    rows: u16,
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
    /// What became of something that a screen asked for.
    Outcome(Outcome),
    /// The screen has this many rows now.
    Rows(u16),
    /// Time has passed.
    Tick,
}

/// What a screen may look at besides itself when it takes a key.
pub struct Context<'a> {
    /// What is known of the host.
    pub facts: &'a Facts,
    /// Rows of the terminal.
    pub rows: u16,
}

impl State {
    /// The idle screen.
    #[must_use]
    pub const fn new(facts: Facts, now: Instant) -> Self {
        Self {
            facts,
            screens: Vec::new(),
            left: None,
            failures: 0,
            wait_until: None,
            last_key: now,
            rows: ROWS,
        }
    }

    /// The topmost screen's name; `None` on the idle screen.
    #[must_use]
    pub fn screen(&self) -> Option<&'static str> {
        self.screens.last().map(Screen::name)
    }

    /// Takes in what happened at `now`.
    pub fn update(&mut self, event: Event, now: Instant) -> Option<Action> {
        match event {
            Event::Key(key) => {
                self.last_key = now;
                return self.key(key, now);
            }
            Event::Facts(facts) => {
                self.facts = *facts;
            }
            Event::Checked(outcome) => return self.checked(outcome, now),
            Event::Outcome(outcome) => return self.outcome(outcome),
            Event::Rows(rows) => self.rows = rows,
            Event::Tick => {
                self.tick(now);
                let reply = self.screens.last_mut().map_or(Reply::Stay, Screen::tick);
                return self.follow(reply);
            }
        }
        None
    }

    fn tick(&mut self, now: Instant) {
        if self.wait_until.is_some_and(|until| now >= until) {
            self.wait_until = None;
            if let Some(Screen::LogIn(log_in)) = self.screens.last_mut() {
                log_in.message = Some("Wrong password. Try again.".to_owned());
            }
        }
        let unused = now.duration_since(self.last_key);
        let limit = match self.screens.last() {
            None | Some(Screen::Leaving(_)) => return,
            Some(Screen::LogIn(_) | Screen::Power(_)) => UNUSED_DIALOG,
            // Whoever started it comes back for it.
            Some(screen) if screen.is_busy() => return,
            Some(_) => UNUSED,
        };
        if unused >= limit {
            while self.close() {}
        }
    }

    fn key(&mut self, key: Key, now: Instant) -> Option<Action> {
        match key {
            Key::Ctrl('l') => return Some(Action::Repaint),
            Key::Ctrl('c') => return Some(Action::Quit),
            _ => {}
        }
        let waits = self.wait_until.is_some_and(|until| now < until);
        let context = Context {
            facts: &self.facts,
            rows: self.rows,
        };
        let reply = match self.screens.last_mut() {
            None => return self.idle_key(key),
            Some(Screen::LogIn(_)) if waits && key == Key::Enter => Reply::Stay,
            Some(screen) => screen.key(key, &context),
        };
        self.follow(reply)
    }

    fn idle_key(&mut self, key: Key) -> Option<Action> {
        let goal = Goal::of(key, &self.facts)?;
        if goal == Goal::Install && self.facts.one_time_password.is_some() {
            return self.reach(goal);
        }
        self.screens.push(Screen::LogIn(LogIn::new(goal)));
        None
    }

    /// Opens what the log-in was for.
    fn reach(&mut self, goal: Goal) -> Option<Action> {
        if goal == Goal::Install
            && let Some(left) = self.left.take()
        {
            self.screens.push(*left);
            return Some(Action::Look);
        }
        let (screen, action) = goal.open(&self.facts);
        self.screens.push(screen);
        action
    }

    fn checked(&mut self, outcome: Result<bool, String>, now: Instant) -> Option<Action> {
        // An answer to a dialogue that was left meanwhile is nobody's.
        let Some(Screen::LogIn(log_in)) = self.screens.last_mut() else {
            return None;
        };
        if !log_in.checking {
            return None;
        }
        match outcome {
            Ok(true) => {
                let goal = log_in.goal();
                self.failures = 0;
                self.screens.pop();
                return self.reach(goal);
            }
            Ok(false) => {
                let wait = LONGEST_WAIT.min(Duration::from_secs(1 << self.failures.min(8)));
                self.failures = self.failures.saturating_add(1);
                self.wait_until = Some(now + wait);
                log_in.again(format!("Wrong password. Wait {} s.", wait.as_secs()));
            }
            Err(reason) => log_in.again(reason),
        }
        None
    }

    fn outcome(&mut self, outcome: Outcome) -> Option<Action> {
        // The screen that asked may lie under another by now.
        let mut outcome = Some(outcome);
        for at in (0..self.screens.len()).rev() {
            let screen = self.screens.get_mut(at)?;
            match screen.outcome(outcome.take()?) {
                Ok(reply) => return self.follow(reply),
                Err(not_mine) => outcome = Some(not_mine),
            }
        }
        None
    }

    fn follow(&mut self, reply: Reply) -> Option<Action> {
        match reply {
            Reply::Stay => None,
            Reply::Close => {
                self.close();
                None
            }
            Reply::Open(screen, action) => {
                self.screens.push(*screen);
                action
            }
            Reply::Replace(screen) => {
                self.screens.pop();
                self.screens.push(*screen);
                None
            }
            Reply::Act(action) => Some(action),
            Reply::Leave(action) => {
                self.screens.push(Screen::Leaving(action));
                Some(Action::Power(action))
            }
        }
    }

    /// Closes the topmost screen; says whether there was one. Nothing that was entered for an installation is
    /// lost.
    fn close(&mut self) -> bool {
        let Some(screen) = self.screens.pop() else {
            return false;
        };
        if matches!(screen, Screen::Wizard(_)) {
            self.left = Some(Box::new(screen));
        }
        true
    }
}

/// What init was told.
pub(crate) const fn leaving_words(action: PowerAction) -> &'static str {
    match action {
        PowerAction::Off => "Shutting down. VMs are asked to shut down first.",
        PowerAction::Reboot => "Restarting. VMs are asked to shut down first.",
    }
}
