//! The host's configuration as a whole.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use percent_encoding::percent_decode;
use qx_api::rest::{HostBackup, HostPower, HostPowerAction, HostReset, HostRestored, ResetScope};
use qx_engine::host::{Protection, Restored};
use qx_host::pending::{RestoreOptions, Scope};
use qx_host::power::PowerAction;
use serde::Deserialize;

use crate::app::App;
use crate::callers::Caller;
use crate::extract::{Json, Query, drain, pieces};
use crate::problem::Failure;

const PASSPHRASE: &str = "Backup-Passphrase";

/// The query of a restore.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    #[serde(default)]
    skip_network: bool,
    #[serde(default)]
    same_machine: bool,
}

pub(super) async fn back_up(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<HostBackup>,
) -> Result<impl IntoResponse, Failure> {
    let protection = protection(wish.passphrase, wish.unencrypted)?;
    let actor = &caller.identity.actor;
    let maker = app.engine.host.maker(actor, app.hostname())?;
    let file = app.engine.host.backup(actor, protection, maker).await?;
    Ok(attachment(&file.name, file.bytes))
}

/// A file for the caller to keep. `name` is made of the host's name and a date.
pub(super) fn attachment(name: &str, bytes: Vec<u8>) -> impl IntoResponse + use<> {
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, bytes)
}

pub(super) async fn restore(
    State(app): State<App>,
    caller: Caller,
    Query(options): Query<Options>,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Failure> {
    let passphrase = passphrase(&headers)?;
    let options = RestoreOptions {
        skip_network: options.skip_network,
        same_machine: options.same_machine,
    };
    let mut body = pieces(body);
    let host = &app.engine.host;
    let outcome = host
        .restore(&caller.identity.actor, &mut body, passphrase, options)
        .await;
    match outcome {
        Ok(done) => Ok((StatusCode::ACCEPTED, Json(restored(done)))),
        Err(error) => {
            drain(body).await;
            Err(error.into())
        }
    }
}

pub(super) async fn reset(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<HostReset>,
) -> Result<StatusCode, Failure> {
    let (actor, hostname) = (&caller.identity.actor, app.hostname());
    let host = &app.engine.host;
    host.reset(actor, scope(wish.scope), &wish.confirm, &hostname)
        .await?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn power(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<HostPower>,
) -> Result<StatusCode, Failure> {
    let action = match wish.action {
        HostPowerAction::Reboot => PowerAction::Reboot,
        HostPowerAction::Shutdown => PowerAction::Off,
    };
    let host = &app.engine.host;
    host.power(&caller.identity.actor, action).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Exactly one of the two has to be asked for.
pub(crate) fn protection(
    passphrase: Option<String>,
    unencrypted: bool,
) -> Result<Protection, Failure> {
    match (passphrase, unencrypted) {
        (Some(passphrase), false) => Ok(Protection::Passphrase(passphrase)),
        (None, true) => Ok(Protection::None),
        (Some(_), true) => Err(Failure::field(
            "unencrypted",
            "and a passphrase exclude each other",
        )),
        (None, false) => Err(Failure::field(
            "passphrase",
            "is required: the backup holds keys. unencrypted = true makes one without",
        )),
    }
}

const fn scope(scope: ResetScope) -> Scope {
    match scope {
        ResetScope::Configuration => Scope::Configuration,
        ResetScope::Everything => Scope::Everything,
    }
}

fn restored(done: Restored) -> HostRestored {
    HostRestored {
        hostname: done.hostname,
        made_by: done.made_by,
        made_at: done.made_at,
        version: done.version,
        signed_by: done.signed_by,
        notes: done.notes,
    }
}

fn passphrase(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(header) = headers.get(PASSPHRASE) else {
        return Ok(None);
    };
    let text = percent_decode(header.as_bytes()).decode_utf8();
    text.map(|text| Some(text.into_owned()))
        .map_err(|_| Failure::field(PASSPHRASE, "must be percent-encoded UTF-8"))
}
