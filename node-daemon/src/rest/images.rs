//! The image library.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use qx_api::rest::ImagePage;

use crate::app::App;
use crate::callers::Caller;
use crate::extract::{Json, Name};
use crate::problem::Failure;

const CHECKSUM: &str = "X-Checksum-SHA256";
/// An upload that brings nothing for this long is given up.
const STALLED: Duration = Duration::from_secs(60);

pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<ImagePage>, Failure> {
    let images = app.engine.images.list(&caller.identity.actor).await?;
    Ok(Json(ImagePage {
        items: images.into_iter().map(Into::into).collect(),
    }))
}

pub(super) async fn upload(
    State(app): State<App>,
    caller: Caller,
    Name(name): Name,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Failure> {
    let sha256 = checksum(&headers)?;
    let images = &app.engine.images;
    let image = images
        .upload(&caller.identity.actor, name, pieces(body), sha256)
        .await?;
    Ok((StatusCode::CREATED, Json(qx_api::rest::Image::from(image))))
}

fn checksum(headers: &HeaderMap) -> Result<Option<[u8; 32]>, Failure> {
    let Some(header) = headers.get(CHECKSUM) else {
        return Ok(None);
    };
    let digest = hex::decode(header.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok());
    digest
        .map(Some)
        .ok_or_else(|| Failure::field(CHECKSUM, "must be 64 hexadecimal digits"))
}

fn pieces(body: Body) -> impl Stream<Item = io::Result<Bytes>> + Send {
    futures_util::stream::unfold(Some(body.into_data_stream()), async |body| {
        let mut body = body?;
        match tokio::time::timeout(STALLED, body.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(body))),
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Ok(None) => None,
            Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
        }
    })
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Name(name): Name,
) -> Result<StatusCode, Failure> {
    app.engine
        .images
        .delete(&caller.identity.actor, &name)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
