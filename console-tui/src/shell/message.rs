//! A dialogue that says something or asks for a yes. Pure.

use ratatui::Frame;
use ratatui::layout::Position;
use ratatui::text::Line;

use super::{DIALOG, Text, dialog, put};
use crate::terminal::Key;
use crate::words;

/// Columns of text in the dialogue.
const WIDTH: usize = 58;
/// Longest word that has to be typed.
const LONGEST_WORD: usize = 32;

/// How a dialogue is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It only tells.
    Told,
    /// Enter says yes.
    Asked,
    /// This word has to be typed.
    Typed(String),
}

/// The dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    title: &'static str,
    text: String,
    kind: Kind,
    typed: Text,
    /// Something else than the word was typed.
    wrong: bool,
}

/// What a key did to a dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// Nothing yet.
    Open,
    /// Yes, or that it was read.
    Yes,
    /// No.
    No,
}

impl Confirm {
    /// A dialogue with a title and running text.
    #[must_use]
    pub fn new(title: &'static str, text: impl Into<String>, kind: Kind) -> Self {
        Self {
            title,
            text: text.into(),
            kind,
            typed: Text::new("", LONGEST_WORD),
            wrong: false,
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Answered {
        match (key, &self.kind) {
            (Key::Escape, Kind::Told) => Answered::Yes,
            (Key::Escape, _) => Answered::No,
            (Key::Enter, Kind::Told | Kind::Asked) => Answered::Yes,
            (Key::Enter, Kind::Typed(word)) if self.typed.value().trim() == word => Answered::Yes,
            (Key::Enter, Kind::Typed(_)) => {
                self.wrong = true;
                Answered::Open
            }
            (key, Kind::Typed(_)) => {
                self.wrong &= !self.typed.key(key);
                Answered::Open
            }
            _ => Answered::Open,
        }
    }

    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let lines = words::wrap(&words::plain(&self.text), WIDTH);
        let most = usize::from(frame.area().height).saturating_sub(8);
        let shown = lines.len().min(most);
        let rows = u16::try_from(shown).unwrap_or(0);
        let inner = dialog(frame, rows + 7, self.title);
        for (line, row) in lines.into_iter().take(shown).zip(1..) {
            put(frame, inner, row, Line::styled(line, DIALOG));
        }
        let keys = match &self.kind {
            Kind::Told => "<Enter> Continue",
            Kind::Asked => "<Enter> Yes    <Esc> No",
            Kind::Typed(word) => {
                self.draw_field(word, frame, inner, rows + 2);
                "<Enter> Continue    <Esc> Cancel"
            }
        };
        put(frame, inner, rows + 3, Line::styled(keys, DIALOG));
    }

    fn draw_field(
        &self,
        word: &str,
        frame: &mut Frame<'_>,
        inner: ratatui::layout::Rect,
        row: u16,
    ) {
        let (shown, cursor) = self.typed.window(LONGEST_WORD - 1, false);
        let hint = if self.wrong {
            format!("  not {word}")
        } else {
            String::new()
        };
        let field = format!("[{shown:_<width$}]{hint}", width = LONGEST_WORD - 1);
        put(frame, inner, row, Line::styled(field, DIALOG));
        let column = u16::try_from(cursor).unwrap_or(0);
        frame.set_cursor_position(Position::new(inner.x + 3 + column, inner.y + row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(dialogue: &mut Confirm, word: &str) -> Answered {
        for character in word.chars() {
            assert_eq!(dialogue.key(Key::Char(character)), Answered::Open);
        }
        dialogue.key(Key::Enter)
    }

    #[test]
    fn only_the_very_word_is_a_yes() {
        let mut dialogue = Confirm::new("Erase", "?", Kind::Typed("sda".into()));
        assert_eq!(dialogue.key(Key::Enter), Answered::Open);
        assert_eq!(answer(&mut dialogue, "sd"), Answered::Open);
        assert!(dialogue.wrong);
        assert_eq!(answer(&mut dialogue, "a"), Answered::Yes);
        assert_eq!(dialogue.key(Key::Escape), Answered::No);
    }

    #[test]
    fn a_question_takes_no_letter_for_a_yes() {
        let mut dialogue = Confirm::new("Restart", "?", Kind::Asked);
        assert_eq!(dialogue.key(Key::Char('y')), Answered::Open);
        assert_eq!(dialogue.key(Key::Enter), Answered::Yes);
    }
}
