//! `qx-init`: process 1 of the initramfs. Finds the image, verifies all of it, copies it to memory,
//! builds the root and starts the system's own init.
//!
//! Owns the machine from the kernel's hand-over to `switch_root`, and what a person sees when that fails.
//! It must not know what the system does afterwards.

mod arrays;
mod block;
mod boot;
mod cmdline;
mod copy;
mod drivers;
mod failure;
mod image;
mod iso9660;
mod log;
mod loop_device;
mod medium;
mod modules;
mod mounts;
mod partition_table;
mod persist;
mod progress;
mod recovery;
mod root;
mod source;
mod trial;
mod uevent;
mod watchdog;

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use rustix::system::{RebootCommand, reboot};

use boot::Boot;
use failure::Outcome;

fn main() -> ExitCode {
    if std::process::id() != 1 {
        eprintln!(
            "qx-init: only the kernel starts this program, as process 1 of a Quantix-OS boot"
        );
        return ExitCode::FAILURE;
    }
    let mut boot = Boot::default();
    let failure = boot.run();
    let told = match &boot.source {
        Some(source) if failure::condemns_the_slot(&failure) => {
            trial::failed(source, boot.env_lost)
        }
        _ => false,
    };
    // Without an environment the boot loader would start this slot again and again.
    let last_resort = boot.last_resort || boot.env_lost && !told;
    let outcome = failure::outcome(&failure, boot.source.as_ref(), last_resort);
    log::say(&failure.message(outcome));
    boot.disarm_watchdog();
    match outcome {
        Outcome::Reboot { seconds } => thread::sleep(Duration::from_secs(seconds)),
        Outcome::Stop => {
            boot.load_for_a_person();
            recovery::wait_for_enter();
        }
        Outcome::Recovery => {
            boot.load_for_a_person();
            recovery::offer("restart the machine");
        }
    }
    let error = reboot(RebootCommand::Restart);
    log::say(&format!(
        "The machine cannot restart itself ({error:?}). Switch it off and on.\n"
    ));
    loop {
        thread::park();
    }
}
