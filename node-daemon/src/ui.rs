//! The built web UI: files from one directory, compressed beforehand. Owns the mapping of paths to files;
//! nothing outside of the directory, and nothing hidden in it, can be named.

use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    VARY,
};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::problem::Failure;

/// The page that every route of the app starts from.
const INDEX: &str = "index.html";
/// Files in here carry a hash of their content in their name.
const HASHED: &str = "assets/";

/// A file to be sent.
struct Found {
    path: PathBuf,
    encoding: Option<&'static str>,
    etag: String,
}

/// Whatever is no endpoint: a file of the UI, its start page for paths of its own, or a problem.
pub(crate) async fn fallback(State(app): State<App>, request: Request) -> Response {
    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if path.starts_with("/api/") || !reads {
        return missing(
            "there is nothing at this path; /api/v1/openapi.json describes what there is",
        );
    }
    match serve(&app.ui, path, request.headers()).await {
        Ok(response) => response,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            missing("there is no such file in the web UI of this host")
        }
        Err(error) => Failure::internal("reading the web UI", error).into_response(),
    }
}

fn missing(detail: &str) -> Response {
    Failure::new(StatusCode::NOT_FOUND, detail).into_response()
}

async fn serve(root: &Path, path: &str, headers: &HeaderMap) -> io::Result<Response> {
    let name = safe_name(path);
    let accepted = headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    let encodings = accepted.unwrap_or_default();
    let direct = match name {
        Some(name) => find(root, name, encodings).await,
        None => Err(io::ErrorKind::NotFound.into()),
    };
    let (name, found) = match (name, direct) {
        (Some(name), Ok(found)) => (name, found),
        (_, Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        // A path of the app itself, which the app will make sense of.
        _ if wants_page(headers) => (INDEX, find(root, INDEX, encodings).await?),
        _ => return Err(io::ErrorKind::NotFound.into()),
    };
    let caching = if name.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|tag| tag == found.etag.as_str())
    {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let content = Body::from(tokio::fs::read(&found.path).await?);
        ([(CONTENT_TYPE, media_type(name))], content).into_response()
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    };
    set(CACHE_CONTROL, caching);
    set(ETAG, &found.etag);
    set(VARY, ACCEPT_ENCODING.as_str());
    if let Some(encoding) = found.encoding {
        set(CONTENT_ENCODING, encoding);
    }
    Ok(response)
}

/// The path below the UI's directory; `None` for anything but plain names separated by single slashes.
fn safe_name(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?;
    let name = if name.is_empty() { INDEX } else { name };
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    name.split('/').all(plain).then_some(name)
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

async fn find(root: &Path, name: &str, encodings: &str) -> io::Result<Found> {
    let accepts = |wanted: &str| {
        encodings.split(',').any(|encoding| {
            let mut parts = encoding.split(';').map(str::trim);
            parts.next() == Some(wanted) && !parts.any(|weight| weight == "q=0")
        })
    };
    for (encoding, suffix) in [("br", ".br"), ("gzip", ".gz")] {
        if accepts(encoding)
            && let Ok(found) = stat(root.join(format!("{name}{suffix}")), Some(encoding)).await
        {
            return Ok(found);
        }
    }
    stat(root.join(name), None).await
}

async fn stat(path: PathBuf, encoding: Option<&'static str>) -> io::Result<Found> {
    let metadata = tokio::fs::metadata(&path).await?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let age = metadata
        .modified()?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let length = metadata.len();
    let etag = format!(
        "\"{:x}-{length:x}{}\"",
        age.as_nanos(),
        encoding.unwrap_or_default()
    );
    Ok(Found {
        path,
        encoding,
        etag,
    })
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_outside_or_to_hidden_files() {
        for bad in [
            "/../etc/shadow",
            "/assets/../../x",
            "/%2e%2e/x",
            "/.env",
            "/a/.b",
            "//x",
            "/a//b",
            "/a\\b",
            "/a b",
            "/a\0",
            "x",
        ] {
            assert_eq!(safe_name(bad), None, "{bad}");
        }
        assert_eq!(safe_name("/"), Some("index.html"));
        assert_eq!(safe_name("/assets/app-1a2b.js"), Some("assets/app-1a2b.js"));
    }
}
