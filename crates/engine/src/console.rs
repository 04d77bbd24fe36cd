//! Serial consoles: one reader per VM, any number of viewers, and the last output kept so that a late
//! viewer sees the boot. A console may be opened before its VM is on, and stays open through power
//! cycles. Owns the serial ports; knows no WebSocket.

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use qx_hypervisor::{Hypervisor, SerialPort};
use qx_model::vm::{PowerState, Vm, VmId};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::error::{Error, Result};

/// Output kept for late viewers, in bytes.
const SCROLLBACK: usize = 64 * 1024;
/// Largest piece of output.
const PIECE: usize = 16 * 1024;
/// Pieces that may wait for a viewer.
const WAITING: usize = 64;
/// A viewer that takes nothing for this long is dropped, so that it does not hold up the others.
const STALLED: Duration = Duration::from_secs(1);

/// One viewer of a VM's serial line.
#[derive(Debug)]
pub struct SerialConsole {
    /// What the guest writes, the kept output first. Ends when the VM is removed, or when this viewer
    /// takes nothing for a second.
    pub output: mpsc::Receiver<Bytes>,
    /// What the guest reads; lost while the VM is off, as with a real serial line.
    pub input: mpsc::Sender<Bytes>,
}

/// All serial consoles. Clones share them.
#[derive(Clone)]
pub(crate) struct Consoles {
    hypervisor: Arc<dyn Hypervisor>,
    lines: Arc<Mutex<HashMap<VmId, Arc<Line>>>>,
}

#[derive(Default)]
struct Line {
    state: Mutex<State>,
    writer: Mutex<Option<Box<dyn Write + Send>>>,
}

#[derive(Default)]
struct State {
    attached: bool,
    kept: VecDeque<u8>,
    viewers: Vec<mpsc::Sender<Bytes>>,
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
        if matches!(vm.state, PowerState::Running | PowerState::Paused) {
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
            line.state().viewers.clear();
        }
    }

    /// A new viewer.
    pub(crate) async fn open(&self, vm: &Vm) -> Result<SerialConsole> {
        if matches!(vm.state, PowerState::Running | PowerState::Paused) {
            let (consoles, id) = (self.clone(), vm.id);
            tokio::task::spawn_blocking(move || consoles.attach(id))
                .await
                .map_err(|error| Error::internal("opening a serial console", error))??;
        }
        let line = self.line(vm.id);
        let (input, typed) = mpsc::channel(WAITING);
        tokio::spawn(Arc::clone(&line).type_in(typed));
        Ok(SerialConsole {
            output: line.join(),
            input,
        })
    }

    /// Opens the VM's port and reads it on a thread, unless that is being done. Blocks.
    fn attach(&self, id: VmId) -> Result<()> {
        let line = self.line(id);
        // Taken before the port is opened: opening twice would take the port from ourselves.
        if std::mem::replace(&mut line.state().attached, true) {
            return Ok(());
        }
        let reading = self
            .hypervisor
            .open_serial(id)
            .map_err(Error::from)
            .and_then(|port| {
                let SerialPort { reader, writer } = port;
                *line.writer() = Some(writer);
                let (runtime, line) = (Handle::current(), Arc::clone(&line));
                std::thread::Builder::new()
                    .name("serial".into())
                    .stack_size(128 * 1024)
                    .spawn(move || line.read(reader, &runtime))
                    .map_err(|error| Error::internal("starting a console thread", error))
            });
        if reading.is_err() {
            line.detached();
        }
        reading.map(|_| ())
    }

    fn line(&self, id: VmId) -> Arc<Line> {
        Arc::clone(self.lines().entry(id).or_default())
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<VmId, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn read(&self, mut reader: Box<dyn Read + Send>, runtime: &Handle) {
        let mut buffer = vec![0; PIECE];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(length) => self.show(&buffer[..length], runtime),
            }
        }
        self.detached();
    }

    fn show(&self, output: &[u8], runtime: &Handle) {
        let viewers = {
            let mut state = self.state();
            let excess = (state.kept.len() + output.len()).saturating_sub(SCROLLBACK);
            let excess = excess.min(state.kept.len());
            state.kept.drain(..excess);
            state.kept.extend(output);
            state.viewers.clone()
        };
        if viewers.is_empty() {
            return;
        }
        let piece = Bytes::copy_from_slice(output);
        for viewer in viewers {
            let sent = viewer.try_send(piece.clone()).is_ok()
                || runtime.block_on(async {
                    let sent = tokio::time::timeout(STALLED, viewer.send(piece.clone()));
                    sent.await.is_ok_and(|sent| sent.is_ok())
                });
            if !sent {
                self.state()
                    .viewers
                    .retain(|other| !other.same_channel(&viewer));
            }
        }
    }

    fn join(&self) -> mpsc::Receiver<Bytes> {
        let (sender, output) = mpsc::channel(WAITING);
        let mut state = self.state();
        if !state.kept.is_empty() {
            let kept: Vec<u8> = state.kept.iter().copied().collect();
            // The channel is empty, so there is room.
            let _ = sender.try_send(Bytes::from(kept));
        }
        state.viewers.retain(|viewer| !viewer.is_closed());
        state.viewers.push(sender);
        output
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

    fn detached(&self) {
        *self.writer() = None;
        self.state().attached = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Option<Box<dyn Write + Send>>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
