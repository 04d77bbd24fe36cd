//! A bundle on its way into a slot. What arrives over the network goes to a thread that writes it; when the
//! connection breaks, the thread waits, so that the rest may come over another one.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use qx_host::storage::SlotError;
use qx_host::update::{Installed, Progress, StageError};
use qx_slots::Manifest;
use tokio::sync::Mutex as Turn;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::events::{EventKind, Events};

/// Pieces that may wait for the disk.
const WAITING: usize = 16;
/// How long an upload that broke off can be taken up again.
const KEPT: Duration = Duration::from_secs(600);

/// A bundle on its way into a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// How far it is.
    pub state: TransferState,
    /// The version in it, once its manifest was verified.
    pub version: Option<String>,
    /// Bytes that arrived.
    pub received_bytes: u64,
    /// Bytes of the bundle, once its manifest was verified.
    pub total_bytes: Option<u64>,
    /// How much of writing and reading back is done.
    pub percent: u8,
    /// Why it failed.
    pub problem: Option<String>,
}

/// How far a bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferState {
    /// It arrives.
    Receiving,
    /// The connection broke.
    Interrupted,
    /// It is being read back.
    Verifying,
    /// The slot holds it.
    Done,
    /// The slot holds nothing.
    Failed,
}

impl Transfer {
    const fn new() -> Self {
        Self {
            state: TransferState::Receiving,
            version: None,
            received_bytes: 0,
            total_bytes: None,
            percent: 0,
            problem: None,
        }
    }

    /// Whether a slot is being written for it.
    #[must_use]
    pub const fn is_writing(&self) -> bool {
        matches!(
            self.state,
            TransferState::Receiving | TransferState::Verifying
        )
    }
}

/// All transfers: one at a time.
pub(super) struct Transfers {
    /// Held by the connection that sends.
    upload: Arc<Turn<Option<Upload>>>,
    shown: Shown,
}

/// A thread that writes, and the way to it.
struct Upload {
    pieces: Option<mpsc::Sender<Bytes>>,
    writer: JoinHandle<std::result::Result<(), StageError>>,
    received: u64,
}

impl Transfers {
    pub(super) fn new(events: Events) -> Self {
        Self {
            upload: Arc::default(),
            shown: Shown {
                now: Arc::default(),
                events,
            },
        }
    }

    /// The present one, or the last.
    pub(super) fn now(&self) -> Option<Transfer> {
        self.shown.lock().clone()
    }

    /// Sends `body` to the slot, from `offset` of the bundle on.
    pub(super) async fn receive(
        &self,
        installed: Installed,
        offset: u64,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
    ) -> Result<()> {
        let mut turn = self.upload.try_lock().map_err(|_| Error::Conflict {
            reason: "another update is being uploaded".into(),
            hint: "wait until it is complete or has failed".into(),
        })?;
        if offset == 0 {
            if let Some(before) = turn.take() {
                before.give_up().await;
            }
            *turn = Some(self.begin(installed));
        }
        let Some(upload) = turn.as_mut().filter(|upload| upload.received == offset) else {
            let received = turn.as_ref().map_or(0, |upload| upload.received);
            return Err(Error::Conflict {
                reason: format!("the upload cannot go on at {offset}: {received} bytes arrived"),
                hint: "go on from there, or start again without Upload-Offset".into(),
            });
        };
        // Also when this future is dropped because the caller is gone.
        let interrupted = Interrupted {
            shown: &self.shown,
            armed: true,
        };
        self.shown.set(|transfer| {
            transfer.state = TransferState::Receiving;
        });
        upload.forward(body, &self.shown).await?;
        interrupted.disarm();
        let Some(upload) = turn.as_mut() else {
            return Ok(());
        };
        let outcome = (&mut upload.writer).await;
        *turn = None;
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(refusal(error)),
            Err(error) => Err(Error::internal("writing the slot did not come back", error)),
        }
    }

    fn begin(&self, installed: Installed) -> Upload {
        *self.shown.lock() = Some(Transfer::new());
        self.shown.tell();
        let (sender, pieces) = mpsc::channel(WAITING);
        let mut shown = self.shown.clone();
        let writer = tokio::task::spawn_blocking(move || {
            let reader = Pieces {
                pieces,
                piece: Bytes::new(),
            };
            let staged = installed.stage(reader, &mut shown);
            shown.end(staged.as_ref().err());
            staged.map(drop)
        });
        tokio::spawn(forget_when_stale(
            Arc::clone(&self.upload),
            self.shown.clone(),
        ));
        Upload {
            pieces: Some(sender),
            writer,
            received: 0,
        }
    }
}

impl Upload {
    /// Hands pieces to the thread until the body ends, which ends the bundle. A piece counts when the thread
    /// has it. A thread that hung up knows why.
    async fn forward(
        &mut self,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
        shown: &Shown,
    ) -> Result<()> {
        let mut body = std::pin::pin!(body);
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| Error::Conflict {
                reason: format!("the upload broke off: {error}"),
                hint: "go on from transfer.received_bytes with Upload-Offset".into(),
            })?;
            let length = piece.len() as u64;
            let Some(pieces) = &self.pieces else { break };
            if pieces.send(piece).await.is_err() {
                break;
            }
            self.received += length;
            let received = self.received;
            shown.set_quietly(|transfer| transfer.received_bytes = received);
        }
        self.pieces = None;
        Ok(())
    }

    async fn give_up(mut self) {
        self.pieces = None;
        // How it ends is shown; a new one begins now.
        let _ = self.writer.await;
    }
}

/// Marks the transfer as interrupted unless the body was taken to its end.
struct Interrupted<'a> {
    shown: &'a Shown,
    armed: bool,
}

