//! A clone of a VM as JSON.

use qx_model::clone as model;
use qx_model::vm::{FieldError, VmId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A VM to be made like another one, which must be off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VmClone {
    /// Chosen by the client, so that asking twice makes one VM; the host chooses when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Unique on its host: 1 to 63 letters, digits, `.`, `_` or `-`, the first a letter or a digit.
    pub name: String,
    /// Free text, at most 1024 characters; the other VM's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl VmClone {
    /// The wish in the model's terms, with `id` for one that names none; else every refused field.
    ///
    /// # Errors
    /// All broken rules at once.
    pub fn into_wish(self, id: Uuid) -> Result<model::VmClone, Vec<FieldError>> {
        let refused = |error| vec![FieldError::new("name", format!("{error}"))];
        let name = self.name.parse();
        let wish = model::VmClone {
            id: VmId(self.id.unwrap_or(id)),
            name: name.map_err(|error: qx_model::name::NameError| refused(error))?,
            description: self.description,
        };
        let broken = wish.check();
        if broken.is_empty() {
            Ok(wish)
        } else {
            Err(broken)
        }
    }
}
