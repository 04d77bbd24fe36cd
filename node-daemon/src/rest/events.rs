//! Events, as a WebSocket or as server-sent events.

use std::collections::VecDeque;
use std::time::SystemTime;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use qx_api::rest;
use qx_engine::events::{Event, EventKind};
use serde::Deserialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::stream::{self, Source, Step};
use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::Query;
use crate::problem::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    since: Option<u64>,
}

pub(super) async fn follow(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<EventsQuery>,
    websocket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let feed = Feed::new(&app, &caller, query.since)?;
    Ok(stream::answer(
        app,
        caller.identity.validity,
        feed,
        websocket,
    ))
}

/// One subscriber's events.
pub(crate) struct Feed {
    waiting: VecDeque<Event>,
    live: Receiver<Event>,
    last: u64,
}

impl Feed {
    pub(crate) fn new(app: &App, caller: &Caller, since: Option<u64>) -> Result<Self, Failure> {
        let actor = &caller.identity.actor;
        let (replay, live) = app.engine.events.subscribe(actor, since)?;
        Ok(Self {
            waiting: replay.into(),
            live,
            last: since.unwrap_or_default(),
        })
    }
}

impl Source for Feed {
    type Item = rest::Event;

    async fn next(&mut self) -> Step<rest::Event> {
        let next = match self.waiting.pop_front() {
            Some(event) => Ok(event),
            None => self.live.recv().await,
        };
        match next {
            Ok(event) => {
                self.last = event.seq;
                Step::Item(convert::event(&event))
            }
            Err(RecvError::Closed) => Step::End,
            Err(RecvError::Lagged(_)) => Step::TooSlow(convert::event(&Event {
                seq: self.last,
                time: SystemTime::now(),
                kind: EventKind::Resync,
            })),
        }
    }

    fn id(event: &rest::Event) -> Option<String> {
        Some(event.seq.to_string())
    }
}
