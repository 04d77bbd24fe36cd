//! One request and its answer, or what went wrong with it.

use std::io;

use bytes::{Buf, Bytes};
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Client;
use crate::rest::{Problem, Readiness};

/// Far above any document of this interface; an answer that passes it is not from our daemon.
const LARGEST_ANSWER: usize = 64 << 20;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, or it broke.
    #[error("{target} can't be reached")]
    Unreachable {
        /// URL or socket.
        target: String,
        /// What the system said.
        source: io::Error,
    },
    /// A URL or fingerprint that can't be one.
    #[error("{address:?} can't be used: {reason}")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The host showed a certificate that is not the one expected.
    #[error(
        "{target} is not trusted: its certificate's SHA-256 fingerprint is {fingerprint}; compare it with \
         the one on the host's console and give it as --fingerprint if they are the same"
    )]
    Certificate {
        /// URL.
        target: String,
        /// Hex.
        fingerprint: String,
    },
    /// TLS can't be set up.
    #[error("TLS can't be used: {reason}")]
    Tls {
        /// What is wrong.
        reason: String,
    },
    /// The daemon said no.
    #[error("{}", explain(.0))]
    Refused(Box<Problem>),
    /// The answer makes no sense.
    #[error("{target} answered in a way that is not understood: {reason}")]
    Protocol {
        /// URL or socket.
        target: String,
        /// What was odd.
        reason: String,
    },
}

fn explain(problem: &Problem) -> String {
    let mut text = problem.detail.clone();
    // A single one is what the detail says.
    for error in problem.errors.iter().filter(|_| problem.errors.len() > 1) {
        text.push_str(&format!("\n  {}: {}", error.field, error.reason));
    }
    text
}

pub(crate) type AnyBody = UnsyncBoxBody<Bytes, io::Error>;

/// What a request carries.
pub(crate) enum Body {
    None,
    /// Headers alone.
    Bare(Vec<(&'static str, String)>),
    Json {
        text: Vec<u8>,
        headers: Vec<(&'static str, String)>,
    },
    Bytes {
        size: u64,
        headers: Vec<(&'static str, String)>,
        content: AnyBody,
    },
}

impl Body {
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, Error> {
        serde_json::to_vec(value)
            .map(|text| Self::Json {
                text,
                headers: Vec::new(),
            })
            .map_err(|e| Error::Address {
                address: "request".to_owned(),
                reason: e.to_string(),
            })
    }
}

impl Body {
    /// The same with a header.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        match &mut self {
            Self::None => return Self::Bare(vec![(name, value)]),
            Self::Json { headers, .. } | Self::Bare(headers) | Self::Bytes { headers, .. } => {
                headers.push((name, value));
            }
        }
        self
    }
}

fn no_body() -> AnyBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

impl Client {
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<T, Error> {
        let response = self
            .checked(self.send(method, path, "application/json", body).await?)
            .await?;
        self.parse(response).await
    }

    /// An answer that is a file, read whole.
    pub(crate) async fn file(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<Bytes, Error> {
        let response = self.send(method, path, "*/*", body).await?;
        let body = self.checked(response).await?.into_body();
        let whole = Limited::new(body, LARGEST_ANSWER).collect().await;
        Ok(whole.map_err(|e| self.odd(e.to_string()))?.to_bytes())
    }

    pub(crate) async fn empty(&self, method: Method, path: &str) -> Result<(), Error> {
        let response = self
            .send(method, path, "application/json", Body::None)
            .await?;
        self.checked(response).await.map(|_| ())
    }

    pub(crate) async fn readiness_document(&self) -> Result<Readiness, Error> {
        let response = self
            .send(Method::GET, "/readyz", "application/json", Body::None)
            .await?;
        self.parse(response).await
    }

    /// The answer if it is a success, else the problem that it holds.
    pub(crate) async fn checked(
        &self,
        response: Response<Incoming>,
    ) -> Result<Response<Incoming>, Error> {
        let status = response.status();
        if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        match self.parse::<Problem>(response).await {
            Ok(problem) => Err(Error::Refused(Box::new(problem))),
            Err(_) => Err(self.odd(format!("status {status} without a problem document"))),
        }
    }

    pub(crate) async fn parse<T: DeserializeOwned>(
        &self,
        response: Response<Incoming>,
    ) -> Result<T, Error> {
        let body = Limited::new(response.into_body(), LARGEST_ANSWER)
            .collect()
            .await;
        let body = body.map_err(|e| self.odd(e.to_string()))?.aggregate();
        serde_json::from_reader(body.reader()).map_err(|e| self.odd(e.to_string()))
    }

    pub(crate) fn odd(&self, reason: String) -> Error {
        Error::Protocol {
            target: self.target.to_string(),
            reason,
        }
    }

    /// Sends one request over a connection of its own.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Body,
    ) -> Result<Response<Incoming>, Error> {
        let broken = |e: hyper::Error| self.target.unreachable(io::Error::other(e));
        let request = self.request(method, path, accept, body)?;
        let connection = self.target.connect().await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(connection))
                .await
                .map_err(broken)?;
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(broken)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Body,
    ) -> Result<Request<AnyBody>, Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.target.authority())
            .header(ACCEPT, accept);
        for (name, value) in self.credential.headers(&self.target.to_string()) {
            request = request.header(name, value);
        }
        let body = match body {
            Body::None => no_body(),
            Body::Bare(headers) => {
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                no_body()
            }
            Body::Json { text, headers } => {
                request = request.header(CONTENT_TYPE, "application/json");
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                Full::new(Bytes::from(text))
                    .map_err(|never| match never {})
                    .boxed_unsync()
            }
            Body::Bytes {
                size,
                headers,
                content,
            } => {
                request = request
                    .header(CONTENT_TYPE, "application/octet-stream")
                    .header(CONTENT_LENGTH, size);
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                content
            }
        };
        request.body(body).map_err(|e| Error::Address {
            address: path.to_owned(),
            reason: e.to_string(),
        })
    }
}
