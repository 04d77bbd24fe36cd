//! The end of a trial, which `qx-trial` decides and not this daemon.

use std::time::Duration;

use qx_host::update::Installed;
use qx_slots::Manifest;

use super::{Updates, is_on_trial, read_env};
use crate::blocking::blocking;
use crate::error::{Error, Result};

/// When what is not urgent is done.
const AFTER_START: Duration = Duration::from_secs(60);
/// How often a version on trial is looked at, so that its confirmation is told.
const TRIAL_LOOK: Duration = Duration::from_secs(2);

impl Updates {
    /// Who looks is told when it is over.
    pub(super) async fn tell_the_end_of_a_trial(self) {
        loop {
            let this = self.clone();
            let looked = blocking(move || {
                let installed = this.installed()?;
                read_env(&installed).map(|env| is_on_trial(&env, installed.running))
            });
            match looked.await {
                Ok(true) => tokio::time::sleep(TRIAL_LOOK).await,
                Ok(false) | Err(_) => break,
            }
        }
        self.changed();
        // Power may have failed between a confirmation and its record, and an installation has none. There is
        // time for that when the host is up.
        tokio::time::sleep(AFTER_START).await;
        let this = self.clone();
        let raised = blocking(move || {
            let installed = this.installed()?;
            if read_env(&installed)?.confirmed == installed.running {
                this.raise_floor(&installed);
            }
            Ok(())
        });
        // A medium has no floor; a disk that cannot be read is told by whoever asks for updates.
        let _ = raised.await;
    }

    /// What the slot that runs says of itself.
    pub(super) fn manifest_of_running(&self, installed: &Installed) -> Result<Manifest> {
        // One at a time: each look mounts the slot at the same place.
        let looking = self.inner.images.lock();
        let manifest = installed.manifest(installed.running);
        drop(looking);
        manifest.map_err(|error| Error::Unavailable {
            reason: format!(
                "slot {}, which runs, cannot be read: {error}",
                installed.running
            ),
            hint: "the host runs on; check its system disk".into(),
        })
    }

    /// From now on nothing older than the running version says. The version is confirmed whether that can be
    /// recorded or not.
    pub(super) fn raise_floor(&self, installed: &Installed) {
        // One at a time: each look mounts the slot at the same place.
        let looking = self.inner.images.lock();
        match installed.raise_floor() {
            Ok(None) => {}
            Ok(Some(lost)) => tracing::info!(%lost, "the floor of versions begins anew"),
            Err(error) => tracing::warn!(%error, "older versions are still accepted"),
        }
        drop(looking);
    }
}
