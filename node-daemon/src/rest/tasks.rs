//! Tasks, and answers that are one.

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use qx_api::rest::{Task, TaskPage};
use qx_engine::tasks::Started;
use serde::Deserialize;

use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::{Id, Json, Query};
use crate::problem::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    cursor: Option<u64>,
}

pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<TaskPage>, Failure> {
    let limit = super::limit(query.limit)?;
    let tasks = &app.engine.tasks;
    let actor = &caller.identity.actor;
    let page = tasks.list(actor, query.cursor, limit).await?;
    let items = page.items.into_iter().map(|task| convert::task(task, None));
    Ok(Json(TaskPage {
        items: items.collect(),
        next: page.next.map(|number| number.to_string()),
    }))
}

pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Task>, Failure> {
    let (task, log) = app.engine.tasks.get(&caller.identity.actor, id).await?;
    Ok(Json(convert::task(task, Some(log))))
}

pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<(StatusCode, Json<Task>), Failure> {
    let (tasks, actor) = (&app.engine.tasks, &caller.identity.actor);
    tasks.cancel(actor, id).await?;
    let (task, log) = tasks.get(actor, id).await?;
    Ok((StatusCode::ACCEPTED, Json(convert::task(task, Some(log)))))
}

/// Whether the caller wants a task instead of waiting for its end: `Prefer: respond-async` of RFC 7240.
pub(super) struct Prefer(pub(super) bool);

impl<S: Sync> axum::extract::FromRequestParts<S> for Prefer {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Failure> {
        Ok(Self(prefers_task(&parts.headers)))
    }
}

fn prefers_task(headers: &HeaderMap) -> bool {
    let sent = headers.get_all("prefer").into_iter();
    sent.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|preference| preference.split(';').next().unwrap_or_default().trim())
        .any(|name| name.eq_ignore_ascii_case("respond-async"))
}

/// The task at once if the caller prefers that, else what `answer` makes of its outcome.
pub(super) async fn respond<T, R: IntoResponse>(
    started: Started<T>,
    prefer: Prefer,
    answer: impl FnOnce(T) -> R,
) -> Result<Response, Failure> {
    if prefer.0 {
        return Ok(accepted(convert::task(started.task, None)));
    }
    let outcome = started.outcome().await?;
    Ok(answer(outcome).into_response())
}

/// 202 with the task and its URL.
pub(super) fn accepted(task: Task) -> Response {
    let location = [(LOCATION, location(task.id))];
    (StatusCode::ACCEPTED, location, Json(task)).into_response()
}

/// Where a task is told.
pub(super) fn location(id: uuid::Uuid) -> String {
    format!("/api/v1/tasks/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_is_found_among_others_and_in_any_case() {
        for (value, wanted) in [
            ("respond-async", true),
            ("wait=10, Respond-Async", true),
            ("handling=lenient; x=respond-async", false),
            ("return=minimal", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", value.parse().unwrap());
            assert_eq!(prefers_task(&headers), wanted, "{value}");
        }
    }
}
