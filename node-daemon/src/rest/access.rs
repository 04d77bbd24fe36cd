//! Sessions, API tokens and the audit log.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use qx_api::rest::{AuditPage, LoginRequest, Session, TokenCreate, TokenPage, TokenSecret};
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::callers::{COOKIE_NAME, Caller, Peer};
use crate::convert;
use crate::extract::{Id, Json, Query};
use crate::problem::Failure;

pub(super) async fn login(
    State(app): State<App>,
    peer: Peer,
    Json(wish): Json<LoginRequest>,
) -> Result<impl IntoResponse, Failure> {
    let login = app
        .engine
        .auth
        .login(&wish.username, wish.password, peer.address());
    let (cookie, identity) = login.await?;
    Ok((set_cookie(&cookie, ""), Json(convert::session(&identity))))
}

pub(super) async fn session(caller: Caller) -> Json<Session> {
    Json(convert::session(&caller.identity))
}

pub(super) async fn logout(State(app): State<App>, caller: Caller) -> impl IntoResponse {
    if let Some(cookie) = &caller.cookie {
        app.engine.auth.logout(&caller.identity, cookie);
    }
    (StatusCode::NO_CONTENT, set_cookie("", "; Max-Age=0"))
}

fn set_cookie(secret: &str, more: &str) -> HeaderMap {
    let cookie = format!("{COOKIE_NAME}={secret}; Secure; HttpOnly; SameSite=Strict; Path=/{more}");
    // Hex and constants: always a valid header.
    HeaderValue::try_from(cookie)
        .map(|cookie| (SET_COOKIE, cookie))
        .into_iter()
        .collect()
}

pub(super) async fn create_token(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<TokenCreate>,
) -> Result<impl IntoResponse, Failure> {
    let lifetime = wish.expires_in_s.map(Duration::from_secs);
    let tokens = &app.engine.tokens;
    let created = tokens.create(&caller.identity, wish.name, wish.role.into(), lifetime);
    let (token, secret) = created.await?;
    let answer = TokenSecret {
        id: token.id,
        token: secret,
        name: token.name,
        role: token.role.into(),
        expires_at: token.expires_at,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokensQuery {
    limit: Option<usize>,
    cursor: Option<Uuid>,
}

pub(super) async fn list_tokens(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TokensQuery>,
) -> Result<Json<TokenPage>, Failure> {
    let limit = super::limit(query.limit)?;
    let tokens = &app.engine.tokens;
    let (page, next) = tokens.list(&caller.identity, query.cursor, limit)?;
    Ok(Json(TokenPage {
        items: page.into_iter().map(convert::token).collect(),
        next: next.map(|id| id.to_string()),
    }))
}

pub(super) async fn delete_token(
    State(app): State<App>,
    caller: Caller,
    id: Id,
) -> Result<StatusCode, Failure> {
    app.engine.tokens.delete(&caller.identity, id.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    limit: Option<usize>,
    cursor: Option<u64>,
}

pub(super) async fn list_audit(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditPage>, Failure> {
    let limit = super::limit(query.limit)?;
    let (entries, next) = app
        .engine
        .audit
        .list(&caller.identity.actor, query.cursor, limit)
        .await?;
    Ok(Json(AuditPage {
        items: entries.into_iter().map(convert::audit_entry).collect(),
        next: next.map(|id| id.to_string()),
    }))
}
