//! The watchdog while the boot program runs: armed once, kept alive while the image is copied, left running for
//! the system. What cannot be done with it is said and stops no boot.

use qx_host::watchdog::Watchdog;

use crate::drivers::Drivers;
use crate::log;

/// Longer than any boot takes from here to qx-node.
const BOOT_SECONDS: i32 = 180;
/// On a trial qx-trial takes over long before that. Three tries that hang must end within minutes.
const TRIAL_SECONDS: i32 = 45;

/// The machine's own watchdog, or the kernel's where there is none. A host without one boots too.
pub(crate) fn arm(drivers: &mut Drivers, on_trial: bool) -> Option<Watchdog> {
    let opened = match Watchdog::open() {
        Ok(None) => {
            drivers.load_softdog();
            Watchdog::open()
        }
        opened => opened,
    };
    let watchdog = opened.unwrap_or_else(|error| {
        log::warning(&format!("the watchdog cannot be armed: {error}"));
        None
    })?;
    let seconds = if on_trial {
        TRIAL_SECONDS
    } else {
        BOOT_SECONDS
    };
    match watchdog.set_timeout(seconds) {
        Ok(()) => log::info(&format!("{} fires after {seconds} s", watchdog.identity)),
        Err(error) => log::warning(&format!(
            "{} keeps its own time limit: {error}",
            watchdog.identity
        )),
    }
    Some(watchdog)
}

/// Starts the watchdog's time anew.
pub(crate) fn keep_alive(watchdog: &mut Option<Watchdog>) {
    if let Some(watchdog) = watchdog
        && let Err(error) = watchdog.keep_alive()
    {
        log::warning(&format!("{} does not listen: {error}", watchdog.identity));
    }
}

/// Stops it: whoever reads a message on the screen needs all the time in the world.
pub(crate) fn disarm(watchdog: &mut Option<Watchdog>) {
    if let Some(watchdog) = watchdog.take()
        && let Err(error) = watchdog.disarm()
    {
        log::warning(&format!("the watchdog cannot be stopped: {error}"));
    }
}
