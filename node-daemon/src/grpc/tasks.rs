//! Tasks over gRPC.

use std::pin::Pin;

use futures_util::{Stream, stream};
use qx_api::grpc::convert::uuid;
use qx_api::grpc::v1;
use qx_api::grpc::v1::task_service_server::TaskService;
use qx_api::rest;
use qx_engine::Validity;
use qx_engine::events::{Event, EventKind};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{caller, failed};
use crate::app::App;
use crate::convert;
use crate::problem::Failure;

/// Answers `quantix.v1.TaskService`.
pub(super) struct TaskApi {
    pub(super) app: App,
}

fn task_id(text: &str) -> Result<Uuid, Status> {
    let refused = |problem: rest::FieldProblem| Failure::fields(vec![problem]).into();
    uuid("id", text).map_err(refused)
}

fn cursor(text: &str) -> Result<Option<u64>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let refused = |_| Failure::field("cursor", "must be `next` of the answer before").into();
    text.parse().map(Some).map_err(refused)
}

#[tonic::async_trait]
impl TaskService for TaskApi {
    async fn list(
        &self,
        request: Request<v1::ListTasksRequest>,
    ) -> Result<Response<v1::ListTasksResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let limit = match wish.limit {
            0 => 100,
            limit @ 1..=1000 => limit as usize,
            _ => return Err(Failure::field("limit", "must be 1 to 1000").into()),
        };
        let before = cursor(&wish.cursor)?;
        let tasks = &self.app.engine.tasks;
        let page = tasks.list(&actor, before, limit).await.map_err(failed)?;
        let items = page.items.into_iter();
        Ok(Response::new(v1::ListTasksResponse {
            tasks: items.map(|task| convert::task(task, None).into()).collect(),
            next: page.next.map(|next| next.to_string()).unwrap_or_default(),
        }))
    }

    async fn get(
        &self,
        request: Request<v1::GetTaskRequest>,
    ) -> Result<Response<v1::Task>, Status> {
        let actor = caller(&request)?.identity.actor;
        let id = task_id(&request.get_ref().id)?;
        let (task, log) = self
            .app
            .engine
            .tasks
            .get(&actor, id)
            .await
            .map_err(failed)?;
        Ok(Response::new(convert::task(task, Some(log)).into()))
    }

    async fn cancel(
        &self,
        request: Request<v1::CancelTaskRequest>,
    ) -> Result<Response<v1::Task>, Status> {
        let actor = caller(&request)?.identity.actor;
        let id = task_id(&request.get_ref().id)?;
        let tasks = &self.app.engine.tasks;
        tasks.cancel(&actor, id).await.map_err(failed)?;
        let (task, log) = tasks.get(&actor, id).await.map_err(failed)?;
        Ok(Response::new(convert::task(task, Some(log)).into()))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::Task, Status>> + Send + 'static>>;

    async fn watch(
        &self,
        request: Request<v1::WatchTasksRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let identity = caller(&request)?.identity;
        let events = &self.app.engine.events;
        let (_, changes) = events.subscribe(&identity.actor, None).map_err(failed)?;
        let watcher = Watcher {
            app: self.app.clone(),
            validity: identity.validity,
            changes: Some(changes),
        };
        let tasks = stream::unfold(watcher, |mut watcher| async {
            watcher.next().await.map(|task| (task, watcher))
        });
        Ok(Response::new(Box::pin(tasks)))
    }
}

/// Somebody who follows the tasks.
struct Watcher {
    app: App,
    validity: Validity,
    /// `None` when the stream has ended.
    changes: Option<Receiver<Event>>,
}

impl Watcher {
    async fn next(&mut self) -> Option<Result<v1::Task, Status>> {
        loop {
            let changes = self.changes.as_mut()?;
            let change = tokio::select! {
                change = changes.recv() => change,
                () = self.validity.ended() => {
                    self.changes = None;
                    let detail = Failure::unauthorized().detail;
                    return Some(Err(Status::unauthenticated(detail)));
                }
                () = self.app.closing() => return None,
            };
            match change.map(|event| event.kind) {
                Ok(EventKind::TaskChanged(task)) => {
                    let task = convert::task(task.as_ref().clone(), None);
                    return Some(Ok(task.into()));
                }
                Ok(EventKind::Resync) | Err(RecvError::Lagged(_)) => {
                    self.changes = None;
                    return Some(Err(Status::aborted("changes were missed: list again")));
                }
                Ok(_) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
