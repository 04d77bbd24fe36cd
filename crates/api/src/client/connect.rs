//! How to reach a daemon: a Unix socket, or TLS to a pinned host.

use std::io;
use std::path::PathBuf;
#[cfg(feature = "remote")]
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

use super::Error;

/// A connection to a daemon.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Where the daemon is.
#[derive(Clone)]
pub(crate) enum Target {
    Unix(PathBuf),
    #[cfg(feature = "remote")]
    Https(Arc<super::tls::Remote>),
}

impl Target {
    #[cfg(feature = "remote")]
    pub(crate) fn https(url: &str, trust: super::Trust) -> Result<Self, Error> {
        super::tls::Remote::new(url, trust).map(|remote| Self::Https(Arc::new(remote)))
    }

    pub(crate) async fn connect(&self) -> Result<Box<dyn Connection>, Error> {
        match self {
            Self::Unix(path) => {
                let stream = UnixStream::connect(path).await;
                Ok(Box::new(stream.map_err(|e| self.unreachable(e))?))
            }
            #[cfg(feature = "remote")]
            Self::Https(remote) => remote.connect().await.map_err(|e| self.refused(remote, e)),
        }
    }

    /// The `Host` of requests.
    pub(crate) fn authority(&self) -> &str {
        match self {
            Self::Unix(_) => "localhost",
            #[cfg(feature = "remote")]
            Self::Https(remote) => remote.authority(),
        }
    }

    pub(crate) fn unreachable(&self, source: io::Error) -> Error {
        Error::Unreachable {
            target: self.to_string(),
            source,
        }
    }

    #[cfg(feature = "remote")]
    fn refused(&self, remote: &super::tls::Remote, source: io::Error) -> Error {
        match remote.refused_fingerprint() {
            Some(fingerprint) => Error::Certificate {
                target: self.to_string(),
                fingerprint,
            },
            None => self.unreachable(source),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            #[cfg(feature = "remote")]
            Self::Https(remote) => write!(f, "https://{}", remote.authority()),
        }
    }
}
