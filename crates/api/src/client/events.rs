//! What the daemon sends as it happens: server-sent events over HTTP.

use std::marker::PhantomData;

use http::Method;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::call::Body;
use super::{Client, Error};
use crate::rest::Event;

/// Far above any event; a line that passes it is not from our daemon.
const LONGEST_LINE: usize = 4 << 20;

/// Events as they happen.
pub type EventStream = Messages<Event>;

/// A stream of server-sent events, each with a `T`.
pub struct Messages<T> {
    client: Client,
    body: Incoming,
    pending: Vec<u8>,
    kind: PhantomData<fn() -> T>,
}

impl Client {
    pub(crate) async fn event_stream(&self, since: Option<u64>) -> Result<EventStream, Error> {
        let path = match since {
            Some(seq) => format!("/api/v1/events?since={seq}"),
            None => "/api/v1/events".to_owned(),
        };
        self.messages(&path).await
    }

    pub(crate) async fn messages<T>(&self, path: &str) -> Result<Messages<T>, Error> {
        let response = self
            .send(Method::GET, path, "text/event-stream", Body::None)
            .await?;
        let response = self.checked(response).await?;
        Ok(Messages {
            client: self.clone(),
            body: response.into_body(),
            pending: Vec::new(),
            kind: PhantomData,
        })
    }
}

impl<T: DeserializeOwned> Messages<T> {
    /// The next one; `None` when the daemon has closed the stream.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data:") {
                    let event = serde_json::from_slice(data);
                    return event.map(Some).map_err(|e| self.client.odd(e.to_string()));
                }
                continue;
            }
            if self.pending.len() > LONGEST_LINE {
                return Err(self.client.odd("an event that is too long".to_owned()));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.pending.extend_from_slice(&data);
                    }
                }
                Some(Err(e)) => {
                    return Err(self.client.target.unreachable(std::io::Error::other(e)));
                }
            }
        }
    }
}
