//! A VM's serial console over a WebSocket.

use std::io;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::HOST;
use http::{Method, Request};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::{self, Message};
use uuid::Uuid;

use super::call::Body;
use super::connect::Connection;
use super::{Client, Error};
use crate::rest::{ConsoleRequest, ConsoleTicket, ConsoleType, Problem};

/// An open serial console.
pub struct Console {
    client: Client,
    socket: WebSocketStream<Box<dyn Connection>>,
}

pub(crate) async fn open(client: &Client, id: Uuid) -> Result<Console, Error> {
    let path = format!("/api/v1/vms/{id}/console");
    let wish = ConsoleRequest {
        kind: ConsoleType::Serial,
    };
    let ticket: ConsoleTicket = client.json(Method::POST, &path, Body::json(&wish)?).await?;
    let mut request = Request::builder()
        .uri(format!("ws://localhost{path}?ticket={}", ticket.ticket))
        .header(HOST, client.target.authority())
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key());
    for (name, value) in client.credential.headers(&client.target.to_string()) {
        request = request.header(name, value);
    }
    let request = request.body(()).map_err(|e| client.odd(e.to_string()))?;
    let connection = client.target.connect().await?;
    match tokio_tungstenite::client_async(request, connection).await {
        Ok((socket, _)) => Ok(Console {
            client: client.clone(),
            socket,
        }),
        Err(e) => Err(refusal(client, e)),
    }
}

fn refusal(client: &Client, error: tungstenite::Error) -> Error {
    if let tungstenite::Error::Http(response) = &error {
        let body = response.body().as_deref().unwrap_or_default();
        if let Ok(problem) = serde_json::from_slice::<Problem>(body) {
            return Error::Refused(Box::new(problem));
        }
    }
    client.target.unreachable(io::Error::other(error))
}

impl Console {
    /// What the guest wrote next; `None` when the console is closed.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.socket.next().await {
                None | Some(Ok(Message::Close(_))) => return Ok(None),
                Some(Ok(Message::Binary(output))) => return Ok(Some(output)),
                Some(Ok(_)) => {}
                Some(Err(e)) => return Err(self.client.target.unreachable(io::Error::other(e))),
            }
        }
    }

    /// Types into the guest.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn write(&mut self, input: Bytes) -> Result<(), Error> {
        let sent = self.socket.send(Message::Binary(input)).await;
        sent.map_err(|e| self.client.target.unreachable(io::Error::other(e)))
    }
}
