//! Talking with a guest's agent: one at a time with each, a bounded number of all together, and never longer
//! than was agreed. Owns turns and deadlines; knows no command.

use std::sync::Arc;
use std::time::Duration;

use qx_hypervisor::{AgentFault, Error as HypervisorError};
use qx_model::vm::VmId;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::answers::parse;
use crate::error::{Error, Result};
use crate::inventory::Inventory;
use crate::queue::Queues;

/// Talks at once. Each holds a thread here and a worker of libvirtd, which has four times as many: agents that do
/// not answer leave room for everything else.
const MOST: usize = 16;
/// For what the hypervisor does around a question.
const GRACE: Duration = Duration::from_secs(10);

/// Turns with all agents.
pub(crate) struct Talks {
    turns: Queues<VmId>,
    room: Arc<Semaphore>,
}

/// One talk with one agent, which nobody else speaks with meanwhile.
pub(super) struct Talk<'a> {
    inventory: &'a Inventory,
    id: VmId,
    /// Kept by a question that is still waiting after its talk was given up.
    held: Arc<(OwnedMutexGuard<()>, OwnedSemaphorePermit)>,
}

impl Talks {
    pub(crate) fn new() -> Self {
        Self {
            turns: Queues::new(),
            room: Arc::new(Semaphore::new(MOST)),
        }
    }

    /// Waits `patience` for a turn.
    pub(super) async fn begin<'a>(
        &self,
        inventory: &'a Inventory,
        id: VmId,
        patience: Duration,
    ) -> Result<Talk<'a>> {
        // The one's own VM first: who waits for a slow agent takes no room from others.
        let turn = tokio::time::timeout(patience, self.turns.turn(id));
        let turn = turn.await.map_err(|_| Error::Conflict {
            reason: "the guest's agent is still busy with an earlier question".into(),
            hint: "wait for its answer and ask again".into(),
        })?;
        let room = Arc::clone(&self.room).acquire_owned();
        let room = tokio::time::timeout(patience, room).await;
        let busy = || Error::Conflict {
            reason: format!(
                "the agents of {MOST} guests are being asked already, and answer slowly"
            ),
            hint: "ask again when they have answered".into(),
        };
        let room = room.map_err(|_| busy())?.map_err(|_| busy())?;
        Ok(Talk {
            inventory,
            id,
            held: Arc::new((turn, room)),
        })
    }
}

impl Talk<'_> {
    /// Asks one thing; the answer has at most `largest` bytes.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        command: &str,
        arguments: Value,
        patience: Duration,
        largest: usize,
    ) -> Result<T> {
        let question = match arguments {
            Value::Null => serde_json::json!({ "execute": command }),
            arguments => serde_json::json!({ "execute": command, "arguments": arguments }),
        };
        let (id, held, question) = (self.id, Arc::clone(&self.held), question.to_string());
        let asking = self.inventory.blocking(move |hypervisor| {
            let answer = hypervisor.ask_agent(id, &question, patience);
            drop(held);
            answer
        });
        let answer = tokio::time::timeout(patience + GRACE, asking).await;
        let answer = answer.map_err(|_| self.fault(AgentFault::Silent))??;
        if answer.len() > largest {
            let what = format!("{} bytes, where {largest} are the most", answer.len());
            return Err(self.fault(AgentFault::Garbled(what)));
        }
        parse(&answer).map_err(|what| self.fault(AgentFault::Garbled(what)))
    }

    /// What is wrong with the guest's answer.
    pub(super) fn garbled(&self, what: String) -> Error {
        self.fault(AgentFault::Garbled(what))
    }

    fn fault(&self, fault: AgentFault) -> Error {
        HypervisorError::Agent { vm: self.id, fault }.into()
    }
}

/// What to do about an agent that failed.
pub(crate) const fn hint(fault: &AgentFault) -> &'static str {
    match fault {
        AgentFault::NoChannel => {
            "VMs made here have one; give this one a virtio channel named org.qemu.guest_agent.0 and power it off and on"
        }
        AgentFault::Absent => {
            "install qemu-guest-agent in the guest and start it, or wait until the guest has booted"
        }
        AgentFault::Silent => {
            "ask again; if it stays silent, look at the guest: it may be busy, paused or shutting down"
        }
        AgentFault::Refused(_) => {
            "what it may do is set in the guest, and an old agent can do less; its log says more"
        }
        AgentFault::Garbled(_) => {
            "update the agent in the guest, and do not trust what this guest says"
        }
    }
}
