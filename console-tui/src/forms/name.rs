//! The host's name.

use qx_host::config::HostName;

use super::{parsed, text};
use crate::shell::{Field, Form, Model, Problems};

/// Longest text that is taken; what is too long for a name is refused, not cut.
const LIMIT: usize = 80;

/// The only field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameKey;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(Form<NameKey>);

impl Name {
    /// With a name to begin with.
    #[must_use]
    pub fn new(name: &HostName) -> Self {
        let help = "What the network knows this host by, such as qx1 or qx1.example.org.";
        Self(Form::new(vec![Field::new(
            NameKey,
            "Host name",
            help,
            text(name, LIMIT),
        )]))
    }
}

impl Model for Name {
    type Key = NameKey;
    type Value = HostName;

    fn form(&self) -> &Form<NameKey> {
        &self.0
    }

    fn form_mut(&mut self) -> &mut Form<NameKey> {
        &mut self.0
    }

    fn value(&self) -> Result<HostName, Problems<NameKey>> {
        let mut problems = Vec::new();
        let name = parsed(NameKey, &self.0.text(NameKey), &mut problems);
        name.ok_or(problems)
    }
}
