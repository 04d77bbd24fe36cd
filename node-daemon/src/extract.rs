//! Reading requests strictly: what we don't know is refused, by name.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::header::{CONTENT_TYPE, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use qx_model::name::{ImageName, UserName, VolumeName};
use qx_model::vm::VmId;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use uuid::Uuid;

use crate::problem::Failure;

/// Largest JSON body.
const LARGEST_BODY: usize = 1 << 20;
/// A body of any length that brings nothing for this long is given up.
const STALLED: Duration = Duration::from_secs(60);
/// Bytes of a refused body that are taken.
const MOST_DRAINED: usize = 1 << 30;
/// How long a JSON body may take, and the rest of a refused one.
const BODY_TIME: Duration = Duration::from_secs(30);

/// A JSON body, in and out.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: DeserializeOwned + Serialize, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let kind = kind
            .and_then(|kind| kind.split(';').next())
            .unwrap_or_default()
            .trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be JSON, with Content-Type: application/json",
            ));
        }
        let body = Limited::new(request.into_body(), LARGEST_BODY).collect();
        let body = tokio::time::timeout(BODY_TIME, body).await.map_err(|_| {
            Failure::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body took longer than 30 seconds",
            )
        })?;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Failure::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the body may have at most 1 MiB",
                )
            } else {
                Failure::new(StatusCode::BAD_REQUEST, "the body broke off")
            }
        })?;
        parse(&body.to_bytes()).map(Self)
    }
}

fn parse<T: DeserializeOwned + Serialize>(body: &[u8]) -> Result<T, Failure> {
    let starts = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if starts.is_some_and(|byte| *byte != b'{') {
        // Whatever else it is: told apart from what is no JSON at all.
        return match serde_json::from_slice::<IgnoredAny>(body) {
            Ok(_) => Err(Failure::field("body", "must be an object")),
            Err(error) => Err(not_json(&error)),
        };
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        if error.inner().is_data() {
            blame(&error.path().to_string(), &error.inner().to_string())
        } else {
            not_json(error.inner())
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    let sent: Value = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    let understood =
        serde_json::to_value(&value).map_err(|error| Failure::internal("reading a body", error))?;
    match list_for_object(&sent, &understood) {
        Some(path) => Err(Failure::field(path, "must be an object")),
        None => Ok(value),
    }
}

/// The path of a list that serde took for an object, its items for the fields in order.
fn list_for_object(sent: &Value, understood: &Value) -> Option<String> {
    match (sent, understood) {
        (Value::Array(_), Value::Object(_)) => Some(String::new()),
        (Value::Array(sent), Value::Array(understood)) => sent
            .iter()
            .zip(understood)
            .enumerate()
            .find_map(|(index, (sent, understood))| {
                list_for_object(sent, understood).map(|rest| format!("[{index}]{rest}"))
            }),
        (Value::Object(sent), Value::Object(understood)) => sent.iter().find_map(|(key, sent)| {
            let rest = list_for_object(sent, understood.get(key)?)?;
            let dot = if rest.is_empty() || rest.starts_with('[') {
                ""
            } else {
                "."
            };
            Some(format!("{key}{dot}{rest}"))
        }),
        _ => None,
    }
}

fn not_json(error: &serde_json::Error) -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        format!("the body is not JSON: {error}"),
    )
}

/// Names the field that serde's message is about: the message of a missing or unknown field has its
/// name, the path only that of the object around it.
fn blame(path: &str, message: &str) -> Failure {
    let message = message.split(" at line ").next().unwrap_or(message);
    let named = ["unknown field `", "missing field `", "duplicate field `"]
        .into_iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next());
    let path = if path == "." { "" } else { path };
    let field = match (path, named) {
        ("", Some(name)) => name.to_owned(),
        ("", None) => "body".to_owned(),
        (path, Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => {
            format!("{path}.{name}")
        }
        (path, _) => path.to_owned(),
    };
    let reason = match message.split_once('`') {
        Some(("missing field ", _)) => "is required".to_owned(),
        Some(("duplicate field ", _)) => "is there twice".to_owned(),
        Some(("unknown field ", rest)) => match rest.split_once("expected ") {
            Some((_, known)) => format!("is not known here; known are {known}"),
            None => "is not known here".to_owned(),
        },
        _ => format!("is wrong: {message}"),
    };
    Failure::field(field, reason)
}

