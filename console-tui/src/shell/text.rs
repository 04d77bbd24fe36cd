//! One line of text that is being edited. Pure.

use std::fmt;

use crate::terminal::Key;

/// A line with a cursor. Takes printable characters of any script up to its limit; what cannot be shown is
/// drawn as `?`, and whether it makes sense is for the form to say.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    characters: Vec<char>,
    cursor: usize,
    limit: usize,
}

/// It may be a password.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} characters)", self.characters.len())
    }
}

impl Text {
    /// A line of at most `limit` characters, cut from `value`, with the cursor behind it.
    #[must_use]
    pub fn new(value: &str, limit: usize) -> Self {
        let mut text = Self {
            characters: Vec::new(),
            cursor: 0,
            limit,
        };
        value.chars().for_each(|character| text.insert(character));
        text
    }

    /// The text.
    #[must_use]
    pub fn value(&self) -> String {
        self.characters.iter().collect()
    }

    /// How many characters it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.characters.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.characters.is_empty()
    }

    /// How many characters it takes.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Takes a key; says whether it was one for editing.
    pub fn key(&mut self, key: Key) -> bool {
        match key {
            Key::Char(character) => self.insert(character),
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.characters.remove(self.cursor);
            }
            Key::Delete if self.cursor < self.characters.len() => {
                self.characters.remove(self.cursor);
            }
            Key::Backspace | Key::Delete => {}
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = self.characters.len().min(self.cursor + 1),
            Key::Home | Key::Ctrl('a') => self.cursor = 0,
            Key::End | Key::Ctrl('e') => self.cursor = self.characters.len(),
            Key::Ctrl('u') => {
                self.characters.clear();
                self.cursor = 0;
            }
            _ => return false,
        }
        true
    }

    fn insert(&mut self, character: char) {
        if self.characters.len() < self.limit && !character.is_control() {
            self.characters.insert(self.cursor, character);
            self.cursor += 1;
        }
    }

    /// The part around the cursor that fits `width` columns, and the cursor's column in it. `secret` shows
    /// stars.
    #[must_use]
    pub fn window(&self, width: usize, secret: bool) -> (String, usize) {
        let room = width.max(1);
        let first = (self.cursor + 1).saturating_sub(room);
        let shown = self.characters.iter().skip(first).take(room);
        let text = shown.map(|c| match c {
            _ if secret => '*',
            ' '..='~' => *c,
            _ => '?',
        });
        (text.collect(), self.cursor - first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_edited_in_the_middle() {
        let mut text = Text::new("10.0.2.15", 20);
        for key in [Key::Home, Key::Right, Key::Delete, Key::Char('9')] {
            assert!(text.key(key));
        }
        assert_eq!(text.value(), "19.0.2.15");
        text.key(Key::Ctrl('u'));
        assert!(text.is_empty());
        assert!(!text.key(Key::Enter));
    }

    #[test]
    fn a_long_line_scrolls_with_the_cursor() {
        let mut text = Text::new("abcdefgh", 20);
        assert_eq!(text.window(4, false), ("fgh".into(), 3));
        text.key(Key::Home);
        assert_eq!(text.window(4, false), ("abcd".into(), 0));
        assert_eq!(Text::new("\u{4e2d}x", 9).window(9, false).0, "?x");
        assert_eq!(Text::new("abc", 9).window(9, true).0, "***");
    }

    fn any_key() -> impl Strategy<Value = Key> {
        prop_oneof![
            8 => any::<char>().prop_map(Key::Char),
            1 => Just(Key::Backspace),
            1 => Just(Key::Delete),
            1 => Just(Key::Left),
            1 => Just(Key::Right),
            1 => Just(Key::Home),
            1 => Just(Key::End),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_typed_the_limit_holds_and_what_is_shown_is_printable_ascii(
            keys in prop::collection::vec(any_key(), 0..200),
            width in 0_usize..40,
        ) {
            let mut text = Text::new("", 50);
            for key in keys {
                text.key(key);
                let (shown, cursor) = text.window(width, false);
                prop_assert!(text.len() <= 50 && cursor < width.max(1));
                prop_assert!(shown.len() <= width.max(1));
                prop_assert!(shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
            prop_assert!(!text.value().chars().any(char::is_control));
        }
    }
}
