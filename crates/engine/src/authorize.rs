//! The one place that decides whether an actor may do something. Every public use case calls it before
//! it looks anything up, so that a refusal does not tell what exists.

use qx_model::access::{Actor, Operation};

use crate::error::{Error, Result};

/// Checks the actor's role against the operation's rule.
pub fn authorize(actor: &Actor, operation: Operation) -> Result<()> {
    let needs = operation.required_role();
    if actor.role >= needs {
        Ok(())
    } else {
        Err(Error::Forbidden { operation, needs })
    }
}
