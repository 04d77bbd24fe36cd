//! The serial line as a person at a terminal has it: what came so far, the screen as it stands now (a vt100
//! of 80×24), keys to type. Everything received is also appended to a log file.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Rows and columns of the terminal, the least that the console promises to fit.
pub const SCREEN: (NonZeroU16, NonZeroU16) = (
    NonZeroU16::MIN.saturating_add(23),
    NonZeroU16::MIN.saturating_add(79),
);

/// One end of a serial line.
#[derive(Clone)]
pub struct Serial {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    writer: Mutex<UnixStream>,
}

struct State {
    terminal: vt100::Parser<Terminal>,
    /// Everything received, without escape sequences and control characters but line ends.
    text: String,
    stripper: Stripper,
    /// Position in `text` up to which `wait_for_next` has consumed.
    consumed: usize,
    listeners: Vec<std::sync::mpsc::Sender<Vec<u8>>>,
    closed: bool,
}

/// Answers what a terminal answers by itself.
#[derive(Default)]
struct Terminal {
    reply: Vec<u8>,
}

impl vt100::Callbacks for Terminal {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        i1: Option<u8>,
        _: Option<u8>,
        params: &[&[u16]],
        c: char,
    ) {
        // DSR 6: where is the cursor? Programs use it to find out the size of a serial terminal.
        if c == 'n' && i1.is_none() && params.first().is_some_and(|p| p.first() == Some(&6)) {
            let (row, column) = screen.cursor_position();
            self.reply
                .extend(format!("\x1b[{};{}R", row + 1, column + 1).into_bytes());
        }
    }
}

