//! The console alone, on a terminal of this machine, with nobody who answers it: how soon it shows something, how soon
//! a key is seen, and what it takes while nobody looks.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::bench::report::Report;
use crate::deadline::{minutes, seconds};
use crate::image::output;
use crate::lab::Lab;
use crate::serial::SCREEN;

/// Starts that are measured.
const STARTS: usize = 20;
/// Keys that are measured.
const KEYS: usize = 200;
/// How long it is left alone.
const IDLE: Duration = seconds(60);
/// Nothing more comes of a key when it was quiet for this long.
const QUIET: Duration = Duration::from_millis(60);
/// ms from its start to the first frame.
const FRAME_LIMIT: f64 = 50.0;
/// ms from a key to the redraw that it leads to, of 95 in 100 keys.
const KEY_LIMIT: f64 = 16.0;
/// MiB resident.
const MEMORY_LIMIT: f64 = 15.0;
/// Percent of a core.
const IDLE_LIMIT: f64 = 0.5;

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    lab.step("console: start, keys, rest");
    let program = output().join("programs/qx-console");
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(milliseconds(Console::start(&program, lab.dir())?.1));
    }
    report.add(
        "console: start to first frame",
        "ms",
        starts,
        Some(FRAME_LIMIT),
    );

    let (mut console, _) = Console::start(&program, lab.dir())?;
    console.settle()?;
    let before = console.cpu_ns()?;
    let begun = Instant::now();
    thread::sleep(IDLE);
    let used = (console.cpu_ns()? - before) as f64 / begun.elapsed().as_nanos() as f64;
    report.add(
        "console: processor while idle",
        "% core",
        vec![used * 100.0],
        Some(IDLE_LIMIT),
    );

    // The log-in: what is typed shows as a star, and goes again.
    console.press(b"c")?;
    let mut redraws = Vec::new();
    for key in [b"x", b"\x7f"].into_iter().cycle().take(KEYS) {
        redraws.push(milliseconds(console.press(key)?));
    }
    redraws.sort_by(f64::total_cmp);
    let late = redraws.get(KEYS * 95 / 100).copied().unwrap_or(f64::NAN);
    report.add(
        "console: key to redraw, 95th percentile",
        "ms",
        vec![late],
        Some(KEY_LIMIT),
    );
    let memory = console.resident_mib()?;
    report.add("console: memory", "MiB", vec![memory], Some(MEMORY_LIMIT));
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A running one, on a terminal of 80 by 24.
struct Console {
    child: Child,
    terminal: File,
    screen: vt100::Parser,
}

impl Console {
    /// Starts it, and waits until it shows how to go on; with the time that this took.
    fn start(program: &Path, dir: &Path) -> Result<(Self, Duration)> {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&terminal)?;
        unlockpt(&terminal)?;
        let (rows, columns) = SCREEN;
        let size = Winsize {
            ws_row: rows.get(),
            ws_col: columns.get(),
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&terminal, size)?;
        let name = ptsname(&terminal, Vec::new())?;
        let other = || {
            let path = name.to_str()?;
            Ok::<_, anyhow::Error>(File::options().read(true).write(true).open(path)?)
        };
        let mut command = Command::new(program);
        command.stdin(other()?).stdout(other()?).stderr(other()?);
        command.arg("--socket").arg(dir.join("none.sock"));
        for option in ["--run-dir", "--state-dir", "--data-dir"] {
            command.arg(option).arg(dir);
        }
        let begun = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut console = Self {
            child,
            terminal: File::from(terminal),
            screen: vt100::Parser::new(rows, columns, 0),
        };
        while !console.screen.screen().contents().contains("Customise") {
            if !console.read(minutes(1))? {
                bail!(
                    "the console shows nothing:\n{}",
                    console.screen.screen().contents()
                );
            }
        }
        Ok((console, begun.elapsed()))
    }

    /// Takes in what there is, or the first that comes in time; false when nothing does.
    fn read(&mut self, within: Duration) -> Result<bool> {
        let time = Timespec::try_from(within)?;
        let mut terminal = [PollFd::new(&self.terminal, PollFlags::IN)];
        if poll(&mut terminal, Some(&time))? == 0 {
            return Ok(false);
        }
        let mut bytes = [0; 16 << 10];
        let length = self
            .terminal
            .read(&mut bytes)
            .context("the console ended")?;
        self.screen.process(&bytes[..length]);
        Ok(true)
    }

    fn settle(&mut self) -> Result<()> {
        while self.read(QUIET)? {}
        Ok(())
    }

    /// The time from a key to the first of what it leads to.
    fn press(&mut self, key: &[u8]) -> Result<Duration> {
        self.settle()?;
        let begun = Instant::now();
        self.terminal.write_all(key)?;
        if !self.read(seconds(10))? {
            bail!(
                "nothing comes of a key:\n{}",
                self.screen.screen().contents()
            );
        }
        Ok(begun.elapsed())
    }

    /// Processor time of all threads, in nanoseconds (proc(5), schedstat).
    fn cpu_ns(&self) -> Result<u64> {
        let mut used = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            let first = text.split(' ').next().unwrap_or_default();
            used += first
                .parse::<u64>()
                .context("/proc/PID/task/TID/schedstat")?;
        }
        Ok(used)
    }

    fn resident_mib(&self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        let kib: f64 = kib.context("no VmRSS")?.parse()?;
        Ok(kib / 1024.0)
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
