//! Keeps the copies of virtual networks on the data partition up to date, whoever changes one.

use qx_host::network_files::NetworkFiles;
use tokio::sync::broadcast::error::RecvError;

use crate::blocking::blocking;
use crate::error::Error;
use crate::events::{EventKind, Events};

/// Copies now and after every change, for as long as the runtime runs. Networks work without: the log says why there
/// is no copy.
pub(crate) fn follow(files: NetworkFiles, events: &Events) {
    let mut live = events.live();
    tokio::spawn(async move {
        loop {
            let files = files.clone();
            let keep = move || {
                let kept = files.keep();
                kept.map_err(|error| Error::internal("networks can't be copied", error))
            };
            if let Err(error) = blocking(keep).await {
                tracing::warn!(%error, "the copies of the networks are out of date");
            }
            loop {
                match live.recv().await {
                    Ok(event) if event.kind == EventKind::NetworksChanged => break,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                }
            }
        }
    });
}
