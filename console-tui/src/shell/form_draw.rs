//! A form on a page: a line a field, the problem of a field below it, help at the end.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

use super::{BODY, Field, Form, Input, READABLE, SELECTED, STRONG, WARNING, paragraph, put};
use crate::words;

/// Columns of the labels.
const LABEL: usize = 24;
/// A field of text that has not the focus.
const FIELD: Style = Style::new().fg(Color::White).bg(Color::Black);
/// Widest field of text.
const WIDEST: usize = 72;

impl<K: Copy + Eq + Ord> Form<K> {
    /// Draws the form in `area`, scrolled to the focus; the cursor goes to where text is entered.
    pub(crate) fn draw(&self, frame: &mut Frame<'_>, area: Rect) {
        let help_rows = 3.min(area.height);
        let list = Rect {
            height: area.height - help_rows,
            ..area
        };
        let (fields, focus) = self.shown();
        let rows: Vec<u16> = fields.iter().map(|field| height(field, area)).collect();
        let first = first_shown(&rows, focus, list.height);
        let mut row = 0;
        for (number, field) in fields.iter().enumerate().skip(first) {
            if row >= list.height {
                break;
            }
            draw_field(field, number == focus, frame, list, row);
            row += rows.get(number).copied().unwrap_or(1);
        }
        if let Some(field) = self.focused() {
            let help = Rect {
                y: list.bottom(),
                height: help_rows,
                ..area
            };
            paragraph(frame, help, 1, field.help, BODY);
        }
    }
}

/// Rows that a field takes, with its problem.
fn height<K>(field: &Field<K>, area: Rect) -> u16 {
    let width = usize::from(area.width.saturating_sub(8)).min(usize::from(READABLE));
    let Some(problem) = &field.problem else {
        return 1;
    };
    let lines = words::wrap(&words::plain(&format!("! {problem}")), width).len();
    1 + u16::try_from(lines).unwrap_or(0)
}

/// The first field to show so that the one with the focus fits.
fn first_shown(rows: &[u16], focus: usize, room: u16) -> usize {
    let mut first = 0;
    let used = |first: usize| rows.iter().take(focus + 1).skip(first).sum::<u16>();
    while first < focus && used(first) > room {
        first += 1;
    }
    first
}

fn draw_field<K>(field: &Field<K>, focused: bool, frame: &mut Frame<'_>, area: Rect, row: u16) {
    let style = if focused { SELECTED } else { FIELD };
    let label = words::plain(&field.label);
    let label_style = if focused { STRONG } else { BODY };
    let room = usize::from(area.width).saturating_sub(LABEL + 8);
    let (value, cursor) = match &field.input {
        Input::Text(text) => entered(text, false, room),
        Input::Secret(text) => entered(text, true, room),
        Input::Choice { options, at } => {
            let option = options.get(*at).map_or("", String::as_str);
            let option: String = words::plain(option).chars().take(room).collect();
            (format!("< {option} >"), None)
        }
        Input::Flag(true) => ("[x]".to_owned(), None),
        Input::Flag(false) => ("[ ]".to_owned(), None),
    };
    let line = Line::from(vec![
        Span::styled(format!("{label:<LABEL$}"), label_style),
        Span::styled(value, style),
    ]);
    put(frame, area, row, line);
    if let (true, Some(column), true) = (focused, cursor, row < area.height) {
        let column = u16::try_from(LABEL + 1 + column).unwrap_or(0);
        frame.set_cursor_position(Position::new(area.x + 2 + column, area.y + row));
    }
    if let Some(problem) = &field.problem {
        let inner = Rect {
            x: area.x + 4.min(area.width),
            width: area.width.saturating_sub(4),
            ..area
        };
        paragraph(frame, inner, row + 1, &format!("! {problem}"), WARNING);
    }
}

fn entered(text: &super::Text, secret: bool, room: usize) -> (String, Option<usize>) {
    let width = text.limit().min(WIDEST).min(room).max(1);
    let (shown, cursor) = text.window(width, secret);
    (format!("[{shown:_<width$}]"), Some(cursor))
}
