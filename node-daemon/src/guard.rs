//! What stands before every REST handler: who is asking, whether a browser was tricked into asking, and
//! whether their role allows it. The engine authorises again when it acts; this is so that a refusal
//! comes before a body is read.

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN, UPGRADE};
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::Response;
use qx_api::endpoints::{Access, Endpoint};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::callers::{Caller, Peer, identify};
use crate::problem::Failure;

const CSRF_HEADER: &str = "X-CSRF-Token";

/// An endpoint and what its guard needs.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) app: App,
    pub(crate) endpoint: &'static Endpoint,
}

/// The middleware.
pub(crate) async fn guard(
    State(guard): State<Guard>,
    peer: Peer,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let asks = Asks::new(request.method(), request.headers(), request.uri());
    if asks.acts && !asks.same_origin() {
        return Err(Failure::forbidden(
            "the request comes from another web site's page",
        ));
    }
    let operation = match guard.endpoint.access {
        Access::Public => return Ok(next.run(request).await),
        Access::SignedIn => None,
        Access::Requires(operation) | Access::Ticket(operation) => Some(operation),
    };
    let caller = identify(&guard.app, peer, request.headers())?;
    asks.check_browser(&caller)?;
    if let Some(operation) = operation {
        let audit = &guard.app.engine.audit;
        let what = format!("{} {}", request.method(), request.uri().path());
        audit.permit(&caller.identity.actor, operation, &what)?;
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// What of a request matters for telling whether a browser was tricked.
struct Asks<'a> {
    /// It changes something, or opens a WebSocket (which no browser keeps other sites from).
    acts: bool,
    websocket: bool,
    origin: Option<&'a str>,
    csrf_token: Option<&'a str>,
    host: Option<&'a str>,
}

impl<'a> Asks<'a> {
    fn new(method: &Method, headers: &'a HeaderMap, uri: &'a Uri) -> Self {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let websocket = headers.contains_key(UPGRADE);
        Self {
            acts: websocket || !matches!(*method, Method::GET | Method::HEAD),
            websocket,
            origin: text(ORIGIN.as_str()),
            csrf_token: text(CSRF_HEADER),
            // HTTP/2 has it in the URI.
            host: text(HOST.as_str()).or_else(|| uri.authority().map(|host| host.as_str())),
        }
    }

    /// No page of another site sent it: there is no `Origin`, or it is ours.
    fn same_origin(&self) -> bool {
        match (self.origin, self.host) {
            (None, _) => true,
            (Some(origin), Some(host)) => origin
                .strip_prefix("https://")
                .is_some_and(|name| name.eq_ignore_ascii_case(host)),
            (Some(_), None) => false,
        }
    }

    /// Browsers send cookies by themselves, so a cookie alone proves nothing.
    fn check_browser(&self, caller: &Caller) -> Result<(), Failure> {
        let (true, Some(_)) = (self.acts, &caller.cookie) else {
            return Ok(());
        };
        if self.websocket {
            // Can't carry a header of ours, but always has an Origin.
            return match self.origin {
                Some(_) => Ok(()),
                None => Err(Failure::forbidden(
                    "a WebSocket with a cookie needs an Origin",
                )),
            };
        }
        let expected = caller.identity.csrf_token.as_deref().unwrap_or_default();
        let sent = self.csrf_token.unwrap_or_default();
        if !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(sent.as_bytes())) {
            Ok(())
        } else {
            Err(Failure::forbidden(
                "the X-CSRF-Token header is missing or is not the session's csrf_token",
            ))
        }
    }
}
