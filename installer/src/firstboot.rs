//! What the first boot of an installation makes: the VMs that the data partition knows of, then what the host is known
//! by. May be repeated, and may lose power at any point.

use std::path::Path;

use anyhow::Result;
use qx_host::identity;
use qx_host::vm_files::VmFiles;

/// Makes what is missing below `state`; `vms` has a directory for each VM. Runs before libvirt does.
///
/// # Errors
/// When a part of the identity can't be made. What is in the way of a VM is only said: the host works without it.
pub fn run(state: &Path, vms: &Path) -> Result<()> {
    // The identity comes last, and with it the end of the first boot: from then on a VM that is not defined was
    // removed by somebody.
    if !identity::is_made(state) {
        match VmFiles::new(state, vms).restore() {
            Ok(problems) => problems.iter().for_each(|problem| println!("{problem}")),
            Err(error) => println!("no VM comes back from {}: {error}", vms.display()),
        }
    }
    identity::ensure(state)?;
    Ok(())
}
