//! The three sockets: HTTPS, gRPC over TLS, and the Unix socket. Owns accepting, handshakes, limits and
//! the graceful end; knows no route.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::app::App;
use crate::callers::{ConnectedAt, Peer};
use crate::options::Options;
use crate::tls::Tls;
use crate::{grpc, rest};

/// Connections of one listener at once.
const MOST: usize = 1024;
/// For a TLS handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(15);
/// For requests that are being answered when the daemon stops.
const LAST_ORDERS: Duration = Duration::from_secs(5);

/// The sockets, being served.
pub(crate) struct Listeners {
    app: App,
    https: SocketAddr,
    grpc: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Listeners {
    /// Binds all sockets, then serves them.
    pub(crate) async fn start(options: &Options, app: &App, tls: Tls) -> anyhow::Result<Self> {
        let unix = bind_unix(&options.socket)
            .with_context(|| format!("listening on {}", options.socket.display()))?;
        let https = bind(options.https).await?;
        let grpc = bind(options.grpc).await?;
        let rest = rest::router(app);
        let addresses = (https.local_addr()?, grpc.local_addr()?);
        let tls = Arc::new(tls);
        let tasks = vec![
            tokio::spawn(Service::new(app, rest.clone()).serve_tls(https, Arc::clone(&tls))),
            tokio::spawn(Service::new(app, grpc::router(app)?).serve_tls(grpc, tls)),
            tokio::spawn(Service::new(app, rest).serve_unix(unix)),
        ];
        Ok(Self {
            app: app.clone(),
            https: addresses.0,
            grpc: addresses.1,
            tasks,
        })
    }

    pub(crate) const fn https(&self) -> SocketAddr {
        self.https
    }

    pub(crate) const fn grpc(&self) -> SocketAddr {
        self.grpc
    }

    /// Accepts no more, ends streams, and waits a little for what is being answered.
    pub(crate) async fn stop(self) {
        self.app.close();
        for task in self.tasks {
            // It only ends early when the runtime is going down.
            let _ = task.await;
        }
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = match TcpListener::bind(address).await {
        // A kernel without IPv6.
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error()) =>
        {
            let v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port());
            TcpListener::bind(v4).await
        }
        bound => bound,
    };
    bound.with_context(|| format!("listening on {address}"))
}

fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// What connections come from.
trait Listener: Send + Sync {
    /// A connection, and whatever is known of its other end.
    type Stream: Send;

    fn next(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for TcpListener {
    type Stream = (TcpStream, SocketAddr);

    async fn next(&self) -> io::Result<Self::Stream> {
        self.accept().await
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<UnixStream> {
        self.accept().await.map(|(stream, _)| stream)
    }
}

/// One listener's share.
#[derive(Clone)]
struct Service {
    app: App,
    router: Router,
    builder: Arc<Builder<TokioExecutor>>,
    slots: Arc<Semaphore>,
}

impl Service {
    fn new(app: &App, router: Router) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(30))
            .max_concurrent_streams(128);
        Self {
            app: app.clone(),
            router,
            builder: Arc::new(builder),
            slots: Arc::new(Semaphore::new(MOST)),
        }
    }

    async fn serve_tls(self, listener: TcpListener, tls: Arc<Tls>) {
        self.accept(
            listener,
            |service, (stream, address): (TcpStream, SocketAddr)| {
                let acceptor = tls.acceptor();
                async move {
                    // Keystrokes in a console are small and must not wait for more.
                    stream.set_nodelay(true)?;
                    let shaken = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await;
                    let stream = shaken.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                    service
                        .talk(stream, Peer::Remote(address.ip().to_canonical()))
                        .await;
                    Ok(())
                }
            },
        )
        .await;
    }

    async fn serve_unix(self, listener: UnixListener) {
        let ourselves = rustix::process::geteuid().as_raw();
        self.accept(listener, |service, stream: UnixStream| async move {
            let user = stream.peer_cred()?.uid();
            let trusted = user == 0 || user == ourselves;
            service.talk(stream, Peer::Local { trusted }).await;
            Ok(())
        })
        .await;
    }

    /// Accepts until the daemon stops, then waits for the connections that are left.
    async fn accept<L: Listener, F>(self, listener: L, serve: impl Fn(Self, L::Stream) -> F)
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        loop {
            let accepted = tokio::select! {
                accepted = async {
                    // Never closed.
                    let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
                    (slot, listener.next().await)
                } => accepted,
                () = self.app.closing() => break,
            };
            match accepted {
                (slot, Ok(stream)) => {
                    let served = serve(self.clone(), stream);
                    tokio::spawn(async move {
                        if let Err(error) = served.await {
                            tracing::debug!(%error, "a connection failed");
                        }
                        drop(slot);
                    });
                }
                (_, Err(error)) => {
                    // Out of file descriptors, most likely: others must end first.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        let all = u32::try_from(MOST).unwrap_or(u32::MAX);
        if tokio::time::timeout(LAST_ORDERS, self.slots.acquire_many(all))
            .await
            .is_err()
        {
            tracing::warn!("some requests were cut off");
        }
    }

    async fn talk<T>(self, stream: T, peer: Peer)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = self.router;
        let connected = ConnectedAt(qx_host::network::now_ms());
        let mut moved = self.app.engine.host_network.moved();
        let remote = matches!(peer, Peer::Remote(_));
        let service = hyper::service::service_fn(move |mut request: http::Request<_>| {
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(connected);
            router.clone().oneshot(request)
        });
        let connection = self
            .builder
            .serve_connection_with_upgrades(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = self.app.closing() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            // Whoever asks again shall show that they can still reach this host. The engine never goes.
            Ok(()) = moved.changed(), if remote => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a connection broke");
        }
    }
}
