//! The part of a hypervisor that carries words to the agents in guests.

use std::time::Duration;

use qx_model::vm::VmId;

use crate::Result;

/// Most bytes of an answer.
pub const LARGEST_ANSWER: usize = 4 << 20;

/// Speaks with the QEMU guest agents in running VMs. All calls block.
pub trait Agents {
    /// Sends one command and returns the answer, both JSON documents of [QEMU's guest agent protocol]. The
    /// answer comes from the guest: it may be anything of up to [`LARGEST_ANSWER`] bytes that is JSON.
    /// [`crate::Error::Agent`] with the kind of fault; [`crate::Error::WrongState`] if the VM is off.
    ///
    /// It waits `patience`, and seconds more at most where the hypervisor first looks whether the agent listens.
    /// Calls on one VM wait for each other; other calls on that VM, and all calls on others, do not.
    ///
    /// [QEMU's guest agent protocol]: https://www.qemu.org/docs/master/interop/qemu-ga-ref.html
    fn ask_agent(&self, id: VmId, command: &str, patience: Duration) -> Result<String>;

    /// Has the agent shut the guest down or restart it. An agent that does as it is told does not answer: the
    /// hypervisor waits for the guest's end instead, a minute at most.
    fn agent_power(&self, id: VmId, restart: bool) -> Result<()>;
}
