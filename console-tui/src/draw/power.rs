//! The password dialogue and the power menu.

use qx_host::power::PowerAction;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear};

use super::{DIALOG, SELECTED, put, words};
use crate::facts::{Daemon, Facts};
use crate::state::LogIn;

const WIDTH: u16 = 60;
/// Characters of the password field.
const FIELD: usize = 32;
/// Lines are drawn with ASCII only.
const BORDER: ratatui::symbols::border::Set<'_> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

pub(super) fn draw_log_in(log_in: &LogIn, frame: &mut Frame<'_>, area: Rect) {
    let inner = dialog(frame, area, 7, " Log in ");
    put(frame, inner, 1, Line::raw("Password of root:"));
    let stars = "*".repeat(log_in.typed().min(FIELD));
    let field = format!("[{stars:_<FIELD$}]");
    put(frame, inner, 2, Line::raw(field));
    let message = match &log_in.message {
        _ if log_in.checking => "Checking ...".to_owned(),
        Some(message) => words::plain(message),
        None => String::new(),
    };
    put(frame, inner, 3, Line::raw(message));
    put(
        frame,
        inner,
        4,
        Line::raw("<Enter> Continue    <Esc> Cancel"),
    );
    let column = u16::try_from(log_in.typed().min(FIELD)).unwrap_or(0);
    frame.set_cursor_position(Position::new(inner.x + 3 + column, inner.y + 2));
}

pub(super) fn draw_menu(
    facts: &Facts,
    selected: PowerAction,
    error: Option<&str>,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let inner = dialog(frame, area, 10, " Power ");
    let width = usize::from(inner.width.saturating_sub(4));
    let items = [
        (PowerAction::Off, "(S) Shut down"),
        (PowerAction::Reboot, "(R) Restart"),
    ];
    for ((action, text), row) in items.into_iter().zip(1..) {
        let text = format!(" {text:<30}");
        let style = if action == selected { SELECTED } else { DIALOG };
        put(frame, inner, row, Line::styled(text, style));
    }
    let warning = error.map_or_else(|| consequence(facts), words::plain);
    for (line, row) in words::wrap(&warning, width).into_iter().zip(4..7) {
        put(frame, inner, row, Line::raw(line));
    }
    put(
        frame,
        inner,
        7,
        Line::raw("<Enter> Do it now    <Esc> Cancel"),
    );
}

pub(super) fn draw_leaving(action: PowerAction, frame: &mut Frame<'_>, area: Rect) {
    let inner = dialog(frame, area, 5, " Power ");
    let text = match action {
        PowerAction::Off => "Shutting down. VMs are asked to shut down first.",
        PowerAction::Reboot => "Restarting. VMs are asked to shut down first.",
    };
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
        Daemon::Unasked | Daemon::Down { .. } => "The management service does not answer: whether \
             virtual machines are running is not known."
            .to_owned(),
    }
}

fn dialog(frame: &mut Frame<'_>, area: Rect, height: u16, title: &str) -> Rect {
    let width = WIDTH.min(area.width);
    let height = height.min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let block = Block::bordered()
        .border_set(BORDER)
        .title(title)
        .style(DIALOG);
    let inner = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    inner
}
