//! A client of the host's REST API as a script would write it: paths and JSON, no types of the product, so
//! that a change of the contract breaks a test instead of changing with it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::http::request::Builder;
use ureq::http::{Request, Response};
use ureq::{Agent, Body, SendBody};

use crate::console_socket::ConsoleSocket;
use crate::deadline::{Look, minutes, poll};
use crate::tls;

/// Most bytes of an answer.
const LARGEST: u64 = 64 << 20;
/// Longest upload of a bundle: an emulated host beside other work may write 2 MB/s.
const UPLOAD: Duration = minutes(5);

/// A client, with or without a session.
pub struct Api {
    agent: Agent,
    port: u16,
    cookie: Option<String>,
    csrf_token: Option<String>,
}

/// An answer: status and body (JSON, or text as a JSON string).
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Content-Type, empty if absent.
    pub content_type: String,
    /// The body.
    pub body: Value,
}

impl Reply {
    /// The body, if the status is the one expected.
    ///
    /// # Errors
    /// Otherwise, with status and body.
    pub fn expect(self, status: u16) -> Result<Value> {
        if self.status != status {
            bail!(
                "expected status {status}, the host answered {}: {}",
                self.status,
                self.body
            );
        }
        Ok(self.body)
    }
}

impl Api {
    /// A client without a session for the host behind a port of 127.0.0.1.
    pub fn new(port: u16) -> Self {
        Self {
            agent: tls::agent(),
            port,
            cookie: None,
            csrf_token: None,
        }
    }

    /// `https://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Waits until `/readyz` says that the host can manage VMs.
    ///
    /// # Errors
    /// When it does not in time, with its last answer.
    pub fn wait_ready(&self, within: Duration) -> Result<Value> {
        poll("/readyz to say ready", within, || Ok(self.look_ready()))
    }

    /// One look at `/readyz`.
    pub(crate) fn look_ready(&self) -> Look<Value> {
        match self.get("/readyz") {
            Ok(Reply {
                status: 200, body, ..
            }) => Look::Done(body),
            Ok(reply) => Look::NotYet(format!("{} {}", reply.status, reply.body)),
            Err(error) => Look::NotYet(format!("{error:#}")),
        }
    }

    /// Logs in; later calls carry the session.
    ///
    /// # Errors
    /// When the host refuses, or its answer lacks cookie or token.
    pub fn log_in(&mut self, username: &str, password: &str) -> Result<Value> {
        let body = json!({"username": username, "password": password}).to_string();
        let request = Request::post(format!("{}/api/v1/session", self.url()))
            .header("content-type", "application/json")
            .body(body.into_bytes())
            .context("request")?;
        let response = self.agent.run(request).context("cannot log in")?;
        let cookie = response
            .headers()
            .get("set-cookie")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let session = read(response)?.expect(200).context("cannot log in")?;
        let cookie = cookie.context("the log-in set no cookie")?;
        for attribute in [
            "__Host-qx_session=",
            "Secure",
            "HttpOnly",
            "SameSite=Strict",
            "Path=/",
        ] {
            if !cookie.contains(attribute) {
                bail!("the session cookie lacks {attribute}: {cookie}");
            }
        }
        self.cookie = cookie.split(';').next().map(str::to_owned);
        self.csrf_token = session["csrf_token"].as_str().map(str::to_owned);
        Ok(session)
    }

    /// GET
    ///
    /// # Errors
    /// When no answer comes; an answer of any status is no error.
    pub fn get(&self, path: &str) -> Result<Reply> {
        self.send("GET", path, None)
    }

    /// POST with a JSON body.
    ///
    /// # Errors
    /// As `get`.
    pub fn post(&self, path: &str, body: &Value) -> Result<Reply> {
        self.send(
            "POST",
            path,
            Some(("application/json", body.to_string().into_bytes())),
        )
    }

    /// PUT with bytes.
    ///
    /// # Errors
    /// As `get`.
    pub fn put(&self, path: &str, body: Vec<u8>) -> Result<Reply> {
        self.send("PUT", path, Some(("application/octet-stream", body)))
    }

