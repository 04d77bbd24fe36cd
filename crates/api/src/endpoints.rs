//! The one table of REST endpoints. The daemon hangs its handlers on these, the OpenAPI document is written
//! from them, and the tests walk them all: what is not here does not exist.

mod endpoint;
mod guest;
mod host;
mod host_config;
mod host_logs;
mod host_network;
mod images;
mod networks;
mod snapshots;
mod storage;
mod tasks;
mod users;

use qx_model::access::Operation;

use endpoint::query;
pub use endpoint::{Access, Endpoint, Input, Method, Output, Parameter};
pub use guest::{
    GUEST_ADDRESSES, GUEST_EXEC, GUEST_EXEC_STATUS, GUEST_FILE_READ, GUEST_FILE_WRITE,
    GUEST_FILESYSTEMS, GUEST_FREEZE, GUEST_GET, GUEST_PASSWORD, GUEST_PING, GUEST_REBOOT,
    GUEST_SHUTDOWN, GUEST_THAW, GUEST_TIME, GUEST_TRIM,
};
pub use host::{
    HOST_BACKUP, HOST_CERTIFICATE_GET, HOST_CERTIFICATE_PUT, HOST_CERTIFICATE_REGENERATE, HOST_GET,
    HOST_POWER, HOST_RESET, HOST_RESTORE, HOST_SERVICE_RESTART, HOST_SERVICES, HOST_SUPPORT_BUNDLE,
};
pub use host_config::{HOST_CONFIG_GET, HOST_CONFIG_PATCH};
pub use host_logs::{HOST_LOGS, HOST_LOGS_FOLLOW};
pub use host_network::{
    HOST_NETWORK_CONFIRM, HOST_NETWORK_GET, HOST_NETWORK_PUT, HOST_NETWORK_UNDO,
};
pub use images::{IMAGE_DELETE, IMAGE_LIST, IMAGE_UPLOAD, IMAGE_UPLOAD_DELETE, IMAGE_UPLOAD_LIST};
pub use networks::{
    BRIDGE_LIST, NETWORK_CREATE, NETWORK_DELETE, NETWORK_GET, NETWORK_LIST, NETWORK_PATCH,
    NETWORK_START, NETWORK_STOP,
};
pub use snapshots::{SNAPSHOT_CREATE, SNAPSHOT_DELETE, SNAPSHOT_LIST, SNAPSHOT_REVERT};
pub use storage::{
    POOL_CREATE, POOL_DELETE, POOL_DISKS, POOL_FORMAT, POOL_GET, POOL_LIST, POOL_PATCH,
    POOL_REFRESH, POOL_START, POOL_STOP, VOLUME_CREATE, VOLUME_DELETE, VOLUME_DOWNLOAD, VOLUME_GET,
    VOLUME_LIST, VOLUME_PATCH, VOLUME_UPLOAD,
};
pub use tasks::{TASK_CANCEL, TASK_GET, TASK_LIST};
pub use users::{PASSWORD_CHANGE, USER_CREATE, USER_DELETE, USER_GET, USER_LIST, USER_PATCH};

const LIMIT: Parameter = query(
    "limit",
    "integer",
    "How many at most, 1 to 1000; 100 if not given.",
);
const CURSOR: Parameter = query("cursor", "string", "`next` of the page before.");

use Access::{Public, Requires, SignedIn, Ticket};
use Method::{Delete, Get, Patch, Post, Put};

/// The daemon runs.
pub const HEALTH: Endpoint = Endpoint::new(
    "getHealth",
    Get,
    "/healthz",
    Public,
    "Whether the daemon is alive",
)
.answers(200, Output::Text);
/// The host can manage VMs.
pub const READINESS: Endpoint = Endpoint::new(
    "getReadiness",
    Get,
    "/readyz",
    Public,
    "Whether the host can manage VMs; the same document with status 503 if it can't",
)
.answers(200, Output::Json("Readiness"));
/// This interface's description.
pub const OPENAPI: Endpoint = Endpoint::new(
    "getOpenApi",
    Get,
    "/api/v1/openapi.json",
    Public,
    "This document",
)
.answers(200, Output::Document);

