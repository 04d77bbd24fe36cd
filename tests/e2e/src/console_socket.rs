//! A VM's serial console over the API's WebSocket: binary frames both ways.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

use crate::deadline::seconds;
use crate::tls::{self, TlsStream};

/// An open console.
pub struct ConsoleSocket {
    socket: WebSocket<TlsStream>,
    received: Vec<u8>,
}

impl ConsoleSocket {
    /// Opens the socket at `path` with a browser's headers.
    ///
    /// # Errors
    /// When the host refuses it, with its status.
    pub(crate) fn open(port: u16, path: &str, cookie: Option<&str>) -> Result<Self> {
        let mut request = format!("wss://127.0.0.1:{port}{path}")
            .into_client_request()
            .context("request")?;
        let headers = request.headers_mut();
        let origin = format!("https://127.0.0.1:{port}");
        headers.insert("origin", HeaderValue::from_str(&origin).context("origin")?);
        if let Some(cookie) = cookie {
            headers.insert("cookie", HeaderValue::from_str(cookie).context("cookie")?);
        }
        let stream = tls::connect(port, rustls::ALL_VERSIONS)?;
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Self {
                socket,
                received: Vec::new(),
            }),
            Err(error) => bail!("the host refused the console's WebSocket: {error}"),
        }
    }

    /// Waits until `needle` has been received.
    ///
    /// # Errors
    /// When it does not come in time, or the host closes the socket; with what came.
    pub fn wait_for(&mut self, needle: &str, within: Duration) -> Result<()> {
        let end = Instant::now() + within;
        while !contains(&self.received, needle.as_bytes()) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!(
                    "waited {} s for '{needle}' on the VM's console; it said: {}",
                    within.as_secs(),
                    self.text()
                );
            }
            let wait = left.min(seconds(1));
            self.socket
                .get_ref()
                .sock
                .set_read_timeout(Some(wait))
                .context("socket")?;
            match self.socket.read() {
                Ok(Message::Binary(bytes)) => self.received.extend_from_slice(&bytes),
                Ok(Message::Text(text)) => bail!("the console sent a text frame: {text}"),
                Ok(Message::Close(frame)) => bail!("the host closed the console: {frame:?}"),
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if is_timeout(&error) => {}
                Err(error) => return Err(error).context("the console broke"),
            }
        }
        Ok(())
    }

    /// Types into the VM's serial port.
    ///
    /// # Errors
    /// When the socket is closed.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.socket
            .send(Message::binary(bytes.to_vec()))
            .context("cannot write to the console")
    }

    /// Everything received so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn is_timeout(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | WouldBlock)
}
