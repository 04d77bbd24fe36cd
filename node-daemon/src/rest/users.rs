//! Users, and one's own password.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::IntoResponse;
use qx_api::rest::{PasswordChange, User, UserCreate, UserPage, UserPatch};
use qx_engine::users;
use qx_model::name::UserName;
use serde::Deserialize;

use crate::app::App;
use crate::callers::{Caller, Peer};
use crate::convert;
use crate::extract::{IfMatch, Json, Query, UserPath};
use crate::problem::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    cursor: Option<String>,
}

pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<UserPage>, Failure> {
    let limit = super::limit(query.limit)?;
    let after = query.cursor.map(|text| name("cursor", text)).transpose()?;
    let users = &app.engine.users;
    let (page, next) = users.list(&caller.identity.actor, after.as_ref(), limit)?;
    Ok(Json(UserPage {
        items: page.into_iter().map(convert::user).collect(),
        next: next.map(|name| name.to_string()),
    }))
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<UserCreate>,
) -> Result<impl IntoResponse, Failure> {
    let name = name("name", wish.name)?;
    let users = &app.engine.users;
    let by = &caller.identity;
    let user = users
        .create(by, name, wish.password, wish.role.into())
        .await?;
    let location = format!("/api/v1/users/{}", user.name);
    Ok((StatusCode::CREATED, [(LOCATION, location)], tagged(user)))
}

pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    UserPath(name): UserPath,
) -> Result<impl IntoResponse, Failure> {
    let user = app.engine.users.get(&caller.identity.actor, &name)?;
    Ok(tagged(user))
}

pub(super) async fn patch(
    State(app): State<App>,
    caller: Caller,
    UserPath(name): UserPath,
    IfMatch(revisions): IfMatch,
    Json(patch): Json<UserPatch>,
) -> Result<impl IntoResponse, Failure> {
    let change = users::Change {
        role: patch.role.map(Into::into),
        disabled: patch.disabled,
        password: patch.password,
    };
    let users = &app.engine.users;
    let user = users
        .update(&caller.identity, &name, revisions, change)
        .await?;
    Ok(tagged(user))
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    UserPath(name): UserPath,
) -> Result<StatusCode, Failure> {
    app.engine.users.delete(&caller.identity, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn change_password(
    State(app): State<App>,
    caller: Caller,
    peer: Peer,
    Json(wish): Json<PasswordChange>,
) -> Result<StatusCode, Failure> {
    let (current, new) = (wish.current_password, wish.new_password);
    let (cookie, from) = (caller.cookie.as_deref(), peer.address());
    let auth = &app.engine.auth;
    auth.change_password(&caller.identity, current, new, cookie, from)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn name(field: &str, text: String) -> Result<UserName, Failure> {
    UserName::try_from(text).map_err(|error| Failure::field(field, error.to_string()))
}

/// A user with its `ETag`.
fn tagged(user: users::User) -> impl IntoResponse {
    let user: User = convert::user(user);
    ([(ETAG, format!("\"{}\"", user.revision))], Json(user))
}
