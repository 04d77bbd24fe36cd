//! State → cells. Pure; ASCII only, 16 colours, from 80×24 up.

mod idle;
mod power;
mod words;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Block;

use crate::state::{State, View};

/// The product's name, as every program shows it.
const PRODUCT: &str = include_str!("../../../branding/product.txt");
const LOGO: &str = include_str!("../../../branding/logo.txt");

/// Upper part: the host itself.
const HEAD: Style = Style::new().fg(Color::White).bg(Color::Blue);
/// Lower part: how to reach it. The background is named so that a repaint sends every cell.
const BODY: Style = Style::new().fg(Color::Gray).bg(Color::Black);
const STRONG: Style = Style::new()
    .fg(Color::White)
    .bg(Color::Black)
    .add_modifier(Modifier::BOLD);
const WARNING: Style = Style::new().fg(Color::LightYellow).bg(Color::Black);
const KEYS: Style = Style::new().fg(Color::Black).bg(Color::Gray);
const DIALOG: Style = Style::new().fg(Color::Black).bg(Color::Gray);
const SELECTED: Style = Style::new()
    .fg(Color::White)
    .bg(Color::Blue)
    .add_modifier(Modifier::BOLD);

/// Smallest screen that everything fits on.
const LEAST: (u16, u16) = (80, 24);

/// Draws the console.
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    fill(frame, area, BODY);
    if area.width < 40 || area.height < 10 {
        let text = format!("The screen is too small: {}x{} is needed", LEAST.0, LEAST.1);
        frame.render_widget(Line::styled(text, BODY), area);
        return;
    }
    idle::draw(&state.facts, frame, area);
    match &state.view {
        View::Idle => {}
        View::LogIn(log_in) => power::draw_log_in(log_in, frame, area),
        View::Power { selected, error } => {
            power::draw_menu(&state.facts, *selected, error.as_deref(), frame, area);
        }
        View::Leaving(action) => power::draw_leaving(*action, frame, area),
    }
}

fn fill(frame: &mut Frame<'_>, area: Rect, style: Style) {
    frame.render_widget(Block::new().style(style), area);
}

/// One line at a row of `area`, indented by two; nothing below its end.
fn put(frame: &mut Frame<'_>, area: Rect, row: u16, line: Line<'_>) {
    if row < area.height && area.width > 4 {
        let place = Rect::new(area.x + 2, area.y + row, area.width - 4, 1);
        frame.render_widget(line, place);
    }
}
