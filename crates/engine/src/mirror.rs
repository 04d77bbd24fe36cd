//! Tells listeners when the mirror of the boot disks stands differently than before: a disk failed, or was copied.

use std::path::PathBuf;
use std::time::Duration;

use qx_host::boot::BootInfo;
use qx_host::boot_env::Devices;

use crate::blocking::blocking;
use crate::events::{EventKind, Events};

/// Time between two looks. The kernel tells nobody who does not read its log.
const INTERVAL: Duration = Duration::from_secs(10);

/// Looks for as long as the runtime runs; not at all on a system without a mirror. `run` has the boot's record.
pub(crate) fn watch(run: PathBuf, events: Events) {
    let warnings = move || {
        let read = BootInfo::read_now(&run, &Devices::default());
        Ok(read.map(|info| info.warnings).unwrap_or_default())
    };
    tokio::spawn(async move {
        if !has_mirror().await {
            return;
        }
        let mut before = blocking(warnings.clone()).await;
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = blocking(warnings.clone()).await;
            if let (Ok(before), Ok(now)) = (&before, &now)
                && before != now
            {
                events.publish(EventKind::HostChanged);
            }
            before = now;
        }
    });
}

/// Arrays are started before the system is.
async fn has_mirror() -> bool {
    let there = blocking(|| Ok(qx_host::mirror::exists(&Devices::default())));
    there.await.unwrap_or(false)
}
