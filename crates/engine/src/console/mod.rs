//! Consoles. Serial ones: one reader per VM, whether or not somebody looks, any number of viewers, and the last
//! output kept so that a late viewer sees the boot. A serial console may be opened before its VM is on, and
//! stays open through power cycles. Owns the serial ports; knows no WebSocket.
//!
//! ```text
//!             open the port             the port ends
//! Nobody ────────────────────▶ Reading ───────────────▶ Nobody
//!                                 │ seen on again           ▲
//!                                 ▼                         │ not on, or not to be opened
//!                              Wanted ── the port ends: open it anew ─▶ Reading
//! ```
//! A VM that stops and starts at once is seen on before its old port has ended: `Wanted` remembers that.

mod scrollback;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use qx_hypervisor::{Hypervisor, SerialPort};
use qx_model::vm::{PowerState, Vm, VmId};
use tokio::sync::mpsc;

use self::scrollback::Scrollback;
pub use self::scrollback::SerialOutput;
use crate::error::{Error, Result};

/// Largest piece that is read at once.
const PIECE: usize = 16 * 1024;
/// Pieces of input that may wait for a guest.
const WAITING: usize = 64;

/// One viewer of a VM's serial line.
#[derive(Debug)]
pub struct SerialConsole {
    /// What the guest writes, the kept output first. Ends when the VM is removed.
    pub output: SerialOutput,
    /// What the guest reads; lost while the VM is off, as with a real serial line.
    pub input: mpsc::Sender<Bytes>,
}

/// All serial consoles. Clones share them.
#[derive(Clone)]
pub(crate) struct Consoles {
    hypervisor: Arc<dyn Hypervisor>,
    lines: Arc<Mutex<HashMap<VmId, Arc<Line>>>>,
}

struct Line {
    reader: Mutex<Reader>,
    scrollback: Mutex<Option<Arc<Scrollback>>>,
    writer: Mutex<Option<Box<dyn Write + Send>>>,
}

/// Who reads the port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Nobody,
    Reading,
    Wanted,
}

impl Consoles {
    pub(crate) fn new(hypervisor: Arc<dyn Hypervisor>) -> Self {
        Self {
            hypervisor,
            lines: Arc::default(),
        }
    }

    /// A VM was looked at: a running one gets its line read from now on.
    pub(crate) fn observed(&self, vm: &Vm) {
        if is_powered(vm) {
            let (consoles, id) = (self.clone(), vm.id);
            tokio::task::spawn_blocking(move || {
                if let Err(error) = consoles.attach(id) {
                    tracing::debug!(vm = %id, %error, "no serial console");
                }
            });
        }
    }

    /// A VM is gone: its viewers are let go.
    pub(crate) fn removed(&self, id: VmId) {
        if let Some(line) = self.lines().remove(&id) {
            line.scrollback().take();
        }
    }

    /// A new viewer.
    pub(crate) async fn open(&self, vm: &Vm) -> Result<SerialConsole> {
        if is_powered(vm) {
            let (consoles, id) = (self.clone(), vm.id);
            tokio::task::spawn_blocking(move || consoles.attach(id))
                .await
                .map_err(|error| Error::internal("opening a serial console", error))??;
        }
        let line = self.line(vm.id);
        let gone = || Error::NotFound {
            what: "VM",
            id: vm.id.to_string(),
        };
        let output = line.scrollback().as_ref().map(Scrollback::view);
        let output = output.ok_or_else(gone)?;
        let (input, typed) = mpsc::channel(WAITING);
        tokio::spawn(line.type_in(typed));
        Ok(SerialConsole { output, input })
    }

    /// Opens the VM's port and reads it on a thread, unless that is being done. Blocks.
    fn attach(&self, id: VmId) -> Result<()> {
        let line = self.line(id);
        {
            let mut reader = line.reader();
            if *reader != Reader::Nobody {
                *reader = Reader::Wanted;
                return Ok(());
            }
            // Before the port is opened: opening twice would take the port from ourselves.
            *reader = Reader::Reading;
        }
        let reading = line.open(&*self.hypervisor, id).and_then(|port| {
            let (hypervisor, line) = (Arc::clone(&self.hypervisor), Arc::clone(&line));
            std::thread::Builder::new()
                .name("serial".into())
                .stack_size(128 * 1024)
                .spawn(move || line.read(port, &*hypervisor, id))
                .map_err(|error| Error::internal("starting a console thread", error))
        });
        if let Err(error) = &reading {
            line.writer().take();
            *line.reader() = Reader::Nobody;
            if matches!(error, Error::NotFound { .. }) {
                // Removed after it was looked at.
                self.removed(id);
            }
        }
        reading.map(drop)
    }

    fn line(&self, id: VmId) -> Arc<Line> {
        Arc::clone(self.lines().entry(id).or_insert_with(Line::new))
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<VmId, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_powered(vm: &Vm) -> bool {
    matches!(vm.state, PowerState::Running | PowerState::Paused)
}

type Port = Box<dyn Read + Send>;

impl Line {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            reader: Mutex::new(Reader::Nobody),
            scrollback: Mutex::new(Some(Arc::new(Scrollback::new()))),
            writer: Mutex::default(),
        })
    }

    fn open(&self, hypervisor: &dyn Hypervisor, id: VmId) -> Result<Port> {
        let SerialPort { reader, writer } = hypervisor.open_serial(id)?;
        *self.writer() = Some(writer);
        Ok(reader)
    }

    /// Reads one port after the other, until one ends and the VM was not seen on meanwhile.
    fn read(&self, mut port: Port, hypervisor: &dyn Hypervisor, id: VmId) {
        let mut buffer = vec![0; PIECE];
        loop {
            while let Ok(length @ 1..) = port.read(&mut buffer) {
                // Gone with the VM.
                let Some(scrollback) = self.scrollback().clone() else {
                    break;
                };
                scrollback.add(&buffer[..length]);
            }
            self.writer().take();
            let again = {
                let mut reader = self.reader();
                *reader = match *reader {
                    Reader::Wanted => Reader::Reading,
                    Reader::Reading | Reader::Nobody => Reader::Nobody,
                };
                *reader == Reader::Reading
            };
            if !again {
                return;
            }
            match self.open(hypervisor, id) {
                Ok(next) => port = next,
                // It is off: the VM will be seen on again. Whoever wanted it while it was being opened is
                // answered by the next round.
                Err(error) => {
                    tracing::debug!(vm = %id, %error, "no serial console");
                    port = Box::new(std::io::empty());
                }
            }
        }
    }

    async fn type_in(self: Arc<Self>, mut typed: mpsc::Receiver<Bytes>) {
        while let Some(bytes) = typed.recv().await {
            let line = Arc::clone(&self);
            let written = tokio::task::spawn_blocking(move || match line.writer().as_mut() {
                Some(writer) => writer.write_all(&bytes),
                None => Ok(()),
            });
            if let Ok(Err(error)) = written.await {
                tracing::debug!(%error, "console input was lost");
            }
        }
    }

    fn reader(&self) -> MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scrollback(&self) -> MutexGuard<'_, Option<Arc<Scrollback>>> {
        self.scrollback
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Option<Box<dyn Write + Send>>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
