//! Work that waits for disks, away from the threads that answer requests.

use crate::error::{Error, Result};

/// Runs `work` on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("work on the disk did not come back", error))?
}
