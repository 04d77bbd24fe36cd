//! Every way in which a request can fail, as a problem document.

use std::time::Duration;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use qx_api::rest::{FieldProblem, Problem};
use qx_engine::Error;
use qx_engine::auth::LoginError;
use qx_engine::told::{Told, ToldKind};

use crate::requests;

/// A failed request.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldProblem>,
    retry_after_s: Option<u64>,
    /// For our log only: it may name what callers must not know.
    cause: Option<String>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
            cause: None,
        }
    }

    pub(crate) fn unauthorized() -> Self {
        let detail = "nobody is logged in, or the session or token has ended; log in, or send a token as \
                      Authorization: Bearer";
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    pub(crate) fn forbidden(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    pub(crate) fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::fields(vec![FieldProblem {
            field: field.into(),
            reason: reason.into(),
        }])
    }

    pub(crate) fn fields(errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{} {}", one.field, one.reason),
            many => format!("{} fields are wrong; see errors", many.len()),
        };
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
    }

    fn too_many(reason: &str, retry_after: Duration) -> Self {
        let seconds = retry_after.as_secs() + 1;
        let hint = format!("try again in {seconds} seconds");
        Self {
            retry_after_s: Some(seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, with_hint(reason, &hint))
        }
    }

    /// What the engine says of a failed request, or of a failed task.
    pub(crate) fn told(told: Told) -> Self {
        let status = match told.kind {
            ToldKind::Forbidden => StatusCode::FORBIDDEN,
            ToldKind::NotFound => StatusCode::NOT_FOUND,
            ToldKind::Conflict => StatusCode::CONFLICT,
            ToldKind::Stale => StatusCode::PRECONDITION_FAILED,
            ToldKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            ToldKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            ToldKind::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
            ToldKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ToldKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let errors = told.fields.into_iter().map(|wrong| FieldProblem {
            field: wrong.field,
            reason: wrong.reason,
        });
        Self {
            errors: errors.collect(),
            ..Self::new(status, told.detail)
        }
    }

    pub(crate) fn internal(context: &str, cause: impl std::fmt::Display) -> Self {
        Self {
            cause: Some(format!("{context}: {cause}")),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the daemon failed; its log has more under this request_id",
            )
        }
    }
}

/// A sentence from an error and what to do about it.
fn with_hint(reason: &str, hint: &str) -> String {
    format!("{reason}; {hint}")
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let cause = match &error {
            Error::Internal { .. } => Some(format!("engine: {}", chain(&error))),
            _ => None,
        };
        let retry_after_s = match &error {
            Error::TooMany { retry_after } => Some(retry_after.as_secs() + 1),
            _ => None,
        };
        Self {
            cause,
            retry_after_s,
            ..Self::told(error.told())
        }
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Wrong => Self::new(StatusCode::UNAUTHORIZED, error.to_string()),
            LoginError::TooMany { retry_after } => Self::too_many(&error.to_string(), retry_after),
            LoginError::Busy => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                with_hint(&error.to_string(), "try again in a moment"),
            ),
            LoginError::Accounts(_) => Self {
                cause: Some(chain(&error)),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "passwords can't be checked on this host: its account file can't be read; the daemon's log says why",
                )
            },
            LoginError::Internal(error) => error.into(),
        }
    }
}

impl Failure {
    /// The document, under the name that the daemon's log has for what failed.
    pub(crate) fn into_problem(self, request_id: String) -> Problem {
        Problem {
            kind: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            request_id,
            errors: self.errors,
        }
    }

    /// Tells the log what the caller is not told.
    pub(crate) fn log(&self) {
        if let Some(cause) = &self.cause {
            tracing::error!(
                request_id = requests::id(),
                status = self.status.as_u16(),
                cause
            );
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.log();
        let (status, retry_after_s) = (self.status, self.retry_after_s);
        let mut response = (status, Json(self.into_problem(requests::id()))).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
