//! What the agent in a guest can tell and be asked to do. Pure. What it tells is the guest's word: true if the
//! guest is.

use std::net::IpAddr;

use crate::vm::FieldError;

/// Most bytes of a file in one piece, and of what a command reads.
pub const LARGEST_PIECE: usize = 256 << 10;
/// Most arguments, and most variables, of a command.
const MOST_ARGUMENTS: usize = 256;
/// Most bytes of a path, an argument or a variable.
const LONGEST_TEXT: usize = 4096;
/// Most bytes of a password.
const LONGEST_PASSWORD: usize = 1024;
/// Most mount points in one wish.
const MOST_MOUNT_POINTS: usize = 64;

/// The guest, in its own words. What its agent can't tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestInfo {
    /// Version of the agent.
    pub agent_version: String,
    /// Names of the agent's commands that are not switched off.
    pub commands: Vec<String>,
    /// Host name.
    pub hostname: Option<String>,
    /// Operating system.
    pub os: Option<GuestOs>,
    /// Time zone.
    pub time_zone: Option<TimeZone>,
    /// Its clock, in nanoseconds since 1970.
    pub time_ns: Option<i64>,
    /// Who is logged in.
    pub users: Option<Vec<GuestUser>>,
    /// Its file systems are frozen.
    pub frozen: Option<bool>,
}

/// A guest's operating system, as its `os-release` has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestOs {
    /// Such as `debian`, `mswindows`.
    pub id: Option<String>,
    /// Such as `Debian GNU/Linux`.
    pub name: Option<String>,
    /// Such as `Debian GNU/Linux 13 (trixie)`.
    pub pretty_name: Option<String>,
    /// Such as `13`.
    pub version_id: Option<String>,
    /// Release of the kernel.
    pub kernel_release: Option<String>,
    /// Such as `x86_64`.
    pub machine: Option<String>,
}

/// A guest's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZone {
    /// Such as `CET`.
    pub name: Option<String>,
    /// Seconds east of UTC.
    pub offset_s: i32,
}

/// Somebody who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestUser {
    /// Name.
    pub name: String,
    /// Windows domain.
    pub domain: Option<String>,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
}

/// A guest's network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestInterface {
    /// Such as `eth0`.
    pub name: String,
    /// MAC address, lower case, colons.
    pub mac: Option<String>,
    /// Its addresses.
    pub addresses: Vec<GuestAddress>,
}

/// An address of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestAddress {
    /// The address.
    pub address: IpAddr,
    /// Bits of the network.
    pub prefix: u8,
}

/// A mounted file system of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestFilesystem {
    /// Device, such as `vda1`.
    pub name: String,
    /// Where it is.
    pub mount_point: String,
    /// Such as `ext4`.
    pub kind: String,
    /// Bytes in use.
    pub used_bytes: Option<u64>,
    /// Bytes of it.
    pub total_bytes: Option<u64>,
}

/// What became of trimming one file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trimmed {
    /// Where it is.
    pub path: String,
    /// Bytes given back.
    pub trimmed_bytes: Option<u64>,
    /// Why it was not.
    pub error: Option<String>,
}

/// A command to run in a guest. No shell reads it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ExecSpec {
    /// The program.
    pub path: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its variables, `NAME=VALUE`; those of the agent if there are none.
    pub env: Vec<String>,
    /// What it reads.
    pub input: Vec<u8>,
}

/// How far a command is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecStatus {
    /// It has ended.
    pub exited: bool,
    /// What it ended with.
    pub exit_code: Option<i64>,
    /// What ended it: a signal, or an exception on Windows.
    pub signal: Option<i64>,
    /// What it wrote to standard output, once it has ended.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// It wrote more than the agent keeps.
    pub truncated: bool,
}

/// A piece of a file in a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePiece {
    /// Its bytes.
    pub data: Vec<u8>,
    /// The file ends with it.
    pub eof: bool,
}

/// A password to set. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordSpec {
    /// Whose.
    pub username: String,
    /// The password, or its hash.
    pub password: String,
    /// It is a hash, as `crypt` makes.
    pub crypted: bool,
}

/// What is wrong with a path in a guest.
pub fn check_path(path: &str, found: &mut Vec<FieldError>) {
    check_text(path, "path", found);
    if path.is_empty() {
        found.push(FieldError::new("path", "is required"));
    }
}

/// What is wrong with one piece of a file, or with what a command reads.
pub fn check_piece(length: usize, field: &str, found: &mut Vec<FieldError>) {
    if length > LARGEST_PIECE {
        let reason = format!("must have at most {LARGEST_PIECE} bytes");
        found.push(FieldError::new(field, reason));
    }
}

/// What is wrong with a list of mount points.
#[must_use]
pub fn check_mount_points(points: &[String]) -> Vec<FieldError> {
    let mut found = Vec::new();
    if points.len() > MOST_MOUNT_POINTS {
        let reason = format!("must be at most {MOST_MOUNT_POINTS}");
        found.push(FieldError::new("mount_points", reason));
    }
    for (i, point) in points.iter().enumerate() {
        check_text(point, &format!("mount_points[{i}]"), &mut found);
    }
    found
}

fn check_text(text: &str, field: &str, found: &mut Vec<FieldError>) {
    if text.len() > LONGEST_TEXT {
        let reason = format!("must have at most {LONGEST_TEXT} bytes");
        found.push(FieldError::new(field, reason));
    } else if text.contains('\0') {
        found.push(FieldError::new(field, "must not contain a zero byte"));
    }
}

impl ExecSpec {
    /// Which rules it breaks.
    #[must_use]
    pub fn check(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_path(&self.path, &mut found);
        for (field, texts) in [("args", &self.args), ("env", &self.env)] {
            if texts.len() > MOST_ARGUMENTS {
                let reason = format!("must be at most {MOST_ARGUMENTS}");
                found.push(FieldError::new(field, reason));
            }
            for (i, text) in texts.iter().enumerate() {
                check_text(text, &format!("{field}[{i}]"), &mut found);
            }
        }
        for (i, variable) in self.env.iter().enumerate() {
            if variable.find('=').is_none_or(|at| at == 0) {
                let reason = "must be NAME=VALUE";
                found.push(FieldError::new(format!("env[{i}]"), reason));
            }
        }
        check_piece(self.input.len(), "input", &mut found);
        found
    }
}

impl PasswordSpec {
    /// Which rules it breaks.
    #[must_use]
    pub fn check(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_text(&self.username, "username", &mut found);
        if self.username.is_empty() {
            found.push(FieldError::new("username", "is required"));
        }
        if self.password.is_empty() || self.password.len() > LONGEST_PASSWORD {
            let reason = format!("must have 1 to {LONGEST_PASSWORD} bytes");
            found.push(FieldError::new("password", reason));
        } else if self.password.contains(['\0', '\n', '\r']) {
            let reason = "must not contain a line break or a zero byte";
            found.push(FieldError::new("password", reason));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_breaks_rules_by_name() {
        let spec = ExecSpec {
            path: String::new(),
            args: vec!["a\0b".into()],
            env: vec!["=x".into(), "A=".into()],
            input: vec![0; LARGEST_PIECE + 1],
        };
        let fields: Vec<String> = spec.check().into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["path", "args[0]", "env[0]", "input"]);
    }

    #[test]
    fn a_password_cannot_become_a_second_line() {
        let spec = PasswordSpec {
            username: "root".into(),
            password: "a\nroot:b".into(),
            crypted: false,
        };
        assert_eq!(spec.check().len(), 1);
    }
}
