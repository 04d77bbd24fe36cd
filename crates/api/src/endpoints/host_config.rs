//! Endpoints of the host's settings.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Input, Method, Output, Parameter};
use Access::Requires;
use Method::{Get, Patch};

/// Read them.
pub const HOST_CONFIG_GET: Endpoint = Endpoint::new(
    "getHostConfig",
    Get,
    "/api/v1/host/config",
    Requires(Operation::HostConfigGet),
    "The host's settings: its name, time, SSH, the proxy",
)
.answers(200, Output::Json("HostConfig"));
/// Change them.
pub const HOST_CONFIG_PATCH: Endpoint = Endpoint::new(
    "patchHostConfig",
    Patch,
    "/api/v1/host/config",
    Requires(Operation::HostConfigEdit),
    "Change settings of the host; they are in force when this is answered",
)
.query(&[Parameter {
    name: "If-Match",
    header: true,
    required: false,
    kind: "string",
    description: "The settings' `ETag`: if anything was changed since then, nothing is changed.",
}])
.takes(Input::Json("HostConfigPatch"))
.answers(200, Output::Json("HostConfig"))
.fails(&[409, 412, 503]);
