//! How far the writing of a slot is, told to whoever looks at updates and to whoever looks at tasks.

use std::sync::Arc;

use qx_host::update::{Progress, StageError};
use qx_slots::Manifest;

use super::transfer::{Shown, TransferState, refusal, sentence};
use crate::error::{Error, Result};
use crate::tasks::Running;

/// Steps of the task, see [`Watched::at`].
pub(super) const STEPS: &[(&str, u32)] = &[("write", 1), ("read back", 1)];

/// Where the progress of a transfer goes.
pub(super) struct Watched {
    shown: Shown,
    task: Arc<Running>,
    reading_back: bool,
}

impl Watched {
    pub(super) fn new(shown: Shown, task: Arc<Running>) -> Self {
        // Nobody can have cancelled it: it is not known yet.
        let _ = task.begin();
        task.step(0);
        Self {
            shown,
            task,
            reading_back: false,
        }
    }

    pub(super) fn end(&self, error: Option<&StageError>) {
        self.shown.set(|transfer| match error {
            None => {
                transfer.state = TransferState::Done;
                transfer.percent = 100;
            }
            Some(error) => {
                transfer.state = TransferState::Failed;
                transfer.problem = Some(sentence(error));
            }
        });
        let outcome: Result<()> = match error {
            None => Ok(()),
            // What was cut off ends with an error, which says nothing new.
            Some(_) if self.task.check().is_err() => Err(Error::Cancelled),
            Some(error) => Err(refusal(error)),
        };
        self.task.end(&outcome);
    }
}

impl Progress for Watched {
    fn warns(&mut self, problem: &dyn std::error::Error) {
        let problem = sentence(problem);
        tracing::warn!(problem, "an update goes on without this");
        self.task
            .note(format!("it goes on without this: {problem}"));
    }

    fn begins(&mut self, manifest: &Manifest, bytes: u64) {
        self.shown.set(|transfer| {
            transfer.version = Some(manifest.version.clone());
            transfer.total_bytes = Some(bytes);
        });
        self.task
            .note(format!("version {} of {bytes} bytes", manifest.version));
    }

    fn at(&mut self, written: u64, read_back: u64, of: u64) {
        let percent = (written + read_back) * 50 / of.max(1);
        self.shown.set(|transfer| {
            transfer.percent = u8::try_from(percent).unwrap_or(100).min(99);
            if read_back > 0 {
                transfer.state = TransferState::Verifying;
            }
        });
        if read_back > 0 && !self.reading_back {
            self.reading_back = true;
            self.task.step(1);
            // One that was cancelled just now is read back, and then taken out of the slot.
            let _ = self
                .task
                .no_way_back("it is written, and being read back: discard the update afterwards");
        }
        self.task
            .progress(if read_back > 0 { read_back } else { written }, of);
    }
}
