//! QEMU's monitor protocol (QMP, one JSON object a line; docs/interop/qmp-spec in QEMU's sources).
//! Requests are answered in order; events that arrive in between are kept until somebody asks.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::deadline::seconds;

/// Longest time that QEMU may take to answer one command (a screenshot under load, mostly).
const ANSWER: Duration = seconds(30);

/// A connection to one QEMU.
pub struct Qmp {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
    partial: String,
    events: VecDeque<Value>,
}

impl Qmp {
    /// Greets QEMU at the other end of `stream`.
    ///
    /// # Errors
    /// When the other end is no QMP server.
    pub fn new(stream: UnixStream) -> Result<Self> {
        let writer = stream.try_clone().context("cannot share the QMP socket")?;
        let mut qmp = Self {
            reader: BufReader::new(stream),
            writer,
            partial: String::new(),
            events: VecDeque::new(),
        };
        let greeting = qmp
            .message(Instant::now() + ANSWER)?
            .context("QEMU sent no greeting")?;
        if greeting.get("QMP").is_none() {
            bail!("QEMU's monitor greeted with {greeting}");
        }
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Runs one command and returns its `return` value.
    ///
    /// # Errors
    /// QEMU's own error text, a closed socket, or no answer in 30 s.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let mut line = json!({"execute": command, "arguments": arguments}).to_string();
        line.push('\n');
        self.writer
            .write_all(line.as_bytes())
            .with_context(|| format!("cannot send '{command}' to QEMU"))?;
        let end = Instant::now() + ANSWER;
        loop {
            let message = self
                .message(end)?
                .with_context(|| format!("QEMU did not answer '{command}' in time"))?;
            if let Some(value) = message.get("return") {
                return Ok(value.clone());
            }
            if let Some(error) = message.get("error") {
                bail!(
                    "QEMU refused '{command}': {}",
                    error["desc"].as_str().unwrap_or("?")
                );
            }
            self.events.push_back(message);
        }
    }

    /// Waits for the next event of that name; earlier ones of other names are dropped.
    ///
    /// # Errors
    /// When none arrives in time or QEMU is gone.
    pub fn wait_event(&mut self, name: &str, within: Duration) -> Result<Value> {
        let end = Instant::now() + within;
        loop {
            let event = match self.events.pop_front() {
                Some(event) => event,
                None => self.message(end)?.with_context(|| {
                    format!("waited {} s for QEMU's event {name}", within.as_secs())
                })?,
            };
            if event["event"] == name {
                return Ok(event);
            }
        }
    }

    /// One line from QEMU, or `None` when `end` passes first.
    fn message(&mut self, end: Instant) -> Result<Option<Value>> {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.reader
                .get_ref()
                .set_read_timeout(Some(left))
                .context("QMP socket")?;
            match self.reader.read_line(&mut self.partial) {
                Ok(0) => bail!("QEMU closed its monitor"),
                Ok(_) => {
                    let line = std::mem::take(&mut self.partial);
                    return serde_json::from_str(&line)
                        .map(Some)
                        .with_context(|| format!("QEMU sent no JSON: {line}"));
                }
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error).context("cannot read QEMU's monitor"),
            }
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}
