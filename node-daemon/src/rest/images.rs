//! The image library.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use qx_api::rest::{ImagePage, ImageUpload, ImageUploadPage};
use qx_engine::{Announced, PartialImage};

use crate::app::App;
use crate::callers::Caller;
use crate::extract::{Json, Name, drain, offset, pieces};
use crate::problem::Failure;

const CHECKSUM: &str = "X-Checksum-SHA256";

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
    let announced = Announced {
        offset: offset(&headers)?,
        size: length(&headers),
        sha256: checksum(&headers)?,
    };
    let (images, actor) = (&app.engine.images, &caller.identity.actor);
    let mut body = pieces(body);
    let stored = images.upload(actor, name, &mut body, announced).await;
    match stored {
        Ok(image) => Ok((StatusCode::CREATED, Json(qx_api::rest::Image::from(image)))),
        Err(error) => {
            drain(body).await;
            Err(error.into())
        }
    }
}

/// How much is announced.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(super) fn checksum(headers: &HeaderMap) -> Result<Option<[u8; 32]>, Failure> {
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

pub(super) async fn uploads(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<ImageUploadPage>, Failure> {
    let parts = app.engine.images.partial(&caller.identity.actor).await?;
    Ok(Json(ImageUploadPage {
        items: parts.into_iter().map(wire).collect(),
    }))
}

fn wire((part, under_way): (PartialImage, bool)) -> ImageUpload {
    ImageUpload {
        name: part.name.into(),
        received_bytes: part.received_bytes,
        total_bytes: part.total_bytes,
        tail_bytes: part.tail_bytes,
        tail_sha256: hex::encode(part.tail_sha256),
        under_way,
    }
}

pub(super) async fn forget_upload(
    State(app): State<App>,
    caller: Caller,
    Name(name): Name,
) -> Result<StatusCode, Failure> {
    let images = &app.engine.images;
    images.forget_partial(&caller.identity.actor, name).await?;
    Ok(StatusCode::NO_CONTENT)
}
