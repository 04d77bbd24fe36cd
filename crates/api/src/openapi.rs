//! The OpenAPI 3.1 document, written from the endpoint table and the schemas of the REST types.

use serde_json::{Map, Value, json};
use utoipa::PartialSchema;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::endpoints::{ALL, Access, Endpoint, Input, Output, Parameter};
use crate::rest;

/// The whole document, keys in a fixed order.
///
/// # Errors
/// Only if a schema can't be written as JSON.
pub fn document() -> serde_json::Result<Value> {
    let mut paths = Map::new();
    for endpoint in ALL {
        let item = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        item[endpoint.method.as_str().to_lowercase()] = operation(endpoint);
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Quantix-OS",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The node daemon of a Quantix-OS host. Every error is an RFC 9457 problem document.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas()?,
            "securitySchemes": {
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "__Host-qx_session",
                    "description": "From `POST /api/v1/session`; what changes something also needs `X-CSRF-Token`.",
                },
                "token": { "type": "http", "scheme": "bearer" },
            },
        },
    }))
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut parameters: Vec<Value> = path_parameters(endpoint.path).map(path_parameter).collect();
    parameters.extend(endpoint.parameters.iter().map(other_parameter));
    parameters.extend(endpoint.or_task.then(prefer));
    let mut responses = Map::new();
    for (status, response) in successes(endpoint) {
        responses.insert(status.to_string(), response);
    }
    if endpoint.or_task {
        responses.insert("202".to_owned(), task());
    }
    for status in problem_statuses(endpoint) {
        responses
            .entry(status.to_string())
            .or_insert_with(|| problem(status));
    }
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "tags": [tag(endpoint.path)],
        "responses": responses,
        "security": match endpoint.access {
            Access::Public => json!([]),
            _ => json!([{ "session": [] }, { "token": [] }]),
        },
    });
    if let Some(required) = endpoint.operation() {
        operation["x-required-role"] = json!(rest::Role::from(required.required_role()));
    }
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    match endpoint.input {
        Input::None => {}
        Input::Json(schema) => {
            operation["requestBody"] = json!({
                "required": true,
                "content": { "application/json": { "schema": reference(schema) } },
            });
        }
        Input::Bytes => {
            operation["requestBody"] = json!({
                "required": true,
                "content": { "application/octet-stream": {} },
            });
        }
    }
    operation
}

