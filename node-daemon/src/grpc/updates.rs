//! Updates of the host's own system over gRPC.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use qx_api::grpc::v1;
use qx_api::grpc::v1::update_service_server::UpdateService;
use qx_api::grpc::v1::upload_update_request::Message;
use qx_engine::Identity;
use qx_engine::events::{Event, EventKind};
use qx_model::access::Actor;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{caller, failed};
use crate::app::App;
use crate::problem::Failure;
use crate::rest::updates::{healthy, read};

/// An upload that brings nothing for this long has broken off.
const STALLED: Duration = Duration::from_secs(60);

/// Answers `quantix.v1.UpdateService`.
pub(super) struct UpdateApi {
    pub(super) app: App,
}

type Answer = Result<Response<v1::Updates>, Status>;

impl UpdateApi {
    async fn answer(&self, actor: &Actor) -> Answer {
        let updates = read(&self.app, actor).await?;
        Ok(Response::new(updates.into()))
    }
}

#[tonic::async_trait]
impl UpdateService for UpdateApi {
    async fn get(&self, request: Request<v1::GetUpdatesRequest>) -> Answer {
        let actor = caller(&request)?.identity.actor;
        self.answer(&actor).await
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::Updates, Status>> + Send + 'static>>;

    async fn watch(
        &self,
        request: Request<v1::WatchUpdatesRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let identity = caller(&request)?.identity;
        let events = &self.app.engine.events;
        // Before the first look, so that nothing is missed between the two.
        let (_, changes) = events.subscribe(&identity.actor, None).map_err(failed)?;
        let first = read(&self.app, &identity.actor).await?;
        let (sender, output) = mpsc::channel(4);
        tokio::spawn(watch(
            self.app.clone(),
            identity,
            changes,
            first.into(),
            sender,
        ));
        Ok(Response::new(Box::pin(ReceiverStream::new(output))))
    }

    async fn upload(&self, request: Request<Streaming<v1::UploadUpdateRequest>>) -> Answer {
        let actor = caller(&request)?.identity.actor;
        let mut input = request.into_inner();
        let (offset, first) = match input.message().await?.and_then(|first| first.message) {
            Some(Message::Offset(offset)) => (offset, Bytes::new()),
            Some(Message::Piece(piece)) => (0, piece),
            None => (0, Bytes::new()),
        };
        let updates = &self.app.engine.updates;
        updates
            .upload(&actor, offset, pieces(first, input))
            .await
            .map_err(failed)?;
        self.answer(&actor).await
    }

    async fn reinstall(&self, request: Request<v1::ReinstallUpdateRequest>) -> Answer {
        let actor = caller(&request)?.identity.actor;
        let updates = &self.app.engine.updates;
        updates.reinstall(&actor).await.map_err(failed)?;
        self.answer(&actor).await
    }

    async fn discard(&self, request: Request<v1::DiscardUpdateRequest>) -> Answer {
        let actor = caller(&request)?.identity.actor;
        let updates = &self.app.engine.updates;
        updates.discard(&actor).await.map_err(failed)?;
        self.answer(&actor).await
    }

    async fn check(&self, request: Request<v1::CheckUpdateRequest>) -> Answer {
        let actor = caller(&request)?.identity.actor;
        let updates = &self.app.engine.updates;
        updates.check(&actor).await.map_err(failed)?;
        self.answer(&actor).await
    }

    async fn fetch(&self, request: Request<v1::FetchUpdateRequest>) -> Answer {
        let actor = caller(&request)?.identity.actor;
        let updates = &self.app.engine.updates;
        updates.fetch(&actor).await.map_err(failed)?;
        self.answer(&actor).await
    }

    async fn apply(&self, request: Request<v1::ApplyUpdateRequest>) -> Answer {
        let actor = caller(&request)?.identity.actor;
        let healthy = healthy(&self.app).await?;
        let restart = request.into_inner().restart;
        let updates = &self.app.engine.updates;
        updates
            .apply(&actor, restart, healthy)
            .await
            .map_err(failed)?;
        self.answer(&actor).await
    }

    async fn confirm(&self, request: Request<v1::ConfirmUpdateRequest>) -> Answer {
        let actor = caller(&request)?.identity.actor;
        let updates = &self.app.engine.updates;
        updates.confirm(&actor).await.map_err(failed)?;
        self.answer(&actor).await
    }

    async fn roll_back(&self, request: Request<v1::RollBackUpdateRequest>) -> Answer {
        let actor = caller(&request)?.identity.actor;
        let healthy = healthy(&self.app).await?;
        let restart = request.into_inner().restart;
        let updates = &self.app.engine.updates;
        updates
            .roll_back(&actor, restart, healthy)
            .await
            .map_err(failed)?;
        self.answer(&actor).await
    }
}

/// What the caller sends, as it arrives.
fn pieces(
    first: Bytes,
    input: Streaming<v1::UploadUpdateRequest>,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((Some(first), input), |(first, mut input)| async move {
        if let Some(first) = first {
            return Ok(Some((first, (None, input))));
        }
        let message = tokio::time::timeout(STALLED, input.message())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
            .map_err(io::Error::other)?;
        match message.map(|request| request.message) {
            Some(Some(Message::Piece(piece))) => Ok(Some((piece, (None, input)))),
            Some(_) => Err(io::Error::other("every request but the first has a piece")),
            None => Ok(None),
        }
    })
}

/// Says where updates stand whenever that changed, until nobody listens or may listen any more.
async fn watch(
    app: App,
    mut identity: Identity,
    mut changes: Receiver<Event>,
    first: v1::Updates,
    sender: mpsc::Sender<Result<v1::Updates, Status>>,
) {
    let mut next = Ok(first);
    loop {
        let failed = next.is_err();
        if sender.send(next).await.is_err() || failed {
            return;
        }
        tokio::select! {
            changed = changed(&mut changes) => if !changed { return },
            () = sender.closed() => return,
            () = identity.validity.ended() => return,
            () = app.closing() => return,
        }
        let read = read(&app, &identity.actor).await;
        next = read
            .map(Into::into)
            .map_err(|failure: Failure| failure.into());
    }
}

/// Returns with the next change of updates; `false` when there will be none.
async fn changed(changes: &mut Receiver<Event>) -> bool {
    loop {
        match changes.recv().await {
            Ok(event) if event.kind == EventKind::UpdatesChanged => return true,
            Ok(_) => {}
            // Some were missed, and one of them may have been such.
            Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}
