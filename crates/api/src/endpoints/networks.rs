//! Endpoints of networks and of the host's bridges.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Input, Method, Output, Parameter};
use Access::Requires;
use Method::{Delete, Get, Patch, Post};

/// Networks.
pub const NETWORK_LIST: Endpoint = Endpoint::new(
    "listNetworks",
    Get,
    "/api/v1/networks",
    Requires(Operation::NetworkList),
    "Virtual networks and the VMs on them, ordered by name",
)
.answers(200, Output::Json("NetworkPage"))
.fails(&[503]);
/// Make a network.
pub const NETWORK_CREATE: Endpoint = Endpoint::new(
    "createNetwork",
    Post,
    "/api/v1/networks",
    Requires(Operation::NetworkCreate),
    "Make a network; asking again with the same id and the same wish answers the one that is there",
)
.takes(Input::Json("NetworkCreate"))
.answers(201, Output::Json("Network"))
.fails(&[409, 503]);
/// One network.
pub const NETWORK_GET: Endpoint = Endpoint::new(
    "getNetwork",
    Get,
    "/api/v1/networks/{id}",
    Requires(Operation::NetworkGet),
    "One network",
)
.answers(200, Output::Json("Network"))
.fails(&[404, 503]);
/// Change a network.
pub const NETWORK_PATCH: Endpoint = Endpoint::new(
    "patchNetwork",
    Patch,
    "/api/v1/networks/{id}",
    Requires(Operation::NetworkEdit),
    "Change a network; an active one works as before (`pending_restart`) until it was stopped and started",
)
.query(&[Parameter {
    name: "If-Match",
    header: true,
    required: false,
    kind: "string",
    description: "The network's `ETag`: one that was changed since then is not changed.",
}])
.takes(Input::Json("NetworkPatch"))
.answers(200, Output::Json("Network"))
.fails(&[404, 409, 412, 503]);
/// Remove a network.
pub const NETWORK_DELETE: Endpoint = Endpoint::new(
    "deleteNetwork",
    Delete,
    "/api/v1/networks/{id}",
    Requires(Operation::NetworkDelete),
    "Stop and remove a network that no VM has a NIC in",
)
.answers(204, Output::Empty)
.fails(&[404, 409, 503]);
/// Make it active.
pub const NETWORK_START: Endpoint = Endpoint::new(
    "startNetwork",
    Post,
    "/api/v1/networks/{id}/start",
    Requires(Operation::NetworkStart),
    "Make a network active; fine if it is",
)
.answers(200, Output::Json("Network"))
.fails(&[404, 409, 503]);
/// End it.
pub const NETWORK_STOP: Endpoint = Endpoint::new(
    "stopNetwork",
    Post,
    "/api/v1/networks/{id}/stop",
    Requires(Operation::NetworkStop),
    "End a network that no running VM is on; fine if it is not active",
)
.answers(200, Output::Json("Network"))
.fails(&[404, 409, 503]);
/// The host's bridges.
pub const BRIDGE_LIST: Endpoint = Endpoint::new(
    "listBridges",
    Get,
    "/api/v1/host/bridges",
    Requires(Operation::BridgeList),
    "Bridges of the host and what hangs on them, ordered by name",
)
.answers(200, Output::Json("BridgePage"))
.fails(&[503]);
