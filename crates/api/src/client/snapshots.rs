//! Calls about snapshots; those that change something answer a task.

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use super::call::Body;
use super::{Client, Error};
use crate::rest::{Snapshot, SnapshotCreate, SnapshotPage, SnapshotRevert, Task};

fn path(vm: Uuid, name: &str) -> String {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    format!("/api/v1/vms/{vm}/snapshots/{name}")
}

impl Client {
    /// A VM's snapshots, oldest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn snapshots(&self, vm: Uuid) -> Result<Vec<Snapshot>, Error> {
        let path = format!("/api/v1/vms/{vm}/snapshots");
        let page: SnapshotPage = self.json(Method::GET, &path, Body::None).await?;
        Ok(page.items)
    }

    /// Begins to keep a VM as it is.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn take_snapshot(&self, vm: Uuid, wish: &SnapshotCreate) -> Result<Task, Error> {
        let path = format!("/api/v1/vms/{vm}/snapshots");
        self.json(Method::POST, &path, Body::json(wish)?).await
    }

    /// Begins to make a VM what it was.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn revert_snapshot(
        &self,
        vm: Uuid,
        name: &str,
        wish: &SnapshotRevert,
    ) -> Result<Task, Error> {
        let path = format!("{}/revert", path(vm, name));
        self.json(Method::POST, &path, Body::json(wish)?).await
    }

    /// Begins to forget a snapshot; with `children`, those after it too.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_snapshot(
        &self,
        vm: Uuid,
        name: &str,
        children: bool,
    ) -> Result<Task, Error> {
        let path = format!("{}?children={children}", path(vm, name));
        self.json(Method::DELETE, &path, Body::None).await
    }
}
