//! Consoles: a ticket first, then a WebSocket with it.

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use qx_api::rest::{ConsoleRequest, ConsoleTicket};
use qx_engine::{SerialConsole, Validity};
use qx_model::vm::VmId;
use serde::Deserialize;

use crate::app::App;
use crate::callers::Caller;
use crate::extract::{Id, Json, Query};
use crate::problem::Failure;
use crate::tickets::{Grant, LIFETIME};

/// Largest message that a viewer may send: a paste.
const LARGEST: usize = 256 << 10;

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
    Json(_): Json<ConsoleRequest>,
) -> Result<impl IntoResponse, Failure> {
    app.engine.vms.get(&caller.identity.actor, id.vm()).await?;
    let ticket = app.tickets.issue(grant(&caller, id.vm(), &headers));
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
    if !app
        .tickets
        .redeem(&query.ticket, &grant(&caller, id.vm(), &headers))
    {
        return Err(Failure::forbidden(
            "the ticket is used up, too old, or was given to somebody else; ask for a new one",
        ));
    }
    let console = app
        .engine
        .vms
        .open_serial(&caller.identity.actor, id.vm())
        .await?;
    let validity = caller.identity.validity;
    let upgrade = upgrade.max_message_size(LARGEST);
    Ok(upgrade.on_upgrade(|socket| pump(app, validity, console, socket)))
}

async fn pump(app: App, mut validity: Validity, mut console: SerialConsole, mut socket: WebSocket) {
    loop {
        let message = tokio::select! {
            output = console.output.recv() => match output {
                Some(output) => Message::Binary(output),
                None => break,
            },
            input = socket.recv() => {
                let bytes = match input {
                    Some(Ok(Message::Binary(bytes))) => bytes,
                    Some(Ok(Message::Text(text))) => text.into(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    _ => return,
                };
                if console.input.send(bytes).await.is_err() {
                    break;
                }
                continue;
            }
            () = validity.ended() => break,
            () = app.closing() => break,
        };
        if socket.send(message).await.is_err() {
            return;
        }
    }
    // The other end may be gone.
    let _ = socket.send(Message::Close(None)).await;
}
