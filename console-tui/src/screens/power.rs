//! The power menu.

use qx_host::power::PowerAction;
use ratatui::Frame;
use ratatui::text::Line;

use super::Reply;
use crate::facts::{Daemon, Facts};
use crate::shell::{DIALOG, SELECTED, dialog, put};
use crate::terminal::Key;
use crate::words;

/// The menu's state.
#[derive(Debug)]
pub struct Power {
    /// The item that Enter takes.
    selected: PowerAction,
    /// Why the last try failed.
    error: Option<String>,
}

impl Default for Power {
    fn default() -> Self {
        Self {
            selected: PowerAction::Off,
            error: None,
        }
    }
}

impl Power {
    /// The menu after init refused.
    pub(crate) const fn failed(selected: PowerAction, reason: String) -> Self {
        Self {
            selected,
            error: Some(reason),
        }
    }

    pub(crate) const fn key(&mut self, key: Key) -> Reply {
        match key {
            Key::Escape => return Reply::Close,
            Key::Enter => return Reply::Leave(self.selected),
            Key::Up | Key::Char('s' | 'S') => self.selected = PowerAction::Off,
            Key::Down | Key::Char('r' | 'R') => self.selected = PowerAction::Reboot,
            _ => {}
        }
        Reply::Stay
    }

    pub(crate) fn draw(&self, facts: &Facts, frame: &mut Frame<'_>) {
        let inner = dialog(frame, 10, "Power");
        let width = usize::from(inner.width.saturating_sub(4));
        let items = [
            (PowerAction::Off, "(S) Shut down"),
            (PowerAction::Reboot, "(R) Restart"),
        ];
        for ((action, text), row) in items.into_iter().zip(1..) {
            let style = if action == self.selected {
                SELECTED
            } else {
                DIALOG
            };
            put(
                frame,
                inner,
                row,
                Line::styled(format!(" {text:<30}"), style),
            );
        }
        let error = self.error.as_deref().map(words::plain);
        let warning = error.unwrap_or_else(|| consequence(facts));
        for (line, row) in words::wrap(&warning, width).into_iter().zip(4..7) {
            put(frame, inner, row, Line::raw(line));
        }
        let keys = "<Enter> Do it now    <Esc> Cancel";
        put(frame, inner, 7, Line::raw(keys));
    }
}

pub(super) fn draw_leaving(text: &str, frame: &mut Frame<'_>) {
    let inner = dialog(frame, 5, "Power");
    put(frame, inner, 1, Line::raw(text));
}

fn consequence(facts: &Facts) -> String {
    match &facts.daemon {
        Daemon::Up { running: 0, .. } => "No virtual machine is running.".to_owned(),
        Daemon::Up { running: 1, .. } => {
            "1 virtual machine is running. It is asked to shut down first.".to_owned()
        }
        Daemon::Up { running, .. } => {
            format!("{running} virtual machines are running. They are asked to shut down first.")
        }
        Daemon::NoHypervisor { .. } => {
            "The hypervisor does not answer: whether virtual machines are \
             running is not known."
                .to_owned()
        }
        Daemon::Unasked | Daemon::Down { .. } => "The management service does not answer: whether \
             virtual machines are running is not known."
            .to_owned(),
    }
}
