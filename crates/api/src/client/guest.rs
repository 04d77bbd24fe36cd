//! Calls to the agents in guests.

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use super::call::Body;
use super::{Client, Error};
use crate::rest::{
    GuestAddresses, GuestExec, GuestExecStarted, GuestExecStatus, GuestFilePiece, GuestFileWrite,
    GuestFilesystem, GuestFilesystems, GuestFreeze, GuestFrozen, GuestInfo, GuestInterface,
    GuestPassword, GuestTime, Task,
};

fn path(vm: Uuid, rest: &str) -> String {
    format!("/api/v1/vms/{vm}/guest{rest}")
}

impl Client {
    /// Fine if the agent answers.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ping_guest(&self, vm: Uuid) -> Result<(), Error> {
        self.empty(Method::GET, &path(vm, "/ping")).await
    }

    /// What the guest is.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn guest(&self, vm: Uuid) -> Result<GuestInfo, Error> {
        self.json(Method::GET, &path(vm, ""), Body::None).await
    }

    /// Its network interfaces.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn guest_addresses(&self, vm: Uuid) -> Result<Vec<GuestInterface>, Error> {
        let path = path(vm, "/addresses");
        let page: GuestAddresses = self.json(Method::GET, &path, Body::None).await?;
        Ok(page.items)
    }

    /// Its mounted file systems.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn guest_filesystems(&self, vm: Uuid) -> Result<Vec<GuestFilesystem>, Error> {
        let path = path(vm, "/filesystems");
        let page: GuestFilesystems = self.json(Method::GET, &path, Body::None).await?;
        Ok(page.items)
    }

    /// Starts a command.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn exec_in_guest(&self, vm: Uuid, wish: &GuestExec) -> Result<u64, Error> {
        let path = path(vm, "/exec");
        let started: GuestExecStarted = self.json(Method::POST, &path, Body::json(wish)?).await?;
        Ok(started.pid)
    }

    /// How far a command is; its output comes once.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn guest_exec(&self, vm: Uuid, pid: u64) -> Result<GuestExecStatus, Error> {
        let path = path(vm, &format!("/exec/{pid}"));
        self.json(Method::GET, &path, Body::None).await
    }

    /// A piece of a file.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn read_guest_file(
        &self,
        vm: Uuid,
        file: &str,
        offset: u64,
    ) -> Result<GuestFilePiece, Error> {
        let file = utf8_percent_encode(file, NON_ALPHANUMERIC);
        let path = path(vm, &format!("/file?path={file}&offset={offset}"));
        self.json(Method::GET, &path, Body::None).await
    }

    /// Writes a file, or more at its end.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn write_guest_file(&self, vm: Uuid, wish: &GuestFileWrite) -> Result<(), Error> {
        self.nothing(Method::PUT, &path(vm, "/file"), wish).await
    }

    /// Holds file systems still; how many.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn freeze_guest(&self, vm: Uuid, wish: &GuestFreeze) -> Result<u64, Error> {
        let path = path(vm, "/freeze");
        let frozen: GuestFrozen = self.json(Method::POST, &path, Body::json(wish)?).await?;
        Ok(frozen.filesystems)
    }

    /// Lets them go on; how many.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn thaw_guest(&self, vm: Uuid) -> Result<u64, Error> {
        let path = path(vm, "/thaw");
        let thawed: GuestFrozen = self.json(Method::POST, &path, Body::None).await?;
        Ok(thawed.filesystems)
    }

    /// Begins to give back what its file systems do not use.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn trim_guest(&self, vm: Uuid) -> Result<Task, Error> {
        self.json(Method::POST, &path(vm, "/trim"), Body::None)
            .await
    }

    /// Sets a password.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn set_guest_password(&self, vm: Uuid, wish: &GuestPassword) -> Result<(), Error> {
        self.nothing(Method::POST, &path(vm, "/password"), wish)
            .await
    }

    /// Sets the clock.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn set_guest_time(&self, vm: Uuid, wish: &GuestTime) -> Result<(), Error> {
        self.nothing(Method::POST, &path(vm, "/time"), wish).await
    }

    /// Begins to shut it down by its agent, or to restart it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn power_guest(&self, vm: Uuid, restart: bool) -> Result<Task, Error> {
        let rest = if restart { "/reboot" } else { "/shutdown" };
        self.json(Method::POST, &path(vm, rest), Body::None).await
    }

    async fn nothing(
        &self,
        method: Method,
        path: &str,
        wish: &impl serde::Serialize,
    ) -> Result<(), Error> {
        let body = Body::json(wish)?;
        let response = self.send(method, path, "application/json", body).await?;
        self.checked(response).await.map(drop)
    }
}