fn tag(path: &str) -> &str {
    path.strip_prefix("/api/v1/")
        .and_then(|rest| rest.split('/').next())
        .unwrap_or("health")
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameter(name: &str) -> Value {
    let schema = match name {
        "id" => json!({ "type": "string", "format": "uuid" }),
        "pid" => json!({ "type": "integer", "minimum": 0 }),
        "service" => {
            json!({ "type": "string", "enum": ["qx-node", "libvirtd", "chronyd", "sshd"] })
        }
        "volume" => json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:+@-]{0,127}$" }),
        "mac" => json!({ "type": "string", "pattern": "^([0-9a-f]{2}:){5}[0-9a-f]{2}$" }),
        _ => json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$" }),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

fn other_parameter(parameter: &Parameter) -> Value {
    let mut schema = json!({ "type": parameter.kind });
    if parameter.kind == "integer" {
        schema["minimum"] = json!(if parameter.name == "limit" { 1 } else { 0 });
    }
    match parameter.name {
        "limit" => schema["maximum"] = json!(1000),
        "range_s" => {
            schema["minimum"] = json!(10);
            schema["maximum"] = json!(2_592_000);
        }
        "length" => schema["maximum"] = json!(262_144),
        "step_s" => schema["minimum"] = json!(1),
        _ => {}
    }
    if parameter.name == "X-Checksum-SHA256" {
        schema["pattern"] = json!("^[0-9A-Fa-f]{64}$");
    }
    json!({
        "name": parameter.name,
        "in": if parameter.header { "header" } else { "query" },
        "required": parameter.required,
        "description": parameter.description,
        "schema": schema,
    })
}

fn prefer() -> Value {
    json!({
        "name": "Prefer",
        "in": "header",
        "required": false,
        "description": "`respond-async`: answer the task at once, instead of waiting for its end (RFC 7240).",
        "schema": { "type": "string" },
    })
}

/// Answers 202 and names the task.
fn is_begun(endpoint: &Endpoint) -> bool {
    let of_updates = ["reinstallUpdate", "fetchUpdate"].contains(&endpoint.id);
    of_updates
        || (endpoint.output == Output::Json("Task")
            && ["Snapshot", "Guest"]
                .iter()
                .any(|end| endpoint.id.ends_with(end)))
}

fn task() -> Value {
    json!({
        "description": "The task that does it; with `Prefer: respond-async` only.",
        "content": { "application/json": { "schema": reference("Task") } },
        "headers": {
            "Location": { "schema": { "type": "string" }, "description": "The task's path." },
        },
    })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// Operations whose answer has an `ETag`.
const TAGGED: &[&str] = &[
    "getVm",
    "patchVm",
    "getNetwork",
    "patchNetwork",
    "getUser",
    "createUser",
    "patchUser",
];

fn successes(endpoint: &Endpoint) -> Vec<(u16, Value)> {
    let json_of = |schema| json!({ "application/json": { "schema": reference(schema) } });
    let status = endpoint.status;
    match endpoint.output {
        Output::Empty => vec![(status, json!({ "description": "Done." }))],
        Output::Json("Readiness") => vec![
            (
                status,
                json!({ "description": "It can.", "content": json_of("Readiness") }),
            ),
            (
                503,
                json!({ "description": "It can't.", "content": json_of("Readiness") }),
            ),
        ],
        Output::Json(schema) => {
            let mut response = json!({ "description": "Done.", "content": json_of(schema) });
            if [
                "createVm",
                "cloneVm",
                "createNetwork",
                "createPool",
                "createVolume",
            ]
            .contains(&endpoint.id)
            {
                response["headers"] = json!({
                    "Location": { "schema": { "type": "string" }, "description": "Its path." },
                });
            }
            if TAGGED.contains(&endpoint.id) {
                response["headers"] = json!({
                    "ETag": { "schema": { "type": "string" }, "description": "To be sent as `If-Match`." },
                });
            }
            if is_begun(endpoint) {
                response["headers"] = task()["headers"].clone();
            }
            vec![(status, response)]
        }
        Output::Document => vec![(
            status,
            json!({
                "description": "This document.",
                "content": { "application/json": { "schema": { "type": "object" } } },
            }),
        )],
        Output::Bytes => vec![(
            status,
            json!({
                "description": "The file; `Content-Disposition` names it.",
                "content": { "application/octet-stream": {} },
            }),
        )],
        Output::Ranges => ranges(status),
        Output::Text => vec![(
            status,
            json!({
                "description": "It is.",
                "content": { "text/plain": { "schema": { "type": "string" } } },
            }),
        )],
        Output::Prometheus => vec![(
            status,
            json!({
                "description": "Metrics in Prometheus' text format 0.0.4.",
                "content": { "text/plain": { "schema": { "type": "string" } } },
            }),
        )],
        Output::Events(schema) => vec![
            (
                101,
                json!({ "description": "A WebSocket: each text frame is one of them." }),
            ),
            (
                200,
                json!({
                    "description": match schema {
                        "Event" => "Server-sent events: `data` is the event, `id` its `seq`.",
                        _ => "Server-sent events: `data` is one sample.",
                    },
                    "content": { "text/event-stream": { "schema": server_sent(schema) } },
                }),
            ),
        ],
        Output::WebSocket => {
            vec![(
                status,
                json!({ "description": "A WebSocket: binary frames both ways." }),
            )]
        }
    }
}

/// One event of a stream, as WHATWG's HTML has them.
fn server_sent(schema: &str) -> Value {
    json!({
        "type": "object",
        "required": ["data"],
        "properties": {
            "id": { "type": "string" },
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": reference(schema),
            },
        },
    })
}

/// A file as a whole, and one range of it.
fn ranges(status: u16) -> Vec<(u16, Value)> {
    let header =
        |description: &str| json!({ "schema": { "type": "string" }, "description": description });
    let answer = |description: &str| {
        json!({
            "description": description,
            "content": { "application/octet-stream": {} },
            "headers": { "Accept-Ranges": header("`bytes`.") },
        })
    };
    let mut range = answer("The range that was asked for.");
    range["headers"]["Content-Range"] = header("Which bytes of how many.");
    vec![
        (status, answer("The file; `Content-Disposition` names it.")),
        (206, range),
    ]
}

fn problem_statuses(endpoint: &Endpoint) -> Vec<u16> {
    let mut statuses = endpoint.problems.to_vec();
    if endpoint.access != Access::Public {
        statuses.extend([401, 403]);
    }
    if !endpoint.parameters.is_empty() || endpoint.path.contains('{') {
        statuses.push(422);
    }
    if let Input::Json(_) = endpoint.input {
        statuses.extend([400, 413, 415, 422]);
    }
    statuses.push(500);
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn problem(status: u16) -> Value {
    let description = match status {
        400 => "The body is not JSON.",
        401 => "Not logged in, or the credentials are wrong.",
        403 => "The role doesn't allow it, or the CSRF token or the Origin is wrong.",
        404 => "There is no such thing.",
        409 => "Its state doesn't allow it.",
        412 => "It was changed since it was read.",
        413 => "The body is too large.",
        416 => "There are no such bytes; `Content-Range` says how many there are.",
        415 => "The body is of another type.",
        422 => "A field or parameter is wrong; `errors` names each.",
        426 => "Only a WebSocket can be opened here.",
        429 => "Too many failed log-ins; `Retry-After` says when to try again.",
        503 => "Something that it needs is not there now.",
        507 => "Not enough space.",
        _ => "The daemon failed.",
    };
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": reference("Problem") } },
    })
}

type NamedSchema = (String, RefOr<Schema>);

fn collect<T: ToSchema + PartialSchema>(into: &mut Vec<NamedSchema>) {
    into.push((T::name().into_owned(), T::schema()));
    T::schemas(into);
}

fn schemas() -> serde_json::Result<Map<String, Value>> {
    let mut found: Vec<NamedSchema> = Vec::new();
    collect::<rest::Problem>(&mut found);
    collect::<rest::Readiness>(&mut found);
    collect::<rest::LoginRequest>(&mut found);
    collect::<rest::Session>(&mut found);
    collect::<rest::TokenCreate>(&mut found);
    collect::<rest::TokenSecret>(&mut found);
    collect::<rest::TokenPage>(&mut found);
    collect::<rest::AuditPage>(&mut found);
    collect::<rest::Host>(&mut found);
    collect::<rest::HostBackup>(&mut found);
    collect::<rest::HostRestored>(&mut found);
    collect::<rest::HostReset>(&mut found);
    collect::<rest::HostPower>(&mut found);
    collect::<rest::HostLog>(&mut found);
    collect::<rest::HostServiceList>(&mut found);
    collect::<rest::HostCertificate>(&mut found);
    collect::<rest::HostCertificatePut>(&mut found);
    collect::<rest::HostConfig>(&mut found);
    collect::<rest::HostConfigPatch>(&mut found);
    collect::<rest::HostNetwork>(&mut found);
    collect::<rest::HostNetworkChange>(&mut found);
    collect::<rest::VmPage>(&mut found);
    collect::<rest::VmCreate>(&mut found);
    collect::<rest::VmClone>(&mut found);
    collect::<rest::VmPatch>(&mut found);
    collect::<rest::DiskAttach>(&mut found);
    collect::<rest::DiskPatch>(&mut found);
    collect::<rest::NicAttach>(&mut found);
    collect::<rest::NicPatch>(&mut found);
    collect::<rest::Cdrom>(&mut found);
    collect::<rest::ConsoleRequest>(&mut found);
    collect::<rest::ConsoleTicket>(&mut found);
    collect::<rest::ImageUploadPage>(&mut found);
    collect::<rest::ImagePage>(&mut found);
    collect::<rest::NetworkPage>(&mut found);
    collect::<rest::NetworkCreate>(&mut found);
    collect::<rest::NetworkPatch>(&mut found);
    collect::<rest::BridgePage>(&mut found);
    collect::<rest::PoolPage>(&mut found);
    collect::<rest::PoolCreate>(&mut found);
    collect::<rest::PoolFormat>(&mut found);
    collect::<rest::PoolPatch>(&mut found);
    collect::<rest::PoolDiskPage>(&mut found);
    collect::<rest::VolumePage>(&mut found);
    collect::<rest::VolumeCreate>(&mut found);
    collect::<rest::VolumePatch>(&mut found);
    collect::<rest::Updates>(&mut found);
    collect::<rest::UpdateStart>(&mut found);
    collect::<rest::SnapshotPage>(&mut found);
    collect::<rest::SnapshotCreate>(&mut found);
    collect::<rest::SnapshotRevert>(&mut found);
    collect::<rest::GuestInfo>(&mut found);
    collect::<rest::GuestAddresses>(&mut found);
    collect::<rest::GuestFilesystems>(&mut found);
    collect::<rest::GuestExec>(&mut found);
    collect::<rest::GuestExecStarted>(&mut found);
    collect::<rest::GuestExecStatus>(&mut found);
    collect::<rest::GuestFilePiece>(&mut found);
    collect::<rest::GuestFileWrite>(&mut found);
    collect::<rest::GuestFreeze>(&mut found);
    collect::<rest::GuestFrozen>(&mut found);
    collect::<rest::GuestPassword>(&mut found);
    collect::<rest::GuestTime>(&mut found);
    collect::<rest::TaskPage>(&mut found);
    collect::<rest::Event>(&mut found);
    collect::<rest::UserPage>(&mut found);
    collect::<rest::UserCreate>(&mut found);
    collect::<rest::UserPatch>(&mut found);
    collect::<rest::PasswordChange>(&mut found);
    collect::<rest::MetricsSeries>(&mut found);
    collect::<rest::MetricsSample>(&mut found);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    found
        .into_iter()
        .map(|(name, schema)| Ok((name, complete(serde_json::to_value(schema)?))))
        .collect()
}

/// Responses always carry every field, `null` or not; only requests (which refuse unknown fields) and the
/// problem document have optional ones.
fn complete(mut schema: Value) -> Value {
    let strict = schema.get("additionalProperties") == Some(&Value::Bool(false));
    let problem = schema.pointer("/properties/request_id").is_some();
    if let Some(properties) = schema.get("properties").and_then(Value::as_object)
        && !strict
        && !problem
    {
        schema["required"] = properties.keys().cloned().collect();
    }
    schema
}
