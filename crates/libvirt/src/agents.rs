//! Words to the agents in guests. libvirt holds the channel, keeps question and answer together after a time-out
//! (`guest-sync`), and lets other calls on the VM pass meanwhile.

use std::time::Duration;

use qx_hypervisor::{AgentFault, Agents, Error, LARGEST_ANSWER, Result};
use qx_model::vm::{Accelerator, VmId};
use virt::error::{Error as VirtError, ErrorNumber};
use virt::sys;

use crate::Libvirt;
use crate::hypervisor::{Call, accelerator};

/// Most characters of what a guest says in an error.
const LONGEST_WORDS: usize = 300;

impl Agents for Libvirt {
    fn ask_agent(&self, id: VmId, command: &str, patience: Duration) -> Result<String> {
        let call = self.call(id, "asking the agent of")?;
        call.refuse_without_agent()?;
        let seconds = i32::try_from(patience.as_secs().max(1)).unwrap_or(i32::MAX);
        let answer = call
            .domain
            .qemu_agent_command(command, seconds, 0)
            .map_err(|error| call.agent_failed(error))?;
        if answer.len() > LARGEST_ANSWER {
            return Err(fault(id, AgentFault::Garbled("it is too long".into())));
        }
        Ok(answer)
    }

    fn agent_power(&self, id: VmId, restart: bool) -> Result<()> {
        let call = self.call(id, "asking the agent of")?;
        call.refuse_without_agent()?;
        let done = match restart {
            true => call.domain.reboot(sys::VIR_DOMAIN_REBOOT_GUEST_AGENT),
            false => {
                let agent = sys::VIR_DOMAIN_SHUTDOWN_GUEST_AGENT;
                call.domain.shutdown_flags(agent).map(drop)
            }
        };
        done.map_err(|error| call.agent_failed(error))
    }
}

impl Call<'_> {
    fn refuse_without_agent(&self) -> Result<()> {
        if accelerator(&self.connect) == Accelerator::Test {
            return Err(Error::Unsupported {
                what: format!("asking the agent of VM {}", self.id),
            });
        }
        if !self.libvirt.state(&self.domain, self.id)?.is_on() {
            return Err(Error::WrongState {
                reason: format!("VM {} is not running", self.id),
            });
        }
        Ok(())
    }

    fn agent_failed(&self, error: VirtError) -> Error {
        let words = error.message();
        let told = match error.code().known() {
            Some(ErrorNumber::AgentCommandTimeout) => AgentFault::Silent,
            // It never connected, or it did not answer libvirt's own question whether it is there.
            Some(ErrorNumber::AgentUnresponsive) if words.contains("not connected") => {
                AgentFault::Absent
            }
            Some(ErrorNumber::AgentUnresponsive | ErrorNumber::AgentUnsynced) => AgentFault::Silent,
            Some(ErrorNumber::ArgumentUnsupported | ErrorNumber::OperationUnsupported)
                if words.contains("not configured") =>
            {
                AgentFault::NoChannel
            }
            Some(ErrorNumber::AgentCommandFailed) => AgentFault::Refused(printable(words)),
            // libvirt has no number of its own for a no of the guest, and none for nonsense.
            Some(ErrorNumber::InternalError) if words.contains("unable to execute QEMU agent") => {
                AgentFault::Refused(printable(words))
            }
            Some(ErrorNumber::InternalError) => AgentFault::Garbled(printable(words)),
            // It reads 10 MiB of one answer and no more.
            Some(ErrorNumber::SystemError) if words.contains("No complete agent response") => {
                AgentFault::Garbled(printable(words))
            }
            _ => return self.doing().failed(error),
        };
        fault(self.id, told)
    }
}

fn fault(vm: VmId, fault: AgentFault) -> Error {
    Error::Agent { vm, fault }
}

/// What a guest says, short and on one line.
fn printable(words: &str) -> String {
    let guest = words
        .split_once("': ")
        .map_or(words, |(_, of_the_guest)| of_the_guest);
    let shown = guest.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guests_words_are_short_and_printable() {
        let said = format!("x '{}': a\u{1b}[31m\nb{}", "guest-exec", "c".repeat(9999));
        let told = printable(&said);
        assert!(told.starts_with("a [31m b"), "{told}");
        assert_eq!(told.chars().count(), LONGEST_WORDS);
    }
}
