//! The host's logs.

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use qx_api::rest::{HostLog, HostLogName};
use qx_host::logs::Wish;
use serde::Deserialize;
use tokio::sync::mpsc::Receiver;

use super::stream::{self, Source, Step};
use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::{Json, Query};
use crate::problem::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    #[serde(default)]
    log: HostLogName,
    lines: Option<u32>,
    #[serde(default)]
    contains: String,
}

impl LogQuery {
    fn wish(self) -> (HostLogName, Wish) {
        let wish = convert::log_wish(self.log, self.lines, self.contains);
        (self.log, wish)
    }
}

pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LogQuery>,
) -> Result<Json<HostLog>, Failure> {
    let (log, wish) = query.wish();
    let actor = &caller.identity.actor;
    let lines = app.engine.logs.newest(actor, wish).await?;
    Ok(Json(HostLog { log, lines }))
}

pub(super) async fn follow(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LogQuery>,
    websocket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let (log, wish) = query.wish();
    let actor = &caller.identity.actor;
    let lines = app.engine.logs.follow(actor, wish).await?;
    let source = Lines { log, lines };
    Ok(stream::answer(
        app,
        caller.identity.validity,
        source,
        websocket,
    ))
}

struct Lines {
    log: HostLogName,
    lines: Receiver<Vec<String>>,
}

impl Source for Lines {
    type Item = HostLog;

    async fn next(&mut self) -> Step<HostLog> {
        match self.lines.recv().await {
            Some(lines) => Step::Item(HostLog {
                log: self.log,
                lines,
            }),
            None => Step::End,
        }
    }

    fn id(_: &HostLog) -> Option<String> {
        None
    }
}
