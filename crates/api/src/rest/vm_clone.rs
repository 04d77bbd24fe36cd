//! A clone of a VM as JSON.

use qx_model::clone as model;
use qx_model::vm::{FieldError, VmId, check_description};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::vm::parsed;

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
        let mut refused = Vec::new();
        let description = self.description.as_deref().unwrap_or_default();
        check_description(description, &mut refused);
        let name = parsed(self.name, "name".into(), &mut refused);
        let Some(name) = name.filter(|_| refused.is_empty()) else {
            return Err(refused);
        };
        Ok(model::VmClone {
            id: VmId(self.id.unwrap_or(id)),
            name,
            description: self.description,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_rule_is_told_at_once() {
        let wish = VmClone {
            id: None,
            name: "no spaces".into(),
            description: Some("x".repeat(1025)),
        };
        let refused = wish.into_wish(Uuid::new_v4()).unwrap_err();
        let fields: Vec<&str> = refused.iter().map(|error| &*error.field).collect();
        assert_eq!(fields, ["description", "name"]);
    }
}
