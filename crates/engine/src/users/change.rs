//! What is asked to be changed of a user.

use qx_model::access::Role;
use qx_model::name::UserName;

/// What is to change of a user; `None` stays.
#[derive(Default)]
pub struct Change {
    /// Another role.
    pub role: Option<Role>,
    /// Disable or enable.
    pub disabled: Option<bool>,
    /// Another password.
    pub password: Option<String>,
}

impl Change {
    /// For the audit log; never the password.
    pub(super) fn of(&self, name: &UserName) -> String {
        let role = self.role.map(|role| format!(", role {}", role.name()));
        let state = self.disabled.map(|disabled| match disabled {
            true => ", disable",
            false => ", enable",
        });
        let password = self.password.as_ref().map(|_| ", password");
        format!(
            "change {name}{}{}{}",
            role.unwrap_or_default(),
            state.unwrap_or_default(),
            password.unwrap_or_default()
        )
    }
}
