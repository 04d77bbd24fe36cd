//! Bundles on their way into a slot, one at a time. What arrives goes to a thread that writes it; when the
//! connection of somebody who sends breaks, the thread waits, so that the rest may come over another one.
//!
//! ```text
//!  body ──pieces──► thread: qx_host writes the slot, reads it back
//!   │ broke off: an upload waits, everything else has failed
//!   │ discarded: the thread finds the end, and the slot stays empty
//! ```

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use qx_host::update::{Installed, Origin, StageError};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::pieces::{Pieces, gathered};
use super::transfer::{Shown, Transfer, TransferSource, TransferState, refusal};
use super::watched::Watched;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::tasks::Running;

/// Pieces that may wait for the disk.
const WAITING: usize = 8;
/// How long an upload that broke off can be taken up again.
const KEPT: Duration = Duration::from_secs(600);

/// All transfers: one at a time.
pub(super) struct Transfers {
    /// Held by the one that sends.
    upload: Arc<Turn<Option<Upload>>>,
    shown: Shown,
    task: Arc<Mutex<Option<Arc<Running>>>>,
    /// Changes when the present transfer is to end.
    discarded: watch::Sender<()>,
}

/// The right to send, and what is being written.
pub(super) type Sending = OwnedMutexGuard<Option<Upload>>;

/// A thread that writes, and the way to it.
pub(super) struct Upload {
    pieces: Option<mpsc::Sender<io::Result<Bytes>>>,
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
            task: Arc::default(),
            discarded: watch::channel(()).0,
        }
    }

    /// The present one, or the last.
    pub(super) fn now(&self) -> Option<Transfer> {
        self.shown.lock().clone()
    }

    /// The right to send.
    pub(super) fn turn(&self) -> Result<Sending> {
        Arc::clone(&self.upload)
            .try_lock_owned()
            .map_err(|_| Error::Conflict {
                reason: "another update is being written to the other slot".into(),
                hint: "wait until it is complete or has failed, or discard it".into(),
            })
    }

    /// Begins anew; what was there before is given up.
    pub(super) async fn begin(
        &self,
        turn: &mut Sending,
        installed: Installed,
        origin: Origin,
        source: TransferSource,
        task: Running,
    ) {
        if let Some(before) = turn.take() {
            before.give_up().await;
        }
        **turn = Some(self.start(installed, origin, source, task));
    }

    /// Takes what somebody sends to the slot, from `offset` of the bundle on.
    pub(super) async fn receive(
        &self,
        installed: Installed,
        offset: u64,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
        task: impl FnOnce() -> Running,
    ) -> Result<()> {
        let mut turn = self.turn()?;
        if offset == 0 {
            let source = TransferSource::Upload;
            self.begin(&mut turn, installed, Origin::Sent, source, task())
                .await;
        }
        let received = turn.as_ref().map_or(0, |upload| upload.received);
        if turn.is_none() || received != offset {
            return Err(Error::Conflict {
                reason: format!("the upload cannot go on at {offset}: {received} bytes arrived"),
                hint: "go on from there, or start again without Upload-Offset".into(),
            });
        }
        self.send(turn, body).await
    }

    /// Sends `body` to the slot, and returns when all of it was read back.
    pub(super) async fn send(
        &self,
        mut turn: Sending,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
    ) -> Result<()> {
        let Some(upload) = turn.as_mut() else {
            return Ok(());
        };
        // Also when this future is dropped because the caller is gone.
        let interrupted = Interrupted {
            shown: &self.shown,
            armed: true,
        };
        self.shown.set(|transfer| {
            transfer.state = TransferState::Receiving;
        });
        let mut discarded = self.discarded.subscribe();
        tokio::select! {
            sent = upload.forward(body, &self.shown) => sent?,
            _ = discarded.changed() => {
                return Err(Error::Conflict {
                    reason: "the transfer was discarded".into(),
                    hint: "begin again if that was not meant".into(),
                });
            }
        }
        interrupted.disarm();
        let outcome = (&mut upload.writer).await;
        *turn = None;
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(error) => Err(Error::internal("writing the slot did not come back", error)),
        }
    }

    /// Ends the present transfer, or forgets the last one; tells it. What is being read back comes to its end
    /// first.
    pub(super) async fn discard(&self) -> Option<Transfer> {
        self.discarded.send_replace(());
        let task = self.task().clone();
        if let Some(task) = task {
            task.withdraw();
        }
        let mut turn = self.upload.lock().await;
        if let Some(upload) = turn.take() {
            upload.give_up().await;
        }
        let last = self.shown.lock().take();
        self.shown.tell();
        last
    }

    /// The task of the present transfer.
    fn task(&self) -> MutexGuard<'_, Option<Arc<Running>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(
        &self,
        installed: Installed,
        origin: Origin,
        source: TransferSource,
        task: Running,
    ) -> Upload {
        *self.shown.lock() = Some(Transfer::new(source, task.id()));
        self.shown.tell();
        let (sender, pieces) = mpsc::channel(WAITING);
        let task = Arc::new(task);
        *self.task() = Some(Arc::clone(&task));
        let mut watched = Watched::new(self.shown.clone(), Arc::clone(&task));
        let present = Arc::clone(&self.task);
        let writer = tokio::task::spawn_blocking(move || {
            let staged = installed.stage(Pieces::new(pieces), &origin, &mut watched);
            watched.end(staged.as_ref().err());
            *present.lock().unwrap_or_else(PoisonError::into_inner) = None;
            staged.map(drop)
        });
        if source == TransferSource::Upload {
            tokio::spawn(forget_when_stale(
                Arc::clone(&self.upload),
                self.shown.clone(),
            ));
        }
        Upload {
            pieces: Some(sender),
            writer,
            received: 0,
        }
    }
}

