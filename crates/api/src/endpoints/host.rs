//! Endpoints of the host as a whole.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Input, Method, Output, Parameter, query};
use Access::Requires;
use Method::{Get, Post, Put};

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
/// How services do.
pub const HOST_SERVICES: Endpoint = Endpoint::new(
    "listHostServices",
    Get,
    "/api/v1/host/services",
    Requires(Operation::HostServices),
    "The host's services and how they do",
)
.answers(200, Output::Json("HostServiceList"))
.fails(&[503]);
/// Restart one.
pub const HOST_SERVICE_RESTART: Endpoint = Endpoint::new(
    "restartHostService",
    Post,
    "/api/v1/host/services/{service}/restart",
    Requires(Operation::HostServiceRestart),
    "Stop and start a service of the host; VMs run on. The node daemon answers first and is away for some seconds then",
)
.answers(200, Output::Json("HostService"))
.fails(&[404, 409, 503]);
/// The certificate.
pub const HOST_CERTIFICATE_GET: Endpoint = Endpoint::new(
    "getHostCertificate",
    Get,
    "/api/v1/host/certificate",
    Requires(Operation::HostCertificateGet),
    "The certificate that HTTPS and gRPC are served with",
)
.answers(200, Output::Json("HostCertificate"));
/// Another one.
pub const HOST_CERTIFICATE_PUT: Endpoint = Endpoint::new(
    "putHostCertificate",
    Put,
    "/api/v1/host/certificate",
    Requires(Operation::HostCertificateEdit),
    "Serve with another certificate; connections that stand are not ended",
)
.takes(Input::Json("HostCertificatePut"))
.answers(200, Output::Json("HostCertificate"))
.fails(&[507]);
/// A new one of its own.
pub const HOST_CERTIFICATE_REGENERATE: Endpoint = Endpoint::new(
    "regenerateHostCertificate",
    Post,
    "/api/v1/host/certificate/regenerate",
    Requires(Operation::HostCertificateEdit),
    "Make a key and a self-signed certificate for the name and the addresses that the host has now, and serve with them",
)
.answers(200, Output::Json("HostCertificate"))
.fails(&[507]);
/// What helpers ask for.
pub const HOST_SUPPORT_BUNDLE: Endpoint = Endpoint::new(
    "getHostSupportBundle",
    Get,
    "/api/v1/host/support-bundle",
    Requires(Operation::HostSupportBundle),
    "State, logs and settings of the host as a gzip'ed tar file, without passwords, keys and tokens",
)
.answers(200, Output::Bytes);
