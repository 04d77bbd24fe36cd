//! TLS with the host's certificate, whichever it is when somebody connects.

use std::sync::{Arc, Mutex, PoisonError};

use qx_engine::certificate::Pair;
use rustls::ServerConfig;
use rustls::sign::SingleCertAndKey;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// What connections are begun with.
pub(crate) struct Tls {
    served: watch::Receiver<Arc<Pair>>,
    present: Mutex<Present>,
}

struct Present {
    pair: Arc<Pair>,
    acceptor: TlsAcceptor,
}

impl Tls {
    pub(crate) fn new(served: watch::Receiver<Arc<Pair>>) -> anyhow::Result<Self> {
        let pair = Arc::clone(&served.borrow());
        let acceptor = acceptor(&pair)?;
        Ok(Self {
            served,
            present: Mutex::new(Present { pair, acceptor }),
        })
    }

    /// For the next connection. Whoever knows a session of another certificate's time can't resume it: they shall see
    /// the present one.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let served = Arc::clone(&self.served.borrow());
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&served, &present.pair) {
            match acceptor(&served) {
                Ok(acceptor) => present.acceptor = acceptor,
                Err(error) => tracing::error!(%error, "the new certificate can't be served"),
            }
            present.pair = served;
        }
        present.acceptor.clone()
    }
}

/// TLS 1.3, HTTP/2 and HTTP/1.1.
fn acceptor(pair: &Pair) -> Result<TlsAcceptor, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificate = SingleCertAndKey::from(Arc::clone(&pair.certified));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
