//! A serial line with deadlines: a guest that says nothing fails a check and holds up nobody.

use std::io::{Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::SerialPort;

/// A guest that still boots loses what is typed: it is typed again after this long without an answer.
const AGAIN: Duration = Duration::from_secs(1);

/// As long as nothing may come before a line counts as quiet.
const QUIET: Duration = Duration::from_millis(300);

pub(super) struct Line {
    writer: Box<dyn Write + Send>,
    /// What a thread reads; hangs up when the line ends.
    pieces: Receiver<Vec<u8>>,
    patience: Duration,
}

impl Line {
    pub(super) fn new(port: SerialPort, patience: Duration) -> Self {
        let (sender, pieces) = mpsc::channel();
        let mut reader = port.reader;
        std::thread::spawn(move || {
            let mut buffer = [0; 256];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            writer: port.writer,
            pieces,
            patience,
        }
    }

    /// Types until the answer has come.
    pub(super) fn answers(&mut self, typed: &str, answer: &str) {
        let deadline = Instant::now() + self.patience;
        let mut seen = Vec::new();
        loop {
            self.writer.write_all(typed.as_bytes()).unwrap();
            let again = Instant::now() + AGAIN;
            while Instant::now() < again {
                match self
                    .pieces
                    .recv_timeout(again.saturating_duration_since(Instant::now()))
                {
                    Ok(piece) => seen.extend(piece),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => {
                        panic!("the line ended after {}", text(&seen))
                    }
                }
                if text(&seen).contains(answer) {
                    return;
                }
            }
            assert!(
                Instant::now() < deadline,
                "no {answer:?} to {typed:?}, only {}",
                text(&seen)
            );
        }
    }

    /// Types once, and waits for an answer that has not come before.
    pub(super) fn answers_once(&mut self, typed: &str, answer: &str) {
        // Late answers to what was typed again while the guest booted.
        while self.pieces.recv_timeout(QUIET).is_ok() {}
        self.writer.write_all(typed.as_bytes()).unwrap();
        self.says(answer);
    }

    /// Waits for a text, without typing.
    pub(super) fn says(&mut self, answer: &str) {
        let deadline = Instant::now() + self.patience;
        let mut seen = Vec::new();
        while !text(&seen).contains(answer) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left) {
                Ok(piece) => seen.extend(piece),
                Err(_) => panic!("no {answer:?}, only {}", text(&seen)),
            }
        }
    }

    /// Types, and nothing comes.
    pub(super) fn keeps_silent(&mut self, typed: &str) {
        while self.pieces.recv_timeout(QUIET).is_ok() {}
        self.writer.write_all(typed.as_bytes()).unwrap();
        if let Ok(piece) = self.pieces.recv_timeout(AGAIN) {
            panic!("it says {}", text(&piece));
        }
    }

    /// The line ends, or fails: what matters is that reading does not go on.
    pub(super) fn ends(&self) {
        let deadline = Instant::now() + self.patience;
        loop {
            match self
                .pieces
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("the line goes on"),
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
