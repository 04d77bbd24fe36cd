//! Events, as a WebSocket or as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use qx_api::rest;
use qx_engine::Validity;
use qx_engine::events::{Event, EventKind};
use serde::Deserialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::Query;
use crate::problem::Failure;

/// Time between signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);

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
    let (replay, live) = app
        .engine
        .events
        .subscribe(&caller.identity.actor, query.since)?;
    let last = query.since.unwrap_or_default();
    let validity = caller.identity.validity;
    let feed = Feed {
        app,
        validity,
        waiting: replay.into(),
        live,
        last,
    };
    Ok(match websocket {
        Ok(upgrade) => upgrade
            .max_message_size(4096)
            .on_upgrade(|socket| feed.send(socket)),
        Err(_) => feed.into_sse(),
    })
}

/// One subscriber's events.
struct Feed {
    app: App,
    validity: Validity,
    waiting: VecDeque<Event>,
    live: Receiver<Event>,
    last: u64,
}

impl Feed {
    /// The next event; `None` when the daemon stops or the caller may no longer listen.
    async fn next(&mut self) -> Option<rest::Event> {
        let event = match self.waiting.pop_front() {
            Some(event) => event,
            None => tokio::select! {
                event = self.live.recv() => match event {
                    Ok(event) => event,
                    Err(RecvError::Closed) => return None,
                    Err(RecvError::Lagged(_)) => Event {
                        seq: self.last,
                        time: SystemTime::now(),
                        kind: EventKind::Resync,
                    },
                },
                () = self.validity.ended() => return None,
                () = self.app.closing() => return None,
            },
        };
        self.last = event.seq;
        Some(convert::event(&event))
    }

    fn into_sse(self) -> Response {
        let events = stream::unfold(self, async |mut feed| {
            let event = feed.next().await?;
            let message = sse::Event::default()
                .id(event.seq.to_string())
                .json_data(&event)
                .ok()?;
            Some((Ok::<_, Infallible>(message), feed))
        });
        Sse::new(events)
            .keep_alive(KeepAlive::new().interval(HEARTBEAT))
            .into_response()
    }

    async fn send(mut self, mut socket: WebSocket) {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        loop {
            let message = tokio::select! {
                event = self.next() => match event.map(|event| serde_json::to_string(&event)) {
                    Some(Ok(text)) => Message::Text(text.into()),
                    _ => break,
                },
                _ = heartbeat.tick() => Message::Ping(bytes::Bytes::new()),
                received = socket.recv() => match received {
                    Some(Ok(_)) => continue,
                    _ => return,
                },
            };
            if socket.send(message).await.is_err() {
                return;
            }
        }
        // The other end may be gone.
        let _ = socket.send(Message::Close(None)).await;
    }
}
