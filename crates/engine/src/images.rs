//! The image library: ISOs and disk images, one file each. Owns the directory; a file is in it whole or
//! not at all, and never one that would make QEMU open another file.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use qx_model::access::{Actor, Operation};
use qx_model::name::ImageName;
use qx_model::task::Cancel;
use qx_model::vm::Image;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::events::{EventKind, Events};
use crate::image_file::{self, Receiver, Upload};
use crate::inventory::Inventory;
use crate::layout::Layout;
use crate::tasks::{Plan, Running, Target, Tasks};

/// Pieces of an upload that may wait for the disk.
const WAITING: usize = 16;

/// The image library. Clones share it.
#[derive(Clone)]
pub struct Images {
    inner: Arc<Inner>,
}

struct Inner {
    layout: Layout,
    inventory: Inventory,
    events: Events,
    tasks: Tasks,
    audit: Audit,
}

impl Images {
    pub(crate) fn new(
        layout: Layout,
        inventory: Inventory,
        events: Events,
        tasks: Tasks,
        audit: Audit,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                layout,
                inventory,
                events,
                tasks,
                audit,
            }),
        }
    }

    /// All images, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Image>> {
        authorize(actor, Operation::ImageList)?;
        let directory = self.inner.layout.images();
        blocking(move || image_file::list(&directory)).await
    }

    /// Stores a file under `name`, replacing what is there unless a VM uses it. Memory stays constant
    /// whatever its size. The file appears when all of it is on disk, its checksum (if given) was right
    /// and its content is a disk or a disc that needs no other file. `size` is how much is announced. It is a
    /// task that others see, and may cancel.
    pub async fn upload(
        &self,
        actor: &Actor,
        name: ImageName,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
        size: Option<u64>,
        sha256: Option<[u8; 32]>,
    ) -> Result<Image> {
        let target = name.clone();
        let work = async {
            self.refuse_if_used(&name)?;
            let plan = Plan {
                operation: Operation::ImageUpload,
                target: Target::new("image", &name, &name),
                steps: &[("receive", 9), ("check", 1)],
                cancel: Cancel::Possible,
            };
            let (task, _) = self.inner.tasks.open(actor, plan);
            task.begin()?;
            task.step(0);
            let stored = self.receive(&task, name, body, size, sha256).await;
            task.end(&stored);
            stored
        };
        self.inner
            .audit
            .change(actor, Operation::ImageUpload, target, work)
            .await
    }

    async fn receive(
        &self,
        task: &Running,
        name: ImageName,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
        size: Option<u64>,
        sha256: Option<[u8; 32]>,
    ) -> Result<Image> {
        let path = self.inner.layout.uploads().join(Uuid::new_v4().to_string());
        let receiver = |pieces| Receiver {
            path,
            pieces,
            sha256,
        };
        let received = receive(task, body, size, receiver).await;
        task.no_way_back("it has arrived, and is being checked")?;
        task.step(1);
        let upload = received?;
        self.refuse_if_used(&name)?;
        let path = self.inner.layout.image(&name);
        let image = blocking(move || upload.keep(&path, name)).await?;
        self.inner
            .events
            .publish(EventKind::ImageChanged(image.name.clone()));
        Ok(image)
    }

    /// Removes a file that no VM uses.
    pub async fn delete(&self, actor: &Actor, name: &ImageName) -> Result<()> {
        self.inner
            .audit
            .change(actor, Operation::ImageDelete, name, self.remove(name))
            .await
    }

    async fn remove(&self, name: &ImageName) -> Result<()> {
        self.refuse_if_used(name)?;
        let path = self.inner.layout.image(name);
        let removed = blocking(move || Ok(std::fs::remove_file(path))).await?;
        match removed {
            Ok(()) => {
                self.inner
                    .events
                    .publish(EventKind::ImageChanged(name.clone()));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NotFound {
                what: "image",
                id: name.to_string(),
            }),
            Err(error) => Err(Error::file(format!("removing the image {name}"), error)),
        }
    }

    /// What a file of the library is; `None` if there is none.
    pub(crate) async fn describe(&self, name: &ImageName) -> Result<Option<Image>> {
        let (path, name) = (self.inner.layout.image(name), name.clone());
        blocking(move || image_file::describe(&path, name)).await
    }

    /// Where a file of the library is; `None` if there is none that can be used.
    pub(crate) async fn path(&self, name: &ImageName) -> Result<Option<PathBuf>> {
        let described = self.describe(name).await?;
        Ok(described.map(|_| self.inner.layout.image(name)))
    }

    fn refuse_if_used(&self, name: &ImageName) -> Result<()> {
        let path: PathBuf = self.inner.layout.image(name);
        match self.inner.inventory.user_of(&path)? {
            None => Ok(()),
            Some(vm) => Err(Error::Conflict {
                reason: format!("the image {name} is in a drive of the VM {}", vm.name),
                hint: "delete that VM first, or choose another name".into(),
            }),
        }
    }
}

/// Takes a body to a file of its own. It stops where somebody cancels the task.
pub(crate) async fn receive(
    task: &Running,
    body: impl Stream<Item = io::Result<Bytes>> + Send,
    size: Option<u64>,
    receiver: impl FnOnce(mpsc::Receiver<io::Result<Bytes>>) -> Receiver,
) -> Result<Upload> {
    let (sender, pieces) = mpsc::channel(WAITING);
    let receiver = receiver(pieces);
    let receiving = tokio::task::spawn_blocking(move || receiver.receive());
    let sent = tokio::select! {
        sent = forward(body, sender, |bytes| report(task, bytes, size)) => sent,
        true = task.stopped() => Err(Error::Cancelled),
    };
    let received = receiving
        .await
        .map_err(|error| Error::internal("an upload did not come back", error))?;
    // The writer's error is the cause when both failed: it hangs up when the disk is full.
    let upload = received?;
    sent?;
    Ok(upload)
}

/// How far it is, when it was said how much there is.
fn report(task: &Running, bytes: u64, size: Option<u64>) {
    if let Some(size) = size {
        task.progress(bytes, size);
    }
}

async fn forward(
    body: impl Stream<Item = io::Result<Bytes>> + Send,
    sender: mpsc::Sender<io::Result<Bytes>>,
    arrived: impl Fn(u64),
) -> Result<()> {
    let mut body = std::pin::pin!(body);
    let mut bytes = 0;
    while let Some(piece) = body.next().await {
        bytes += piece.as_ref().map_or(0, Bytes::len) as u64;
        arrived(bytes);
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    Ok(())
}
