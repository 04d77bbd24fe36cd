//! Why a hypervisor call failed, sorted by what the caller can do about it.

use qx_model::edit::VmEdit;
use qx_model::network::NetworkId;
use qx_model::storage::PoolId;
use qx_model::vm::{Fit, PowerAction, PowerState, VmId};

/// Result of a hypervisor call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a hypervisor call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such VM.
    #[error("VM {0} does not exist")]
    NoSuchVm(VmId),
    /// The VM has no such device.
    #[error("VM {vm} has no {device}")]
    NoSuchDevice {
        /// The VM.
        vm: VmId,
        /// What was asked for.
        device: String,
    },
    /// No such network.
    #[error("network {0} does not exist")]
    NoSuchNetwork(NetworkId),
    /// No such storage pool.
    #[error("storage pool {0} does not exist")]
    NoSuchPool(PoolId),
    /// The pool has no such volume.
    #[error("storage pool {pool} has no volume {name}")]
    NoSuchVolume {
        /// The pool.
        pool: PoolId,
        /// What was asked for.
        name: String,
    },
    /// The storage is full.
    #[error("no space left: {action} failed")]
    NoSpace {
        /// What was tried.
        action: String,
    },
    /// The VM has no such snapshot.
    #[error("VM {vm} has no snapshot {name}")]
    NoSuchSnapshot {
        /// The VM.
        vm: VmId,
        /// What was asked for.
        name: String,
    },
    /// The id, the name or the file is taken.
    #[error("{what} exists already")]
    Exists {
        /// Such as `a VM named web1`.
        what: String,
    },
    /// Not possible in the VM's present state.
    #[error("{reason}")]
    WrongState {
        /// A sentence without a full stop.
        reason: String,
    },
    /// A value that this hypervisor can't take.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON path of the field.
        field: &'static str,
        /// What is allowed.
        reason: String,
    },
    /// This hypervisor has no such call.
    #[error("{what} is not supported by this hypervisor")]
    Unsupported {
        /// Such as `a serial console`.
        what: String,
    },
    /// The guest's agent did not do what it was asked to.
    #[error("the agent in VM {vm} {}", fault.told())]
    Agent {
        /// The VM.
        vm: VmId,
        /// In which way.
        fault: AgentFault,
    },
    /// The hypervisor does not answer.
    #[error("the hypervisor at {uri} does not answer: {reason}")]
    Unreachable {
        /// Its address.
        uri: String,
        /// What the connection said.
        reason: String,
    },
    /// The hypervisor refused for a reason of its own.
    #[error("{action} failed: {message}")]
    Failed {
        /// What was tried, such as `starting VM ID`.
        action: String,
        /// The hypervisor's words.
        message: String,
    },
}

/// In which way a guest's agent failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentFault {
    /// The VM has no channel for one: it was defined without.
    NoChannel,
    /// Nothing in the guest listens: no agent is installed, or none runs yet.
    Absent,
    /// It was asked, and did not answer in time.
    Silent,
    /// It said no, in words that come from the guest.
    Refused(String),
    /// Its answer makes no sense.
    Garbled(String),
}

impl AgentFault {
    fn told(&self) -> String {
        match self {
            Self::NoChannel => "can't be reached: the VM has no channel for one".into(),
            Self::Absent => "does not run".into(),
            Self::Silent => "did not answer in time".into(),
            Self::Refused(words) => format!("said no: {words}"),
            Self::Garbled(what) => format!("answered what makes no sense: {what}"),
        }
    }
}

/// Refuses what does not fit the VM's state, in words.
///
/// # Errors
/// [`Error::WrongState`] unless the action can be done now.
pub fn judge(id: VmId, state: PowerState, action: PowerAction) -> Result<()> {
    match action.fits(state) {
        Fit::Now => Ok(()),
        Fit::Already => Err(Error::WrongState {
            reason: format!("VM {id} is {state:?} already"),
        }),
        Fit::Never { is, instead } => Err(Error::WrongState {
            reason: format!("VM {id} {is}: {instead}"),
        }),
    }
}

/// Refuses a change that the VM's state does not allow, in words.
///
/// # Errors
/// [`Error::WrongState`].
pub fn judge_edit(id: VmId, state: PowerState, edit: &VmEdit) -> Result<()> {
    let reason = if edit.name.is_some() && state != PowerState::Off {
        format!("VM {id} is not off, and only then can get another name")
    } else if edit.is_hardware() && state == PowerState::Saved {
        format!("VM {id} is suspended with its memory on disk, which other hardware would not fit")
    } else {
        return Ok(());
    };
    Err(Error::WrongState { reason })
}
