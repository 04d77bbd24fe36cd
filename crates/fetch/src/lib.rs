//! Getting files from web servers: HTTPS only, through a proxy where there is one, with the authorities that the
//! image and the administrator trust. Owns limits, time limits, and going on after a break. Knows nothing of what
//! is fetched.
//!
//! It blocks: whoever has a runtime calls it on a thread of its own.

mod download;
#[cfg(feature = "testing")]
pub mod testing;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Proxy};

pub use download::Download;

/// The authorities that the image trusts.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
const CONNECT: Duration = Duration::from_secs(20);
const RESOLVE: Duration = Duration::from_secs(10);
/// From the request until the answer begins.
const ANSWER: Duration = Duration::from_secs(30);
/// A server that is silent for so long has gone.
const SILENCE: Duration = Duration::from_secs(60);
/// All of a small file.
const SMALL_FILE: Duration = Duration::from_secs(60);
const MOST_REDIRECTS: u32 = 4;

/// Why a file was not fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// No certificate in PEM form.
    #[error("a certificate to trust cannot be read")]
    Certificate(#[source] ureq::Error),
    /// No URL of a proxy.
    #[error("{0} is no proxy")]
    Proxy(String),
    /// No answer that could be believed.
    #[error("{url} cannot be had")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Why.
        source: ureq::Error,
    },
    /// An answer that is none.
    #[error("the server answers {status} for {url}")]
    Status {
        /// What was asked for.
        url: String,
        /// HTTP status.
        status: String,
    },
    /// More than was expected.
    #[error("{url} is longer than {most} bytes, more than such a file has")]
    TooLong {
        /// What was asked for.
        url: String,
        /// What is taken at most.
        most: u64,
    },
    /// Not the file that was meant.
    #[error("{url} is {found} bytes long, and {expected} were announced")]
    Length {
        /// What was asked for.
        url: String,
        /// What was announced.
        expected: u64,
        /// What the server has; a lower bound when it goes on for too long.
        found: u64,
    },
    /// It broke off too often.
    #[error(
        "the connection to the server broke {tries} times in a row, after {offset} bytes of {url}"
    )]
    Broken {
        /// What was asked for.
        url: String,
        /// How often.
        tries: u32,
        /// How much had come.
        offset: u64,
        /// The last reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How servers are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// `http://host:port` of a proxy; none when it is absent. What the environment says does not count.
    pub proxy: Option<String>,
    /// Authorities to trust besides those of the image, in PEM form.
    pub authorities: Vec<String>,
}

/// The web as this host sees it.
#[derive(Debug, Clone)]
pub struct Web {
    agent: Agent,
}

impl Web {
    /// Prepares everything; connects to nothing.
    ///
    /// # Errors
    /// When a setting makes no sense.
    pub fn new(settings: &Settings) -> Result<Self, FetchError> {
        let proxy = settings
            .proxy
            .as_deref()
            .map(|url| Proxy::new(url).map_err(|_| FetchError::Proxy(url.to_owned())));
        // A machine without them trusts what its administrator named, and nothing else.
        let mut authorities: Vec<Certificate<'static>> =
            certificates(&fs::read(AUTHORITIES).unwrap_or_default())
                .filter_map(Result::ok)
                .collect();
        for pem in &settings.authorities {
            let more: Result<Vec<_>, _> = certificates(pem.as_bytes()).collect();
            authorities.extend(more.map_err(FetchError::Certificate)?);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::Specific(Arc::new(authorities)))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy.transpose()?)
            .https_only(true)
            .max_redirects(MOST_REDIRECTS)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_resolve(Some(RESOLVE))
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .build();
        Ok(Self {
            agent: Agent::new_with_config(config),
        })
    }

    /// A small file, whole.
    ///
    /// # Errors
    /// When it is not there, longer than `most` bytes, or does not come in time.
    pub fn get(&self, url: &str, most: u64) -> Result<Vec<u8>, FetchError> {
        let unreachable = |source| FetchError::Unreachable {
            url: url.to_owned(),
            source,
        };
        let request = self.agent.get(url).config();
        let request = request.timeout_global(Some(SMALL_FILE)).build();
        let mut answer = request.call().map_err(unreachable)?;
        if answer.status() != 200 {
            return Err(FetchError::Status {
                url: url.to_owned(),
                status: answer.status().to_string(),
            });
        }
        let read = answer.body_mut().with_config().limit(most).read_to_vec();
        read.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => FetchError::TooLong {
                url: url.to_owned(),
                most,
            },
            other => unreachable(other),
        })
    }

    /// A large file of a length that is known.
    #[must_use]
    pub fn download(&self, url: &str, bytes: u64) -> Download {
        Download::new(self.agent.clone(), url, bytes)
    }
}

fn certificates(
    pem: &[u8],
) -> impl Iterator<Item = Result<Certificate<'static>, ureq::Error>> + '_ {
    parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}
