//! Filling the slot that does not run, and emptying it.

use std::io;

use bytes::Bytes;
use futures_util::Stream;
use qx_host::update::{Installed, Origin};
use qx_model::access::{Actor, Operation};
use qx_model::task::Cancel;
use qx_slots::SlotState;

use super::pieces::pieces_of;
use super::transfers::Sending;
use super::{
    Transfer, TransferSource, TransferState, Updates, change_env, is_on_trial, read_env, transfer,
    watched,
};
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::tasks::{Plan, Running, Target};

impl Updates {
    /// Writes a bundle to the slot that does not run. From `offset`, the bytes of it that arrived before,
    /// or anew from 0. Returns when all of it was read back.
    pub async fn upload(
        &self,
        actor: &Actor,
        offset: u64,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
    ) -> Result<()> {
        let work = async {
            let installed = self.installed()?;
            let slot = installed.running.other();
            self.forget(slot);
            let task = || self.open(actor, Operation::UpdateUpload);
            let transfers = &self.inner.transfers;
            let staged = transfers.receive(installed, offset, body, task).await;
            self.forget(slot);
            self.changed();
            staged
        };
        self.change(actor, Operation::UpdateUpload, work).await
    }

    /// Writes the version that runs to the other slot once more. Returns when that has begun; how it goes on
    /// is in the transfer.
    pub async fn reinstall(&self, actor: &Actor) -> Result<()> {
        let operation = Operation::UpdateReinstall;
        let work = async {
            let installed = self.installed()?;
            let turn = self.inner.transfers.turn()?;
            self.refuse_in_a_trial(&installed).await?;
            let source = installed.clone();
            let reader = blocking(move || {
                source
                    .running_slot()
                    .map_err(|error| transfer::refusal(&error))
            })
            .await?;
            self.write(
                (actor, operation),
                turn,
                installed,
                Origin::RunningSlot,
                TransferSource::Reinstall,
                reader,
            )
            .await;
            Ok(())
        };
        self.change(actor, operation, work).await
    }

    /// Ends a transfer and forgets it. A version that only waits in the other slot, because it was just written
    /// or starts with the next restart, is taken out of it.
    pub async fn discard(&self, actor: &Actor) -> Result<()> {
        let work = async {
            let installed = self.installed()?;
            let before = self.give_up().await;
            let this = self.clone();
            blocking(move || {
                let slot = installed.running.other();
                let env = read_env(&installed)?;
                let waits = is_on_trial(&env, slot);
                let written = before
                    .as_ref()
                    .is_some_and(|transfer| transfer.state == TransferState::Done)
                    && env.confirmed != slot
                    && env.slot(slot).state == SlotState::Good;
                if waits || written {
                    change_env(&installed, |env| env.begin_write(slot))?;
                    this.forget(slot);
                } else if before.is_none() {
                    return Err(Error::Conflict {
                        reason: "there is no transfer, and no version that waits to be started"
                            .into(),
                        hint: "nothing needs to be done".into(),
                    });
                }
                Ok(())
            })
            .await
        };
        self.change(actor, Operation::UpdateDiscard, work).await
    }

    /// The task of a transfer; one that is cancelled is as one that is discarded.
    fn open(&self, actor: &Actor, operation: Operation) -> Running {
        let plan = Plan {
            operation,
            target: Target::system(),
            steps: watched::STEPS,
            cancel: Cancel::Possible,
        };
        let (task, _) = self.inner.tasks.open(actor, plan);
        let (this, stopped) = (self.clone(), task.stopped());
        tokio::spawn(async move {
            if stopped.await {
                this.give_up().await;
                this.changed();
            }
        });
        task
    }

    /// Ends the present transfer, or forgets the last one.
    async fn give_up(&self) -> Option<Transfer> {
        let before = self.inner.transfers.discard().await;
        if before
            .as_ref()
            .is_some_and(|transfer| transfer.source == TransferSource::Feed)
        {
            // Nor is it fetched again before the feed was asked again.
            self.known().not_fetched = true;
        }
        before
    }

    /// The other slot is the one to go back to.
    pub(super) async fn refuse_in_a_trial(&self, installed: &Installed) -> Result<()> {
        let installed = installed.clone();
        blocking(move || {
            let slot = installed.running.other();
            if read_env(&installed)?.confirmed != slot {
                return Ok(());
            }
            Err(Error::Conflict {
                reason: format!("slot {slot} is what this host goes back to until the version that runs is confirmed"),
                hint: "wait for that, or keep the version that runs".into(),
            })
        })
        .await
    }

    /// Begins to write what `reader` says, and goes on with that by itself. That it failed later is recorded
    /// like a failed request.
    pub(super) async fn write(
        &self,
        (actor, operation): (&Actor, Operation),
        mut turn: Sending,
        installed: Installed,
        origin: Origin,
        source: TransferSource,
        reader: impl io::Read + Send + 'static,
    ) {
        let slot = installed.running.other();
        self.forget(slot);
        let transfers = &self.inner.transfers;
        let task = self.open(actor, operation);
        transfers
            .begin(&mut turn, installed, origin, source, task)
            .await;
        let (this, actor) = (self.clone(), actor.clone());
        tokio::spawn(async move {
            let sent = this.inner.transfers.send(turn, pieces_of(reader)).await;
            this.forget(slot);
            if let Err(error) = sent {
                if source == TransferSource::Feed {
                    this.known().not_fetched = true;
                }
                let audit = &this.inner.audit;
                audit.record(&actor, operation.name(), "system", &error.to_string());
            }
            this.changed();
        });
    }
}