impl Serial {
    /// Starts to read `stream` in a thread of its own, which ends with the stream.
    ///
    /// # Errors
    /// When the log can't be made.
    pub fn new(stream: UnixStream, log: &Path) -> Result<Self> {
        let log = File::create(log)
            .with_context(|| format!("cannot make the serial log {}", log.display()))?;
        let writer = stream
            .try_clone()
            .context("cannot share the serial socket")?;
        let (rows, columns) = SCREEN;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                terminal: vt100::Parser::new_with_callbacks(rows, columns, 0, Terminal::default()),
                text: String::new(),
                stripper: Stripper::default(),
                consumed: 0,
                listeners: Vec::new(),
                closed: false,
            }),
            changed: Condvar::new(),
            writer: Mutex::new(writer),
        });
        let reader = Arc::clone(&shared);
        thread::spawn(move || reader.read(stream, log));
        Ok(Self { shared })
    }

    /// Waits until `needle` has been received, at any time since power-on, or stands on the screen.
    ///
    /// # Errors
    /// When it does not come in time, with the screen as it stands.
    pub fn wait_for(&self, needle: &str, within: Duration) -> Result<()> {
        self.wait(needle, within, |state| {
            (state.text.contains(needle) || screen_has(&state.terminal, needle)).then_some(())
        })
    }

    /// What `wait_for_next` waits for comes after everything that was received until now.
    pub fn pass_over(&self) {
        let mut state = self.state();
        state.consumed = state.text.len();
    }

    /// Waits until `needle` is received after the place where the last call of this kind found its own.
    ///
    /// # Errors
    /// When it does not come in time, with the screen as it stands.
    pub fn wait_for_next(&self, needle: &str, within: Duration) -> Result<()> {
        self.wait(needle, within, |state| {
            let at = state.text[state.consumed..].find(needle)?;
            state.consumed += at + needle.len();
            Some(())
        })
    }

    /// Waits until the screen satisfies `pick`, and returns what it picked.
    ///
    /// # Errors
    /// When it does not in time, with the screen as it stands.
    pub fn wait_screen<T>(
        &self,
        what: &str,
        within: Duration,
        pick: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        self.wait(what, within, |state| {
            pick(&state.terminal.screen().contents())
        })
    }

    /// Waits until everything received so far satisfies `pick`, and returns what it picked.
    ///
    /// # Errors
    /// When it does not in time, with the screen as it stands.
    pub fn wait_text<T>(
        &self,
        what: &str,
        within: Duration,
        pick: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        self.wait(what, within, |state| pick(&state.text))
    }

    fn wait<T>(
        &self,
        what: &str,
        within: Duration,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T> {
        let end = Instant::now() + within;
        let mut state = self.state();
        loop {
            if let Some(found) = look(&mut state) {
                return Ok(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if state.closed || left.is_zero() {
                let screen = state.terminal.screen().contents();
                let why = if state.closed {
                    "the line closed"
                } else {
                    "time is up"
                };
                bail!(
                    "waited {} s for '{what}' on serial and {why}; the screen:\n{screen}",
                    within.as_secs()
                );
            }
            state = self
                .shared
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Types text as it is; Enter is `"\r"`, Escape `"\x1b"`.
    ///
    /// # Errors
    /// When the line is closed.
    pub fn send(&self, text: impl AsRef<[u8]>) -> Result<()> {
        self.shared
            .send(text.as_ref())
            .context("cannot write to the serial line")
    }

    /// The screen as it stands: 24 lines, blanks at their ends removed.
    pub fn screen(&self) -> String {
        self.state().terminal.screen().contents()
    }

    /// Everything received since power-on, as plain text.
    pub fn text(&self) -> String {
        self.state().text.clone()
    }

    /// True when the cursor is at the start of a line of a screen that scrolls: a good moment to write
    /// something of one's own between the guest's lines.
    pub fn at_line_start(&self) -> bool {
        let state = self.state();
        let screen = state.terminal.screen();
        !screen.alternate_screen() && screen.cursor_position().1 == 0
    }

    /// A copy of every byte received from now on.
    pub fn listen(&self) -> std::sync::mpsc::Receiver<Vec<u8>> {
        let (sender, receiver) = std::sync::mpsc::channel();
        self.state().listeners.push(sender);
        receiver
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, mut stream: UnixStream, mut log: File) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            let bytes = &buffer[..count];
            // A log that can't be written must not end the test; the text stays in memory.
            let _ = log.write_all(bytes);
            let reply = self.state().take(bytes);
            if !reply.is_empty() {
                // A guest that has gone meanwhile needs no answer.
                let _ = self.send(&reply);
            }
            self.changed.notify_all();
        }
        let mut state = self.state();
        state.closed = true;
        state.listeners.clear();
        drop(state);
        self.changed.notify_all();
    }

    fn send(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(bytes)
    }
}

impl State {
    /// Takes in what came and returns what a terminal would answer.
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.terminal.process(bytes);
        self.stripper.strip(bytes, &mut self.text);
        self.listeners
            .retain(|listener| listener.send(bytes.to_vec()).is_ok());
        std::mem::take(&mut self.terminal.callbacks_mut().reply)
    }
}

fn screen_has(terminal: &vt100::Parser<Terminal>, needle: &str) -> bool {
    terminal.screen().contents().contains(needle)
}

/// Removes escape sequences and control characters from a stream that comes in pieces.
#[derive(Default)]
pub struct Stripper {
    state: Strip,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Strip {
    #[default]
    Text,
    Escape,
    /// After `ESC [`, until a final byte.
    Control,
    /// After `ESC ]`, until BEL or ESC.
    Title,
    /// After `ESC (` and the like: one more byte.
    OneMore,
}

impl Stripper {
    /// Appends the printable part of `bytes` to `text`; bytes above ASCII are taken as Latin-1.
    pub fn strip(&mut self, bytes: &[u8], text: &mut String) {
        for &byte in bytes {
            self.state = match (self.state, byte) {
                (Strip::Escape, b'[') => Strip::Control,
                (Strip::Escape, b']') => Strip::Title,
                (Strip::Escape, b'(' | b')' | b'#' | b'%') => Strip::OneMore,
                (Strip::Control, 0x40..=0x7e) | (Strip::Title, 0x07) => Strip::Text,
                (Strip::Control | Strip::Title, other) if other != 0x1b => self.state,
                (_, 0x1b) => Strip::Escape,
                (Strip::Text, b'\n' | 0x20..=0x7e | 0x80..) => {
                    text.push(char::from(byte));
                    Strip::Text
                }
                _ => Strip::Text,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_vanish_even_when_torn() {
        let mut stripper = Stripper::default();
        let mut text = String::new();
        for piece in ["a\x1b", "[1;3", "1mb\x1b]0;title\x07c\r\n\x1b(B", "d"] {
            stripper.strip(piece.as_bytes(), &mut text);
        }
        assert_eq!(text, "abc\nd");
    }

    #[test]
    fn answers_the_cursor_question_as_a_terminal_does() {
        let (ours, mut guest) = UnixStream::pair().unwrap();
        let log = tempfile::NamedTempFile::new().unwrap();
        let serial = Serial::new(ours, log.path()).unwrap();
        guest.write_all(b"\x1b[999;999H\x1b[6nready").unwrap();
        serial.wait_for("ready", Duration::from_secs(5)).unwrap();
        let mut answer = [0; 8];
        guest.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"\x1b[24;80R");
    }
}
