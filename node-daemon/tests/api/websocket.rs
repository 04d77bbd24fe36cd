//! WebSockets as browsers open them.

use qx_api::rest::Problem;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;

use crate::support::Daemon;

pub(crate) type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Opens a WebSocket as a browser does.
pub(crate) async fn open(
    daemon: &Daemon,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Socket, Problem> {
    let stream = daemon.tls(daemon.node.https().port(), b"http/1.1").await;
    open_on(daemon, stream, path, headers).await
}

/// The same over a connection that stands.
pub(crate) async fn open_on(
    daemon: &Daemon,
    stream: TlsStream<TcpStream>,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Socket, Problem> {
    let mut request = http::Request::builder()
        .uri(format!("wss://localhost{path}"))
        .header("host", format!("localhost:{}", daemon.node.https().port()))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", generate_key());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    match tokio_tungstenite::client_async(request.body(()).unwrap(), stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) => {
            Err(serde_json::from_slice(answer.body().as_ref().unwrap()).unwrap())
        }
        Err(error) => panic!("{error}"),
    }
}
