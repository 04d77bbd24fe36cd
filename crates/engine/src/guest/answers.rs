//! What a guest's agent answers, as QEMU's guest agent protocol has it. The guest may be hostile: every answer has
//! its shape and its limits, and what does not fit is no answer. Fields that later agents may add are passed over.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qx_model::guest::{
    ExecStatus, FilePiece, GuestAddress, GuestFilesystem, GuestInterface, GuestOs, GuestUser,
    TimeZone, Trimmed,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Most items of a list.
const MOST: usize = 1000;
/// Most bytes of a name, a path or an address.
const LONGEST: usize = 1024;
/// Most characters of our own words about an answer.
const LONGEST_WORDS: usize = 200;

/// Why an answer is none.
pub(super) type Wrong = String;

#[derive(Deserialize)]
struct Reply<T> {
    r#return: T,
}

/// The `return` of an answer's document.
pub(super) fn parse<T: DeserializeOwned>(answer: &str) -> Result<T, Wrong> {
    // Nested no deeper than serde_json allows, which is 128.
    let reply: Reply<T> = serde_json::from_str(answer).map_err(|error| {
        let words = error.to_string();
        let shown = words.chars().map(|c| if c.is_control() { ' ' } else { c });
        shown.take(LONGEST_WORDS).collect::<String>()
    })?;
    Ok(reply.r#return)
}

fn text(text: String, what: &str) -> Result<String, Wrong> {
    match text.len() <= LONGEST {
        true => Ok(text),
        false => Err(format!("{what} of {} bytes", text.len())),
    }
}

fn texts(given: Option<String>, what: &str) -> Result<Option<String>, Wrong> {
    given.map(|given| text(given, what)).transpose()
}

fn list<T, U>(items: Vec<T>, each: impl FnMut(T) -> Result<U, Wrong>) -> Result<Vec<U>, Wrong> {
    if items.len() > MOST {
        return Err(format!("a list of {} items", items.len()));
    }
    items.into_iter().map(each).collect()
}

fn bytes(base64: Option<&str>) -> Result<Vec<u8>, Wrong> {
    let decoded = STANDARD.decode(base64.unwrap_or_default());
    decoded.map_err(|error| format!("bytes that are not Base64: {error}"))
}

/// `guest-info`.
#[derive(Deserialize)]
pub(super) struct Info {
    version: String,
    supported_commands: Vec<Command>,
}

#[derive(Deserialize)]
struct Command {
    name: String,
    enabled: bool,
}

impl Info {
    /// The version, and the names of commands that are not switched off.
    pub(super) fn read(self) -> Result<(String, Vec<String>), Wrong> {
        let enabled = self.supported_commands.into_iter();
        let enabled: Vec<Command> = enabled.filter(|one| one.enabled).collect();
        let commands = list(enabled, |one| text(one.name, "a command's name"))?;
        Ok((text(self.version, "a version")?, commands))
    }
}

/// `guest-get-host-name`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct HostName {
    host_name: String,
}

impl HostName {
    pub(super) fn read(self) -> Result<String, Wrong> {
        text(self.host_name, "a host name")
    }
}

/// `guest-get-osinfo`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Os {
    id: Option<String>,
    name: Option<String>,
    pretty_name: Option<String>,
    version_id: Option<String>,
    kernel_release: Option<String>,
    machine: Option<String>,
}

impl Os {
    pub(super) fn read(self) -> Result<GuestOs, Wrong> {
        let part = |given| texts(given, "a part of the system's name");
        Ok(GuestOs {
            id: part(self.id)?,
            name: part(self.name)?,
            pretty_name: part(self.pretty_name)?,
            version_id: part(self.version_id)?,
            kernel_release: part(self.kernel_release)?,
            machine: part(self.machine)?,
        })
    }
}

/// `guest-get-timezone`.
#[derive(Deserialize)]
pub(super) struct Zone {
    zone: Option<String>,
    offset: i32,
}

impl Zone {
    pub(super) fn read(self) -> Result<TimeZone, Wrong> {
        // No place on Earth is a day away.
        if self.offset.unsigned_abs() > 86_400 {
            return Err(format!("a time zone {} seconds from UTC", self.offset));
        }
        Ok(TimeZone {
            name: texts(self.zone, "a time zone's name")?,
            offset_s: self.offset,
        })
    }
}

/// An item of `guest-get-users`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct User {
    user: String,
    domain: Option<String>,
    /// Seconds since 1970, with a fraction.
    login_time: f64,
}

