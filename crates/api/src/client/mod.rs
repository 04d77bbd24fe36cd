//! A typed client of the REST interface: over the host's Unix socket, or over HTTPS to a host whose
//! certificate is pinned. Owns connections and the mapping of answers to types; knows nothing of terminals.
//! Each call opens its own connection, so a restarted daemon is never noticed.

mod call;
mod connect;
#[cfg(feature = "remote")]
mod console;
mod credential;
mod events;
mod guest;
mod host_care;
mod host_config;
mod host_network;
mod logs;
mod metrics;
mod networks;
mod snapshots;
mod storage;
mod tasks;
#[cfg(feature = "remote")]
mod tls;
mod updates;
mod users;

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http::Method;
use http_body_util::{BodyExt, StreamBody};
use percent_encoding::NON_ALPHANUMERIC;
use uuid::Uuid;

use crate::rest::{
    AuditPage, Cdrom, DiskAttach, DiskPatch, Host, HostBackup, HostPower, HostReset, HostRestored,
    Image, ImagePage, ImageUpload, ImageUploadPage, NicAttach, NicPatch, Readiness, Session, Vm,
    VmCreate, VmPage, VmPatch,
};
use call::Body;
pub use call::Error;
use connect::Target;
#[cfg(feature = "remote")]
pub use console::Console;
use credential::Credential;
pub use events::{EventStream, Messages};
pub use qx_model::power::PowerAction;
#[cfg(feature = "remote")]
pub use tls::Trust;

/// Where the daemon listens on its own host.
pub const DEFAULT_SOCKET: &str = "/run/quantix/node.sock";

/// A host to talk to.
#[derive(Clone)]
pub struct Client {
    target: Target,
    credential: Credential,
}

impl Client {
    /// A daemon on this machine; the socket's peer says who is asking, so there is no token.
    #[must_use]
    pub fn unix(socket: impl Into<PathBuf>) -> Self {
        Self {
            target: Target::Unix(socket.into()),
            credential: Credential::None,
        }
    }

    /// A daemon at `https://host[:port]`, the port being 8443 if not given, and nobody who asks:
    /// [`with_token`](Self::with_token) or [`log_in`](Self::log_in) comes next.
    ///
    /// # Errors
    /// [`Error::Address`] if the URL is not such a one.
    #[cfg(feature = "remote")]
    pub fn https(url: &str, trust: Trust) -> Result<Self, Error> {
        Ok(Self {
            target: Target::https(url, trust)?,
            credential: Credential::None,
        })
    }

    /// Whether the host can manage VMs.
    ///
    /// # Errors
    /// As every call: see [`Error`].
    pub async fn readiness(&self) -> Result<Readiness, Error> {
        self.readiness_document().await
    }

