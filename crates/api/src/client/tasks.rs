//! Calls about tasks, and calls that answer one instead of waiting.

use http::Method;
use uuid::Uuid;

use super::call::Body;
use super::{Client, Error, PowerAction};
use crate::rest::{DiskAttach, Task, TaskPage, VmClone, VmCreate};

impl Client {
    /// The newest tasks.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn tasks(&self, limit: u32) -> Result<TaskPage, Error> {
        let path = format!("/api/v1/tasks?limit={limit}");
        self.json(Method::GET, &path, Body::None).await
    }

    /// One task with its log.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn task(&self, id: Uuid) -> Result<Task, Error> {
        let path = format!("/api/v1/tasks/{id}");
        self.json(Method::GET, &path, Body::None).await
    }

    /// Asks a task to stop.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn cancel_task(&self, id: Uuid) -> Result<Task, Error> {
        let path = format!("/api/v1/tasks/{id}/cancel");
        self.json(Method::POST, &path, Body::None).await
    }

    /// Begins to make a VM.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin_create_vm(&self, wish: &VmCreate) -> Result<Task, Error> {
        self.begin(Method::POST, "/api/v1/vms", Body::json(wish)?)
            .await
    }

    /// Begins to make a VM like another one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin_clone_vm(&self, id: Uuid, wish: &VmClone) -> Result<Task, Error> {
        let path = format!("/api/v1/vms/{id}/clone");
        self.begin(Method::POST, &path, Body::json(wish)?).await
    }

    /// Begins to do what the action says.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin_power_vm(&self, id: Uuid, action: PowerAction) -> Result<Task, Error> {
        let path = format!("/api/v1/vms/{id}/{}", action.name());
        self.begin(Method::POST, &path, Body::None).await
    }

    /// Begins to remove a VM, and its disks if `disks` is set.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin_delete_vm(&self, id: Uuid, disks: bool) -> Result<Task, Error> {
        let path = format!("/api/v1/vms/{id}?disks={disks}");
        self.begin(Method::DELETE, &path, Body::None).await
    }

    /// Begins to make a disk and plug it in.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin_attach_disk(&self, id: Uuid, wish: &DiskAttach) -> Result<Task, Error> {
        let path = format!("/api/v1/vms/{id}/disks");
        self.begin(Method::POST, &path, Body::json(wish)?).await
    }

    /// Begins to unplug a disk; with `delete`, its file goes too.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin_detach_disk(
        &self,
        id: Uuid,
        target: &str,
        delete: bool,
    ) -> Result<Task, Error> {
        let path = format!("/api/v1/vms/{id}/disks/{target}?delete={delete}");
        self.begin(Method::DELETE, &path, Body::None).await
    }

    /// Begins to unplug a NIC.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin_detach_nic(&self, id: Uuid, mac: &str) -> Result<Task, Error> {
        let path = format!("/api/v1/vms/{id}/nics/{mac}");
        self.begin(Method::DELETE, &path, Body::None).await
    }

    /// Does not wait for the end of what it asks for.
    async fn begin(&self, method: Method, path: &str, body: Body) -> Result<Task, Error> {
        let body = body.with("Prefer", "respond-async".to_owned());
        self.json(method, path, body).await
    }
}