impl Upload {
    /// Hands pieces to the thread until the body ends, which ends the bundle. A piece counts when the thread
    /// has it. A thread that hung up knows why. Where nothing can be taken up again, the thread is told what
    /// broke.
    async fn forward(
        &mut self,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
        shown: &Shown,
    ) -> Result<()> {
        let mut body = std::pin::pin!(gathered(body));
        let can_go_on = shown
            .lock()
            .as_ref()
            .is_some_and(|transfer| transfer.source == TransferSource::Upload);
        while let Some(piece) = body.next().await {
            let length = match &piece {
                Ok(piece) => piece.len() as u64,
                Err(error) if can_go_on => {
                    return Err(Error::Conflict {
                        reason: format!("the upload broke off: {error}"),
                        hint: "go on from transfer.received_bytes with Upload-Offset".into(),
                    });
                }
                Err(_) => 0,
            };
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
        // How it ends is shown, or forgotten by whoever discards it.
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

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use uuid::Uuid;

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
            ..Transfer::new(TransferSource::Upload, Uuid::nil())
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

    #[tokio::test]
    async fn what_broke_off_is_discarded_and_forgotten() {
        let transfers = Transfers::new(Events::new());
        assert_eq!(transfers.discard().await, None);
        interrupted(&transfers).await;
        let ended = transfers.discard().await.unwrap();
        assert_eq!(ended.state, TransferState::Interrupted);
        assert_eq!(transfers.now(), None);
        assert!(transfers.upload.lock().await.is_none());
    }

    #[tokio::test]
    async fn who_sends_is_told_that_it_was_discarded() {
        let transfers = Arc::new(Transfers::new(Events::new()));
        interrupted(&transfers).await;
        let (sender, body) = mpsc::channel(1);
        let body = stream::unfold(body, |mut body: mpsc::Receiver<io::Result<Bytes>>| async {
            body.recv().await.map(|piece| (piece, body))
        });
        let turn = transfers.turn().unwrap();
        let sending = Arc::clone(&transfers);
        let sending = tokio::spawn(async move { sending.send(turn, body).await });
        // A second piece has room only when the first was taken: it is being sent.
        sender.send(Ok(Bytes::from_static(b"x"))).await.unwrap();
        sender.send(Ok(Bytes::from_static(b"y"))).await.unwrap();
        assert!(transfers.turn().is_err());
        let ended = transfers.discard().await.unwrap();
        assert_eq!(ended.state, TransferState::Interrupted);
        let error = sending.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("was discarded"), "{error}");
    }
}