/// The query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs))
            .map(Self)
            .map_err(|error| blame(&error.path().to_string(), &error.inner().to_string()))
    }
}

/// The `{id}` of a path.
pub(crate) struct Id(pub(crate) Uuid);

impl Id {
    pub(crate) const fn vm(&self) -> VmId {
        VmId(self.0)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let text = path_parameter(parts, state, "id").await?;
        text.parse()
            .map(Self)
            .map_err(|_| Failure::field("id", "must be a UUID"))
    }
}

/// The `{target}` of a drive's path: letters and digits.
pub(crate) struct Target(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let text = path_parameter(parts, state, "target").await?;
        if text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self(text))
        } else {
            Err(Failure::field(
                "target",
                "must be a drive's name, such as vda",
            ))
        }
    }
}

/// The `{mac}` of a NIC's path, in lower case.
pub(crate) struct Mac(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Mac {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let text = path_parameter(parts, state, "mac").await?;
        let text = text.to_ascii_lowercase();
        let pairs: Vec<&str> = text.split(':').collect();
        let hex =
            |pair: &&str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
        if pairs.len() == 6 && pairs.iter().all(hex) {
            Ok(Self(text))
        } else {
            let reason = "must be a MAC address, such as 52:54:00:12:34:56";
            Err(Failure::field("mac", reason))
        }
    }
}

/// The revisions in `If-Match`; `None` where there is no such header, or any will do.
pub(crate) struct IfMatch(pub(crate) Option<Vec<String>>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let mut revisions = Vec::new();
        let sent = parts.headers.get_all(IF_MATCH);
        if sent.iter().next().is_none() {
            return Ok(Self(None));
        }
        for value in sent {
            let text = value.to_str().unwrap_or_default();
            for tag in text.split(',').map(str::trim) {
                let strong = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                match (tag, strong) {
                    ("*", _) => return Ok(Self(None)),
                    (_, Some(revision)) => revisions.push(revision.to_owned()),
                    // Never the same, by RFC 9110.
                    _ if tag.starts_with("W/\"") => {}
                    _ => {
                        let reason = "must be an ETag in quotes, as the answer to a read has it";
                        return Err(Failure::field("If-Match", reason));
                    }
                }
            }
        }
        Ok(Self(Some(revisions)))
    }
}

/// The `{name}` of an image's path.
pub(crate) struct Name(pub(crate) ImageName);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let text = path_parameter(parts, state, "name").await?;
        ImageName::try_from(text)
            .map(Self)
            .map_err(|error| Failure::field("name", error.to_string()))
    }
}

/// Where an upload goes on that broke off.
const OFFSET: &str = "Upload-Offset";

/// Bytes of an upload that are here already.
pub(crate) fn offset(headers: &HeaderMap) -> Result<u64, Failure> {
    let Some(header) = headers.get(OFFSET) else {
        return Ok(0);
    };
    let number = header.to_str().ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Failure::field(OFFSET, "must be a number of bytes"))
}

/// The `{service}` of a service's path.
pub(crate) struct ServicePath(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for ServicePath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        path_parameter(parts, state, "service").await.map(Self)
    }
}

/// The `{volume}` of a volume's path.
pub(crate) struct Volume(pub(crate) VolumeName);

impl<S: Send + Sync> FromRequestParts<S> for Volume {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let text = path_parameter(parts, state, "volume").await?;
        VolumeName::try_from(text)
            .map(Self)
            .map_err(|error| Failure::field("volume", error.to_string()))
    }
}

/// The `{name}` of a user's path.
pub(crate) struct UserPath(pub(crate) UserName);

impl<S: Send + Sync> FromRequestParts<S> for UserPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let text = path_parameter(parts, state, "name").await?;
        UserName::try_from(text)
            .map(Self)
            .map_err(|error| Failure::field("name", error.to_string()))
    }
}

