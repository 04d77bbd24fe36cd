//! Endpoints of the host's logs.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Method, Output, Parameter, query};
use Access::Requires;
use Method::Get;

const WISH: &[Parameter] = &[
    query(
        "log",
        "string",
        "`system` (if not given), `daemon`, `kernel`, `boot` or `install`.",
    ),
    query(
        "lines",
        "integer",
        "How many of the newest lines at most, 1 to 10000; 1000 if not given.",
    ),
    query(
        "contains",
        "string",
        "Only lines that contain this text, upper and lower case being the same.",
    ),
];

/// The newest lines.
pub const HOST_LOGS: Endpoint = Endpoint::new(
    "getHostLog",
    Get,
    "/api/v1/host/logs",
    Requires(Operation::HostLogs),
    "The newest lines of one of the host's logs",
)
.query(WISH)
.answers(200, Output::Json("HostLog"))
.fails(&[503]);
/// Those, and what comes after them.
pub const HOST_LOGS_FOLLOW: Endpoint = Endpoint::new(
    "followHostLog",
    Get,
    "/api/v1/host/logs/follow",
    Requires(Operation::HostLogs),
    "The newest lines of a log, and then those that are added, as they are: a WebSocket, or server-sent events",
)
.query(WISH)
.answers(200, Output::Events("HostLog"))
.fails(&[409, 503]);