/// Log in.
pub const SESSION_CREATE: Endpoint = Endpoint::new(
    "createSession",
    Post,
    "/api/v1/session",
    Public,
    "Log in with a password; sets the session cookie",
)
.takes(Input::Json("LoginRequest"))
.answers(200, Output::Json("Session"))
.fails(&[401, 403, 429, 503]);
/// Who am I.
pub const SESSION_GET: Endpoint = Endpoint::new(
    "getSession",
    Get,
    "/api/v1/session",
    SignedIn,
    "Who is logged in",
)
.answers(200, Output::Json("Session"));
/// Log out.
pub const SESSION_DELETE: Endpoint = Endpoint::new(
    "deleteSession",
    Delete,
    "/api/v1/session",
    SignedIn,
    "Log out",
)
.answers(204, Output::Empty);

/// Make a token.
pub const TOKEN_CREATE: Endpoint = Endpoint::new(
    "createToken",
    Post,
    "/api/v1/tokens",
    Requires(Operation::TokenManage),
    "Make an API token; the answer is the only one that shows it",
)
.takes(Input::Json("TokenCreate"))
.answers(201, Output::Json("TokenSecret"))
.fails(&[409]);
/// All tokens.
pub const TOKEN_LIST: Endpoint = Endpoint::new(
    "listTokens",
    Get,
    "/api/v1/tokens",
    Requires(Operation::TokenManage),
    "API tokens of one's own, or all for an administrator, without their secrets; oldest first",
)
.query(&[LIMIT, CURSOR])
.answers(200, Output::Json("TokenPage"));
/// Revoke a token.
pub const TOKEN_DELETE: Endpoint = Endpoint::new(
    "deleteToken",
    Delete,
    "/api/v1/tokens/{id}",
    Requires(Operation::TokenManage),
    "Revoke an API token at once",
)
.answers(204, Output::Empty)
.fails(&[404]);
/// Who changed what.
pub const AUDIT_LIST: Endpoint = Endpoint::new(
    "listAudit",
    Get,
    "/api/v1/audit",
    Requires(Operation::AuditRead),
    "Every change: who, what, from where; newest first",
)
.query(&[LIMIT, CURSOR])
.answers(200, Output::Json("AuditPage"));

/// Slots and updates.
pub const UPDATES_GET: Endpoint = Endpoint::new(
    "getUpdates",
    Get,
    "/api/v1/updates",
    Requires(Operation::UpdatesRead),
    "The two slots, what is being written to one, and how the last update ended",
)
.answers(200, Output::Json("Updates"))
.fails(&[503]);
/// Write a bundle to the other slot.
pub const UPDATE_UPLOAD: Endpoint = Endpoint::new(
    "uploadUpdate",
    Put,
    "/api/v1/updates/upload",
    Requires(Operation::UpdateUpload),
    "Write an update bundle (.qxu) to the slot that does not run, and read it back; nothing starts it yet",
)
.query(&[Parameter {
    name: "Upload-Offset",
    header: true,
    required: false,
    kind: "integer",
    description: "Go on with an upload that broke off: `transfer.received_bytes` of `GET /api/v1/updates`, \
                  the body being the rest of the bundle.",
}])
.takes(Input::Bytes)
.answers(200, Output::Json("Updates"))
.fails(&[409, 503]);
/// Discard what was, or is being, written to the other slot.
pub const UPDATE_DISCARD: Endpoint = Endpoint::new(
    "discardUpdate",
    Delete,
    "/api/v1/updates/upload",
    Requires(Operation::UpdateDiscard),
    "End a transfer and forget it; a version that was just written, or waits for a restart, is taken out of its slot",
)
.answers(200, Output::Json("Updates"))
.fails(&[409, 503]);
/// Write the running version to the other slot.
pub const UPDATE_REINSTALL: Endpoint = Endpoint::new(
    "reinstallUpdate",
    Post,
    "/api/v1/updates/reinstall",
    Requires(Operation::UpdateReinstall),
    "Write the version that runs to the other slot once more, and read it back; `transfer` tells how it goes on",
)
.answers(202, Output::Json("Updates"))
.fails(&[409, 503]);
/// Ask the feed.
pub const UPDATE_CHECK: Endpoint = Endpoint::new(
    "checkUpdate",
    Post,
    "/api/v1/updates/check",
    Requires(Operation::UpdateCheck),
    "Ask the feed now whether it has a newer version for this host",
)
.answers(200, Output::Json("Updates"))
.fails(&[409, 503]);
/// Fetch what the feed has.
pub const UPDATE_FETCH: Endpoint = Endpoint::new(
    "fetchUpdate",
    Post,
    "/api/v1/updates/fetch",
    Requires(Operation::UpdateFetch),
    "Ask the feed, and write its newest version for this host to the slot that does not run; `transfer` tells how \
     it goes on",
)
.answers(202, Output::Json("Updates"))
.fails(&[409, 503]);
/// Start the other slot.
pub const UPDATE_APPLY: Endpoint = Endpoint::new(
    "applyUpdate",
    Post,
    "/api/v1/updates/apply",
    Requires(Operation::UpdateApply),
    "Start the version in the other slot, on trial: it is confirmed when it is healthy, else the host goes back",
)
.takes(Input::Json("UpdateStart"))
.answers(200, Output::Json("Updates"))
.fails(&[409, 503]);
/// Keep the version on trial.
pub const UPDATE_CONFIRM: Endpoint = Endpoint::new(
    "confirmUpdate",
    Post,
    "/api/v1/updates/confirm",
    Requires(Operation::UpdateConfirm),
    "Keep the version that is on trial without waiting for the health check",
)
.answers(200, Output::Json("Updates"))
.fails(&[409, 503]);
/// Go back.
pub const UPDATE_ROLLBACK: Endpoint = Endpoint::new(
    "rollBackUpdate",
    Post,
    "/api/v1/updates/rollback",
    Requires(Operation::UpdateRollback),
    "Go back to the version in the other slot: from a version on trial at once, from a confirmed one by a trial \
     of the other; a version that waits for its trial is withdrawn, and nothing restarts",
)
.takes(Input::Json("UpdateStart"))
.answers(200, Output::Json("Updates"))
.fails(&[409, 503]);