    /// PUT of an update bundle's bytes from `offset` on. With `cut`, the connection breaks after so many bytes.
    ///
    /// # Errors
    /// When no answer comes, which is what a cut is for.
    pub fn put_bundle(&self, bundle: &Path, offset: u64, cut: Option<u64>) -> Result<Reply> {
        let what = "PUT /api/v1/updates/upload";
        let mut file = File::open(bundle).context("cannot open the bundle")?;
        let length = file.metadata().context("cannot look at the bundle")?.len();
        file.seek(SeekFrom::Start(offset))
            .context("cannot read the bundle")?;
        let request = self
            .request("PUT", "/api/v1/updates/upload")
            .header("content-type", "application/octet-stream")
            .header("content-length", length - offset)
            .header("upload-offset", offset);
        let mut body = Cut {
            file,
            left: cut.unwrap_or(u64::MAX),
        };
        let request = request.body(SendBody::from_reader(&mut body));
        let request = self
            .agent
            .configure_request(request.context(what)?)
            .timeout_global(Some(UPLOAD))
            .build();
        let response = self.agent.run(request).context(what)?;
        read(response).context(what)
    }

    /// POST with bytes and one more header.
    ///
    /// # Errors
    /// As `get`.
    pub fn post_bytes(&self, path: &str, header: (&str, &str), body: &[u8]) -> Result<Reply> {
        let request = self
            .request("POST", path)
            .header("content-type", "application/octet-stream")
            .header(header.0, header.1)
            .body(body.to_vec());
        read(
            self.agent
                .run(request.context("request")?)
                .context("POST")?,
        )
    }

    /// POST with a JSON body that is answered by bytes.
    ///
    /// # Errors
    /// When no answer comes, or it is no success.
    pub fn download(&self, path: &str, body: &Value) -> Result<Vec<u8>> {
        let request = self
            .request("POST", path)
            .header("content-type", "application/json")
            .body(body.to_string().into_bytes());
        let mut response = self
            .agent
            .run(request.context("request")?)
            .context("POST")?;
        if !response.status().is_success() {
            bail!("{path}: {:?}", read(response)?);
        }
        let bytes = response
            .body_mut()
            .with_config()
            .limit(LARGEST)
            .read_to_vec();
        bytes.context("cannot read the answer")
    }

    /// DELETE
    ///
    /// # Errors
    /// As `get`.
    pub fn delete(&self, path: &str) -> Result<Reply> {
        self.send("DELETE", path, None)
    }

    /// Opens a VM's serial console, as the UI does: a one-use ticket, then a WebSocket.
    ///
    /// # Errors
    /// When the host gives no ticket or refuses the socket.
    pub fn serial_console(&self, vm: &str) -> Result<ConsoleSocket> {
        let path = format!("/api/v1/vms/{vm}/console");
        let ticket = self.post(&path, &json!({"type": "serial"}))?.expect(201)?;
        let ticket = ticket["ticket"]
            .as_str()
            .context("the host gave no console ticket")?;
        ConsoleSocket::open(
            self.port,
            &format!("{path}?ticket={ticket}"),
            self.cookie.as_deref(),
        )
    }

    fn send(&self, method: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Reply> {
        let what = || format!("{method} {path}");
        let request = self.request(method, path);
        let response = match body {
            Some((kind, bytes)) => {
                let request = request.header("content-type", kind).body(bytes);
                self.agent.run(request.with_context(what)?)
            }
            None => self.agent.run(request.body(()).with_context(what)?),
        };
        read(response.with_context(what)?).with_context(what)
    }

    /// With what a browser sends along.
    fn request(&self, method: &str, path: &str) -> Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url()));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if method != "GET" {
            // As a browser does.
            request = request.header("origin", self.url());
        }
        if let Some(token) = &self.csrf_token {
            request = request.header("x-csrf-token", token);
        }
        request
    }
}

/// A file that cannot be read any more after so many bytes.
struct Cut {
    file: File,
    left: u64,
}

impl Read for Cut {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("cut by the test"));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let (part, _) = buffer.split_at_mut(buffer.len().min(most));
        let count = self.file.read(part)?;
        self.left -= count as u64;
        Ok(count)
    }
}

fn read(mut response: Response<Body>) -> Result<Reply> {
    let status = response.status().as_u16();
    let content_type = response
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let text = response
        .body_mut()
        .read_to_string()
        .context("cannot read the answer")?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Reply {
        status,
        content_type,
        body,
    })
}
