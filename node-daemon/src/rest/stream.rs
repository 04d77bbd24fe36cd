//! What is sent as it happens: one JSON text frame each over a WebSocket, or one server-sent event. Owns signs
//! of life and the end: whoever may listen no longer, or can't keep up, is told so and let go.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use qx_engine::Validity;
use serde::Serialize;

use crate::app::App;

/// Time between signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A WebSocket that takes nothing for this long is given up.
const STALLED: Duration = Duration::from_secs(30);
/// Listeners have nothing to say.
const LARGEST: usize = 4096;

/// What a stream is fed from.
pub(crate) trait Source: Send + 'static {
    /// What is sent.
    type Item: Serialize + Send;

    /// The next one, or how it ends.
    fn next(&mut self) -> impl Future<Output = Step<Self::Item>> + Send;

    /// What a listener names to go on from there.
    fn id(item: &Self::Item) -> Option<String>;
}

/// What comes next.
pub(crate) enum Step<T> {
    Item(T),
    /// The listener is too slow: this is the last that it hears.
    TooSlow(T),
    End,
}

/// How a stream ends: the code and the words of a WebSocket's close frame (RFC 6455).
#[derive(Clone, Copy)]
struct End(u16, &'static str);

const REVOKED: End = End(close_code::POLICY, "the session or token has ended");
const STOPPING: End = End(close_code::AWAY, "the daemon is stopping");
const TOO_SLOW: End = End(
    close_code::AGAIN,
    "too slow, and events were missed: connect again",
);

/// Answers with a WebSocket if one was asked for, else with server-sent events.
pub(super) fn answer<S: Source>(
    app: App,
    validity: Validity,
    source: S,
    websocket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let feed = Feed {
        app,
        validity,
        source,
        over: None,
    };
    match websocket {
        Ok(upgrade) => upgrade
            .max_message_size(LARGEST)
            .on_upgrade(|socket| feed.send(socket)),
        Err(_) => feed.into_sse(),
    }
}

struct Feed<S> {
    app: App,
    validity: Validity,
    source: S,
    over: Option<End>,
}

impl<S: Source> Feed<S> {
    /// The next one; `None` when it is over, and `self.over` says why.
    async fn next(&mut self) -> Option<S::Item> {
        if self.over.is_some() {
            return None;
        }
        let (item, over) = tokio::select! {
            // In this order: who may listen no longer hears nothing more.
            biased;
            () = self.validity.ended() => (None, Some(REVOKED)),
            () = self.app.closing() => (None, Some(STOPPING)),
            step = self.source.next() => match step {
                Step::Item(item) => (Some(item), None),
                Step::TooSlow(item) => (Some(item), Some(TOO_SLOW)),
                Step::End => (None, Some(STOPPING)),
            },
        };
        self.over = over;
        item
    }

    fn into_sse(self) -> Response {
        let events = stream::unfold(self, async |mut feed| {
            let item = feed.next().await?;
            let mut message = sse::Event::default().json_data(&item).ok()?;
            if let Some(id) = S::id(&item) {
                message = message.id(id);
            }
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
                item = self.next() => match item.map(|item| serde_json::to_string(&item)) {
                    Some(Ok(text)) => Message::Text(text.into()),
                    _ => break,
                },
                _ = heartbeat.tick() => Message::Ping(Bytes::new()),
                received = socket.recv() => match received {
                    Some(Ok(_)) => continue,
                    _ => return,
                },
            };
            if !sent(&mut socket, message).await {
                return;
            }
        }
        let End(code, reason) = self.over.unwrap_or(STOPPING);
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        if sent(&mut socket, Message::Close(Some(frame))).await {
            until_closed(&mut socket).await;
        }
    }
}

/// Waits until the other end has closed, too (RFC 6455, section 7.1.1). A socket that is closed before, with something
/// of the other end's still on its way, is reset, which takes away what the other end has not read yet: that it was too
/// slow, of all things.
async fn until_closed(socket: &mut WebSocket) {
    let closed = async { while let Some(Ok(_)) = socket.recv().await {} };
    if tokio::time::timeout(STALLED, closed).await.is_err() {
        tracing::info!("a listener did not close within {STALLED:?}");
    }
}

/// False when the other end is gone, or takes nothing.
async fn sent(socket: &mut WebSocket, message: Message) -> bool {
    match tokio::time::timeout(STALLED, socket.send(message)).await {
        Ok(sent) => sent.is_ok(),
        Err(_) => {
            tracing::info!("a listener took nothing for {STALLED:?} and was given up");
            false
        }
    }
}