/// VMs.
pub const VM_LIST: Endpoint = Endpoint::new(
    "listVms",
    Get,
    "/api/v1/vms",
    Requires(Operation::VmList),
    "VMs, ordered by id",
)
.query(&[LIMIT, CURSOR])
.answers(200, Output::Json("VmPage"))
.fails(&[503]);
/// Make a VM.
pub const VM_CREATE: Endpoint = Endpoint::new(
    "createVm",
    Post,
    "/api/v1/vms",
    Requires(Operation::VmCreate),
    "Make a VM; asking again with the same id and the same wish answers the one that is there",
)
.takes(Input::Json("VmCreate"))
.answers(201, Output::Json("Vm"))
.or_task()
.fails(&[409, 503, 507]);
/// Clone a VM.
pub const VM_CLONE: Endpoint = Endpoint::new(
    "cloneVm",
    Post,
    "/api/v1/vms/{id}/clone",
    Requires(Operation::VmClone),
    "Make a VM like this one, which must be off: its disks are copied (sharing blocks on XFS), MAC addresses, firmware \
     variables and an empty TPM are its own, snapshots stay behind, and it does not start with the host; asking again \
     with the same id and the same wish answers the one that is there",
)
.takes(Input::Json("VmClone"))
.answers(201, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503, 507]);
/// One VM.
pub const VM_GET: Endpoint = Endpoint::new(
    "getVm",
    Get,
    "/api/v1/vms/{id}",
    Requires(Operation::VmGet),
    "One VM",
)
.answers(200, Output::Json("Vm"))
.fails(&[404, 503]);
/// Change a VM.
pub const VM_PATCH: Endpoint = Endpoint::new(
    "patchVm",
    Patch,
    "/api/v1/vms/{id}",
    Requires(Operation::VmEdit),
    "Change a VM: at once where the guest can take it, the rest (`pending_restart`) when it was off",
)
.query(&[Parameter {
    name: "If-Match",
    header: true,
    required: false,
    kind: "string",
    description: "The VM's `ETag`: a VM that was changed since then is not changed.",
}])
.takes(Input::Json("VmPatch"))
.answers(200, Output::Json("Vm"))
.fails(&[404, 409, 412, 503]);
/// Remove a VM.
pub const VM_DELETE: Endpoint = Endpoint::new(
    "deleteVm",
    Delete,
    "/api/v1/vms/{id}",
    Requires(Operation::VmDelete),
    "Remove a VM that is off",
)
.query(&[query(
    "disks",
    "boolean",
    "Delete its disks too; they are kept if not given.",
)])
.answers(204, Output::Empty)
.or_task()
.fails(&[404, 409, 503]);
/// Power on.
pub const VM_START: Endpoint = Endpoint::new(
    "startVm",
    Post,
    "/api/v1/vms/{id}/start",
    Requires(Operation::VmStart),
    "Power on",
)
.answers(200, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503]);
/// Ask to shut down.
pub const VM_SHUTDOWN: Endpoint = Endpoint::new(
    "shutdownVm",
    Post,
    "/api/v1/vms/{id}/shutdown",
    Requires(Operation::VmShutdown),
    "Ask the guest to shut down; it may take its time, or not react",
)
.answers(200, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503]);
/// Power off.
pub const VM_STOP: Endpoint = Endpoint::new(
    "stopVm",
    Post,
    "/api/v1/vms/{id}/stop",
    Requires(Operation::VmStop),
    "Power off at once, as if the plug was pulled",
)
.answers(200, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503]);
/// Ask to restart.
pub const VM_REBOOT: Endpoint = Endpoint::new(
    "rebootVm",
    Post,
    "/api/v1/vms/{id}/reboot",
    Requires(Operation::VmReboot),
    "Ask the guest to restart; it may take its time, or not react",
)
.answers(200, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503]);
/// Press the reset button.
pub const VM_RESET: Endpoint = Endpoint::new(
    "resetVm",
    Post,
    "/api/v1/vms/{id}/reset",
    Requires(Operation::VmReset),
    "Restart at once, as if the reset button was pressed",
)
.answers(200, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503]);
/// Stop the vCPUs.
pub const VM_PAUSE: Endpoint = Endpoint::new(
    "pauseVm",
    Post,
    "/api/v1/vms/{id}/pause",
    Requires(Operation::VmPause),
    "Stop the vCPUs; the VM stays in memory",
)
.answers(200, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503]);
/// Let the vCPUs run.
pub const VM_RESUME: Endpoint = Endpoint::new(
    "resumeVm",
    Post,
    "/api/v1/vms/{id}/resume",
    Requires(Operation::VmResume),
    "Let the vCPUs run again, or wake a guest that sleeps",
)
.answers(200, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503]);
/// Memory to disk.
pub const VM_SUSPEND: Endpoint = Endpoint::new(
    "suspendVm",
    Post,
    "/api/v1/vms/{id}/suspend",
    Requires(Operation::VmSuspend),
    "Write the memory to disk and power off; the next start goes on from there",
)
.answers(200, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503]);
/// Make a disk and plug it in, at once if the VM is on.
pub const VM_DISK_ATTACH: Endpoint = Endpoint::new(
    "attachVmDisk",
    Post,
    "/api/v1/vms/{id}/disks",
    Requires(Operation::VmDisk),
    "Make a disk and plug it in, at once if the VM is on",
)
.takes(Input::Json("DiskAttach"))
.answers(200, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503, 507]);
/// Make a disk larger, or limit its speed, at once.
pub const VM_DISK_PATCH: Endpoint = Endpoint::new(
    "patchVmDisk",
    Patch,
    "/api/v1/vms/{id}/disks/{target}",
    Requires(Operation::VmDisk),
    "Make a disk larger, or limit its speed, at once",
)
.takes(Input::Json("DiskPatch"))
.answers(200, Output::Json("Vm"))
.fails(&[404, 409, 503, 507]);
/// Unplug a disk; from a VM that is on only its guest can let it go.
pub const VM_DISK_DETACH: Endpoint = Endpoint::new(
    "detachVmDisk",
    Delete,
    "/api/v1/vms/{id}/disks/{target}",
    Requires(Operation::VmDisk),
    "Unplug a disk; from a VM that is on only its guest can let it go",
)
.query(&[query(
    "delete",
    "boolean",
    "Delete its file too, if it was made for this VM; it is kept if not given.",
)])
.answers(200, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503]);
/// Plug a NIC in, at once if the VM is on.
pub const VM_NIC_ATTACH: Endpoint = Endpoint::new(
    "attachVmNic",
    Post,
    "/api/v1/vms/{id}/nics",
    Requires(Operation::VmNic),
    "Plug a NIC in, at once if the VM is on",
)
.takes(Input::Json("NicAttach"))
.answers(200, Output::Json("Vm"))
.fails(&[404, 409, 503]);
/// Limit the speed of a NIC, at once.
pub const VM_NIC_PATCH: Endpoint = Endpoint::new(
    "patchVmNic",
    Patch,
    "/api/v1/vms/{id}/nics/{mac}",
    Requires(Operation::VmNic),
    "Limit the speed of a NIC, at once",
)
.takes(Input::Json("NicPatch"))
.answers(200, Output::Json("Vm"))
.fails(&[404, 409, 503]);
/// Unplug a NIC; from a VM that is on only its guest can let it go.
pub const VM_NIC_DETACH: Endpoint = Endpoint::new(
    "detachVmNic",
    Delete,
    "/api/v1/vms/{id}/nics/{mac}",
    Requires(Operation::VmNic),
    "Unplug a NIC; from a VM that is on only its guest can let it go",
)
.answers(200, Output::Json("Vm"))
.or_task()
.fails(&[404, 409, 503]);
/// Insert a CD, or eject it.
pub const VM_CDROM_PUT: Endpoint = Endpoint::new(
    "putVmCdrom",
    Put,
    "/api/v1/vms/{id}/cdrom",
    Requires(Operation::VmCdrom),
    "Insert a CD, or eject it",
)
.takes(Input::Json("Cdrom"))
.answers(200, Output::Json("Vm"))
.fails(&[404, 409, 503]);
/// A ticket for a console.
pub const VM_CONSOLE_CREATE: Endpoint = Endpoint::new(
    "createVmConsole",
    Post,
    "/api/v1/vms/{id}/console",
    Requires(Operation::VmConsole),
    "Get a ticket that opens a console once",
)
.takes(Input::Json("ConsoleRequest"))
.answers(201, Output::Json("ConsoleTicket"))
.fails(&[404, 503]);
/// The console itself.
pub const VM_CONSOLE_OPEN: Endpoint = Endpoint::new(
    "openVmConsole",
    Get,
    "/api/v1/vms/{id}/console",
    Ticket(Operation::VmConsole),
    "WebSocket to the console that the ticket is for; needs a ticket of the same user, from the same Origin",
)
.query(&[Parameter {
    name: "ticket",
    header: false,
    required: true,
    kind: "string",
    description: "From `POST /api/v1/vms/{id}/console`; good once.",
}])
.answers(101, Output::WebSocket)
.fails(&[404, 409, 426, 503]);

