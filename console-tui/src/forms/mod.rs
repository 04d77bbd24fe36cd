//! The forms: each a pure model of what is entered and of what that means to `qx_host::config`. The
//! installation and the customise menu share them. Knows no screen.

mod layout;
mod name;
mod network;
mod password;
mod ssh;
mod time;

pub use layout::{Layout, LayoutKey};
pub use name::{Name, NameKey};
pub use network::{Network, NetworkKey, NetworkValue};
pub use password::{NewPassword, Password, PasswordKey, strength};
pub use ssh::{SshForm, SshKey};
pub use time::{Time, TimeKey, TimeValue};

use std::str::FromStr;

use crate::shell::{Input, Problems, Text};

/// A line of text with what it holds at first.
fn text(value: impl ToString, limit: usize) -> Input {
    Input::Text(Text::new(&value.to_string(), limit))
}

/// The value that a text stands for; a problem of its field if it stands for none.
fn parsed<K, T>(key: K, text: &str, problems: &mut Problems<K>) -> Option<T>
where
    T: FromStr,
    T::Err: ToString,
{
    let value = text.parse();
    value
        .map_err(|error: T::Err| problems.push((key, error.to_string())))
        .ok()
}

/// The values of a list that blanks or commas separate, at most `most`.
fn list<K: Copy, T>(key: K, text: &str, most: usize, problems: &mut Problems<K>) -> Vec<T>
where
    T: FromStr,
    T::Err: ToString,
{
    let words = text
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>();
    if words.len() > most {
        problems.push((key, format!("must be at most {most}")));
        return Vec::new();
    }
    let mut values = Vec::new();
    for word in words {
        match word.parse() {
            Ok(value) => values.push(value),
            Err(error) => {
                let word: String = word.chars().take(40).collect();
                let error: T::Err = error;
                problems.push((key, format!("{word}: {}", error.to_string())));
            }
        }
    }
    values
}

/// Items as the text that [`list`] reads.
fn joined(items: &[impl ToString]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}
