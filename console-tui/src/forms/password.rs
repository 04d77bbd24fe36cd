//! A new password of root, entered twice.

use std::fmt;

use qx_host::accounts::check_password;

use crate::shell::{Field, Form, Input, Model, Problems, Text};

/// Longest that can be set, in characters; also what a field takes at most.
const LIMIT: usize = 256;
/// From here on length alone makes a password good.
const GOOD_LENGTH: usize = 16;
/// Below this no mixture of characters makes it good.
const FAIR_LENGTH: usize = 12;

/// A password that somebody has typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The password itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// The fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PasswordKey {
    /// The password.
    First,
    /// The same again.
    Second,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPassword(Form<PasswordKey>);

impl Default for NewPassword {
    fn default() -> Self {
        let secret = || Input::Secret(Text::new("", LIMIT));
        Self(Form::new(vec![
            Field::new(
                PasswordKey::First,
                "New password of root",
                "At least 8 characters. It opens the console, the web UI and, where it is on, SSH.",
                secret(),
            ),
            Field::new(
                PasswordKey::Second,
                "The same again",
                "Once more, so that a slip of the finger does not lock you out.",
                secret(),
            ),
        ]))
    }
}

impl NewPassword {
    /// How good the password is, in words; nothing while there is none.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        let password = self.0.text(PasswordKey::First);
        (!password.is_empty()).then(|| strength(&password))
    }
}

impl Model for NewPassword {
    type Key = PasswordKey;
    type Value = Password;

    fn form(&self) -> &Form<PasswordKey> {
        &self.0
    }

    fn form_mut(&mut self) -> &mut Form<PasswordKey> {
        &mut self.0
    }

    fn value(&self) -> Result<Password, Problems<PasswordKey>> {
        let first = self.0.text(PasswordKey::First);
        if let Err(reason) = check_password(&first) {
            return Err(vec![(PasswordKey::First, reason.to_string())]);
        }
        if first != self.0.text(PasswordKey::Second) {
            let reason = "is not the same as the first one".to_owned();
            return Err(vec![(PasswordKey::Second, reason)]);
        }
        Ok(Password(first))
    }
}

/// How hard a password is to guess, by its length, its kinds of characters and how many differ: a hint, not a
/// rule.
#[must_use]
pub fn strength(password: &str) -> &'static str {
    let length = password.chars().count();
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_lowercase(),
        |c| c.is_uppercase(),
        |c| c.is_numeric(),
        |c| !c.is_alphanumeric(),
    ];
    let kinds = kinds.iter().filter(|kind| password.chars().any(**kind));
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    match (length, kinds.count(), different.len()) {
        (0..8, _, _) => "Too short: at least 8 characters are needed.",
        (_, _, 0..5) => "Weak: few different characters.",
        (GOOD_LENGTH.., _, 8..) | (FAIR_LENGTH.., 3.., 8..) => "Good.",
        (FAIR_LENGTH.., _, _) | (_, 3.., _) => {
            "Fair: longer is better; several words are easy to remember."
        }
        _ => "Weak: longer is better; several words are easy to remember.",
    }
}