/// What changes.
pub const EVENTS: Endpoint = Endpoint::new(
    "followEvents",
    Get,
    "/api/v1/events",
    Requires(Operation::EventsRead),
    "What changes, as it happens: a WebSocket, or server-sent events for `Accept: text/event-stream`",
)
.query(&[query(
    "since",
    "integer",
    "Start after this `seq`; a `resync` event comes first when some are no longer known.",
)])
.answers(200, Output::Events("Event"));

const RANGE: Parameter = query(
    "range_s",
    "integer",
    "How many seconds back, 10 to 2592000 (30 days); 3600 if not given.",
);
const STEP: Parameter = query(
    "step_s",
    "integer",
    "Seconds that become one point: from 1 for a range of up to 120 s, a multiple of 10 for up to 24 hours, of \
     300 beyond; what gives at most 720 points if not given.",
);

/// The host's figures of the past.
pub const HOST_METRICS: Endpoint = Endpoint::new(
    "getHostMetrics",
    Get,
    "/api/v1/host/metrics",
    Requires(Operation::MetricsRead),
    "CPU, memory, disks and network of the host, over time",
)
.query(&[RANGE, STEP])
.answers(200, Output::Json("MetricsSeries"));
/// A VM's figures of the past.
pub const VM_METRICS: Endpoint = Endpoint::new(
    "getVmMetrics",
    Get,
    "/api/v1/vms/{id}/metrics",
    Requires(Operation::MetricsRead),
    "CPU, memory, disks and network of a VM, over time",
)
.query(&[RANGE, STEP])
.answers(200, Output::Json("MetricsSeries"))
.fails(&[404, 503]);
/// Figures as they are now.
pub const METRICS_LIVE: Endpoint = Endpoint::new(
    "followMetrics",
    Get,
    "/api/v1/metrics",
    Requires(Operation::MetricsRead),
    "CPU, memory, disks and network of the host and of each VM, every second: a WebSocket, or server-sent events",
)
.answers(200, Output::Events("MetricsSample"));
/// For Prometheus.
pub const METRICS: Endpoint = Endpoint::new(
    "getPrometheusMetrics",
    Get,
    "/metrics",
    Requires(Operation::MetricsRead),
    "Counters of the host and of each VM, for Prometheus",
)
.answers(200, Output::Prometheus);

