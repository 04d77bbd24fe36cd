//! The fake's serial line: a guest that echoes. Opening it again takes it over.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::SerialPort;

/// The line of one power cycle.
#[derive(Default)]
pub(super) struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    /// Which opening holds the line.
    holder: u64,
    off: bool,
    /// Readers do not learn of the end yet.
    lingers: bool,
}

/// One end of an opened line.
struct End {
    line: Arc<Line>,
    holder: u64,
}

/// Opens the line; an earlier holder reads its end.
pub(super) fn open(line: &Arc<Line>) -> SerialPort {
    let holder = {
        let mut state = line.state();
        state.holder += 1;
        state.holder
    };
    line.changed.notify_all();
    let end = || {
        Box::new(End {
            line: Arc::clone(line),
            holder,
        })
    };
    SerialPort {
        reader: end(),
        writer: end(),
    }
}

impl Line {
    /// The VM is off: readers see the end.
    pub(super) fn hang_up(&self) {
        self.state().off = true;
        self.changed.notify_all();
    }

    /// Whether readers learn of the end as late as [`super::Fake::end_lines`].
    pub(super) fn linger(&self, lingers: bool) {
        self.state().lingers = lingers;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ended(&self, holder: u64) -> bool {
        self.off || self.holder != holder
    }
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.line.state();
        let idle = |state: &mut State| match state.ended(self.holder) {
            true => state.lingers,
            false => state.bytes.is_empty(),
        };
        let mut state = self
            .line
            .changed
            .wait_while(state, idle)
            .unwrap_or_else(PoisonError::into_inner);
        if state.ended(self.holder) {
            Ok(0)
        } else {
            state.bytes.read(buffer)
        }
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.line.state();
        if state.ended(self.holder) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        state.bytes.extend(bytes);
        self.line.changed.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
