//! What tells a host who is asking.

#[cfg(feature = "remote")]
use http::Method;
#[cfg(feature = "remote")]
use http::header::SET_COOKIE;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, ORIGIN};

#[cfg(feature = "remote")]
use super::call::Body;
#[cfg(feature = "remote")]
use super::{Client, Error};
#[cfg(feature = "remote")]
use crate::rest::{LoginRequest, Session};

/// See the module.
#[derive(Clone)]
pub(crate) enum Credential {
    /// The peer of the socket, or nobody.
    None,
    /// An API token.
    Token(String),
    /// A log-in, as browsers have it.
    Session {
        /// `NAME=VALUE`.
        cookie: String,
        /// Proof that no other site's page is asking.
        csrf_token: String,
    },
}

impl Credential {
    /// What every request carries; `origin` is the host's own URL.
    pub(crate) fn headers(&self, origin: &str) -> Vec<(HeaderName, String)> {
        match self {
            Self::None => Vec::new(),
            Self::Token(token) => vec![(AUTHORIZATION, format!("Bearer {token}"))],
            Self::Session { cookie, csrf_token } => vec![
                (COOKIE, cookie.clone()),
                (ORIGIN, origin.to_owned()),
                (HeaderName::from_static("x-csrf-token"), csrf_token.clone()),
            ],
        }
    }
}

#[cfg(feature = "remote")]
impl Client {
    /// The same host with an API token.
    #[must_use]
    pub fn with_token(mut self, token: String) -> Self {
        self.credential = Credential::Token(token);
        self
    }

    /// The same host with a session of this user. [`log_out`](Self::log_out) ends it; it ends by itself as a
    /// browser's does.
    ///
    /// # Errors
    /// [`Error::Refused`] if user name or password is wrong; see [`Error`].
    pub async fn log_in(mut self, username: &str, password: &str) -> Result<Self, Error> {
        let wish = LoginRequest {
            username: username.to_owned(),
            password: password.to_owned(),
        };
        let path = "/api/v1/session";
        let sent = self.send(Method::POST, path, "application/json", Body::json(&wish)?);
        let response = self.checked(sent.await?).await?;
        let cookie = response
            .headers()
            .get(SET_COOKIE)
            .and_then(|value| value.to_str().ok()?.split(';').next())
            .map(str::to_owned);
        let session: Session = self.parse(response).await?;
        let (Some(cookie), Some(csrf_token)) = (cookie, session.csrf_token) else {
            return Err(self.odd("a session without cookie or csrf_token".into()));
        };
        self.credential = Credential::Session { cookie, csrf_token };
        Ok(self)
    }

    /// Ends the session of [`log_in`](Self::log_in).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn log_out(&self) -> Result<(), Error> {
        self.empty(Method::DELETE, "/api/v1/session").await
    }
}
