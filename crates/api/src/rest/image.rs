//! The image library: ISO files and disk images that VMs are made from.

use serde::{Deserialize, Serialize};

/// One file of the image library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Image {
    /// File name, unique in the library.
    pub name: String,
    /// Size of the file.
    pub size_bytes: u64,
    /// Size of the disk that it describes: that of the file, but for qcow2.
    pub virtual_bytes: u64,
    /// What its content says it is.
    pub format: ImageFormat,
}

/// Formats of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ImageFormat {
    /// Bytes of a disk as they are.
    Raw,
    /// QEMU's copy-on-write format.
    Qcow2,
    /// An optical disc.
    Iso,
}

impl From<qx_model::vm::Image> for Image {
    fn from(image: qx_model::vm::Image) -> Self {
        Self {
            name: image.name.into(),
            size_bytes: image.size_bytes,
            virtual_bytes: image.virtual_bytes,
            format: match image.format {
                qx_model::vm::ImageFormat::Raw => ImageFormat::Raw,
                qx_model::vm::ImageFormat::Qcow2 => ImageFormat::Qcow2,
                qx_model::vm::ImageFormat::Iso => ImageFormat::Iso,
            },
        }
    }
}

/// The image library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImagePage {
    /// Ordered by name.
    pub items: Vec<Image>,
}

/// Images of which a part has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageUploadPage {
    /// Ordered by name.
    pub items: Vec<ImageUpload>,
}

/// An upload that is under way, or broke off and can be gone on with for a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageUpload {
    /// What the image will be called.
    pub name: String,
    /// Bytes that are here: where to go on.
    pub received_bytes: u64,
    /// Bytes that the whole has.
    pub total_bytes: u64,
    /// How many of the last bytes that are here `tail_sha256` is of, at most 1 MiB.
    pub tail_bytes: u64,
    /// SHA-256 of them as lower-case hex: compare it with the same part of your file before you go on.
    pub tail_sha256: String,
    /// Somebody is sending it now.
    pub under_way: bool,
}
