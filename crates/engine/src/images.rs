//! The image library: ISOs and disk images, one file each. Owns the directory; a file is in it whole or
//! not at all, and never one that would make QEMU open another file.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
use crate::partial::{self, PartialImage};
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
    /// Being uploaded.
    busy: Arc<Mutex<HashSet<ImageName>>>,
}

/// What is said of an upload before it comes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Announced {
    /// Bytes that are here already, of one that broke off.
    pub offset: u64,
    /// Bytes that are coming. What arrives of an upload that says so is kept for a day when it breaks off.
    pub size: Option<u64>,
    /// SHA-256 of the whole file.
    pub sha256: Option<[u8; 32]>,
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
                busy: Arc::default(),
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
    /// and its content is a disk or a disc that needs no other file. It is a task that others see, and may cancel.
    ///
    /// # Errors
    /// When it is refused, or broke off: see [`Announced::size`].
    pub async fn upload(
        &self,
        actor: &Actor,
        name: ImageName,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
        announced: Announced,
    ) -> Result<Image> {
        let target = name.clone();
        let work = async {
            self.refuse_if_used(&name)?;
            let busy = self.busy(&name)?;
            let plan = Plan {
                operation: Operation::ImageUpload,
                target: Target::new("image", &name, &name),
                steps: &[("receive", 9), ("check", 1)],
                cancel: Cancel::Possible,
            };
            let (task, _) = self.inner.tasks.open(actor, plan);
            task.begin()?;
            task.step(0);
            let stored = self.receive(&task, name, body, announced, busy).await;
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
        announced: Announced,
        busy: Busy,
    ) -> Result<Image> {
        let Announced {
            offset,
            size,
            sha256,
        } = announced;
        let total = size.map(|size| offset.saturating_add(size));
        let path = self.place(&name, offset, total).await?;
        let receiver = |pieces| Receiver {
            path,
            pieces,
            sha256,
            offset,
            total,
            held: Box::new(busy),
        };
        let report = |bytes| {
            if let Some(total) = total {
                task.progress(offset + bytes, total);
            }
        };
        let received = receive(task, body, report, receiver).await;
        if matches!(received, Err(Error::Cancelled)) {
            self.discard(name).await?;
            return Err(Error::Cancelled);
        }
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

    /// Where an upload is written to: what arrived of another one is only there if this one goes on with it.
    async fn place(&self, name: &ImageName, offset: u64, total: Option<u64>) -> Result<PathBuf> {
        let uploads = self.inner.layout.uploads();
        let Some(total) = total else {
            return match offset {
                0 => Ok(uploads.join(Uuid::new_v4().to_string())),
                _ => Err(Error::field(
                    "Content-Length",
                    "is needed to go on with an upload",
                )),
            };
        };
        let path = partial::path(&uploads, name, total);
        let (found, name) = (path.clone(), name.clone());
        blocking(move || {
            let failed = |error| Error::file("clearing older uploads", error);
            partial::expire(&uploads).map_err(failed)?;
            if offset == 0 {
                partial::forget(&uploads, &name).map_err(failed)?;
                return Ok(());
            }
            let here = std::fs::metadata(&found).map_or(0, |facts| facts.len());
            if here == offset {
                return Ok(());
            }
            Err(Error::Conflict {
                reason: format!(
                    "{here} bytes of the image {name} with {total} bytes are here, so it can't go on from {offset}"
                ),
                hint: "send the rest from there on, or all of it from the start".to_owned(),
            })
        })
        .await?;
        Ok(path)
    }

    /// What has arrived of images whose uploads broke off or are under way, by name; and whether each is under way.
    ///
    /// # Errors
    /// When the data disk can't be read.
    pub async fn partial(&self, actor: &Actor) -> Result<Vec<(PartialImage, bool)>> {
        authorize(actor, Operation::ImageList)?;
        let uploads = self.inner.layout.uploads();
        let parts = blocking(move || {
            partial::expire(&uploads)
                .and_then(|()| partial::list(&uploads))
                .map_err(|error| Error::file("reading the uploads", error))
        });
        let parts = parts.await?.into_iter();
        let busy = lock(&self.inner.busy);
        Ok(parts
            .map(|part| {
                let under_way = busy.contains(&part.name);
                (part, under_way)
            })
            .collect())
    }

    /// Gives up an upload that broke off.
    ///
    /// # Errors
    /// When there is none, or it is under way.
    pub async fn forget_partial(&self, actor: &Actor, name: ImageName) -> Result<()> {
        let target = name.clone();
        let work = async {
            let _busy = self.busy(&name)?;
            match self.discard(name.clone()).await? {
                true => Ok(()),
                false => Err(Error::NotFound {
                    what: "upload",
                    id: name.to_string(),
                }),
            }
        };
        self.inner
            .audit
            .change(actor, Operation::ImageUpload, target, work)
            .await
    }

    async fn discard(&self, name: ImageName) -> Result<bool> {
        let uploads = self.inner.layout.uploads();
        blocking(move || {
            partial::forget(&uploads, &name)
                .map_err(|error| Error::file("removing a part of an upload", error))
        })
        .await
    }

    fn busy(&self, name: &ImageName) -> Result<Busy> {
        if !lock(&self.inner.busy).insert(name.clone()) {
            return Err(Error::Conflict {
                reason: format!("the image {name} is being uploaded already"),
                hint: "wait for its end or cancel its task, or choose another name".to_owned(),
            });
        }
        Ok(Busy {
            name: name.clone(),
            all: Arc::clone(&self.inner.busy),
        })
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

/// Nobody else uploads an image of this name.
struct Busy {
    name: ImageName,
    all: Arc<Mutex<HashSet<ImageName>>>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.name);
    }
}

fn lock(all: &Mutex<HashSet<ImageName>>) -> MutexGuard<'_, HashSet<ImageName>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a body to a file of its own. It stops where somebody cancels the task. `report` is told how many bytes came.
pub(crate) async fn receive(
    task: &Running,
    body: impl Stream<Item = io::Result<Bytes>> + Send,
    report: impl Fn(u64),
    receiver: impl FnOnce(mpsc::Receiver<io::Result<Bytes>>) -> Receiver,
) -> Result<Upload> {
    let (sender, pieces) = mpsc::channel(WAITING);
    let receiver = receiver(pieces);
    let receiving = tokio::task::spawn_blocking(move || receiver.receive());
    let sent = tokio::select! {
        sent = forward(body, sender, report) => sent,
        true = task.stopped() => Err(Error::Cancelled),
    };
    let received = receiving
        .await
        .map_err(|error| Error::internal("an upload did not come back", error))?;
    if matches!(sent, Err(Error::Cancelled)) {
        return Err(Error::Cancelled);
    }
    // The writer's error is the cause when both failed: it hangs up when the disk is full.
    let upload = received?;
    sent?;
    Ok(upload)
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
