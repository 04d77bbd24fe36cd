//! The terminal on standard input and output: raw mode, size, bytes in and out. Knows nothing of what is
//! shown.

mod backend;
mod keys;

use std::fs::OpenOptions;
use std::io::{self, Read, Stdout, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic;
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

pub use backend::AnsiBackend;
pub use keys::{Input, Key, Parser};
use ratatui::Terminal;
use ratatui::layout::Size;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Assumed until the terminal says otherwise.
pub const FALLBACK: Size = Size::new(80, 24);
/// Quiet time after which a lone Escape is the key. A serial line at 9600 baud needs 1 ms a byte.
const QUIET: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// How long one look for a pause takes at most.
const PAUSE: Duration = Duration::from_millis(20);
/// Also leaves what a guest of the line may have switched on: autowrap stays, mouse and paste modes go.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?1000;1002;1003;1006;2004l\x1b[?25l\x1b[0m\x1b[2J";
const LEAVE: &[u8] = b"\x1b[0m\x1b[2J\x1b[H\x1b[?25h\x1b[?1049l";

/// The screen while it is ours; gives the terminal back when dropped.
pub struct Screen {
    /// What to draw on.
    pub terminal: Terminal<AnsiBackend<Stdout>>,
    before: Termios,
}

/// The terminal's name, such as `/dev/tty1`.
#[must_use]
pub fn name() -> String {
    let path = std::fs::read_link("/proc/self/fd/0");
    path.map_or_else(
        |_| "a terminal".to_owned(),
        |path| path.display().to_string(),
    )
}

/// The terminal's own idea of its size; `None` on a serial line.
#[must_use]
pub fn known_size() -> Option<Size> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| Size::new(size.ws_col, size.ws_row))
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When standard input or output is not a terminal.
    pub fn open(panic_log: PathBuf) -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        restore_on_panic(before.clone(), panic_log);
        take_over(&before)?;
        let backend = AnsiBackend::new(io::stdout(), known_size().unwrap_or(FALLBACK));
        Ok(Self {
            terminal: Terminal::new(backend)?,
            before,
        })
    }

    /// Gives the terminal to another program, until [`Self::resume`].
    pub fn suspend(&self) {
        give_back(&self.before);
    }

    /// Takes the terminal back; the next draw sends every cell.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn resume(&mut self) -> io::Result<()> {
        take_over(&self.before)?;
        self.terminal.clear()
    }

    /// Makes the next draw send every cell without clearing first, so that nothing flickers: repairs what
    /// something else wrote over the screen, and shows it to a terminal that was plugged in later.
    pub fn repaint(&mut self) {
        self.terminal.swap_buffers();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(&self.before);
    }
}

fn take_over(before: &Termios) -> io::Result<()> {
    let mut raw = before.clone();
    raw.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
    io::stdout().write_all(ENTER)?;
    io::stdout().flush()
}

fn give_back(before: &Termios) {
    // Nobody is left to be told when the terminal itself is gone.
    let _ = io::stdout().write_all(LEAVE);
    let _ = io::stdout().flush();
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
}

/// A panic gives the terminal back, then leaves its message where it outlives the screen; init starts the
/// program again.
fn restore_on_panic(before: Termios, log: PathBuf) {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        give_back(&before);
        if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(&log) {
            let _ = writeln!(file, "qx-console: {info}");
        }
        report(info);
    }));
}

/// The thread that reads standard input; it can be told to let go of it, so that another program may read.
pub struct Reading {
    control: UnixStream,
}

impl Reading {
    /// Asks the thread to stop; it may still be sending what it has read.
    ///
    /// # Errors
    /// When the thread is gone.
    pub fn ask_to_pause(&mut self) -> io::Result<()> {
        self.control.write_all(&[0])
    }

    /// Whether the thread has stopped; waits for it a little.
    ///
    /// # Errors
    /// When the thread is gone.
    pub fn has_paused(&mut self) -> io::Result<bool> {
        self.control.set_read_timeout(Some(PAUSE))?;
        match self.control.read_exact(&mut [0]) {
            Ok(()) => Ok(true),
            Err(error) if is_late(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets a thread that has paused go on.
    ///
    /// # Errors
    /// When the thread is gone.
    pub fn resume(&mut self) -> io::Result<()> {
        self.control.write_all(&[0])
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// Reads standard input on a thread of its own and sends what `wrap` makes of it, until the terminal or
/// the receiver is gone; then `gone` is the last message.
///
/// # Errors
/// When there are no more sockets to control it by.
pub fn read_input<E: Send + 'static>(
    sender: SyncSender<E>,
    wrap: fn(Input) -> E,
    gone: E,
) -> io::Result<Reading> {
    let (control, mut ours) = UnixStream::pair()?;
    thread::spawn(move || {
        let stdin = io::stdin();
        let mut parser = Parser::default();
        let mut buffer = [0; 256];
        loop {
            let inputs: Vec<Input> = match wait(&stdin, &ours, parser.waits()) {
                Woken::Quiet => parser.quiet().into_iter().collect(),
                Woken::Control => {
                    if pause(&mut ours).is_err() {
                        break;
                    }
                    continue;
                }
                Woken::Input => match rustix::io::read(&stdin, &mut buffer) {
                    Ok(0) => break,
                    Ok(count) => buffer
                        .iter()
                        .take(count)
                        .filter_map(|b| parser.feed(*b))
                        .collect(),
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(_) => break,
                },
            };
            if inputs
                .into_iter()
                .any(|input| sender.send(wrap(input)).is_err())
            {
                return;
            }
        }
        // The receiver may be gone as well; then there is nobody to tell.
        let _ = sender.send(gone);
    });
    Ok(Reading { control })
}

/// What the reading thread has to do.
enum Woken {
    Input,
    Control,
    Quiet,
}

/// Waits for input or a word of [`Reading`]; not longer than [`QUIET`] when a sequence may have ended.
fn wait(stdin: &impl AsFd, control: &UnixStream, may_be_over: bool) -> Woken {
    let mut fds = [
        PollFd::new(stdin, PollFlags::IN),
        PollFd::new(control, PollFlags::IN),
    ];
    let woken = poll(&mut fds, may_be_over.then_some(&QUIET));
    let [_, control] = &fds;
    match woken {
        Ok(0) => Woken::Quiet,
        _ if !control.revents().is_empty() => Woken::Control,
        _ => Woken::Input,
    }
}

/// Says that nothing is read any more, and waits to be told to go on.
fn pause(control: &mut UnixStream) -> io::Result<()> {
    control.read_exact(&mut [0])?;
    control.write_all(&[0])?;
    control.read_exact(&mut [0])
}
