//! Endpoints of the host's own network.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Input, Method, Output, Parameter};
use Access::Requires;
use Method::{Get, Post, Put};

/// How it is.
pub const HOST_NETWORK_GET: Endpoint = Endpoint::new(
    "getHostNetwork",
    Get,
    "/api/v1/host/network",
    Requires(Operation::HostNetworkGet),
    "The host's own network: what is configured, what is in force, and whether a change waits to be confirmed",
)
.answers(200, Output::Json("HostNetwork"));
/// Try another.
pub const HOST_NETWORK_PUT: Endpoint = Endpoint::new(
    "putHostNetwork",
    Put,
    "/api/v1/host/network",
    Requires(Operation::HostNetworkEdit),
    "Try another network: it is set up once this is answered, and undone unless it is confirmed in time. VMs stay on \
     the bridge",
)
.query(&[Parameter {
    name: "If-Match",
    header: true,
    required: false,
    kind: "string",
    description: "The network's `ETag`: one that was changed since then is not changed.",
}])
.takes(Input::Json("HostNetworkChange"))
.answers(202, Output::Json("HostNetwork"))
.fails(&[409, 412]);
/// Keep it.
pub const HOST_NETWORK_CONFIRM: Endpoint = Endpoint::new(
    "confirmHostNetwork",
    Post,
    "/api/v1/host/network/confirm",
    Requires(Operation::HostNetworkConfirm),
    "Keep the network that is on trial: over a connection that was made since it is in force",
)
.answers(200, Output::Json("HostNetwork"))
.fails(&[409]);
/// Give it up.
pub const HOST_NETWORK_UNDO: Endpoint = Endpoint::new(
    "undoHostNetwork",
    Post,
    "/api/v1/host/network/undo",
    Requires(Operation::HostNetworkUndo),
    "Give up the network that is on trial: the configured one is in force again",
)
.answers(200, Output::Json("HostNetwork"))
.fails(&[409]);