impl Interrupted<'_> {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for Interrupted<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.shown.set(|transfer| {
                if transfer.state == TransferState::Receiving {
                    transfer.state = TransferState::Interrupted;
                }
            });
        }
    }
}

/// Ends an upload that nobody takes up again, so that its thread does not wait for ever.
async fn forget_when_stale(upload: Arc<Turn<Option<Upload>>>, shown: Shown) {
    let mut since: Option<Instant> = None;
    loop {
        tokio::time::sleep(KEPT / 20).await;
        let Some(transfer) = shown.lock().clone() else {
            return;
        };
        match transfer.state {
            TransferState::Done | TransferState::Failed => return,
            TransferState::Receiving | TransferState::Verifying => since = None,
            TransferState::Interrupted => {
                let start = *since.get_or_insert_with(Instant::now);
                if start.elapsed() >= KEPT
                    && let Ok(mut turn) = upload.try_lock()
                    && let Some(stale) = turn.take()
                {
                    stale.give_up().await;
                    return;
                }
            }
        }
    }
}

/// What is shown of the transfer. Clones share it.
#[derive(Clone)]
struct Shown {
    now: Arc<Mutex<Option<Transfer>>>,
    events: Events,
}

impl Shown {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Transfer>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.events.publish(EventKind::UpdatesChanged);
    }

    /// Changes it, and tells it when that makes a difference.
    fn set(&self, change: impl FnOnce(&mut Transfer)) {
        let mut now = self.lock();
        let Some(transfer) = now.as_mut() else { return };
        let before = transfer.clone();
        change(transfer);
        let differs = *transfer != before;
        drop(now);
        if differs {
            self.tell();
        }
    }

    /// Changes what would be told far too often.
    fn set_quietly(&self, change: impl FnOnce(&mut Transfer)) {
        if let Some(transfer) = self.lock().as_mut() {
            change(transfer);
        }
    }

    fn end(&self, error: Option<&StageError>) {
        self.set(|transfer| match error {
            None => {
                transfer.state = TransferState::Done;
                transfer.percent = 100;
            }
            Some(error) => {
                transfer.state = TransferState::Failed;
                transfer.problem = Some(sentence(error));
            }
        });
    }
}

impl Progress for Shown {
    fn warns(&mut self, problem: &dyn std::error::Error) {
        tracing::warn!(
            problem = sentence(problem),
            "an update goes on without this"
        );
    }

    fn begins(&mut self, manifest: &Manifest, bytes: u64) {
        self.set(|transfer| {
            transfer.version = Some(manifest.version.clone());
            transfer.total_bytes = Some(bytes);
        });
    }

    fn at(&mut self, written: u64, read_back: u64, of: u64) {
        let percent = (written + read_back) * 50 / of.max(1);
        self.set(|transfer| {
            transfer.percent = u8::try_from(percent).unwrap_or(100).min(99);
            if read_back > 0 {
                transfer.state = TransferState::Verifying;
            }
        });
    }
}

/// The bundle as the thread reads it: pieces as they arrive, ending when nobody can send any more.
struct Pieces {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.piece.has_remaining() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.remaining());
        let (filled, _) = buffer.split_at_mut(count);
        self.piece.copy_to_slice(filled);
        Ok(count)
    }
}

/// The error and what caused it, in one sentence.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn refusal(error: StageError) -> Error {
    let message = sentence(&error);
    match error {
        StageError::Bundle(_)
        | StageError::Refused(_)
        | StageError::Write(SlotError::Source(_)) => {
            Error::field("bundle", format!("is refused: {message}"))
        }
        StageError::Write(SlotError::TooSmall { .. }) | StageError::Slot { .. } => {
            Error::Conflict {
                reason: message,
                hint: "the running system was not touched".into(),
            }
        }
        StageError::Write(_) | StageError::Keys(_) | StageError::Keep(_) | StageError::Env(_) => {
            Error::Unavailable {
                reason: message,
                hint: "the running system was not touched; check its system disk".into(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An upload of which 7 bytes arrived before its connection broke.
    async fn interrupted(transfers: &Transfers) {
        let (sender, mut pieces) = mpsc::channel(1);
        let writer = tokio::spawn(async move {
            while pieces.recv().await.is_some() {}
            Ok(())
        });
        *transfers.upload.lock().await = Some(Upload {
            pieces: Some(sender),
            writer,
            received: 7,
        });
        *transfers.shown.lock() = Some(Transfer {
            state: TransferState::Interrupted,
            received_bytes: 7,
            ..Transfer::new()
        });
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_broke_off_is_kept_for_ten_minutes_and_then_ended() {
        let transfers = Transfers::new(Events::new());
        interrupted(&transfers).await;
        tokio::spawn(forget_when_stale(
            Arc::clone(&transfers.upload),
            transfers.shown.clone(),
        ));
        tokio::time::sleep(KEPT - KEPT / 100).await;
        assert!(transfers.upload.lock().await.is_some());
        tokio::time::sleep(KEPT / 10).await;
        assert!(transfers.upload.lock().await.is_none());
    }

    #[test]
    fn pieces_are_read_to_the_last_byte_and_end_when_nobody_sends_any_more() {
        let (sender, pieces) = mpsc::channel(4);
        for piece in ["ab", "", "cde"] {
            sender.blocking_send(Bytes::from(piece)).unwrap();
        }
        drop(sender);
        let mut reader = Pieces {
            pieces,
            piece: Bytes::new(),
        };
        let mut one = [0];
        assert_eq!(reader.read(&mut one).unwrap(), 1);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!((&one, rest.as_str()), (b"a", "bcde"));
    }
}
