//! The fake's guest agents: what they answer is up to the test.

use std::sync::Arc;
use std::time::Duration;

use qx_model::vm::{PowerAction, VmId};

use super::Fake;
use crate::{AgentFault, Agents, Error, Hypervisor, Result};

/// Answers commands: the command, and the answer's document. What is no answer is how it failed.
pub type Agent = Arc<dyn Fn(&str) -> std::result::Result<String, AgentFault> + Send + Sync>;

impl Fake {
    /// Puts an agent into a guest; `None` takes it out.
    pub fn put_agent(&self, id: VmId, agent: Option<Agent>) {
        let mut world = self.world();
        match agent {
            Some(agent) => world.agents.insert(id, agent),
            None => world.agents.remove(&id),
        };
    }

    fn agent(&self, id: VmId) -> Result<Agent> {
        let mut world = self.of(id)?;
        if !Self::machine(&mut world, id)?.vm.state.is_on() {
            return Err(Error::WrongState {
                reason: format!("VM {id} is not running"),
            });
        }
        world.agents.get(&id).cloned().ok_or(Error::Agent {
            vm: id,
            fault: AgentFault::Absent,
        })
    }
}

impl Agents for Fake {
    fn ask_agent(&self, id: VmId, command: &str, _patience: Duration) -> Result<String> {
        // Not held while the agent thinks: others must get on.
        let agent = self.agent(id)?;
        agent(command).map_err(|fault| Error::Agent { vm: id, fault })
    }

    fn agent_power(&self, id: VmId, restart: bool) -> Result<()> {
        drop(self.agent(id)?);
        self.power(
            id,
            match restart {
                true => PowerAction::Reboot,
                false => PowerAction::Shutdown,
            },
        )
    }
}