/// All of them.
pub const ALL: &[Endpoint] = &[
    HEALTH,
    READINESS,
    OPENAPI,
    SESSION_CREATE,
    SESSION_GET,
    SESSION_DELETE,
    TOKEN_CREATE,
    TOKEN_LIST,
    TOKEN_DELETE,
    AUDIT_LIST,
    HOST_GET,
    HOST_BACKUP,
    HOST_RESTORE,
    HOST_RESET,
    HOST_POWER,
    HOST_LOGS,
    HOST_LOGS_FOLLOW,
    HOST_SERVICES,
    HOST_SERVICE_RESTART,
    HOST_CERTIFICATE_GET,
    HOST_CERTIFICATE_PUT,
    HOST_CERTIFICATE_REGENERATE,
    HOST_SUPPORT_BUNDLE,
    HOST_CONFIG_GET,
    HOST_CONFIG_PATCH,
    HOST_NETWORK_GET,
    HOST_NETWORK_PUT,
    HOST_NETWORK_CONFIRM,
    HOST_NETWORK_UNDO,
    UPDATES_GET,
    UPDATE_UPLOAD,
    UPDATE_DISCARD,
    UPDATE_REINSTALL,
    UPDATE_CHECK,
    UPDATE_FETCH,
    UPDATE_APPLY,
    UPDATE_CONFIRM,
    UPDATE_ROLLBACK,
    VM_LIST,
    VM_CREATE,
    VM_CLONE,
    VM_GET,
    VM_PATCH,
    VM_DELETE,
    VM_START,
    VM_SHUTDOWN,
    VM_STOP,
    VM_REBOOT,
    VM_RESET,
    VM_PAUSE,
    VM_RESUME,
    VM_SUSPEND,
    VM_DISK_ATTACH,
    VM_DISK_PATCH,
    VM_DISK_DETACH,
    VM_NIC_ATTACH,
    VM_NIC_PATCH,
    VM_NIC_DETACH,
    VM_CDROM_PUT,
    SNAPSHOT_LIST,
    SNAPSHOT_CREATE,
    SNAPSHOT_REVERT,
    SNAPSHOT_DELETE,
    VM_CONSOLE_CREATE,
    VM_CONSOLE_OPEN,
    GUEST_GET,
    GUEST_PING,
    GUEST_ADDRESSES,
    GUEST_FILESYSTEMS,
    GUEST_EXEC,
    GUEST_EXEC_STATUS,
    GUEST_FILE_READ,
    GUEST_FILE_WRITE,
    GUEST_FREEZE,
    GUEST_THAW,
    GUEST_TRIM,
    GUEST_PASSWORD,
    GUEST_TIME,
    GUEST_SHUTDOWN,
    GUEST_REBOOT,
    IMAGE_LIST,
    IMAGE_UPLOAD,
    IMAGE_UPLOAD_LIST,
    IMAGE_UPLOAD_DELETE,
    IMAGE_DELETE,
    NETWORK_LIST,
    NETWORK_CREATE,
    NETWORK_GET,
    NETWORK_PATCH,
    NETWORK_DELETE,
    NETWORK_START,
    NETWORK_STOP,
    BRIDGE_LIST,
    POOL_LIST,
    POOL_CREATE,
    POOL_DISKS,
    POOL_FORMAT,
    POOL_GET,
    POOL_PATCH,
    POOL_DELETE,
    POOL_START,
    POOL_STOP,
    POOL_REFRESH,
    VOLUME_LIST,
    VOLUME_CREATE,
    VOLUME_GET,
    VOLUME_PATCH,
    VOLUME_DELETE,
    VOLUME_DOWNLOAD,
    VOLUME_UPLOAD,
    TASK_LIST,
    TASK_GET,
    TASK_CANCEL,
    EVENTS,
    HOST_METRICS,
    VM_METRICS,
    METRICS_LIVE,
    METRICS,
    USER_LIST,
    USER_CREATE,
    USER_GET,
    USER_PATCH,
    USER_DELETE,
    PASSWORD_CHANGE,
];
