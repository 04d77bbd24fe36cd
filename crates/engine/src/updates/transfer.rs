//! What is shown of a bundle on its way into a slot.

use std::sync::{Arc, Mutex, PoisonError};

use qx_host::storage::SlotError;
use qx_host::update::StageError;
use uuid::Uuid;

use crate::error::Error;
use crate::events::{EventKind, Events};

/// A bundle on its way into a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Where it comes from.
    pub source: TransferSource,
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
    /// The task that writes it.
    pub task: Uuid,
}

/// Where a bundle comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferSource {
    /// Somebody sends it.
    Upload,
    /// The slot that runs.
    Reinstall,
    /// The feed.
    Feed,
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
    pub(super) const fn new(source: TransferSource, task: Uuid) -> Self {
        Self {
            source,
            state: TransferState::Receiving,
            version: None,
            received_bytes: 0,
            total_bytes: None,
            percent: 0,
            problem: None,
            task,
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

/// What is shown of the transfer. Clones share it.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) now: Arc<Mutex<Option<Transfer>>>,
    pub(super) events: Events,
}

impl Shown {
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Option<Transfer>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self) {
        self.events.publish(EventKind::UpdatesChanged);
    }

    /// Changes it, and tells it when that makes a difference.
    pub(super) fn set(&self, change: impl FnOnce(&mut Transfer)) {
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
    pub(super) fn set_quietly(&self, change: impl FnOnce(&mut Transfer)) {
        if let Some(transfer) = self.lock().as_mut() {
            change(transfer);
        }
    }
}

/// The error and what caused it, in one sentence.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Why a bundle was not written, sorted by what can be done about it.
pub(super) fn refusal(error: &StageError) -> Error {
    let message = sentence(error);
    match error {
        StageError::Running { slot, .. } => Error::Unavailable {
            reason: message,
            hint: format!(
                "slot {slot} itself is damaged, or its disk is: upload an update instead"
            ),
        },
        StageError::Bundle(_)
        | StageError::Refused(_)
        | StageError::OtherBuild { .. }
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
