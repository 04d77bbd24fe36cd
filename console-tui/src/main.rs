//! `qx-console`: the console on tty1 and the serial line. Parses, wires and runs the event loop.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use qx_console::action::{Action, Outcome};
use qx_console::draw;
use qx_console::effects::Effects;
use qx_console::facts::{self, Facts, Places};
use qx_console::state::{Event, State};
use qx_console::terminal::{FALLBACK, Input, Reading, Screen, known_size, name, read_input};
use qx_host::shell;
use ratatui::layout::{Rect, Size};

/// Something may have written over the screen, or a terminal was plugged in: it is right again after this.
const REPAINT: Duration = Duration::from_secs(30);
/// Messages that may wait: what is pasted faster than it is taken in waits in the terminal.
const WAITING: usize = 1024;
/// How often unused dialogues and the window's size are looked at.
const TICK: Duration = Duration::from_secs(2);

#[derive(Parser)]
#[command(
    name = "qx-console",
    version,
    about = "The console of a Quantix-OS host"
)]
struct Arguments {
    /// The daemon's Unix socket
    #[arg(long, default_value = "/run/quantix/node.sock")]
    socket: PathBuf,
    /// Directory of the running system's records
    #[arg(long, default_value = "/run/quantix")]
    run_dir: PathBuf,
    /// Directory of configuration, keys and certificates
    #[arg(long, default_value = "/quantix")]
    state_dir: PathBuf,
    /// Directory of VM disks
    #[arg(long, default_value = "/data")]
    data_dir: PathBuf,
    /// File that holds root's password hash
    #[arg(long, default_value = "/etc/shadow")]
    shadow: PathBuf,
}

/// What wakes the loop.
enum Message {
    Event(Event),
    Size(Size),
    TerminalGone,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let places = Places {
        socket: arguments.socket,
        run: arguments.run_dir,
        state: arguments.state_dir,
        data: arguments.data_dir,
    };
    let mut screen = Screen::open(places.run.join("console-panic.log"))
        .context("qx-console needs a terminal on standard input and output")?;
    let mut state = State::new(Facts::local(&places), Instant::now());
    let rows = known_size().unwrap_or(FALLBACK).height;
    state.update(Event::Rows(rows), Instant::now());
    screen.terminal.draw(|frame| draw(&state, frame))?;

    let (sender, receiver) = sync_channel(WAITING);
    let reading = read_input(sender.clone(), from_input, Message::TerminalGone)?;
    facts::watch(places.clone(), sender.clone(), |facts| {
        Message::Event(Event::Facts(Box::new(facts)))
    })
    .context("cannot start the connection to the management service")?;
    Console {
        screen,
        state,
        sender,
        receiver,
        reading,
        effects: Effects {
            places,
            shadow: arguments.shadow,
        },
    }
    .run()
}

fn from_input(input: Input) -> Message {
    match input {
        Input::Key(key) => Message::Event(Event::Key(key)),
        Input::Cursor { row, column } => Message::Size(Size::new(column, row)),
    }
}

struct Console {
    screen: Screen,
    state: State,
    sender: SyncSender<Message>,
    receiver: Receiver<Message>,
    reading: Reading,
    effects: Effects,
}

impl Console {
    fn run(mut self) -> anyhow::Result<()> {
        let mut painted = Instant::now();
        let mut ticked = Instant::now();
        self.look_at_size()?;
        loop {
            // By the clock, however much else happens: new facts alone come as often.
            let first = match self
                .receiver
                .recv_timeout(TICK.saturating_sub(ticked.elapsed()))
            {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let tick = ticked.elapsed() >= TICK;
            if tick {
                ticked = Instant::now();
            }
            let tick = tick.then_some(Message::Event(Event::Tick));
            // What is there already is taken in before the next draw: pasted text is not drawn key by key.
            let waiting: Vec<Message> = self.receiver.try_iter().take(WAITING).collect();
            for message in first.into_iter().chain(waiting).chain(tick) {
                if !self.take(message)? {
                    return Ok(());
                }
            }
            if painted.elapsed() >= REPAINT {
                painted = Instant::now();
                self.screen.repaint();
            }
            let Self { screen, state, .. } = &mut self;
            screen.terminal.draw(|frame| draw(state, frame))?;
        }
    }

    /// Says whether the program goes on.
    fn take(&mut self, message: Message) -> anyhow::Result<bool> {
        let event = match message {
            Message::TerminalGone => return Ok(false),
            Message::Size(size) => {
                self.resize(size)?;
                return Ok(true);
            }
            Message::Event(event) => event,
        };
        if matches!(event, Event::Tick) && known_size().is_some() {
            self.look_at_size()?;
        }
        match self.state.update(event, Instant::now()) {
            None => {}
            Some(Action::Quit) => return Ok(false),
            Some(Action::Repaint) => {
                self.screen.terminal.clear()?;
                self.look_at_size()?;
            }
            Some(Action::Shell) => self.shell()?,
            Some(action) => {
                let sender = self.sender.clone();
                self.effects.start(action, move |event| {
                    // The loop outlives this thread unless the program is ending.
                    let _ = sender.send(Message::Event(event));
                });
            }
        }
        Ok(true)
    }

    /// Takes the size that the system knows, or asks the terminal, which answers as input.
    fn look_at_size(&mut self) -> anyhow::Result<()> {
        match known_size() {
            Some(size) => self.resize(size),
            None => Ok(self.screen.terminal.backend_mut().ask_size()?),
        }
    }

    fn resize(&mut self, size: Size) -> anyhow::Result<()> {
        let least = Size::new(FALLBACK.width / 2, FALLBACK.height / 2);
        let most = Size::new(500, 200);
        let size = Size::new(
            size.width.clamp(least.width, most.width),
            size.height.clamp(least.height, most.height),
        );
        let backend = self.screen.terminal.backend_mut();
        if ratatui::backend::Backend::size(backend)? != size {
            backend.set_size(size);
            self.screen
                .terminal
                .resize(Rect::from((ratatui::layout::Position::ORIGIN, size)))?;
            self.state.update(Event::Rows(size.height), Instant::now());
        }
        Ok(())
    }

    /// The terminal is a shell's until that ends. What happens meanwhile is taken in afterwards, but for keys
    /// that were not read as a shell's.
    fn shell(&mut self) -> anyhow::Result<()> {
        self.reading.ask_to_pause()?;
        let mut kept = Vec::new();
        while !self.reading.has_paused()? {
            let others = |message: &Message| !matches!(message, Message::Event(Event::Key(_)));
            kept.extend(self.receiver.try_iter().filter(others));
        }
        self.screen.suspend();
        println!("A shell of root. Leave it with: exit\r");
        let ended = shell::run(&name());
        self.screen.resume()?;
        self.reading.resume()?;
        if let Err(error) = ended {
            let reason = format!("there is no shell: {error}");
            kept.push(Message::Event(Event::Outcome(Outcome::Done(Err(reason)))));
        }
        for message in kept {
            self.take(message)?;
        }
        self.look_at_size()
    }
}
