//! Volumes, and their bytes on the way out and in.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION,
    RANGE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use qx_api::rest::{Volume, VolumeCreate, VolumeFormat, VolumePage, VolumePatch};
use qx_engine::Error;
use qx_engine::volumes::{VolumeFile, VolumeInUse};
use qx_model::storage::{PoolId, VolumeRef};
use serde::Deserialize;

use super::images::{checksum, length};
use super::tasks::{Prefer, respond};
use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::{self, Id, Json, Query, drain, pieces};
use crate::problem::Failure;

/// What is read of a volume at once, in bytes.
const PIECE: u64 = 256 << 10;

fn named(id: Id, volume: extract::Volume) -> VolumeRef {
    VolumeRef {
        pool: PoolId(id.0),
        name: volume.0,
    }
}

fn made(volume: VolumeInUse) -> impl IntoResponse {
    let volume = convert::volume(volume);
    let location = format!("/api/v1/pools/{}/volumes/{}", volume.pool, volume.name);
    (StatusCode::CREATED, [(LOCATION, location)], Json(volume))
}

pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<VolumePage>, Failure> {
    let volumes = &app.engine.volumes;
    let volumes = volumes.list(&caller.identity.actor, PoolId(id)).await?;
    Ok(Json(VolumePage {
        items: volumes.into_iter().map(convert::volume).collect(),
    }))
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    prefer: Prefer,
    Id(id): Id,
    Json(wish): Json<VolumeCreate>,
) -> Result<Response, Failure> {
    let wish = convert::volume_wish(PoolId(id), &wish).map_err(Error::Invalid)?;
    let volumes = &app.engine.volumes;
    let started = volumes.begin_create(&caller.identity.actor, wish).await?;
    respond(started, prefer, made).await
}

pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    volume: extract::Volume,
) -> Result<Json<Volume>, Failure> {
    let volumes = &app.engine.volumes;
    let seen = volumes
        .get(&caller.identity.actor, &named(id, volume))
        .await?;
    Ok(Json(convert::volume(seen)))
}

pub(super) async fn patch(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    volume: extract::Volume,
    Json(patch): Json<VolumePatch>,
) -> Result<Json<Volume>, Failure> {
    let (volumes, actor) = (&app.engine.volumes, &caller.identity.actor);
    let resized = volumes.resize(actor, named(id, volume), patch.size_bytes, patch.shrink);
    Ok(Json(convert::volume(resized.await?)))
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    volume: extract::Volume,
) -> Result<StatusCode, Failure> {
    let volumes = &app.engine.volumes;
    volumes
        .delete(&caller.identity.actor, named(id, volume))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn download(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    volume: extract::Volume,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let volumes = &app.engine.volumes;
    let file = volumes
        .download(&caller.identity.actor, named(id, volume))
        .await?;
    let (name, whole) = (file.name.clone(), file.length);
    let wanted = headers.get(RANGE).map(|value| range(value, whole));
    let (status, part) = match wanted {
        None | Some(Wanted::Whole) => (StatusCode::OK, 0..whole),
        Some(Wanted::Part(part)) => (StatusCode::PARTIAL_CONTENT, part),
        Some(Wanted::Nothing) => {
            let detail = format!("there are no such bytes: the volume {name} has {whole}");
            let refused = Failure::new(StatusCode::RANGE_NOT_SATISFIABLE, detail);
            let size = [(CONTENT_RANGE, format!("bytes */{whole}"))];
            return Ok((size, refused).into_response());
        }
    };
    let mut response = Body::from_stream(content(file, part.clone())).into_response();
    *response.status_mut() = status;
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(CONTENT_TYPE, "application/octet-stream".to_owned());
    set(CONTENT_LENGTH, (part.end - part.start).to_string());
    set(ACCEPT_RANGES, "bytes".to_owned());
    set(
        CONTENT_DISPOSITION,
        format!("attachment; filename=\"{name}\""),
    );
    if status == StatusCode::PARTIAL_CONTENT {
        set(
            CONTENT_RANGE,
            format!("bytes {}-{}/{whole}", part.start, part.end - 1),
        );
    }
    Ok(response)
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// Not understood, or several ranges: all may be sent (RFC 9110, 14.2).
    Whole,
    Part(Range<u64>),
    /// Beyond the end.
    Nothing,
}

fn range(header: &HeaderValue, whole: u64) -> Wanted {
    let read = || {
        let text = header.to_str().ok()?.trim().strip_prefix("bytes=")?;
        let (first, last) = text.split_once('-')?;
        let (first, last) = (first.trim(), last.trim());
        if first.is_empty() {
            let length: u64 = last.parse().ok()?;
            return Some(whole.saturating_sub(length)..whole);
        }
        let first: u64 = first.parse().ok()?;
        let end = match last {
            "" => whole,
            last => last.parse::<u64>().ok().filter(|last| *last >= first)?,
        };
        let end = if last.is_empty() {
            end
        } else {
            end.saturating_add(1)
        };
        Some(first..end.min(whole))
    };
    match read() {
        None => Wanted::Whole,
        Some(part) if part.start < part.end => Wanted::Part(part),
        Some(_) => Wanted::Nothing,
    }
}

/// A part of a file, read as fast as it is taken.
fn content(
    file: VolumeFile,
    part: Range<u64>,
) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send {
    let start = (Arc::new(file), part);
    futures_util::stream::try_unfold(start, async |(file, left)| {
        if left.start >= left.end {
            return Ok(None);
        }
        let (reader, from) = (Arc::clone(&file), left.clone());
        let read = tokio::task::spawn_blocking(move || {
            let most = (from.end - from.start).min(PIECE);
            let mut piece = vec![0; usize::try_from(most).unwrap_or_default()];
            let length = reader.file.read_at(&mut piece, from.start)?;
            piece.truncate(length);
            Ok::<_, io::Error>(piece)
        });
        let piece = read.await.map_err(io::Error::other)??;
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let next = left.start + piece.len() as u64..left.end;
        Ok(Some((Bytes::from(piece), (file, next))))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadQuery {
    format: Option<VolumeFormat>,
}

pub(super) async fn upload(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    volume: extract::Volume,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Failure> {
    let announced = (length(&headers), checksum(&headers)?);
    let (volumes, actor) = (&app.engine.volumes, &caller.identity.actor);
    let format = query.format.map(Into::into);
    let mut body = pieces(body);
    let stored = volumes
        .upload(actor, named(id, volume), format, &mut body, announced)
        .await;
    match stored {
        Ok(volume) => Ok(made(volume)),
        Err(error) => {
            drain(body).await;
            Err(error.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read_as_rfc_9110_says() {
        let read = |text: &str| range(&HeaderValue::from_str(text).unwrap(), 100);
        for (text, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=10-", 10..100),
            ("bytes=10-1000", 10..100),
            ("bytes=-10", 90..100),
            ("bytes=-1000", 0..100),
            ("bytes=99-18446744073709551615", 99..100),
        ] {
            assert_eq!(read(text), Wanted::Part(part), "{text}");
        }
        for text in ["bytes=100-", "bytes=1000-2000", "bytes=-0"] {
            assert_eq!(read(text), Wanted::Nothing, "{text}");
        }
        for text in [
            "bytes=5-4",
            "bytes=a-b",
            "lines=0-1",
            "bytes=0-1,3-4",
            "",
            "bytes=--1",
        ] {
            assert_eq!(read(text), Wanted::Whole, "{text}");
        }
    }
}