pub(super) fn users(users: Vec<User>) -> Result<Vec<GuestUser>, Wrong> {
    list(users, |one| {
        // Up to the year 9999.
        if !(0.0..=253_402_300_799.0).contains(&one.login_time) {
            return Err(format!("a log-in at {}", one.login_time));
        }
        #[expect(clippy::cast_possible_truncation, reason = "it was checked above")]
        let since_ms = (one.login_time * 1000.0) as i64;
        Ok(GuestUser {
            name: text(one.user, "a user's name")?,
            domain: texts(one.domain, "a user's domain")?,
            since_ms,
        })
    })
}

/// An item of `guest-network-get-interfaces`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Interface {
    name: String,
    hardware_address: Option<String>,
    #[serde(default)]
    ip_addresses: Vec<Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Address {
    ip_address: String,
    prefix: u8,
}

pub(super) fn interfaces(interfaces: Vec<Interface>) -> Result<Vec<GuestInterface>, Wrong> {
    list(interfaces, |one| {
        let addresses = list(one.ip_addresses, |address| {
            // Windows names the interface that a link-local address is of.
            let bare = address.ip_address.split('%').next().unwrap_or_default();
            let parsed: IpAddr = bare.parse().map_err(|_| "no IP address".to_owned())?;
            let longest = if parsed.is_ipv4() { 32 } else { 128 };
            if address.prefix > longest {
                return Err(format!("a network of {} bits", address.prefix));
            }
            Ok(GuestAddress {
                address: parsed,
                prefix: address.prefix,
            })
        })?;
        let mac = one.hardware_address.map(|mac| {
            let mac = mac.to_ascii_lowercase();
            let hex = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
            // Six pairs, or twenty over InfiniBand.
            match mac.len() <= 59 && mac.split(':').all(hex) {
                true => Ok(mac),
                false => Err("no hardware address".to_owned()),
            }
        });
        Ok(GuestInterface {
            name: text(one.name, "an interface's name")?,
            mac: mac.transpose()?,
            addresses,
        })
    })
}

/// An item of `guest-get-fsinfo`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Filesystem {
    name: String,
    mountpoint: String,
    r#type: String,
    used_bytes: Option<u64>,
    total_bytes: Option<u64>,
}

pub(super) fn filesystems(filesystems: Vec<Filesystem>) -> Result<Vec<GuestFilesystem>, Wrong> {
    list(filesystems, |one| {
        Ok(GuestFilesystem {
            name: text(one.name, "a device's name")?,
            mount_point: text(one.mountpoint, "a mount point")?,
            kind: text(one.r#type, "a kind of file system")?,
            used_bytes: one.used_bytes,
            total_bytes: one.total_bytes,
        })
    })
}

/// `guest-fstrim`.
#[derive(Deserialize)]
pub(super) struct Trim {
    paths: Vec<TrimmedPath>,
}

#[derive(Deserialize)]
struct TrimmedPath {
    path: String,
    trimmed: Option<u64>,
    error: Option<String>,
}

impl Trim {
    pub(super) fn read(self) -> Result<Vec<Trimmed>, Wrong> {
        list(self.paths, |one| {
            Ok(Trimmed {
                path: text(one.path, "a path")?,
                trimmed_bytes: one.trimmed,
                error: texts(one.error, "an error")?,
            })
        })
    }
}

/// `guest-exec`.
#[derive(Deserialize)]
pub(super) struct Started {
    pub(super) pid: i64,
}

/// `guest-exec-status`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Status {
    exited: bool,
    exitcode: Option<i64>,
    signal: Option<i64>,
    out_data: Option<String>,
    err_data: Option<String>,
    #[serde(default)]
    out_truncated: bool,
    #[serde(default)]
    err_truncated: bool,
}

impl Status {
    pub(super) fn read(self) -> Result<ExecStatus, Wrong> {
        Ok(ExecStatus {
            exited: self.exited,
            exit_code: self.exitcode,
            signal: self.signal,
            stdout: bytes(self.out_data.as_deref())?,
            stderr: bytes(self.err_data.as_deref())?,
            truncated: self.out_truncated || self.err_truncated,
        })
    }
}

/// `guest-file-read`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Piece {
    count: usize,
    buf_b64: String,
    eof: bool,
}

impl Piece {
    /// Of at most as many bytes as were asked for.
    pub(super) fn read(self, most: usize) -> Result<FilePiece, Wrong> {
        let data = bytes(Some(&self.buf_b64))?;
        if data.len() != self.count || data.len() > most {
            return Err(format!(
                "{} bytes of a file, said to be {}, where {most} were asked for",
                data.len(),
                self.count
            ));
        }
        Ok(FilePiece {
            data,
            eof: self.eof,
        })
    }
}

/// `guest-file-write`.
#[derive(Deserialize)]
pub(super) struct Written {
    pub(super) count: usize,
}

/// `guest-set-user-password` and others that have nothing to say.
#[derive(Deserialize)]
pub(super) struct Nothing {}

#[cfg(test)]
mod tests;
