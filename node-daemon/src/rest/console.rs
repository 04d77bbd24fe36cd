//! Consoles: a ticket first, then a WebSocket with it. The ticket says which console: the serial line, or the screen.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use qx_api::rest::{ConsoleRequest, ConsoleTicket, ConsoleType};
use qx_engine::{SerialConsole, SerialOutput, Validity};
use qx_model::vm::VmId;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use crate::app::App;
use crate::callers::Caller;
use crate::extract::{Id, Json, Query};
use crate::problem::Failure;
use crate::tickets::{Grant, LIFETIME};

/// Largest message that a viewer may send: a paste.
const LARGEST: usize = 256 << 10;
/// Largest piece of a screen that is sent at once.
const PIECE: usize = 64 << 10;
/// For the last word to a viewer, who may take nothing any more.
const FAREWELL: Duration = Duration::from_secs(5);

fn grant(caller: &Caller, vm: VmId, headers: &HeaderMap) -> Grant {
    let origin = headers
        .get(ORIGIN)
        .map(|origin| String::from_utf8_lossy(origin.as_bytes()));
    Grant {
        actor: caller.identity.actor.name.clone(),
        vm,
        origin: origin.map(std::borrow::Cow::into_owned),
    }
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    headers: HeaderMap,
    Json(wish): Json<ConsoleRequest>,
) -> Result<impl IntoResponse, Failure> {
    app.engine.vms.get(&caller.identity.actor, id.vm()).await?;
    let grant = grant(&caller, id.vm(), &headers);
    let ticket = app.tickets.issue(grant, wish.kind);
    let ticket = ticket.ok_or_else(|| Failure::internal("making a ticket", "no random numbers"))?;
    let answer = ConsoleTicket {
        ticket,
        expires_in_s: LIFETIME.as_secs(),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenQuery {
    ticket: String,
}

pub(super) async fn open(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Query(query): Query<OpenQuery>,
    headers: HeaderMap,
    websocket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let upgrade = websocket.map_err(|_| {
        Failure::new(
            StatusCode::UPGRADE_REQUIRED,
            "a console is a WebSocket over HTTP/1.1",
        )
    })?;
    let grant = grant(&caller, id.vm(), &headers);
    let Some(kind) = app.tickets.redeem(&query.ticket, &grant) else {
        return Err(Failure::forbidden(
            "the ticket is used up, too old, or was given to somebody else; ask for a new one",
        ));
    };
    let (vms, actor) = (&app.engine.vms, &caller.identity.actor);
    let console = match kind {
        ConsoleType::Serial => Console::serial(vms.open_serial(actor, id.vm()).await?),
        ConsoleType::Vnc => Console::screen(vms.open_screen(actor, id.vm()).await?),
    };
    let validity = caller.identity.validity;
    let upgrade = upgrade.max_message_size(LARGEST);
    Ok(upgrade.on_upgrade(|socket| carry(app, validity, console, socket)))
}

/// Both ways of a console.
struct Console {
    output: Output,
    input: Input,
}

enum Output {
    Serial(SerialOutput),
    Screen(OwnedReadHalf, BytesMut),
}

enum Input {
    Serial(mpsc::Sender<Bytes>),
    Screen(OwnedWriteHalf),
}

impl Console {
    fn serial(console: SerialConsole) -> Self {
        Self {
            output: Output::Serial(console.output),
            input: Input::Serial(console.input),
        }
    }

    fn screen(screen: UnixStream) -> Self {
        let (reader, writer) = screen.into_split();
        Self {
            output: Output::Screen(reader, BytesMut::new()),
            input: Input::Screen(writer),
        }
    }
}

impl Output {
    /// `None` when the console has ended.
    async fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Serial(output) => output.recv().await,
            Self::Screen(reader, buffer) => {
                buffer.reserve(PIECE);
                match reader.read_buf(buffer).await {
                    Ok(1..) => Some(buffer.split().freeze()),
                    Ok(0) | Err(_) => None,
                }
            }
        }
    }
}

impl Input {
    /// False when the console has ended.
    async fn take(&mut self, bytes: Bytes) -> bool {
        match self {
            Self::Serial(input) => input.send(bytes).await.is_ok(),
            Self::Screen(writer) => writer.write_all(&bytes).await.is_ok(),
        }
    }
}

/// Carries both ways, neither of which waits for the other, until one end has enough.
async fn carry(app: App, mut validity: Validity, console: Console, socket: WebSocket) {
    let Console {
        mut output,
        mut input,
    } = console;
    let (mut sink, mut stream) = socket.split();
    let shown = async {
        while let Some(bytes) = output.next().await {
            if sink.send(Message::Binary(bytes)).await.is_err() {
                return;
            }
        }
    };
    let typed = async {
        while let Some(Ok(message)) = stream.next().await {
            let bytes = match message {
                Message::Binary(bytes) => bytes,
                Message::Text(text) => text.into(),
                Message::Ping(_) | Message::Pong(_) => continue,
                Message::Close(_) => return,
            };
            if !input.take(bytes).await {
                return;
            }
        }
    };
    tokio::select! {
        () = shown => {}
        () = typed => {}
        () = validity.ended() => {}
        () = app.closing() => {}
    }
    // The other end may be gone, or take nothing.
    let _ = tokio::time::timeout(FAREWELL, sink.send(Message::Close(None))).await;
}
