//! Endpoints of the host as a whole.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Input, Method, Output, Parameter, query};
use Access::Requires;
use Method::{Get, Post};

/// The host.
pub const HOST_GET: Endpoint = Endpoint::new(
    "getHost",
    Get,
    "/api/v1/host",
    Requires(Operation::HostGet),
    "What the host is made of and how it came up",
)
.answers(200, Output::Json("Host"))
.fails(&[503]);
/// Copy the configuration.
pub const HOST_BACKUP: Endpoint = Endpoint::new(
    "backUpHost",
    Post,
    "/api/v1/host/backup",
    Requires(Operation::HostBackup),
    "The host's configuration with its keys and VM definitions as one file, signed by its SSH key",
)
.takes(Input::Json("HostBackup"))
.answers(200, Output::Bytes)
.fails(&[409]);
/// Put a copy of a configuration into force.
pub const HOST_RESTORE: Endpoint = Endpoint::new(
    "restoreHost",
    Post,
    "/api/v1/host/restore",
    Requires(Operation::HostRestore),
    "Check a backup, all of it, then restart the host with what is in it",
)
.query(&[
    query(
        "skip_network",
        "boolean",
        "Keep this host's management network; the backup's is taken if not given.",
    ),
    query(
        "same_machine",
        "boolean",
        "This machine takes the place of the one that made the backup: it gets its machine id and iSCSI name too.",
    ),
    Parameter {
        name: "Backup-Passphrase",
        header: true,
        required: false,
        kind: "string",
        description: "What the backup was encrypted with, percent-encoded UTF-8.",
    },
])
.takes(Input::Bytes)
.answers(202, Output::Json("HostRestored"))
.fails(&[409, 503]);
/// Forget everything.
pub const HOST_RESET: Endpoint = Endpoint::new(
    "resetHost",
    Post,
    "/api/v1/host/reset",
    Requires(Operation::HostReset),
    "Factory reset: restart the host, which comes up as after its installation; the console shows a one-time password",
)
.takes(Input::Json("HostReset"))
.answers(202, Output::Empty)
.fails(&[409, 503]);
/// Shut the host down or restart it.
pub const HOST_POWER: Endpoint = Endpoint::new(
    "powerHost",
    Post,
    "/api/v1/host/power",
    Requires(Operation::HostPower),
    "Shut the host down or restart it; running VMs are asked to shut down first, for up to 2 minutes",
)
.takes(Input::Json("HostPower"))
.answers(202, Output::Empty)
.fails(&[409, 503]);