/// The `{name}` of a snapshot's path. Other programs name theirs as they like.
pub(crate) struct SnapshotRef(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for SnapshotRef {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        snapshot_ref(path_parameter(parts, state, "name").await?).map(Self)
    }
}

/// A text that can be a snapshot's name.
pub(crate) fn snapshot_ref(name: String) -> Result<String, Failure> {
    let wrong = name.is_empty() || name.len() > 255 || name.chars().any(char::is_control);
    match wrong {
        false => Ok(name),
        true => Err(Failure::field(
            "name",
            "must be 1 to 255 bytes without control characters",
        )),
    }
}

/// The `{pid}` of a command's path.
pub(crate) struct Pid(pub(crate) u64);

impl<S: Send + Sync> FromRequestParts<S> for Pid {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let text = path_parameter(parts, state, "pid").await?;
        let number = text.parse().map(Self);
        number.map_err(|_| Failure::field("pid", "must be a number, 0 or more"))
    }
}

async fn path_parameter<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    name: &str,
) -> Result<String, Failure> {
    let parameters = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| Failure::field(name, "must be UTF-8"))?;
    let value = parameters
        .iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned());
    value.ok_or_else(|| Failure::internal("routing", format!("no parameter {name}")))
}

/// A body of any length, as it arrives.
pub(crate) fn pieces(body: Body) -> Pieces {
    let body = Some(body.into_data_stream());
    let pieces = futures_util::stream::unfold(body, async |body| {
        let mut body = body?;
        match tokio::time::timeout(STALLED, body.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(body))),
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Ok(None) => None,
            Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
        }
    });
    // Whoever drains it asks again after its end.
    Box::pin(pieces.fuse())
}

/// The pieces of a body.
pub(crate) type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Takes the rest of a body that was refused: over HTTP/1.1, who still sends does not listen, and would only
/// learn that the connection broke.
pub(crate) async fn drain(mut body: Pieces) {
    let mut taken = 0;
    let rest = async {
        while let Some(Ok(piece)) = body.next().await {
            taken += piece.len();
            if taken > MOST_DRAINED {
                break;
            }
        }
    };
    // Whoever takes longer hears no reason.
    let _ = tokio::time::timeout(BODY_TIME, rest).await;
}

#[cfg(test)]
mod tests {
    use qx_api::rest::VmCreate;

    use super::*;

    fn refused(body: &str) -> (u16, String) {
        let failure = parse::<VmCreate>(body.as_bytes()).unwrap_err();
        let field = failure.errors.first().map(|error| error.field.clone());
        (failure.status.as_u16(), field.unwrap_or_default())
    }

    #[test]
    fn a_wrong_field_is_named_by_its_path() {
        assert_eq!(refused(r#"{"name":1}"#), (422, "name".into()));
        assert_eq!(refused(r"{}"), (422, "name".into()));
        assert_eq!(refused(r#"{"name":"a","nmae":"b"}"#), (422, "nmae".into()));
        assert_eq!(refused(r#"{"name":"a","name":"b"}"#), (422, "name".into()));
        assert_eq!(
            refused(r#"{"name":"a","disks":[{},{"size":1}]}"#),
            (422, "disks[1].size".into())
        );
        let negative = r#"{"name":"a","disks":[{"size_bytes":-1}]}"#;
        assert_eq!(refused(negative), (422, "disks[0].size_bytes".into()));
        assert_eq!(
            refused(r#"{"name":"a","firmware":"dos"}"#),
            (422, "firmware".into())
        );
        assert_eq!(refused(r#"{"name":"a","nics":[{"plug":"x"}]}"#).0, 422);
        assert_eq!(refused("[]"), (422, "body".into()));
        assert_eq!(refused(r#"[null,"web"]"#), (422, "body".into()));
        assert_eq!(
            refused(r#"{"name":"a","disks":[[512]]}"#),
            (422, "disks[0]".into())
        );
        assert_eq!(refused("{"), (400, String::new()));
        assert_eq!(refused(r#"{"name":"a"} x"#), (400, String::new()));
    }
}
