//! Endpoints of users, and of one's own password.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Input, Method, Output, Parameter};
use super::{CURSOR, LIMIT};
use Access::Requires;
use Method::{Delete, Get, Patch, Post};

/// All users.
pub const USER_LIST: Endpoint = Endpoint::new(
    "listUsers",
    Get,
    "/api/v1/users",
    Requires(Operation::UserManage),
    "Users, by name; root is not among them",
)
.query(&[LIMIT, CURSOR])
.answers(200, Output::Json("UserPage"));
/// Make a user.
pub const USER_CREATE: Endpoint = Endpoint::new(
    "createUser",
    Post,
    "/api/v1/users",
    Requires(Operation::UserManage),
    "Make a user",
)
.takes(Input::Json("UserCreate"))
.answers(201, Output::Json("User"))
.fails(&[409]);
/// One user.
pub const USER_GET: Endpoint = Endpoint::new(
    "getUser",
    Get,
    "/api/v1/users/{name}",
    Requires(Operation::UserManage),
    "One user",
)
.answers(200, Output::Json("User"))
.fails(&[404]);
/// Change a user.
pub const USER_PATCH: Endpoint = Endpoint::new(
    "patchUser",
    Patch,
    "/api/v1/users/{name}",
    Requires(Operation::UserManage),
    "Change a user's role, state or password; their sessions end",
)
.query(&[Parameter {
    name: "If-Match",
    header: true,
    required: false,
    kind: "string",
    description: "The user's `ETag`: one who was changed since then is not changed.",
}])
.takes(Input::Json("UserPatch"))
.answers(200, Output::Json("User"))
.fails(&[404, 409, 412]);
/// Remove a user.
pub const USER_DELETE: Endpoint = Endpoint::new(
    "deleteUser",
    Delete,
    "/api/v1/users/{name}",
    Requires(Operation::UserManage),
    "Remove a user, their sessions and the tokens they made",
)
.answers(204, Output::Empty)
.fails(&[404, 409]);
/// Change one's own password.
pub const PASSWORD_CHANGE: Endpoint = Endpoint::new(
    "changePassword",
    Post,
    "/api/v1/session/password",
    Requires(Operation::PasswordChange),
    "Change one's own password; one's other sessions end",
)
.takes(Input::Json("PasswordChange"))
.answers(204, Output::Empty)
.fails(&[409, 429, 503]);
