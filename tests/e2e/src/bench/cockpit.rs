//! The reference's client: logs in to cockpit and lists libvirt's VMs the way cockpit-machines does, through
//! the session's WebSocket and libvirt-dbus (doc/protocol.md in cockpit's sources).

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

use crate::tls::{self, TlsStream};

/// The account that `builder/reference-image.sh` makes.
const CREDENTIALS: &str = "root:reference";
const CHANNEL: &str = "machines";

/// One whole visit: log in, open the socket, list. The number of VMs.
///
/// # Errors
/// Whatever keeps cockpit from answering, which early in a boot is expected.
pub(super) fn list_vms(port: u16) -> Result<usize> {
    let cookie = log_in(port)?;
    let mut socket = open(port, &cookie)?;
    control(
        &mut socket,
        &json!({"command": "init", "version": 1, "host": "localhost"}),
    )?;
    control(
        &mut socket,
        &json!({
            "command": "open", "channel": CHANNEL, "payload": "dbus-json3",
            "bus": "system", "name": "org.libvirt",
        }),
    )?;
    let call = json!({
        "call": ["/org/libvirt/QEMU", "org.libvirt.Connect", "ListDomains", [0]], "id": "list",
    });
    send(&mut socket, &format!("{CHANNEL}\n{call}"))?;
    loop {
        let (channel, payload) = receive(&mut socket)?;
        if channel.is_empty() && payload["command"] == "close" {
            bail!("cockpit closed the channel: {payload}");
        }
        if channel == CHANNEL && payload["id"] == "list" {
            let domains = payload.pointer("/reply/0/0").and_then(Value::as_array);
            return Ok(domains
                .with_context(|| format!("libvirt answered {payload}"))?
                .len());
        }
    }
}

fn log_in(port: u16) -> Result<String> {
    let response = tls::agent()
        .get(format!("https://127.0.0.1:{port}/cockpit/login"))
        .header(
            "authorization",
            format!("Basic {}", BASE64.encode(CREDENTIALS)),
        )
        .call()
        .context("cannot reach cockpit")?;
    ensure!(
        response.status() == 200,
        "cockpit answered {}",
        response.status()
    );
    let cookie = response
        .headers()
        .get("set-cookie")
        .context("cockpit set no cookie")?;
    let cookie = cookie.to_str().context("cockpit's cookie is no text")?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

fn open(port: u16, cookie: &str) -> Result<WebSocket<TlsStream>> {
    let mut request = format!("wss://127.0.0.1:{port}/cockpit/socket").into_client_request()?;
    let headers = request.headers_mut();
    headers.insert(
        "origin",
        HeaderValue::from_str(&format!("https://127.0.0.1:{port}"))?,
    );
    headers.insert("cookie", HeaderValue::from_str(cookie)?);
    headers.insert(
        "sec-websocket-protocol",
        HeaderValue::from_static("cockpit1"),
    );
    match tungstenite::client(request, tls::connect(port, rustls::ALL_VERSIONS)?) {
        Ok((socket, _)) => Ok(socket),
        Err(error) => bail!("cockpit refused the WebSocket: {error}"),
    }
}

fn control(socket: &mut WebSocket<TlsStream>, message: &Value) -> Result<()> {
    send(socket, &format!("\n{message}"))
}

fn send(socket: &mut WebSocket<TlsStream>, text: &str) -> Result<()> {
    socket
        .send(Message::text(text))
        .context("cannot write to cockpit")
}

/// One message: the channel (empty for control messages) and its JSON.
fn receive(socket: &mut WebSocket<TlsStream>) -> Result<(String, Value)> {
    loop {
        let text = match socket.read().context("cockpit closed the WebSocket")? {
            Message::Text(text) => text.to_string(),
            Message::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Message::Close(frame) => bail!("cockpit closed the WebSocket: {frame:?}"),
            _ => continue,
        };
        let (channel, payload) = text.split_once('\n').context("cockpit sent no channel")?;
        return Ok((
            channel.to_owned(),
            serde_json::from_str(payload).unwrap_or_default(),
        ));
    }
}
