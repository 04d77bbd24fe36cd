//! Endpoints of storage pools and volumes.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Input, Method, Output, Parameter, query};
use Access::Requires;
use Method::{Delete, Get, Patch, Post, Put};

/// Pools.
pub const POOL_LIST: Endpoint = Endpoint::new(
    "listPools",
    Get,
    "/api/v1/pools",
    Requires(Operation::PoolList),
    "Storage pools and the VMs that have disks in them, ordered by name",
)
.answers(200, Output::Json("PoolPage"))
.fails(&[503]);
/// Make a pool.
pub const POOL_CREATE: Endpoint = Endpoint::new(
    "createPool",
    Post,
    "/api/v1/pools",
    Requires(Operation::PoolCreate),
    "Make a storage pool; asking again with the same id and the same wish answers the one that is there",
)
.takes(Input::Json("PoolCreate"))
.answers(201, Output::Json("Pool"))
.fails(&[409, 503]);
/// Disks that could become pools.
pub const POOL_DISKS: Endpoint = Endpoint::new(
    "listPoolDisks",
    Get,
    "/api/v1/pools/disks",
    Requires(Operation::PoolDisks),
    "The host's disks and whether a storage pool can be made of each, ordered by name",
)
.answers(200, Output::Json("PoolDiskPage"));
/// Make a pool of a disk.
pub const POOL_FORMAT: Endpoint = Endpoint::new(
    "formatPool",
    Post,
    "/api/v1/pools/format",
    Requires(Operation::PoolFormat),
    "Format a whole disk of the host and make a storage pool of it; one with data is refused unless `wipe` is set",
)
.takes(Input::Json("PoolFormat"))
.answers(201, Output::Json("Pool"))
.or_task()
.fails(&[409, 503]);
/// One pool.
pub const POOL_GET: Endpoint = Endpoint::new(
    "getPool",
    Get,
    "/api/v1/pools/{id}",
    Requires(Operation::PoolGet),
    "One storage pool",
)
.answers(200, Output::Json("Pool"))
.fails(&[404, 503]);
/// Change a pool.
pub const POOL_PATCH: Endpoint = Endpoint::new(
    "patchPool",
    Patch,
    "/api/v1/pools/{id}",
    Requires(Operation::PoolEdit),
    "Change whether a storage pool starts with the host",
)
.takes(Input::Json("PoolPatch"))
.answers(200, Output::Json("Pool"))
.fails(&[404, 409, 503]);
/// Forget a pool.
pub const POOL_DELETE: Endpoint = Endpoint::new(
    "deletePool",
    Delete,
    "/api/v1/pools/{id}",
    Requires(Operation::PoolDelete),
    "Stop and forget a storage pool that no VM has a disk in; what is in it stays",
)
.answers(204, Output::Empty)
.fails(&[404, 409, 503]);
/// Make it active.
pub const POOL_START: Endpoint = Endpoint::new(
    "startPool",
    Post,
    "/api/v1/pools/{id}/start",
    Requires(Operation::PoolStart),
    "Make a storage pool active; fine if it is",
)
.answers(200, Output::Json("Pool"))
.fails(&[404, 409, 503]);
/// End its use.
pub const POOL_STOP: Endpoint = Endpoint::new(
    "stopPool",
    Post,
    "/api/v1/pools/{id}/stop",
    Requires(Operation::PoolStop),
    "End the use of a storage pool that no running VM has a disk in; fine if it is not active",
)
.answers(200, Output::Json("Pool"))
.fails(&[404, 409, 503]);
/// Look again.
pub const POOL_REFRESH: Endpoint = Endpoint::new(
    "refreshPool",
    Post,
    "/api/v1/pools/{id}/refresh",
    Requires(Operation::PoolRefresh),
    "Look at what is in a storage pool again: others may have put something there",
)
.answers(200, Output::Json("Pool"))
.fails(&[404, 409, 503]);
/// Volumes.
pub const VOLUME_LIST: Endpoint = Endpoint::new(
    "listVolumes",
    Get,
    "/api/v1/pools/{id}/volumes",
    Requires(Operation::VolumeList),
    "The volumes of an active storage pool and the VMs that have them, ordered by name",
)
.answers(200, Output::Json("VolumePage"))
.fails(&[404, 409, 503]);
/// Make a volume.
pub const VOLUME_CREATE: Endpoint = Endpoint::new(
    "createVolume",
    Post,
    "/api/v1/pools/{id}/volumes",
    Requires(Operation::VolumeCreate),
    "Make a volume: blank, a clone of another one (converted if need be), or of an image",
)
.takes(Input::Json("VolumeCreate"))
.answers(201, Output::Json("Volume"))
.or_task()
.fails(&[404, 409, 503, 507]);
/// One volume.
pub const VOLUME_GET: Endpoint = Endpoint::new(
    "getVolume",
    Get,
    "/api/v1/pools/{id}/volumes/{volume}",
    Requires(Operation::VolumeGet),
    "One volume",
)
.answers(200, Output::Json("Volume"))
.fails(&[404, 409, 503]);
/// Resize a volume.
pub const VOLUME_PATCH: Endpoint = Endpoint::new(
    "patchVolume",
    Patch,
    "/api/v1/pools/{id}/volumes/{volume}",
    Requires(Operation::VolumeResize),
    "Make a volume that no running VM has larger or, with `shrink`, smaller",
)
.takes(Input::Json("VolumePatch"))
.answers(200, Output::Json("Volume"))
.fails(&[404, 409, 503, 507]);
/// Remove a volume.
pub const VOLUME_DELETE: Endpoint = Endpoint::new(
    "deleteVolume",
    Delete,
    "/api/v1/pools/{id}/volumes/{volume}",
    Requires(Operation::VolumeDelete),
    "Remove a volume that no VM has, and what is in it",
)
.answers(204, Output::Empty)
.fails(&[404, 409, 503]);
/// A volume's bytes.
pub const VOLUME_DOWNLOAD: Endpoint = Endpoint::new(
    "downloadVolume",
    Get,
    "/api/v1/pools/{id}/volumes/{volume}/content",
    Requires(Operation::VolumeDownload),
    "The bytes of a volume that no running VM has, all or one range of them",
)
.query(&[Parameter {
    name: "Range",
    header: true,
    required: false,
    kind: "string",
    description: "One range of bytes, such as `bytes=0-1048575` (RFC 9110).",
}])
.answers(200, Output::Ranges)
.fails(&[404, 409, 416, 503]);
/// Make a volume of bytes.
pub const VOLUME_UPLOAD: Endpoint = Endpoint::new(
    "uploadVolume",
    Put,
    "/api/v1/pools/{id}/volumes/{volume}/content",
    Requires(Operation::VolumeUpload),
    "Make a volume of a file that is sent: qcow2, raw, VMDK, VDI or VHDX, converted if need be",
)
.query(&[
    query(
        "format",
        "string",
        "`qcow2` or `raw`; if not given, the file's own, and qcow2 for others' formats.",
    ),
    Parameter {
        name: "X-Checksum-SHA256",
        header: true,
        required: false,
        kind: "string",
        description: "SHA-256 of the body, hexadecimal: another content is refused.",
    },
])
.takes(Input::Bytes)
.answers(201, Output::Json("Volume"))
.fails(&[404, 409, 503, 507]);
