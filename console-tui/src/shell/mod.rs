//! What all screens are made of: colours, the frame of a page and of a dialogue, menus, forms, text to read.
//! Knows no screen and no host.

mod form;
mod form_draw;
mod menu;
mod message;
mod pager;
mod text;

pub use form::{Field, Form, Input, Model, Problems, Used};
pub use menu::Menu;
pub use message::{Answered, Confirm, Kind};
pub use pager::Pager;
pub use text::Text;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear};

use crate::words;

/// Titles and the upper part of the idle screen.
pub(crate) const HEAD: Style = Style::new().fg(Color::White).bg(Color::Blue);
/// Text. The background is named so that a repaint sends every cell.
pub(crate) const BODY: Style = Style::new().fg(Color::Gray).bg(Color::Black);
/// What matters most in a text.
pub(crate) const STRONG: Style = Style::new()
    .fg(Color::White)
    .bg(Color::Black)
    .add_modifier(Modifier::BOLD);
/// What is wrong.
pub(crate) const WARNING: Style = Style::new().fg(Color::LightYellow).bg(Color::Black);
/// The last row.
pub(crate) const KEYS: Style = Style::new().fg(Color::Black).bg(Color::Gray);
/// A dialogue over a page.
pub(crate) const DIALOG: Style = Style::new().fg(Color::Black).bg(Color::Gray);
/// The item that Enter takes.
pub(crate) const SELECTED: Style = Style::new()
    .fg(Color::White)
    .bg(Color::Blue)
    .add_modifier(Modifier::BOLD);

/// Smallest screen that everything fits on.
pub(crate) const LEAST: (u16, u16) = (80, 24);
/// Columns of a dialogue.
const DIALOG_WIDTH: u16 = 64;
/// Longest line of running text; longer ones are hard to read.
const READABLE: u16 = 100;
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

/// The product's name, as every program shows it.
pub(crate) const PRODUCT: &str = include_str!("../../../branding/product.txt");

pub(crate) fn fill(frame: &mut Frame<'_>, area: Rect, style: Style) {
    frame.render_widget(Block::new().style(style), area);
}

/// One line at a row of `area`, indented by two; nothing below its end.
pub(crate) fn put(frame: &mut Frame<'_>, area: Rect, row: u16, line: Line<'_>) {
    if row < area.height && area.width > 4 {
        let place = Rect::new(area.x + 2, area.y + row, area.width - 4, 1);
        frame.render_widget(line, place);
    }
}

/// Running text from a row on, broken into lines; returns the row after it.
pub(crate) fn paragraph(
    frame: &mut Frame<'_>,
    area: Rect,
    row: u16,
    text: &str,
    style: Style,
) -> u16 {
    let width = usize::from(area.width.saturating_sub(4).min(READABLE));
    let mut row = row;
    for line in words::wrap(&words::plain(text), width) {
        put(frame, area, row, Line::styled(line, style));
        row = row.saturating_add(1);
    }
    row
}

/// A page over the whole screen: a title, keys in the last row. Returns what is between them.
pub(crate) fn page(frame: &mut Frame<'_>, title: &str, keys: &str) -> Rect {
    let area = frame.area();
    frame.render_widget(Clear, area);
    fill(frame, area, BODY);
    let head = Rect { height: 1, ..area };
    fill(frame, head, HEAD);
    let product = PRODUCT.trim_end();
    let title = format!("{product}  {}", words::plain(title));
    put(frame, head, 0, Line::styled(title, HEAD));
    let foot = Rect {
        y: area.bottom() - 1,
        height: 1,
        ..area
    };
    fill(frame, foot, KEYS);
    put(frame, foot, 0, Line::styled(keys.to_owned(), KEYS));
    Rect {
        y: area.y + 2,
        height: area.height.saturating_sub(3),
        ..area
    }
}

/// A framed box in the middle of the screen; returns what is inside.
pub(crate) fn dialog(frame: &mut Frame<'_>, height: u16, title: &str) -> Rect {
    let area = frame.area();
    let width = DIALOG_WIDTH.min(area.width);
    let height = height.min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let block = Block::bordered()
        .border_set(BORDER)
        .title(format!(" {title} "))
        .style(DIALOG);
    let inner = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    inner
}
