//! Draws ratatui's cells with the sequences that every terminal since the VT220 knows: 16 colours, no
//! characters beyond ASCII. The size is what it was told, because a serial line has none.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

/// A terminal behind a writer.
pub struct AnsiBackend<W> {
    out: W,
    size: Size,
}

impl<W: Write> AnsiBackend<W> {
    /// A terminal of `size`.
    pub const fn new(out: W, size: Size) -> Self {
        Self { out, size }
    }

    /// Tells the backend a new size.
    pub const fn set_size(&mut self, size: Size) {
        self.size = size;
    }

    /// Asks the terminal for its size: the cursor goes as far as it can and reports where it is. The
    /// answer comes as input.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn ask_size(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x1b7\x1b[999;999H\x1b[6n\x1b8")?;
        self.out.flush()
    }

    fn style(&mut self, cell: &Cell) -> io::Result<()> {
        let bold = if cell.modifier.contains(Modifier::BOLD) {
            ";1"
        } else {
            ""
        };
        let reversed = if cell.modifier.contains(Modifier::REVERSED) {
            ";7"
        } else {
            ""
        };
        let foreground = color(cell.fg, 30).unwrap_or(39);
        let background = color(cell.bg, 40).unwrap_or(49);
        write!(
            self.out,
            "\x1b[0{bold}{reversed};{foreground};{background}m"
        )
    }
}

/// The code of one of the 16 colours, counted from `base`; `None` is the terminal's own.
const fn color(color: Color, base: u8) -> Option<u8> {
    let index = match color {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        _ => return None,
    };
    Some(base + index)
}

impl<W: Write> Backend for AnsiBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut next = None;
        let mut styled: Option<(Color, Color, Modifier)> = None;
        for (x, y, cell) in content {
            // A character in the last cell may make a terminal scroll.
            if (x + 1, y + 1) == (self.size.width, self.size.height) {
                continue;
            }
            if next != Some((x, y)) {
                write!(self.out, "\x1b[{};{}H", y + 1, x + 1)?;
            }
            let style = (cell.fg, cell.bg, cell.modifier);
            if styled != Some(style) {
                self.style(cell)?;
                styled = Some(style);
            }
            match cell.symbol().as_bytes() {
                [byte @ 0x20..=0x7e] => self.out.write_all(&[*byte])?,
                _ => self.out.write_all(b"?")?,
            }
            next = Some((x + 1, y));
        }
        self.out.write_all(b"\x1b[0m")
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x1b[?25l")
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x1b[?25h")
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        write!(self.out, "\x1b[{};{}H", y + 1, x + 1)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x1b[0m\x1b[2J\x1b[H")
    }

    fn clear_region(&mut self, _region: ClearType) -> io::Result<()> {
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size,
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::text::Line;

    use super::*;

    fn drawn(text: &'static str, size: Size) -> String {
        let mut bytes = Vec::new();
        let mut terminal = Terminal::new(AnsiBackend::new(&mut bytes, size)).unwrap();
        terminal
            .draw(|frame| frame.render_widget(Line::from(text), frame.area()))
            .unwrap();
        drop(terminal);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn only_ascii_and_our_own_sequences_reach_the_terminal() {
        let out = drawn("a\u{2503}b\u{1b}c\u{9b}", Size::new(20, 1));
        assert!(out.is_ascii());
        let plain: String = out.replace("\x1b[", "");
        assert!(!plain.contains('\x1b'), "{out:?}");
    }

    #[test]
    fn the_last_cell_is_left_alone() {
        assert!(drawn("abcd", Size::new(5, 1)).contains("abcd"));
        let out = drawn("abcd", Size::new(4, 1));
        assert!(out.contains("abc") && !out.contains("abcd"), "{out:?}");
    }
}
