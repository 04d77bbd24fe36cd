//! What an endpoint is: method, path, who may, what goes in and what comes out.

use qx_model::access::Operation;

/// HTTP methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes or acts.
    Post,
    /// Makes under a name.
    Put,
    /// Removes.
    Delete,
    /// Changes a part.
    Patch,
}

impl Method {
    /// As on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
        }
    }
}

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Anybody whom the daemon knows, for what concerns only themselves.
    SignedIn,
    /// Whoever has the role that the operation requires.
    Requires(Operation),
    /// Whoever brings a one-use ticket for it; the ticket was given for this operation.
    Ticket(Operation),
}

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// No body.
    None,
    /// A JSON object: the name of its schema.
    Json(&'static str),
    /// Bytes, as many as there are.
    Bytes,
}

/// What a success carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// No body.
    Empty,
    /// JSON: the name of its schema.
    Json(&'static str),
    /// The OpenAPI document.
    Document,
    /// A file.
    Bytes,
    /// A file of any length, or one range of it.
    Ranges,
    /// Plain text.
    Text,
    /// Prometheus' text format.
    Prometheus,
    /// Server-sent events, or a WebSocket with one JSON text frame each: the name of the schema.
    Events(&'static str),
    /// A WebSocket with binary frames both ways.
    WebSocket,
}

/// A parameter of the query string or a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Name.
    pub name: &'static str,
    /// In a header instead of the query string.
    pub header: bool,
    /// Must be there.
    pub required: bool,
    /// JSON schema type.
    pub kind: &'static str,
    /// What it does.
    pub description: &'static str,
}

/// One operation of the REST interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// `operationId`, unique.
    pub id: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path with `{parameters}`.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// One line.
    pub summary: &'static str,
    /// Query and header parameters.
    pub parameters: &'static [Parameter],
    /// Request body.
    pub input: Input,
    /// Status of a success.
    pub status: u16,
    /// Body of a success.
    pub output: Output,
    /// Statuses of problem documents beyond those that every endpoint of its access can answer.
    pub problems: &'static [u16],
    /// With `Prefer: respond-async` it answers 202 and a task at once, instead of waiting for the end.
    pub or_task: bool,
}

impl Endpoint {
    pub(super) const fn new(
        id: &'static str,
        method: Method,
        path: &'static str,
        access: Access,
        summary: &'static str,
    ) -> Self {
        Self {
            id,
            method,
            path,
            access,
            summary,
            parameters: &[],
            input: Input::None,
            status: 200,
            output: Output::Empty,
            problems: &[],
            or_task: false,
        }
    }

    pub(super) const fn query(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    pub(super) const fn takes(self, input: Input) -> Self {
        Self { input, ..self }
    }

    pub(super) const fn answers(self, status: u16, output: Output) -> Self {
        Self {
            status,
            output,
            ..self
        }
    }

    pub(super) const fn fails(self, problems: &'static [u16]) -> Self {
        Self { problems, ..self }
    }

    pub(super) const fn or_task(self) -> Self {
        Self {
            or_task: true,
            ..self
        }
    }

    /// The operation that it carries out, if a role is needed for it.
    #[must_use]
    pub const fn operation(&self) -> Option<Operation> {
        match self.access {
            Access::Requires(operation) | Access::Ticket(operation) => Some(operation),
            Access::Public | Access::SignedIn => None,
        }
    }
}

/// An optional parameter of the query string.
pub(super) const fn query(
    name: &'static str,
    kind: &'static str,
    description: &'static str,
) -> Parameter {
    Parameter {
        name,
        header: false,
        required: false,
        kind,
        description,
    }
}
