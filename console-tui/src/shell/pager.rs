//! Text to read: scrolls, searches, follows its end. Pure.
//!
//! ```text
//!              /                    Enter
//!   Reading ──────▶ Typing a word ─────────▶ Reading, at the next hit (n, N: further, back)
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::{BODY, SELECTED, STRONG, Text, put};
use crate::terminal::Key;
use crate::words;

/// Longest word to search for.
const LONGEST_WORD: usize = 60;
/// Columns that a step to the side moves by.
const SIDEWAYS: usize = 20;

/// The lines and where the reader is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pager {
    lines: Vec<String>,
    /// The first line that is shown; the end is clamped when drawn, because only then the height is known.
    top: Top,
    left: usize,
    search: Option<Text>,
    word: String,
    /// The line of the last hit.
    hit: Option<usize>,
    message: Option<String>,
}

/// Where the window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Top {
    /// It begins with this line.
    At(usize),
    /// It ends with the last line, whichever that is.
    End,
}

impl Pager {
    /// Text, read from its start.
    #[must_use]
    pub fn new(lines: Vec<String>) -> Self {
        Self {
            lines,
            top: Top::At(0),
            left: 0,
            search: None,
            word: String::new(),
            hit: None,
            message: None,
        }
    }

    /// Text, read from its end and following it.
    #[must_use]
    pub fn at_end(lines: Vec<String>) -> Self {
        Self {
            top: Top::End,
            ..Self::new(lines)
        }
    }

    /// Whether new lines are shown as they come.
    #[must_use]
    pub fn follows(&self) -> bool {
        self.top == Top::End
    }

    /// Replaces the text by a later state of it; a reader who follows sees its end, others stay.
    pub fn replace(&mut self, lines: Vec<String>) {
        self.lines = lines;
    }

    /// Takes a key; says whether it was one for reading. `page` is how many lines are seen at once.
    pub fn key(&mut self, key: Key, page: usize) -> bool {
        self.message = None;
        if let Some(typed) = &mut self.search {
            match key {
                Key::Escape => self.search = None,
                Key::Enter => {
                    self.word = typed.value();
                    self.search = None;
                    self.hit = None;
                    self.seek(true, page);
                }
                key => {
                    typed.key(key);
                }
            }
            return true;
        }
        let last = self.lines.len().saturating_sub(page);
        let top = self.first(page);
        match key {
            Key::Up => self.go(top.saturating_sub(1)),
            Key::Down => self.go((top + 1).min(last)),
            Key::PageUp | Key::Char('b') => self.go(top.saturating_sub(page)),
            Key::PageDown | Key::Char(' ') => self.go((top + page).min(last)),
            Key::Home | Key::Char('g') => self.go(0),
            Key::End | Key::Char('G' | 'f') => self.top = Top::End,
            Key::Left => self.left = self.left.saturating_sub(SIDEWAYS),
            Key::Right => self.left = (self.left + SIDEWAYS).min(self.widest()),
            Key::Char('/') => self.search = Some(Text::new("", LONGEST_WORD)),
            Key::Char('n') => self.seek(true, page),
            Key::Char('N') => self.seek(false, page),
            _ => return false,
        }
        true
    }

    fn go(&mut self, line: usize) {
        self.top = Top::At(line);
    }

    fn widest(&self) -> usize {
        let widths = self.lines.iter().map(|line| line.chars().count());
        widths.max().unwrap_or(0).saturating_sub(SIDEWAYS)
    }

    fn first(&self, page: usize) -> usize {
        let last = self.lines.len().saturating_sub(page);
        match self.top {
            Top::At(line) => line.min(last),
            Top::End => last,
        }
    }

    /// Goes to the next line with the word, around the end; case does not matter.
    fn seek(&mut self, forward: bool, page: usize) {
        if self.word.is_empty() {
            return;
        }
        let word = self.word.to_lowercase();
        let count = self.lines.len();
        let from = self.hit.unwrap_or_else(|| {
            let first = self.first(page);
            (first + count.saturating_sub(1)) % count.max(1)
        });
        let found = (1..=count)
            .map(|step| {
                let step = if forward { step } else { count - step };
                (from + step) % count
            })
            .find(|line| {
                let line = self.lines.get(*line);
                line.is_some_and(|line| line.to_lowercase().contains(&word))
            });
        match found {
            Some(line) => {
                self.hit = Some(line);
                self.go(line.saturating_sub(page / 3));
            }
            None => self.message = Some(format!("Nothing has \"{}\".", self.word)),
        }
    }

    /// How many lines are seen at once in `area`.
    #[must_use]
    pub const fn page(area: Rect) -> usize {
        area.height.saturating_sub(1) as usize
    }

    pub(crate) fn draw(&self, frame: &mut Frame<'_>, area: Rect) {
        let page = Self::page(area);
        let first = self.first(page);
        let width = usize::from(area.width.saturating_sub(4));
        let shown = self.lines.iter().enumerate().skip(first).take(page);
        for ((number, line), row) in shown.zip(0..) {
            let style = if self.hit == Some(number) {
                SELECTED
            } else {
                BODY
            };
            let text: String = words::plain(line).chars().skip(self.left).collect();
            let text: String = text.chars().take(width).collect();
            put(frame, area, row, Line::styled(text, style));
        }
        let (text, style) = self.status(first, page);
        put(
            frame,
            area,
            area.height.saturating_sub(1),
            Line::styled(text, style),
        );
    }

    fn status(&self, first: usize, page: usize) -> (String, Style) {
        if let Some(typed) = &self.search {
            return (format!("Search: {}_", typed.window(50, false).0), STRONG);
        }
        if let Some(message) = &self.message {
            return (words::plain(message), STRONG);
        }
        let count = self.lines.len();
        let last = (first + page).min(count);
        let follows = if self.follows() {
            ", following the end"
        } else {
            ""
        };
        let text = format!(
            "Lines {} to {last} of {count}{follows}",
            first.min(count) + usize::from(count > 0)
        );
        (text, STRONG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("Line {number}")).collect()
    }

    fn search(pager: &mut Pager, word: &str) {
        pager.key(Key::Char('/'), 10);
        for character in word.chars() {
            pager.key(Key::Char(character), 10);
        }
        pager.key(Key::Enter, 10);
    }

    #[test]
    fn a_search_goes_around_the_end_in_both_directions() {
        let mut pager = Pager::new(lines(100));
        search(&mut pager, "line 5");
        assert_eq!(pager.hit, Some(4));
        pager.key(Key::Char('n'), 10);
        assert_eq!(pager.hit, Some(49));
        pager.key(Key::Char('N'), 10);
        pager.key(Key::Char('N'), 10);
        assert_eq!(pager.hit, Some(58));
        search(&mut pager, "absent");
        assert!(pager.message.is_some());
        search(&mut Pager::new(vec![]), "x");
    }

    #[test]
    fn who_follows_sees_new_lines_and_who_reads_stays() {
        let mut pager = Pager::at_end(lines(100));
        assert_eq!(pager.first(10), 90);
        pager.replace(lines(120));
        assert_eq!(pager.first(10), 110);
        pager.key(Key::Up, 10);
        pager.replace(lines(200));
        assert_eq!(pager.first(10), 109);
        pager.key(Key::Char('f'), 10);
        assert!(pager.follows());
        pager.replace(lines(3));
        assert_eq!(pager.first(10), 0);
    }
}
