//! libvirt's errors, sorted into those of the trait.

use qx_hypervisor::Error;
use qx_model::vm::VmId;
use virt::error::{ErrorDomain, ErrorNumber};

/// What was being done, for the error that may come.
#[derive(Clone, Copy)]
pub(crate) struct Doing<'a> {
    /// Such as `starting`.
    pub(crate) verb: &'a str,
    /// The VM it was done to.
    pub(crate) vm: Option<VmId>,
    /// The connection's address.
    pub(crate) uri: &'a str,
}

impl Doing<'_> {
    /// To be given to `map_err`.
    pub(crate) fn failed(self, error: virt::error::Error) -> Error {
        let message = error.message().to_owned();
        if error.domain().is(ErrorDomain::Rpc) || error.code().is(ErrorNumber::NoConnect) {
            return Error::Unreachable {
                uri: self.uri.to_owned(),
                reason: message,
            };
        }
        match (error.code().known(), self.vm) {
            (Some(ErrorNumber::NoDomain), Some(id)) => Error::NoSuchVm(id),
            (Some(ErrorNumber::OperationInvalid), _) => Error::WrongState { reason: message },
            (Some(ErrorNumber::NoSupport | ErrorNumber::OperationUnsupported), _) => {
                Error::Unsupported {
                    what: self.action(),
                }
            }
            _ => Error::Failed {
                action: self.action(),
                message,
            },
        }
    }

    fn action(self) -> String {
        match self.vm {
            Some(id) => format!("{} VM {id}", self.verb),
            None => self.verb.to_owned(),
        }
    }
}
