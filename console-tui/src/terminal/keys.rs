//! Bytes of a terminal → keys. A state machine without a clock: the caller says when the line has gone
//! quiet, which is what tells the Escape key from the start of a sequence.

/// A key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// Ctrl and a letter, in lower case.
    Ctrl(char),
    /// F1 to F12.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Backspace or Ctrl-H.
    Backspace,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Delete.
    Delete,
}

/// What the terminal sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// The answer to a question for the cursor's place, 1-based.
    Cursor {
        /// Row.
        row: u16,
        /// Column.
        column: u16,
    },
}

/// Longest sequence that is kept; what is longer is not from a terminal that we know.
const LONGEST: usize = 32;

/// Collects bytes until they make up a key.
#[derive(Debug, Default)]
pub struct Parser {
    pending: Vec<u8>,
}

impl Parser {
    /// Takes one byte; says what it completes.
    pub fn feed(&mut self, byte: u8) -> Option<Input> {
        self.pending.push(byte);
        let (input, done) = match self.pending.first() {
            Some(0x1b) => escape(&self.pending),
            Some(0x80..) => character(&self.pending),
            _ => (single(byte), true),
        };
        if done || self.pending.len() > LONGEST {
            self.pending.clear();
        }
        input
    }

    /// Whether bytes wait for more.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The line is quiet: a lone Escape was the key, anything else incomplete is dropped.
    pub fn quiet(&mut self) -> Option<Input> {
        let lone = self.pending == [0x1b];
        self.pending.clear();
        lone.then_some(Input::Key(Key::Escape))
    }
}

fn single(byte: u8) -> Option<Input> {
    let key = match byte {
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x08 | 0x7f => Key::Backspace,
        0x01..=0x1a => Key::Ctrl(char::from(byte | 0x60)),
        0x20..=0x7e => Key::Char(char::from(byte)),
        _ => return None,
    };
    Some(Input::Key(key))
}

fn character(pending: &[u8]) -> (Option<Input>, bool) {
    match std::str::from_utf8(pending) {
        Ok(text) => (text.chars().next().map(|c| Input::Key(Key::Char(c))), true),
        // Incomplete so far, or not UTF-8 at all.
        Err(error) => (None, error.error_len().is_some()),
    }
}

/// The sequence so far, Escape included: what it means, and whether it is over.
fn escape(pending: &[u8]) -> (Option<Input>, bool) {
    let (introducer, rest) = match pending {
        [] | [_] => return (None, false),
        // Escape twice: the first was the key.
        [_, 0x1b] => return (Some(Input::Key(Key::Escape)), true),
        [_, introducer, rest @ ..] => (*introducer, rest),
    };
    match (introducer, rest) {
        // The Linux console's F1 to F5: ESC [ [ A to E.
        (b'[', [b'[']) => (None, false),
        (b'[', [b'[', letter]) => (function_by_letter(*letter, b'A', 5), true),
        (b'[', [.., last @ 0x40..=0x7e]) => (control(rest, *last), true),
        (b'O', [letter]) => (
            arrow(*letter).or(function_by_letter(*letter, b'P', 4)),
            true,
        ),
        (b'[' | b'O', _) => (None, false),
        _ => (None, true),
    }
}

fn function_by_letter(letter: u8, first: u8, count: u8) -> Option<Input> {
    let number = letter.checked_sub(first)?;
    (number < count).then_some(Input::Key(Key::F(number + 1)))
}

fn arrow(letter: u8) -> Option<Input> {
    let key = match letter {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'M' => Key::Enter,
        _ => return None,
    };
    Some(Input::Key(key))
}

fn control(sequence: &[u8], last: u8) -> Option<Input> {
    let text = std::str::from_utf8(sequence.split_last()?.1).ok()?;
    let mut numbers = text.split(';').map(str::parse::<u16>);
    match last {
        b'~' => {
            let number = numbers.next()?.ok()?;
            editing(number).or_else(|| function_by_number(number))
        }
        b'Z' => Some(Input::Key(Key::BackTab)),
        b'R' => {
            let row = numbers.next()?.ok()?;
            let column = numbers.next()?.ok()?;
            Some(Input::Cursor { row, column })
        }
        letter => arrow(letter),
    }
}

