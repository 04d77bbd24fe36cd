//! Changes to a VM as JSON.

use qx_model::edit::VmEdit;
use qx_model::vm::FieldError;
use serde::{Deserialize, Serialize};

use super::vm::parsed;

/// A change to a VM: what is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VmPatch {
    /// Another name, for a VM that is off: 1 to 63 letters, digits, `.`, `_` or `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Free text, at most 1024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// All tags, at most 32 of 1 to 32 letters, digits, `.`, `_` or `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// 1 to 512. A running VM gets them at once up to its `vcpus_max`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcpus: Option<u32>,
    /// How many vCPUs can be plugged in while it runs; raised to `vcpus` if that is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcpus_max: Option<u32>,
    /// 1 to 16,777,216. A running VM gets it after it was off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// `host` for all that the host's processor can do, or a model as QEMU calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_model: Option<String>,
    /// Targets of drives and MAC addresses of NICs; what is not named is not booted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_order: Option<Vec<String>>,
    /// `true` adds a TPM 2.0; a running VM has it after it was off. None is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm: Option<bool>,
    /// Whether it starts with the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autostart: Option<bool>,
    /// 0 to 9,999: the lowest starts first, VMs with the same number together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autostart_order: Option<u32>,
    /// 0 to 3,600 seconds after it before those with a higher number are started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autostart_delay_s: Option<u32>,
}

impl VmPatch {
    /// The change in the model's terms, else every refused name.
    ///
    /// # Errors
    /// Names that can't be ones; limits are checked where the VM is known.
    pub fn into_edit(self) -> Result<VmEdit, Vec<FieldError>> {
        let mut refused = Vec::new();
        let name = self
            .name
            .and_then(|name| parsed(name, "name".into(), &mut refused));
        let tags = self.tags.map(|tags| {
            let tags = tags.into_iter().enumerate();
            tags.filter_map(|(i, tag)| parsed(tag, format!("tags[{i}]"), &mut refused))
                .collect()
        });
        let cpu_model = self
            .cpu_model
            .and_then(|model| parsed(model, "cpu_model".into(), &mut refused));
        if !refused.is_empty() {
            return Err(refused);
        }
        Ok(VmEdit {
            name,
            description: self.description,
            tags,
            vcpus: self.vcpus,
            vcpus_max: self.vcpus_max,
            memory_mib: self.memory_mib,
            cpu_model,
            boot_order: self.boot_order,
            tpm: self.tpm,
            autostart: self.autostart,
            autostart_order: self.autostart_order,
            autostart_delay_s: self.autostart_delay_s,
        })
    }
}