    /// The host.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn host(&self) -> Result<Host, Error> {
        self.json(Method::GET, "/api/v1/host", Body::None).await
    }

    /// The host's configuration as a file.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn back_up_host(&self, wish: &HostBackup) -> Result<Bytes, Error> {
        self.file(Method::POST, "/api/v1/host/backup", Body::json(wish)?)
            .await
    }

    /// Restarts the host with what is in a backup, `content` of `size` bytes.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn restore_host(
        &self,
        size: u64,
        content: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
        passphrase: Option<&str>,
        skip_network: bool,
        same_machine: bool,
    ) -> Result<HostRestored, Error> {
        let header = passphrase.map(|text| {
            let text = percent_encoding::utf8_percent_encode(text, NON_ALPHANUMERIC);
            ("Backup-Passphrase", text.to_string())
        });
        let path =
            format!("/api/v1/host/restore?skip_network={skip_network}&same_machine={same_machine}");
        self.json(Method::POST, &path, stream_body(size, header, content))
            .await
    }

    /// Restarts the host as it was after its installation.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn reset_host(&self, wish: &HostReset) -> Result<(), Error> {
        let response = self
            .send(
                Method::POST,
                "/api/v1/host/reset",
                "application/json",
                Body::json(wish)?,
            )
            .await?;
        self.checked(response).await.map(|_| ())
    }

    /// Shuts the host down or restarts it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn power_host(&self, wish: &HostPower) -> Result<(), Error> {
        let response = self
            .send(
                Method::POST,
                "/api/v1/host/power",
                "application/json",
                Body::json(wish)?,
            )
            .await?;
        self.checked(response).await.map(|_| ())
    }

    /// Who the daemon takes us for.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn session(&self) -> Result<Session, Error> {
        self.json(Method::GET, "/api/v1/session", Body::None).await
    }

    /// All VMs, however many pages it takes.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn vms(&self) -> Result<Vec<Vm>, Error> {
        let mut all = Vec::new();
        let mut path = "/api/v1/vms?limit=1000".to_owned();
        loop {
            let page: VmPage = self.json(Method::GET, &path, Body::None).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => path = format!("/api/v1/vms?limit=1000&cursor={next}"),
                None => return Ok(all),
            }
        }
    }

    /// One VM.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn vm(&self, id: Uuid) -> Result<Vm, Error> {
        self.json(Method::GET, &format!("/api/v1/vms/{id}"), Body::None)
            .await
    }

    /// Makes a VM.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_vm(&self, wish: &VmCreate) -> Result<Vm, Error> {
        self.json(Method::POST, "/api/v1/vms", Body::json(wish)?)
            .await
    }

    /// Changes a VM; with a `revision`, only if it still has that one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn patch_vm(
        &self,
        id: Uuid,
        revision: Option<&str>,
        patch: &VmPatch,
    ) -> Result<Vm, Error> {
        let mut body = Body::json(patch)?;
        if let Some(revision) = revision {
            body = body.with("If-Match", format!("\"{revision}\""));
        }
        self.json(Method::PATCH, &format!("/api/v1/vms/{id}"), body)
            .await
    }

    /// Powers on.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start_vm(&self, id: Uuid) -> Result<Vm, Error> {
        self.power_vm(id, PowerAction::Start).await
    }

    /// Asks the guest to shut down.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn shutdown_vm(&self, id: Uuid) -> Result<Vm, Error> {
        self.power_vm(id, PowerAction::Shutdown).await
    }

    /// Powers off at once.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn stop_vm(&self, id: Uuid) -> Result<Vm, Error> {
        self.power_vm(id, PowerAction::Stop).await
    }

    /// Asks for one of the power actions.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn power_vm(&self, id: Uuid, action: PowerAction) -> Result<Vm, Error> {
        let path = format!("/api/v1/vms/{id}/{}", action.name());
        self.json(Method::POST, &path, Body::None).await
    }

    /// Makes a disk and plugs it in.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn attach_disk(&self, id: Uuid, wish: &DiskAttach) -> Result<Vm, Error> {
        let path = format!("/api/v1/vms/{id}/disks");
        self.json(Method::POST, &path, Body::json(wish)?).await
    }

    /// Makes a disk larger, or limits its speed.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn patch_disk(&self, id: Uuid, target: &str, patch: &DiskPatch) -> Result<Vm, Error> {
        let path = format!("/api/v1/vms/{id}/disks/{target}");
        self.json(Method::PATCH, &path, Body::json(patch)?).await
    }

    /// Unplugs a disk, and deletes its file if asked to.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn detach_disk(&self, id: Uuid, target: &str, delete: bool) -> Result<Vm, Error> {
        let path = format!("/api/v1/vms/{id}/disks/{target}?delete={delete}");
        self.json(Method::DELETE, &path, Body::None).await
    }

    /// Plugs a NIC in.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn attach_nic(&self, id: Uuid, wish: &NicAttach) -> Result<Vm, Error> {
        let path = format!("/api/v1/vms/{id}/nics");
        self.json(Method::POST, &path, Body::json(wish)?).await
    }

    /// Limits the speed of a NIC.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn patch_nic(&self, id: Uuid, mac: &str, patch: &NicPatch) -> Result<Vm, Error> {
        let path = format!("/api/v1/vms/{id}/nics/{mac}");
        self.json(Method::PATCH, &path, Body::json(patch)?).await
    }

    /// Unplugs a NIC.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn detach_nic(&self, id: Uuid, mac: &str) -> Result<Vm, Error> {
        let path = format!("/api/v1/vms/{id}/nics/{mac}");
        self.json(Method::DELETE, &path, Body::None).await
    }

    /// Inserts a CD, or ejects it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn set_cdrom(&self, id: Uuid, wish: &Cdrom) -> Result<Vm, Error> {
        let path = format!("/api/v1/vms/{id}/cdrom");
        self.json(Method::PUT, &path, Body::json(wish)?).await
    }

    /// Removes a VM, with its disks if asked to.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_vm(&self, id: Uuid, disks: bool) -> Result<(), Error> {
        self.empty(Method::DELETE, &format!("/api/v1/vms/{id}?disks={disks}"))
            .await
    }

    /// The image library.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn images(&self) -> Result<Vec<Image>, Error> {
        let page: ImagePage = self.json(Method::GET, "/api/v1/images", Body::None).await?;
        Ok(page.items)
    }

    /// Adds a file to the image library; the host checks `sha256` if given. `content` are its last `size` bytes, those
    /// behind the first `offset`, which are there from an upload that broke off.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn upload_image(
        &self,
        name: &str,
        (offset, size): (u64, u64),
        sha256: Option<&str>,
        content: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<Image, Error> {
        let header = sha256.map(|sha256| ("X-Checksum-SHA256", sha256.to_owned()));
        let body = stream_body(size, header, content).with("Upload-Offset", offset.to_string());
        self.json(Method::PUT, &format!("/api/v1/images/{name}"), body)
            .await
    }

    /// Uploads of images that are under way, or broke off.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn image_uploads(&self) -> Result<Vec<ImageUpload>, Error> {
        let page: ImageUploadPage = self
            .json(Method::GET, "/api/v1/image-uploads", Body::None)
            .await?;
        Ok(page.items)
    }

    /// Gives up an upload that broke off.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_image_upload(&self, name: &str) -> Result<(), Error> {
        self.empty(Method::DELETE, &format!("/api/v1/image-uploads/{name}"))
            .await
    }

    /// Removes a file from the image library.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_image(&self, name: &str) -> Result<(), Error> {
        self.empty(Method::DELETE, &format!("/api/v1/images/{name}"))
            .await
    }

    /// The newest entries of the audit log.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn audit(&self, limit: u32) -> Result<AuditPage, Error> {
        self.json(
            Method::GET,
            &format!("/api/v1/audit?limit={limit}"),
            Body::None,
        )
        .await
    }

    /// Follows what changes, from now or from after `since`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn events(&self, since: Option<u64>) -> Result<EventStream, Error> {
        self.event_stream(since).await
    }

    /// Opens a VM's serial console.
    ///
    /// # Errors
    /// See [`Error`].
    #[cfg(feature = "remote")]
    pub async fn serial_console(&self, id: Uuid) -> Result<Console, Error> {
        console::open(self, id).await
    }
}

fn stream_body(
    size: u64,
    header: Option<(&'static str, String)>,
    content: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> Body {
    let frames = content.map_ok(http_body::Frame::data);
    Body::Bytes {
        size,
        headers: header.into_iter().collect(),
        content: BodyExt::boxed_unsync(StreamBody::new(frames)),
    }
}