/// The keys above the arrows; rxvt has numbers of its own for Home and End.
const fn editing(number: u16) -> Option<Input> {
    let key = match number {
        1 | 7 => Key::Home,
        3 => Key::Delete,
        4 | 8 => Key::End,
        5 => Key::PageUp,
        6 => Key::PageDown,
        _ => return None,
    };
    Some(Input::Key(key))
}

/// The VT220's numbers of function keys have gaps.
fn function_by_number(number: u16) -> Option<Input> {
    const NUMBERS: [u16; 12] = [11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24];
    let position = NUMBERS.iter().position(|known| *known == number)?;
    let key = u8::try_from(position + 1).ok()?;
    Some(Input::Key(Key::F(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Vec<Input> {
        let mut parser = Parser::default();
        let mut found: Vec<Input> = bytes.iter().filter_map(|byte| parser.feed(*byte)).collect();
        found.extend(parser.quiet());
        found
    }

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let key = |input| match input {
            Input::Key(key) => key,
            Input::Cursor { .. } => panic!("not a key: {input:?}"),
        };
        parse(bytes).into_iter().map(key).collect()
    }

    #[test]
    fn characters_and_controls_are_keys() {
        assert_eq!(
            keys(b"pP\r\t\x7f\x08\x0c"),
            [
                Key::Char('p'),
                Key::Char('P'),
                Key::Enter,
                Key::Tab,
                Key::Backspace,
                Key::Backspace,
                Key::Ctrl('l'),
            ]
        );
        assert_eq!(keys("ß€".as_bytes()), [Key::Char('ß'), Key::Char('€')]);
    }

    #[test]
    fn function_keys_of_vt220_linux_and_xterm_are_known() {
        assert_eq!(
            keys(b"\x1b[24~\x1b[11~\x1b[15~\x1b[17~"),
            [Key::F(12), Key::F(1), Key::F(5), Key::F(6)]
        );
        assert_eq!(keys(b"\x1b[[B\x1bOQ"), [Key::F(2), Key::F(2)]);
        assert_eq!(
            keys(b"\x1b[A\x1bOB\x1b[C\x1b[D"),
            [Key::Up, Key::Down, Key::Right, Key::Left]
        );
    }

    #[test]
    fn keys_for_editing_are_known() {
        assert_eq!(
            keys(b"\x1b[1~\x1b[H\x1bOH\x1b[7~\x1b[4~\x1b[F\x1b[8~"),
            [
                Key::Home,
                Key::Home,
                Key::Home,
                Key::Home,
                Key::End,
                Key::End,
                Key::End
            ]
        );
        assert_eq!(
            keys(b"\x1b[3~\x1b[5~\x1b[6~\x1b[Z"),
            [Key::Delete, Key::PageUp, Key::PageDown, Key::BackTab]
        );
    }

    #[test]
    fn a_lone_escape_is_known_once_the_line_is_quiet() {
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1b\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1b["), []);
    }

    #[test]
    fn a_cursor_report_is_not_a_key() {
        assert_eq!(
            parse(b"\x1b[43;132R"),
            [Input::Cursor {
                row: 43,
                column: 132
            }]
        );
    }

    #[test]
    fn line_noise_yields_nothing_odd_and_recovers() {
        assert_eq!(keys(b"\xff\xfe\x1b[999999999999~x"), [Key::Char('x')]);
        let mut noise = vec![0x1b, b'['];
        noise.extend([b'1'; 100]);
        let mut parser = Parser::default();
        for byte in noise {
            parser.feed(byte);
        }
        parser.quiet();
        assert_eq!(parser.feed(b'a'), Some(Input::Key(Key::Char('a'))));
    }
}
