//! Who is at the other end of a connection, and who a request says it is.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use qx_engine::Identity;

use crate::app::App;
use crate::problem::Failure;

/// Name of the session cookie; the prefix makes browsers insist on TLS, this host and the whole path.
pub(crate) const COOKIE_NAME: &str = "__Host-qx_session";

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Peer {
    /// Over the network.
    Remote(IpAddr),
    /// Over the Unix socket; `trusted` is root, or whoever runs this daemon.
    Local { trusted: bool },
}

impl Peer {
    /// `None` for the host itself.
    pub(crate) const fn address(self) -> Option<IpAddr> {
        match self {
            Self::Remote(address) => Some(address),
            Self::Local { .. } => None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Every listener sets it; who comes without one is nobody.
        Ok(parts
            .extensions
            .get()
            .copied()
            .unwrap_or(Self::Local { trusted: false }))
    }
}

/// When the request's connection was made, in milliseconds since the kernel started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectedAt(pub(crate) u64);

impl<S: Sync> FromRequestParts<S> for ConnectedAt {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Every listener sets it; who comes without one was always there.
        Ok(parts.extensions.get().copied().unwrap_or(Self(0)))
    }
}

/// An authenticated caller.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
    /// The cookie, if that is how they were recognised.
    pub(crate) cookie: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        // The guard sets it for every endpoint that is not public.
        parts
            .extensions
            .get()
            .cloned()
            .ok_or_else(Failure::unauthorized)
    }
}

/// Finds out who is asking: by API token if one is sent, by the Unix socket's peer, or by cookie.
pub(crate) fn identify(app: &App, peer: Peer, headers: &HeaderMap) -> Result<Caller, Failure> {
    let by = |identity| Caller {
        identity,
        cookie: None,
    };
    if let Some(header) = headers.get(AUTHORIZATION) {
        let token = header
            .to_str()
            .ok()
            .and_then(bearer)
            .ok_or_else(Failure::unauthorized)?;
        return app
            .engine
            .auth
            .by_token(token, peer.address())
            .map(by)
            .ok_or_else(Failure::unauthorized);
    }
    if let Peer::Local { trusted: true } = peer {
        return Ok(by(Identity::local_root()));
    }
    let cookie = session_cookie(headers).ok_or_else(Failure::unauthorized)?;
    let identity = app.engine.auth.by_cookie(cookie, peer.address());
    let identity = identity.ok_or_else(Failure::unauthorized)?;
    Ok(Caller {
        identity,
        cookie: Some(cookie.to_owned()),
    })
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}
