//! What the agent in a guest tells and is asked to do. What it tells is the guest's word. Bytes are Base64 (RFC 4648).

use jiff::Timestamp;
use qx_model::guest as model;
use serde::{Deserialize, Serialize};

/// The guest, in its own words. What its agent can't tell is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestInfo {
    /// Version of the agent.
    pub agent_version: String,
    /// The agent's commands that are not switched off.
    pub commands: Vec<String>,
    /// Host name.
    pub hostname: Option<String>,
    /// Operating system.
    pub os: Option<GuestOs>,
    /// Time zone.
    pub time_zone: Option<GuestTimeZone>,
    /// Its clock.
    pub time: Option<Timestamp>,
    /// Who is logged in.
    pub users: Option<Vec<GuestUser>>,
    /// Its file systems are frozen.
    pub frozen: Option<bool>,
}

/// A guest's operating system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestTimeZone {
    /// Such as `CET`.
    pub name: Option<String>,
    /// Seconds east of UTC.
    pub offset_s: i32,
}

/// Somebody who is logged in to a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestUser {
    /// Name.
    pub name: String,
    /// Windows domain.
    pub domain: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// A guest's network interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestAddresses {
    /// In the guest's order.
    pub items: Vec<GuestInterface>,
}

/// A network interface of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestInterface {
    /// Such as `eth0`.
    pub name: String,
    /// MAC address, lower case, colons.
    pub mac: Option<String>,
    /// Such as `192.0.2.7/24`.
    pub addresses: Vec<String>,
}

/// A guest's mounted file systems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestFilesystems {
    /// In the guest's order.
    pub items: Vec<GuestFilesystem>,
}

/// A mounted file system of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestFilesystem {
    /// Device, such as `vda1`.
    pub name: String,
    /// Where it is.
    pub mount_point: String,
    /// Such as `ext4`.
    pub r#type: String,
    /// Bytes in use.
    pub used_bytes: Option<u64>,
    /// Bytes of it.
    pub total_bytes: Option<u64>,
}

/// A command to run in a guest. No shell reads it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GuestExec {
    /// The program: a path, or a name that the guest finds.
    pub path: String,
    /// Its arguments; at most 256.
    #[serde(default)]
    pub args: Vec<String>,
    /// Its variables, each `NAME=VALUE`, in the place of the agent's own.
    #[serde(default)]
    pub env: Vec<String>,
    /// What it reads: at most 262144 bytes, in Base64.
    #[serde(default, with = "base64_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Byte))]
    pub input: Vec<u8>,
}

impl From<GuestExec> for model::ExecSpec {
    fn from(exec: GuestExec) -> Self {
        Self {
            path: exec.path,
            args: exec.args,
            env: exec.env,
            input: exec.input,
        }
    }
}

/// A command that runs in a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestExecStarted {
    /// The guest's number of it.
    pub pid: u64,
}

/// How far a command is. Its output is told once: with its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestExecStatus {
    /// It has ended.
    pub exited: bool,
    /// What it ended with.
    pub exit_code: Option<i64>,
    /// The signal, or on Windows the exception, that ended it.
    pub signal: Option<i64>,
    /// Standard output, in Base64.
    #[serde(with = "base64_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Byte))]
    pub stdout: Vec<u8>,
    /// Standard error, in Base64.
    #[serde(with = "base64_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Byte))]
    pub stderr: Vec<u8>,
    /// It wrote more than the agent keeps.
    pub truncated: bool,
}

impl From<model::ExecStatus> for GuestExecStatus {
    fn from(status: model::ExecStatus) -> Self {
        Self {
            exited: status.exited,
            exit_code: status.exit_code,
            signal: status.signal,
            stdout: status.stdout,
            stderr: status.stderr,
            truncated: status.truncated,
        }
    }
}

/// A piece of a file in a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestFilePiece {
    /// Its bytes, in Base64.
    #[serde(with = "base64_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Byte))]
    pub data: Vec<u8>,
    /// The file ends with it.
    pub eof: bool,
}

/// What to write to a file in a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GuestFileWrite {
    /// The file, made if it is not there.
    pub path: String,
    /// At most 262144 bytes, in Base64.
    #[serde(with = "base64_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Byte))]
    pub data: Vec<u8>,
    /// After what is there, instead of in its place.
    #[serde(default)]
    pub append: bool,
}

/// Which file systems to hold still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GuestFreeze {
    /// Where they are mounted; at most 64. All of them if none is given.
    #[serde(default)]
    pub mount_points: Vec<String>,
}

/// How many file systems were frozen or thawed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestFrozen {
    /// The number of file systems.
    pub filesystems: u64,
}

/// A password to set in a guest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GuestPassword {
    /// Whose.
    pub username: String,
    /// The password, or its hash: 1 to 1024 bytes.
    pub password: String,
    /// It is a hash, as `crypt` makes.
    #[serde(default)]
    pub crypted: bool,
}

impl From<GuestPassword> for model::PasswordSpec {
    fn from(wish: GuestPassword) -> Self {
        Self {
            username: wish.username,
            password: wish.password,
            crypted: wish.crypted,
        }
    }
}

/// What a guest's clock is to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GuestTime {
    /// The time; the host's if not given.
    #[serde(default)]
    pub time: Option<Timestamp>,
}

impl From<model::GuestInfo> for GuestInfo {
    fn from(info: model::GuestInfo) -> Self {
        let users = info.users.map(|users| users.into_iter().map(Into::into));
        Self {
            agent_version: info.agent_version,
            commands: info.commands,
            hostname: info.hostname,
            os: info.os.map(|os| GuestOs {
                id: os.id,
                name: os.name,
                pretty_name: os.pretty_name,
                version_id: os.version_id,
                kernel_release: os.kernel_release,
                machine: os.machine,
            }),
            time_zone: info.time_zone.map(|zone| GuestTimeZone {
                name: zone.name,
                offset_s: zone.offset_s,
            }),
            time: info
                .time_ns
                .and_then(|time| Timestamp::from_nanosecond(time.into()).ok()),
            users: users.map(Iterator::collect),
            frozen: info.frozen,
        }
    }
}

impl From<model::GuestUser> for GuestUser {
    fn from(user: model::GuestUser) -> Self {
        Self {
            name: user.name,
            domain: user.domain,
            since: Timestamp::from_millisecond(user.since_ms).unwrap_or_default(),
        }
    }
}

impl From<model::GuestInterface> for GuestInterface {
    fn from(interface: model::GuestInterface) -> Self {
        let addresses = interface.addresses.into_iter();
        Self {
            name: interface.name,
            mac: interface.mac,
            addresses: addresses
                .map(|one| format!("{}/{}", one.address, one.prefix))
                .collect(),
        }
    }
}

impl From<model::GuestFilesystem> for GuestFilesystem {
    fn from(filesystem: model::GuestFilesystem) -> Self {
        Self {
            name: filesystem.name,
            mount_point: filesystem.mount_point,
            r#type: filesystem.kind,
            used_bytes: filesystem.used_bytes,
            total_bytes: filesystem.total_bytes,
        }
    }
}

/// Bytes as Base64 with padding.
mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let decoded = STANDARD.decode(text);
        decoded.map_err(|error| de::Error::custom(format!("not Base64: {error}")))
    }
}
