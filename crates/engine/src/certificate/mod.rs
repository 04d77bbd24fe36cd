//! The certificate that HTTPS and gRPC are served with: made by this host, or given by somebody. Owns what may be put
//! in its place, and who is told of it: whoever serves it follows [`Certificates::watch`].

mod check;
mod made;
mod pair;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use qx_host::certificate_files::{CertificateFiles, PemPair};
use qx_host::inventory::{Inventory, Sources};
use qx_model::access::{Actor, Operation};
use tokio::sync::{Mutex, watch};

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};

pub use pair::{Certificate, Pair};

/// See the module. Clones share everything.
#[derive(Clone)]
pub struct Certificates {
    files: CertificateFiles,
    sources: Sources,
    audit: Audit,
    served: watch::Sender<Arc<Pair>>,
    /// One change at a time.
    turn: Arc<Mutex<()>>,
}

impl Certificates {
    /// With the pair below `state`, made if there is none. One that can't be used is kept aside and replaced: a host
    /// that nobody can reach would be worse than one with a new fingerprint.
    pub(crate) async fn load(state: &Path, sources: Sources, audit: Audit) -> Result<Self> {
        let files = CertificateFiles::new(state);
        let (of, from) = (files.clone(), sources.clone());
        let pair = blocking(move || read_or_make(&of, &from)).await?;
        Ok(Self {
            files,
            sources,
            audit,
            served: watch::channel(Arc::new(pair)).0,
            turn: Arc::default(),
        })
    }

    /// The pair that is served, now and whenever it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Pair>> {
        self.served.subscribe()
    }

    /// SHA-256 of what is served, as lower-case hex: anybody who connects can see it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.served.borrow().certificate.fingerprint.clone()
    }

    /// What there is to know of the certificate.
    ///
    /// # Errors
    /// When the actor may not know.
    pub fn get(&self, actor: &Actor) -> Result<Certificate> {
        authorize(actor, Operation::HostCertificateGet)?;
        Ok(self.served.borrow().certificate.clone())
    }

    /// Makes a certificate with a new key for the name and the addresses that the host has now.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn regenerate(&self, actor: &Actor) -> Result<Certificate> {
        let sources = self.sources.clone();
        self.change(actor, "new", move || made::pem(&of_host(&sources)))
            .await
    }

    /// Puts a certificate, with those that lead to its authority, and its key in the place of what is served. Both are
    /// PEM.
    ///
    /// # Errors
    /// When browsers would not accept it, each reason at its field.
    pub async fn replace(&self, actor: &Actor, chain: String, key: String) -> Result<Certificate> {
        self.change(actor, "given", move || {
            let pem = PemPair { key, chain };
            check::given(&pem, Timestamp::now()).map_err(Error::Invalid)?;
            Ok(pem)
        })
        .await
    }

    async fn change(
        &self,
        actor: &Actor,
        target: &str,
        pem: impl FnOnce() -> Result<PemPair> + Send + 'static,
    ) -> Result<Certificate> {
        let work = async {
            let turn = Arc::clone(&self.turn).lock_owned().await;
            let (files, served) = (self.files.clone(), self.served.clone());
            // To its end even if the caller goes away: what is on the disk is what is served.
            blocking(move || {
                let _turn = turn;
                let pair = put(&files, &pem()?)?;
                let certificate = pair.certificate.clone();
                served.send_replace(Arc::new(pair));
                Ok(certificate)
            })
            .await
        };
        self.audit
            .change(actor, Operation::HostCertificateEdit, target, work)
            .await
    }
}

fn read_or_make(files: &CertificateFiles, sources: &Sources) -> Result<Pair> {
    match usable(files) {
        Ok(Some(pair)) => return Ok(pair),
        Ok(None) => {}
        Err(error) => {
            tracing::error!(
                "the TLS certificate can't be used, so it is kept aside and made anew: {error}"
            );
            files.set_aside().map_err(|error| unwritten(files, error))?;
        }
    }
    put(files, &made::pem(&of_host(sources))?)
}

fn usable(files: &CertificateFiles) -> std::result::Result<Option<Pair>, String> {
    let Some(pem) = files.read().map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    Pair::parse(&pem).map(Some).map_err(|broken| {
        let texts: Vec<String> = broken
            .iter()
            .map(|error| format!("the {} {}", error.field, error.reason))
            .collect();
        texts.join("; ")
    })
}

fn put(files: &CertificateFiles, pem: &PemPair) -> Result<Pair> {
    let pair = Pair::parse(pem).map_err(Error::Invalid)?;
    files
        .replace(pem)
        .map_err(|error| unwritten(files, error))?;
    Ok(pair)
}

fn unwritten(files: &CertificateFiles, error: std::io::Error) -> Error {
    let directory = files.directory().display();
    Error::file(format!("writing the TLS certificate in {directory}"), error)
}

/// The names that a certificate of this host is for.
struct Names {
    hostname: String,
    addresses: Vec<IpAddr>,
}

fn of_host(sources: &Sources) -> Names {
    let inventory = Inventory::read(sources);
    let addresses = inventory.addresses.into_iter();
    Names {
        hostname: inventory.hostname,
        addresses: addresses.map(|address| address.address).collect(),
    }
}

#[cfg(test)]
mod tests;
