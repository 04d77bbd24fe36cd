//! What the first boot of an installation makes: the VMs and networks that the data partition knows of, then what the
//! host is known by. May be repeated, and may lose power at any point.

use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use qx_host::network_files::NetworkFiles;
use qx_host::vm_files::VmFiles;
use qx_host::{first_boot, identity};

/// Makes what is missing below `state` from what is on `data`, and leaves in `run` what people should know. Runs before
/// libvirt does.
///
/// # Errors
/// When a part of the identity can't be made. What is in the way of a VM is only said: the host works without it.
pub fn run(state: &Path, data: &Path, run: &Path) -> Result<()> {
    // The identity comes last, and with it the end of the first boot: from then on a VM that is not defined was
    // removed by somebody.
    if !identity::is_made(state) {
        let problems = bring_back(state, data);
        problems.iter().for_each(|problem| println!("{problem}"));
        if let Err(error) = first_boot::note(run, &problems) {
            println!("cannot leave this for the console: {error}");
        }
    }
    identity::ensure(state).context("the host has no identity")
}

/// What does not come back, in plain sentences.
fn bring_back(state: &Path, data: &Path) -> Vec<String> {
    let vms = data.join("vms");
    let networks = NetworkFiles::new(state, data);
    let or_why = |outcome: io::Result<Vec<String>>, what: &str| {
        outcome.unwrap_or_else(|error| vec![format!("{what}: {error}")])
    };
    let mut problems = or_why(
        VmFiles::new(state, &vms).restore(),
        &format!("no VM comes back from {}", vms.display()),
    );
    problems.extend(or_why(networks.restore(), "networks don't come back"));
    problems.extend(or_why(
        networks.missing(),
        "cannot look at the networks of the VMs",
    ));
    problems
}
