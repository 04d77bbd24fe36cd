//! `make run`: the image in a machine on this computer, its serial console in this terminal. Owns what the
//! person sees besides the machine's own screen: the greeting, the progress line, the escape key.

mod keys;
mod terminal;
mod transcript;

use std::io::{Write, stderr, stdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::api::Api;
use crate::image::Image;
use crate::machine::Machine;
use crate::serial::Serial;

use keys::{Action, Keys};
use terminal::RawTerminal;
use transcript::Transcript;

pub use transcript::one_time_password;

/// How often the progress line moves and a changed screen is written down.
const TICK: Duration = Duration::from_secs(1);
/// How often progress is reported where lines can't be overwritten.
const REPORT: u64 = 15;

enum Event {
    /// The machine wrote to its serial line.
    Output(Vec<u8>),
    /// The person typed.
    Typed(Vec<u8>),
    /// `/readyz` said ready.
    Ready,
    /// A signal asked to stop.
    Stop,
    /// The serial line closed: the machine is off.
    Off,
}

/// Catches the signals that ask to stop, from now on; one that comes before `attend` is not lost.
///
/// # Errors
/// When the system refuses.
pub fn catch_signals() -> Result<Signals> {
    Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch for signals")
}

/// What is printed before the machine's own output.
///
/// # Errors
/// When the machine has no network.
pub fn greeting(image: &Image, machine: &Machine) -> Result<String> {
    let manifest = image.manifest();
    let https = machine.port(8443)?;
    let grpc = machine.port(9443)?;
    let leave = if terminal::is_interactive() {
        "Ctrl-A X turns the machine off; Ctrl-A H lists the other keys"
    } else {
        "SIGTERM or Ctrl-C turns the machine off"
    };
    Ok(format!(
        "\nQuantix-OS {} (build {}) boots under {}.\n\
         \n  web UI   https://localhost:{https}  (its certificate is its own: the browser asks once)\
         \n  gRPC     localhost:{grpc}\
         \n  log in   user root; the one-time password is shown on the machine's console\
         \n  leave    {leave}\n\n",
        manifest.version,
        manifest.build_id,
        machine.accelerator(),
    ))
}

/// Runs until the machine is off, a signal asks to stop, or the person leaves.
///
/// # Errors
/// When the terminal can't be set up or written to.
pub fn attend(machine: &Machine, signals: Signals) -> Result<()> {
    let (sender, events) = channel();
    watch_output(machine.serial(), sender.clone());
    watch_signals(signals, sender.clone());
    watch_readiness(machine.api()?, sender.clone());
    let usual = if machine.accelerator().is_kvm() {
        "10-20 s"
    } else {
        "1-3 min"
    };
    let progress = Progress {
        started: Instant::now(),
        usual,
        url: format!("https://localhost:{}", machine.port(8443)?),
        ready: false,
    };
    if terminal::is_interactive() {
        watch_keys(sender);
        interactive(machine, &events, progress)
    } else {
        drop(sender);
        unattended(machine, &events, progress)
    }
}

struct Progress {
    started: Instant,
    usual: &'static str,
    url: String,
    ready: bool,
}

impl Progress {
    fn line(&self) -> String {
        let elapsed = self.started.elapsed().as_secs();
        let Self { usual, url, .. } = self;
        format!("[{elapsed} s] booting (usually {usual} until {url} answers)")
    }

    fn ready_line(&mut self) -> String {
        self.ready = true;
        let elapsed = self.started.elapsed().as_secs();
        format!("[{elapsed} s] ready: {} answers", self.url)
    }

    /// Sets the terminal's title: firmware and the console clear whatever was printed before.
    fn title(&self) -> String {
        let state = if self.ready { "ready" } else { "booting" };
        format!("\x1b]0;Quantix-OS, {state}: {}\x07", self.url)
    }

    fn help(&self) -> String {
        format!("{}  web UI    {}\r\n", keys::HELP, self.url)
    }
}

/// With a terminal: keys go to the machine, its output comes back as it is.
fn interactive(machine: &Machine, events: &Receiver<Event>, mut progress: Progress) -> Result<()> {
    let _raw = RawTerminal::enter()?;
    let mut keys = Keys::default();
    let mut shown = false;
    write(progress.title().as_bytes())?;
    loop {
        match events.recv_timeout(TICK) {
            Ok(Event::Output(bytes)) => {
                if std::mem::take(&mut shown) {
                    write(b"\r\x1b[K")?;
                }
                write(&bytes)?;
            }
            Ok(Event::Typed(bytes)) => match keys.feed(&bytes) {
                Action::Leave => break,
                Action::Send(bytes) => machine.serial().send(bytes)?,
                Action::Help => write(progress.help().as_bytes())?,
            },
            // The console itself shows that the host is up; a line of ours would tear its screen.
            Ok(Event::Ready) => {
                progress.ready = true;
                write(progress.title().as_bytes())?;
            }
            Ok(Event::Stop | Event::Off) => break,
            Err(RecvTimeoutError::Timeout) => {
                if !progress.ready && machine.serial().at_line_start() {
                    write(format!("\r\x1b[K{}", progress.line()).as_bytes())?;
                    shown = true;
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    write(terminal::RESET.as_bytes())
}

/// Without a terminal: what the machine says, as plain lines, and progress on standard error.
fn unattended(machine: &Machine, events: &Receiver<Event>, mut progress: Progress) -> Result<()> {
    let mut transcript = Transcript::default();
    let mut reported = 0;
    loop {
        match events.recv_timeout(TICK) {
            Ok(Event::Output(bytes)) => write(transcript.take(&bytes).as_bytes())?,
            Ok(Event::Ready) => {
                write(transcript.settle().as_bytes())?;
                say(&progress.ready_line())?;
                if let Some(password) = one_time_password(&machine.serial().screen()) {
                    say(&format!(
                        "log in as root with the one-time password {password}"
                    ))?;
                }
            }
            Ok(Event::Typed(_)) => {}
            Ok(Event::Stop | Event::Off) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                write(transcript.settle().as_bytes())?;
            }
        }
        let due = progress.started.elapsed().as_secs() / REPORT;
        if !progress.ready && due > reported {
            reported = due;
            say(&progress.line())?;
        }
    }
    write(transcript.settle().as_bytes())
}

fn write(bytes: &[u8]) -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .context("cannot write to standard output")
}

fn say(line: &str) -> Result<()> {
    writeln!(stderr().lock(), "{line}").context("cannot write to standard error")
}

fn watch_output(serial: &Serial, events: Sender<Event>) {
    let output = serial.listen();
    thread::spawn(move || {
        for bytes in output {
            if events.send(Event::Output(bytes)).is_err() {
                return;
            }
        }
        // Nobody is left to be told when this fails.
        let _ = events.send(Event::Off);
    });
}

fn watch_keys(events: Sender<Event>) {
    thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(count @ 1..) = std::io::Read::read(&mut std::io::stdin(), &mut buffer) {
            if events.send(Event::Typed(buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    });
}

fn watch_signals(mut signals: Signals, events: Sender<Event>) {
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            // The main loop may have ended by itself.
            let _ = events.send(Event::Stop);
        }
    });
}

fn watch_readiness(api: Api, events: Sender<Event>) {
    thread::spawn(move || {
        if api.wait_ready(Duration::from_secs(3600)).is_ok() {
            // The main loop may have ended by itself.
            let _ = events.send(Event::Ready);
        }
    });
}
