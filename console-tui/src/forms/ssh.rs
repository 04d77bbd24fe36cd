//! Remote shell access: whether it is on, and whose keys open it.

use qx_host::config::{Ssh, SshPublicKey};

use super::{parsed, text};
use crate::shell::{Field, Form, Input, Model, Problems};

/// As many as the configuration takes.
const MOST_KEYS: usize = 256;
/// As long as the configuration takes.
const LIMIT: usize = 4096;
const HELP: &str = "One public key, as in a .pub file: type, base64, comment. Pasting works on a serial line. \
                    An empty line is no key.";

/// The fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SshKey {
    /// On or off.
    Enabled,
    /// A key, counted from 0.
    Key(usize),
}

/// See the module. There is always one empty line for a further key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshForm {
    form: Form<SshKey>,
    lines: usize,
}

impl SshForm {
    /// With what is configured.
    #[must_use]
    pub fn new(ssh: &Ssh) -> Self {
        let enabled = Field::new(
            SshKey::Enabled,
            "SSH",
            "Space turns it on or off. With keys below, passwords are not taken; without, root's password is.",
            Input::Flag(ssh.enabled),
        );
        let mut model = Self {
            form: Form::new(vec![enabled]),
            lines: 0,
        };
        for key in &ssh.authorized_keys {
            model.line(key.as_str());
        }
        model.revise();
        model
    }

    fn line(&mut self, value: &str) {
        let label = format!("Key {}", self.lines + 1);
        let key = SshKey::Key(self.lines);
        self.form
            .push(Field::new(key, label, HELP, text(value, LIMIT)));
        self.lines += 1;
    }
}

impl Model for SshForm {
    type Key = SshKey;
    type Value = Ssh;

    fn form(&self) -> &Form<SshKey> {
        &self.form
    }

    fn form_mut(&mut self) -> &mut Form<SshKey> {
        &mut self.form
    }

    fn revise(&mut self) {
        let last = self.lines.checked_sub(1);
        let full = last.is_none_or(|last| !self.form.text(SshKey::Key(last)).is_empty());
        if full && self.lines < MOST_KEYS {
            self.line("");
        }
    }

    fn value(&self) -> Result<Ssh, Problems<SshKey>> {
        let mut problems = Vec::new();
        let keys = (0..self.lines).map(SshKey::Key);
        let typed = keys.map(|key| (key, self.form.text(key)));
        let authorized_keys: Vec<SshPublicKey> = typed
            .filter(|(_, line)| !line.is_empty())
            .filter_map(|(key, line)| parsed(key, &line, &mut problems))
            .collect();
        if problems.is_empty() {
            Ok(Ssh {
                enabled: self.form.flag(SshKey::Enabled),
                authorized_keys,
            })
        } else {
            Err(problems)
        }
    }
}
