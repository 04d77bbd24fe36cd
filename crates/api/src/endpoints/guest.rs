//! Endpoints of the agents in guests. What takes longer than a moment answers a task.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Input, Method, Output, Parameter, query};
use Access::Requires;
use Method::{Get, Post, Put};

/// The guest.
pub const GUEST_GET: Endpoint = Endpoint::new(
    "getGuest",
    Get,
    "/api/v1/vms/{id}/guest",
    Requires(Operation::GuestRead),
    "What the agent in the guest tells of it",
)
.answers(200, Output::Json("GuestInfo"))
.fails(&[404, 409, 503]);
/// Whether its agent answers.
pub const GUEST_PING: Endpoint = Endpoint::new(
    "pingGuest",
    Get,
    "/api/v1/vms/{id}/guest/ping",
    Requires(Operation::GuestRead),
    "Whether the agent in the guest answers",
)
.answers(204, Output::Empty)
.fails(&[404, 409, 503]);
/// Its addresses.
pub const GUEST_ADDRESSES: Endpoint = Endpoint::new(
    "listGuestAddresses",
    Get,
    "/api/v1/vms/{id}/guest/addresses",
    Requires(Operation::GuestRead),
    "The guest's network interfaces and their addresses",
)
.answers(200, Output::Json("GuestAddresses"))
.fails(&[404, 409, 503]);
/// Its file systems.
pub const GUEST_FILESYSTEMS: Endpoint = Endpoint::new(
    "listGuestFilesystems",
    Get,
    "/api/v1/vms/{id}/guest/filesystems",
    Requires(Operation::GuestRead),
    "The guest's mounted file systems",
)
.answers(200, Output::Json("GuestFilesystems"))
.fails(&[404, 409, 503]);
/// Run a command.
pub const GUEST_EXEC: Endpoint = Endpoint::new(
    "execInGuest",
    Post,
    "/api/v1/vms/{id}/guest/exec",
    Requires(Operation::GuestExec),
    "Start a command in the guest; its output is fetched with its number",
)
.takes(Input::Json("GuestExec"))
.answers(201, Output::Json("GuestExecStarted"))
.fails(&[404, 409, 503]);
/// A command's end.
pub const GUEST_EXEC_STATUS: Endpoint = Endpoint::new(
    "getGuestExec",
    Get,
    "/api/v1/vms/{id}/guest/exec/{pid}",
    Requires(Operation::GuestExec),
    "Whether a command in the guest has ended, and its output, once: the agent forgets it then",
)
.answers(200, Output::Json("GuestExecStatus"))
.fails(&[404, 409, 503]);
/// Read a file.
pub const GUEST_FILE_READ: Endpoint = Endpoint::new(
    "readGuestFile",
    Get,
    "/api/v1/vms/{id}/guest/file",
    Requires(Operation::GuestFileRead),
    "A piece of a file in the guest",
)
.query(&[
    Parameter {
        name: "path",
        header: false,
        required: true,
        kind: "string",
        description: "The file.",
    },
    query(
        "offset",
        "integer",
        "Bytes before the piece; 0 if not given.",
    ),
    query(
        "length",
        "integer",
        "Bytes of the piece; 262144, the most, if not given.",
    ),
])
.answers(200, Output::Json("GuestFilePiece"))
.fails(&[404, 409, 503]);
/// Write a file.
pub const GUEST_FILE_WRITE: Endpoint = Endpoint::new(
    "writeGuestFile",
    Put,
    "/api/v1/vms/{id}/guest/file",
    Requires(Operation::GuestFileWrite),
    "Write a file in the guest, or more at its end",
)
.takes(Input::Json("GuestFileWrite"))
.answers(204, Output::Empty)
.fails(&[404, 409, 503]);
/// Hold file systems still.
pub const GUEST_FREEZE: Endpoint = Endpoint::new(
    "freezeGuest",
    Post,
    "/api/v1/vms/{id}/guest/freeze",
    Requires(Operation::GuestFreeze),
    "Hold the guest's file systems still, until they are thawed",
)
.takes(Input::Json("GuestFreeze"))
.answers(200, Output::Json("GuestFrozen"))
.fails(&[404, 409, 503]);
/// Let them go on.
pub const GUEST_THAW: Endpoint = Endpoint::new(
    "thawGuest",
    Post,
    "/api/v1/vms/{id}/guest/thaw",
    Requires(Operation::GuestThaw),
    "Let the guest's file systems go on",
)
.answers(200, Output::Json("GuestFrozen"))
.fails(&[404, 409, 503]);
/// Give space back.
pub const GUEST_TRIM: Endpoint = Endpoint::new(
    "trimGuest",
    Post,
    "/api/v1/vms/{id}/guest/trim",
    Requires(Operation::GuestTrim),
    "Give back what the guest's file systems do not use",
)
.answers(202, Output::Json("Task"))
.fails(&[404, 503]);
/// Set a password.
pub const GUEST_PASSWORD: Endpoint = Endpoint::new(
    "setGuestPassword",
    Post,
    "/api/v1/vms/{id}/guest/password",
    Requires(Operation::GuestPassword),
    "Set somebody's password in the guest",
)
.takes(Input::Json("GuestPassword"))
.answers(204, Output::Empty)
.fails(&[404, 409, 503]);
/// Set the clock.
pub const GUEST_TIME: Endpoint = Endpoint::new(
    "setGuestTime",
    Post,
    "/api/v1/vms/{id}/guest/time",
    Requires(Operation::GuestTime),
    "Set the guest's clock",
)
.takes(Input::Json("GuestTime"))
.answers(204, Output::Empty)
.fails(&[404, 409, 503]);
/// Shut down.
pub const GUEST_SHUTDOWN: Endpoint = Endpoint::new(
    "shutdownGuest",
    Post,
    "/api/v1/vms/{id}/guest/shutdown",
    Requires(Operation::GuestShutdown),
    "Have the guest's agent shut it down, where the power button does nothing",
)
.answers(202, Output::Json("Task"))
.fails(&[404, 503]);
/// Restart.
pub const GUEST_REBOOT: Endpoint = Endpoint::new(
    "rebootGuest",
    Post,
    "/api/v1/vms/{id}/guest/reboot",
    Requires(Operation::GuestReboot),
    "Have the guest's agent restart it",
)
.answers(202, Output::Json("Task"))
.fails(&[404, 503]);
