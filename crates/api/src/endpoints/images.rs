//! Endpoints of the image library.

use qx_model::access::Operation;

use super::endpoint::{Access, Endpoint, Input, Method, Output, Parameter};
use Access::Requires;
use Method::{Delete, Get, Put};

/// Image library.
pub const IMAGE_LIST: Endpoint = Endpoint::new(
    "listImages",
    Get,
    "/api/v1/images",
    Requires(Operation::ImageList),
    "The image library, ordered by name",
)
.answers(200, Output::Json("ImagePage"));
/// Add an image.
pub const IMAGE_UPLOAD: Endpoint = Endpoint::new(
    "uploadImage",
    Put,
    "/api/v1/images/{name}",
    Requires(Operation::ImageUpload),
    "Add a file to the image library; it appears when it is complete",
)
.query(&[
    Parameter {
        name: "X-Checksum-SHA256",
        header: true,
        required: false,
        kind: "string",
        description: "SHA-256 of the whole file as hex; a file that differs is refused.",
    },
    Parameter {
        name: "Upload-Offset",
        header: true,
        required: false,
        kind: "integer",
        description: "Go on with an upload that broke off: `received_bytes` of `GET /api/v1/image-uploads`, the body \
                      being the rest of the file.",
    },
])
.takes(Input::Bytes)
.answers(201, Output::Json("Image"))
.fails(&[409, 507]);
/// Uploads that can be gone on with.
pub const IMAGE_UPLOAD_LIST: Endpoint = Endpoint::new(
    "listImageUploads",
    Get,
    "/api/v1/image-uploads",
    Requires(Operation::ImageList),
    "Uploads of images that are under way, or broke off: a part of known length is kept for a day",
)
.answers(200, Output::Json("ImageUploadPage"));
/// Give one up.
pub const IMAGE_UPLOAD_DELETE: Endpoint = Endpoint::new(
    "deleteImageUpload",
    Delete,
    "/api/v1/image-uploads/{name}",
    Requires(Operation::ImageUpload),
    "Give up an upload that broke off",
)
.answers(204, Output::Empty)
.fails(&[404, 409]);
/// Remove an image.
pub const IMAGE_DELETE: Endpoint = Endpoint::new(
    "deleteImage",
    Delete,
    "/api/v1/images/{name}",
    Requires(Operation::ImageDelete),
    "Remove a file from the image library",
)
.answers(204, Output::Empty)
.fails(&[404, 409]);
