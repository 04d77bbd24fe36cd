//! Why a use case failed, sorted by what its caller can do about it. Every sentence a person may read
//! says what happened and why; `hint` says what to do.

use std::time::Duration;

use qx_hypervisor::{AgentFault, Error as HypervisorError};
use qx_model::access::{Operation, Role};
use qx_model::vm::{FieldError, VmId};

/// Result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The actor's role is too low. Told before anything is looked up, so it reveals nothing.
    #[error("{operation:?} needs the role {needs:?}")]
    Forbidden {
        /// What was asked for.
        operation: Operation,
        /// The lowest role that may.
        needs: Role,
    },
    /// No such thing.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// Kind of thing, such as `VM`.
        what: &'static str,
        /// The name or id that was asked for.
        id: String,
    },
    /// Not possible in the present state; another request may make it so.
    #[error("{reason}")]
    Conflict {
        /// What is in the way.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// It is not what the caller last saw.
    #[error("{what} was changed since it was read")]
    Stale {
        /// Such as `the VM web1`.
        what: String,
    },
    /// The request breaks rules, all of them listed.
    #[error("the request is not valid: {}", list(.0))]
    Invalid(Vec<FieldError>),
    /// The data disk is full.
    #[error("no space left for {what}")]
    NoSpace {
        /// What did not fit.
        what: String,
    },
    /// Somebody cancelled the task that was to do it.
    #[error("the task was cancelled")]
    Cancelled,
    /// The hypervisor understood and said no.
    #[error("{action} failed: {message}")]
    Refused {
        /// What was tried.
        action: String,
        /// The hypervisor's words.
        message: String,
    },
    /// The agent in a guest did not do what it was asked to.
    #[error("{}", HypervisorError::Agent { vm: *vm, fault: fault.clone() })]
    Agent {
        /// The VM.
        vm: VmId,
        /// In which way.
        fault: AgentFault,
    },
    /// Too many failed tries from one address.
    #[error("too many failed tries from this address")]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Something this host needs does not answer; the same request may work later.
    #[error("{reason}")]
    Unavailable {
        /// What does not answer, and why.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// A fault of this program or its machine.
    #[error("{context}")]
    Internal {
        /// What was being done.
        context: String,
        /// What went wrong below.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// A fault while doing `context`.
    pub fn internal(
        context: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Internal {
            context: context.into(),
            source: source.into(),
        }
    }

    /// One field that breaks a rule.
    pub fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.into(),
            reason: reason.into(),
        }])
    }

    /// A file operation that failed: a full disk is told apart from a fault.
    pub fn file(context: impl Into<String>, source: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        let context = context.into();
        match source.kind() {
            StorageFull | QuotaExceeded => Self::NoSpace { what: context },
            _ => Self::internal(context, source),
        }
    }
}

impl From<HypervisorError> for Error {
    fn from(error: HypervisorError) -> Self {
        match error {
            HypervisorError::NoSuchVm(id) => Self::NotFound {
                what: "VM",
                id: id.to_string(),
            },
            HypervisorError::NoSuchDevice { device, .. } => Self::NotFound {
                what: "device",
                id: device,
            },
            HypervisorError::NoSuchSnapshot { name, .. } => Self::NotFound {
                what: "snapshot",
                id: name,
            },
            HypervisorError::NoSuchNetwork(id) => Self::NotFound {
                what: "network",
                id: id.to_string(),
            },
            HypervisorError::NoSuchPool(id) => Self::NotFound {
                what: "storage pool",
                id: id.to_string(),
            },
            HypervisorError::NoSuchVolume { name, .. } => Self::NotFound {
                what: "volume",
                id: name,
            },
            HypervisorError::NoSpace { action } => Self::NoSpace { what: action },
            HypervisorError::Exists { what } => Self::Conflict {
                reason: format!("{what} exists already"),
                hint: "choose another name or id, or delete the other one first".into(),
            },
            HypervisorError::WrongState { reason } => Self::Conflict {
                reason,
                hint: "look at the present state and try again when it has changed".into(),
            },
            HypervisorError::Invalid { field, reason } => Self::field(field, reason),
            HypervisorError::Unsupported { what } => Self::Refused {
                action: what,
                message: "this hypervisor has no such function".into(),
            },
            HypervisorError::Unreachable { .. } => Self::Unavailable {
                reason: error.to_string(),
                hint: "running VMs go on; look at the libvirtd service if this lasts".into(),
            },
            HypervisorError::Agent { vm, fault } => Self::Agent { vm, fault },
            HypervisorError::Failed { action, message } => Self::Refused { action, message },
        }
    }
}

fn list(errors: &[FieldError]) -> String {
    let texts: Vec<String> = errors
        .iter()
        .map(|e| format!("{} {}", e.field, e.reason))
        .collect();
    texts.join("; ")
}
