//! What the host does by itself, step by step: see [`super::schedule`].

use std::time::Duration;

use jiff::Timestamp;
use qx_host::update::UpdateRecord;
use qx_model::access::{Actor, Role};

use super::schedule::{Situation, Step, step};
use super::{Transfer, TransferSource, TransferState, Updates, read_env};
use crate::blocking::blocking;
use crate::error::Result;

/// How often is looked for something to do.
const LOOK: Duration = Duration::from_secs(60);

impl Updates {
    /// Follows the schedule until the host restarts. `healthy` says which checks pass now, which the next version
    /// is held to. Returns at once on a host that cannot be updated.
    pub async fn follow_schedule<F>(self, healthy: impl Fn() -> F)
    where
        F: Future<Output = Option<Vec<String>>>,
    {
        let actor = Actor {
            name: "schedule".to_owned(),
            role: Role::Admin,
            origin: "local".to_owned(),
        };
        while self.installed().is_ok() {
            tokio::time::sleep(LOOK).await;
            let taken = match self.next_step().await {
                Ok(Step::Wait) => Ok(()),
                Ok(Step::Check) => self.check(&actor).await,
                Ok(Step::Fetch) => self.fetch(&actor).await,
                // Without a look at what is fine now, the next version would be held to nothing.
                Ok(Step::Apply) => match healthy().await {
                    Some(healthy) => self.apply(&actor, true, healthy).await,
                    None => Ok(()),
                },
                Err(error) => Err(error),
            };
            // The audit log has it, and the status shows what came of the feed.
            if let Err(error) = taken {
                tracing::warn!(%error, "the schedule of updates");
            }
        }
    }

    async fn next_step(&self) -> Result<Step> {
        let transfer = self.inner.transfers.now();
        let this = self.clone();
        blocking(move || {
            let installed = this.installed()?;
            let env = read_env(&installed)?;
            let last = UpdateRecord::read(&this.inner.places.state).map(|mut record| {
                record.settle(&env);
                record
            });
            let Some(feed) = this.feed_status(&installed, &env, last.as_ref()) else {
                return Ok(Step::Wait);
            };
            let now = Timestamp::now();
            let known = this.known();
            Ok(step(&Situation {
                check_is_due: known.next_check <= now,
                automatic: feed.automatic,
                window_is_open: feed.window.is_some_and(|window| window.is_open(now)),
                busy: env.pending.is_some() || transfer.as_ref().is_some_and(is_under_way),
                offer: feed.offered(known.not_fetched),
            }))
        })
        .await
    }
}

/// What a person uploaded is theirs: they may go on with it, or start it when it suits them.
fn is_under_way(transfer: &Transfer) -> bool {
    let uploaded = transfer.source == TransferSource::Upload
        && matches!(
            transfer.state,
            TransferState::Interrupted | TransferState::Done
        );
    transfer.is_writing() || uploaded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_uploaded_is_left_alone_and_what_failed_or_was_fetched_is_no_obstacle() {
        use TransferSource::{Feed, Reinstall, Upload};
        use TransferState::{Done, Failed, Interrupted, Receiving, Verifying};
        for (source, state, busy) in [
            (Upload, Receiving, true),
            (Upload, Interrupted, true),
            (Upload, Done, true),
            (Upload, Failed, false),
            (Feed, Verifying, true),
            (Feed, Done, false),
            (Feed, Failed, false),
            (Reinstall, Receiving, true),
            (Reinstall, Done, false),
        ] {
            let transfer = Transfer {
                state,
                ..Transfer::new(source, uuid::Uuid::nil())
            };
            assert_eq!(is_under_way(&transfer), busy, "{source:?} {state:?}");
        }
    }
}
