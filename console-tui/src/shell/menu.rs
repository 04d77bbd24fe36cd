//! A list of which one item is selected: arrows move, the first letter jumps. Pure.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{BODY, SELECTED, put};
use crate::terminal::Key;
use crate::words;

/// Which item is selected; the items themselves belong to the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Menu {
    selected: usize,
}

impl Menu {
    /// The selected item's number, below `count` unless that is 0.
    #[must_use]
    pub fn selected(self, count: usize) -> usize {
        self.selected.min(count.saturating_sub(1))
    }

    /// Takes a key that moves in a list of these items; says whether it was one.
    pub fn key(&mut self, key: Key, items: &[String]) -> bool {
        let last = items.len().saturating_sub(1);
        let at = self.selected(items.len());
        self.selected = match key {
            Key::Up => at.saturating_sub(1),
            Key::Down => last.min(at + 1),
            Key::Home | Key::PageUp => 0,
            Key::End | Key::PageDown => last,
            Key::Char(letter) => match next_with(items, at, letter) {
                Some(found) => found,
                None => return false,
            },
            _ => return false,
        };
        true
    }

    /// Draws the items in `area`, scrolled so that the selected one is in it.
    pub(crate) fn draw(self, items: &[String], frame: &mut Frame<'_>, area: Rect) {
        let rows = usize::from(area.height);
        let selected = self.selected(items.len());
        let first = (selected + 1).saturating_sub(rows);
        let width = usize::from(area.width.saturating_sub(4));
        let shown = items.iter().enumerate().skip(first).take(rows);
        for ((number, item), row) in shown.zip(0..) {
            let style = if number == selected { SELECTED } else { BODY };
            let text: String = words::plain(item).chars().take(width).collect();
            put(
                frame,
                area,
                row,
                Line::styled(format!("{text:<width$}"), style),
            );
        }
    }
}

/// The next item behind `at`, around the end, that begins with `letter`.
fn next_with(items: &[String], at: usize, letter: char) -> Option<usize> {
    let count = items.len();
    let begins = |item: &String| {
        let first = item.trim_start().chars().next();
        first.is_some_and(|first| first.eq_ignore_ascii_case(&letter))
    };
    (1..=count)
        .map(|step| (at + step) % count)
        .find(|number| items.get(*number).is_some_and(begins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_jump_around_and_arrows_stop_at_the_ends() {
        let items = ["SSH", "Network", "Shell"].map(str::to_owned);
        let mut menu = Menu::default();
        assert!(menu.key(Key::Char('s'), &items));
        assert_eq!(menu.selected(3), 2);
        assert!(menu.key(Key::Char('s'), &items));
        assert_eq!(menu.selected(3), 0);
        assert!(menu.key(Key::Up, &items) && menu.selected(3) == 0);
        menu.key(Key::End, &items);
        menu.key(Key::Down, &items);
        assert_eq!(menu.selected(3), 2);
        // Items may go while it is open.
        assert_eq!(menu.selected(1), 0);
        assert!(!menu.key(Key::Char('x'), &[]));
        assert!(!menu.key(Key::Enter, &items));
    }
}
